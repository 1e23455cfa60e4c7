"""Feature vectors of the clips of videos, in memory or in a memory-mapped file."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from graphvid._checks import check_integer, node_ids
from graphvid._files import atomic_folder, read_npy, read_npz
from graphvid.data._files import as_path, with_path
from graphvid.data._id_spelling import show
from graphvid.data._ids import from_stored, look_up, to_stored, unique_index

_CHUNK_VALUES = 2**20  # read, checked or written at once
_FEATURES, _IDS = "features.npy", "ids.npy"


@dataclass(frozen=True, eq=False)
class ClipFeatures:
    """One feature vector for each clip of every video; all videos have the same number of clips.

    Parameters
    ----------
    ids : pandas.Index, shape (num_videos,)
        Original id of every video; anything iterable is taken.
    array : ndarray, shape (num_videos, num_clips, dim)
        Clip ``i`` of a video covers ``[i, i + 1) / num_clips`` of its duration. float16 and float32 stay unchanged,
        memory-mapped ones on disk; other real dtypes become float32 in memory.

    Raises
    ------
    TypeError
        A dtype that is not real numbers.
    ValueError
        Duplicate ids, an array that is not three-dimensional or has an empty dimension, another number of rows than ids, or
        a value that is NaN, infinite or too large for float32 (with id, clip and column).

    Notes
    -----
    The constructor reads every value once to check that it is finite: O(num_videos num_clips dim) time, O(1) memory.

    Examples
    --------
    >>> import numpy as np
    >>> clips = ClipFeatures(["a", "b"], np.arange(8).reshape(2, 4, 1))
    >>> clips.pool(2).take([1, 0]).squeeze(-1)
    array([[4.5, 6.5],
           [0.5, 2.5]], dtype=float32)
    """

    ids: pd.Index
    array: NDArray[np.floating]

    def __post_init__(self) -> None:
        object.__setattr__(self, "ids", unique_index(self.ids, "ids"))
        object.__setattr__(self, "array", _validated(self.array, self.ids))

    @property
    def num_videos(self) -> int:
        """Number of videos."""
        return int(self.array.shape[0])

    @property
    def num_clips(self) -> int:
        """Number of clips of every video, N_c."""
        return int(self.array.shape[1])

    @property
    def dim(self) -> int:
        """Number of columns of a clip's vector."""
        return int(self.array.shape[2])

    @classmethod
    def open(cls, path: str | Path) -> ClipFeatures:
        """Return the clip features in a file or folder.

        Parameters
        ----------
        path : str or pathlib.Path
            - a folder written by `save`: memory-mapped, only the rows of `take` go into memory;
            - ``.npy``: one array of shape (num_videos, num_clips, dim), memory-mapped; the ids are 0 to num_videos - 1;
            - ``.npz``: the arrays ``features``, of that shape, and ``ids``; read into memory.

        Raises
        ------
        FileNotFoundError
            There is no such file or folder, or the folder lacks a file.
        TypeError, ValueError
            Another suffix, a corrupt or truncated file, arrays of Python objects (never unpickled), and all that
            `ClipFeatures` raises; names the file.
        """
        path = as_path(path)
        if not path.is_dir() and path.suffix not in (".npy", ".npz"):
            if not path.exists():
                raise FileNotFoundError(f"{path} not found: expected clip features in a folder, .npy or .npz")
            raise ValueError(f"path must be a folder or end in .npy or .npz, got {path.name!r}")
        if path.is_dir():
            ids, array = read_npy(path / _IDS), read_npy(path / _FEATURES, mmap=True)
        elif path.suffix == ".npy":
            array = read_npy(path, mmap=True)
            ids = np.arange(array.shape[0] if array.ndim and array.size else 0)
        else:
            arrays = read_npz(path, ("ids", "features"))
            ids, array = arrays["ids"], arrays["features"]
        try:
            return cls(from_stored(ids), array)
        except (TypeError, ValueError) as error:
            raise with_path(error, path) from None

    def save(self, path: str | Path) -> None:
        """Write a folder that `open` maps, with ``features.npy`` and ``ids.npy``, completely or not at all.

        The dtype stays. The values go through memory in pieces of a few megabytes.

        Raises
        ------
        FileExistsError
            A file or folder of this name exists.
        TypeError
            Ids that are neither all integers nor all text.
        """
        path, ids = as_path(path), to_stored(self.ids)
        with atomic_folder(path) as temporary:
            _write(temporary / _IDS, ids)
            _write(temporary / _FEATURES, self.array)

    def take(self, rows: ArrayLike) -> NDArray[np.float32]:
        """Return the vectors of some videos in float32.

        Parameters
        ----------
        rows : array_like of int, shape (num_rows,)
            Rows in [0, num_videos), in any order, also repeated.

        Returns
        -------
        ndarray of float32, shape (num_rows, num_clips, dim)
            Always a copy.
        """
        return self.array[node_ids("rows", rows, self.num_videos, "(num_rows,)")].astype(np.float32, copy=False)

    def pool(self, num_clips: int) -> ClipFeatures:
        """Return coarser clips: each vector is the mean of equally many consecutive ones, float32 in memory.

        Parameters
        ----------
        num_clips : int
            New number of clips of a video; must divide the current number. 1 gives one vector for each video.

        Notes
        -----
        Sums are in float64. O(num_videos num_clips dim) time; memory is that of the result.
        """
        check_integer("num_clips", num_clips, 1)
        if self.num_clips % num_clips:
            raise ValueError(f"num_clips must divide the {self.num_clips} of the clip features, got {num_clips}")
        shape = (-1, num_clips, self.num_clips // num_clips, self.dim)
        pooled = np.empty((self.num_videos, num_clips, self.dim), dtype=np.float32)
        for part in _chunks(self.array):
            pooled[part] = self.array[part].reshape(shape).mean(axis=2, dtype=np.float64)
        return ClipFeatures(self.ids, pooled)

    def align(self, ids: Iterable[Any]) -> ClipFeatures:
        """Return the features with one row for every id given, in that order.

        The result is in memory; only for exactly the ids of these features it is the object itself.

        Raises
        ------
        ValueError
            Ids without clips; names some.
        """
        index = unique_index(ids, "ids")
        if index.equals(self.ids):
            return self
        return ClipFeatures(index, self.array[look_up(index, self.ids, "ids", "the clip features")])

    def require_num_clips(self, num_clips: int) -> None:
        """Raise a ValueError unless every video has ``num_clips`` clips."""
        check_integer("num_clips", num_clips, 1)
        if self.num_clips != num_clips:
            hint = f"; pool({num_clips}) makes them" if self.num_clips % num_clips == 0 else ""
            raise ValueError(f"the clip features must have num_clips={num_clips} a video, got {self.num_clips}{hint}")


def _chunks(array: NDArray[Any]) -> Iterator[slice]:
    """Yield slices of rows of about ``_CHUNK_VALUES`` values."""
    step = max(1, _CHUNK_VALUES * len(array) // max(array.size, 1))
    for start in range(0, len(array), step):
        yield slice(start, start + step)


def _validated(array: Any, ids: pd.Index) -> NDArray[np.floating]:
    array = np.asarray(array)
    if array.dtype.kind not in "biuf":
        raise TypeError(f"array must have a real dtype (float, int or bool), got {array.dtype}")
    if array.ndim != 3 or 0 in array.shape:
        raise ValueError(f"array must have shape (num_videos, num_clips, dim), each >= 1, got {array.shape}")
    if len(array) != len(ids):
        raise ValueError(f"array must have one row for each of the {len(ids)} ids, got {len(array)} rows")
    stored: NDArray[np.floating] = array
    if array.dtype not in (np.float16, np.float32):
        with np.errstate(over="ignore"):
            stored = array.astype(np.float32)
    for part in _chunks(stored):
        wrong = ~np.isfinite(stored[part])
        if wrong.any():
            row, clip, column = np.argwhere(wrong)[0]
            row += part.start
            raise ValueError(
                f"array must be finite in float32, got {array[row, clip, column]} for id {show(ids[row])} in clip {clip}, "
                f"column {column}"
            )
    return stored


def _write(path: Path, array: NDArray[Any]) -> None:
    """Write an .npy file piece by piece, and flush it to the disk."""
    header = {"descr": np.lib.format.dtype_to_descr(array.dtype), "fortran_order": False, "shape": array.shape}
    with path.open("wb") as file:
        np.lib.format.write_array_header_1_0(file, header)
        for part in _chunks(array):
            file.write(array[part].tobytes())
        os.fsync(file.fileno())
