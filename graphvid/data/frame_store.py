"""A store of the frame vectors of videos, with any number of frames for each, in memory or memory-mapped."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from graphvid._checks import check_integer, node_ids
from graphvid._files import read_npy
from graphvid._temporaries import temporary_beside
from graphvid.data._files import with_path

_CHUNK_VALUES = 2**20  # checked at once
_VALUES, _INDPTR = "frames.npy", "indptr.npy"


class FrameBatch(NamedTuple):
    """Frames of some videos, padded to one length.

    Parameters
    ----------
    frames : ndarray of float32, shape (num_videos, num_frames, dim)
        Vectors; zeros in places without a frame.
    mask : ndarray of bool, shape (num_videos, num_frames)
        True for the frames, which are the first places of a row.
    """

    frames: NDArray[np.float32]
    mask: NDArray[np.bool_]


def pick_frames(num_frames: int, max_frames: int = 32) -> NDArray[np.int64]:
    """Return the frames of a video to keep: all of a short video, otherwise ``max_frames`` with even steps.

    With ``step = num_frames // max_frames`` they are ``step * i + step // 2``.

    Parameters
    ----------
    num_frames : int
        Frames of the video, >= 0.
    max_frames : int, default 32
        Largest number of frames to keep, >= 1; the contest's teams took 32.

    Returns
    -------
    ndarray of int64, shape (min(num_frames, max_frames),)

    Raises
    ------
    ValueError
        A number out of its range.

    References
    ----------
    Code of the rank-11 team of the QQ Browser 2021 AI contest, track 1.

    Examples
    --------
    >>> pick_frames(9, 4), pick_frames(3, 4)
    (array([1, 3, 5, 7]), array([0, 1, 2]))
    """
    check_integer("num_frames", num_frames, 0)
    check_integer("max_frames", max_frames, 1)
    if num_frames < max_frames:
        return np.arange(num_frames)
    step = num_frames // max_frames
    return np.arange(max_frames) * step + step // 2


class FrameStore:
    """Frames of videos one after the other in one float16 table, with the start of each video.

    Parameters
    ----------
    values : ndarray, shape (num_frames, dim)
        Vectors of all frames, video by video, in their order. float16 stays unchanged, memory-mapped on disk; other real
        dtypes are rounded to float16, the dtype of the contest's frames.
    indptr : array_like of int, shape (num_videos + 1,)
        Video ``v`` has the frames ``indptr[v]`` to ``indptr[v + 1] - 1``; it may have none.

    Raises
    ------
    TypeError
        Values that are no real numbers.
    ValueError
        Another shape, an ``indptr`` that does not rise from 0 to the number of frames, a value that is NaN, infinite or
        too large for float16 (65,504), with video, frame and column.

    Notes
    -----
    The constructor reads every value once to check that it is finite: O(num_frames * dim) time, O(1) memory.

    Examples
    --------
    >>> store = FrameStore.from_videos([np.ones((3, 2)), np.zeros((0, 2)), [[5.0, 6.0]]])
    >>> store.num_videos, store.counts
    (3, array([3, 0, 1]))
    >>> batch = store.take([2, 1], max_frames=2)
    >>> batch.frames.tolist(), batch.mask.tolist()
    ([[[5.0, 6.0]], [[0.0, 0.0]]], [[True], [False]])
    """

    def __init__(self, values: NDArray[Any], indptr: ArrayLike) -> None:
        values = np.asarray(values)
        if values.dtype.kind not in "biuf":
            raise TypeError(f"values must have a real dtype (float, int or bool), got {values.dtype}")
        if values.ndim != 2 or not values.shape[1]:
            raise ValueError(f"values must have shape (num_frames, dim) with dim >= 1, got {values.shape}")
        starts = np.asarray(indptr)
        if starts.ndim != 1 or starts.dtype.kind not in "iu" or not len(starts):
            raise ValueError(
                f"indptr must be integers of shape (num_videos + 1,), got {starts.dtype} of shape {starts.shape}"
            )
        if starts[0] != 0 or starts[-1] != len(values) or (np.diff(starts) < 0).any():
            raise ValueError(
                f"indptr must rise from 0 to the {len(values)} frames, got {starts[0]} to {starts[-1]}"
                f"{' with a fall' if (np.diff(starts) < 0).any() else ''}"
            )
        self.indptr: NDArray[np.int64] = starts.astype(np.int64)
        with np.errstate(over="ignore"):
            self.values: NDArray[np.float16] = values.astype(np.float16, copy=False)
        step = max(1, _CHUNK_VALUES // values.shape[1])
        for start in range(0, len(values), step):
            wrong = ~np.isfinite(self.values[start : start + step])
            if wrong.any():
                row, column = np.argwhere(wrong)[0]
                frame = start + int(row)
                video = int(np.searchsorted(self.indptr, frame, side="right")) - 1
                raise ValueError(
                    f"frames must be finite in float16, got {values[frame, column]} in frame {frame - self.indptr[video]}, "
                    f"column {column} of the video in row {video}"
                )

    @property
    def num_videos(self) -> int:
        """Number of videos, those without a frame included."""
        return len(self.indptr) - 1

    @property
    def dim(self) -> int:
        """Number of columns of a frame's vector."""
        return int(self.values.shape[1])

    @property
    def counts(self) -> NDArray[np.int64]:
        """Frames of every video, shape (num_videos,)."""
        return np.diff(self.indptr)

    @classmethod
    def from_videos(cls, videos: Iterable[ArrayLike]) -> FrameStore:
        """Make a store of one array of shape (num_frames, dim) a video, in memory."""
        arrays = [np.asarray(video) for video in videos]
        if not arrays:
            raise ValueError("videos must hold at least one video, got none")
        indptr = np.concatenate([[0], np.cumsum([len(array) for array in arrays])])
        return cls(np.concatenate(arrays), indptr.astype(np.int64))

    @classmethod
    def open(cls, path: str | Path) -> FrameStore:
        """Return the store in a folder that `save` or `FrameWriter` wrote; its frames stay on disk.

        Raises
        ------
        FileNotFoundError
            There is no such folder, or it lacks a file.
        ValueError
            A corrupt or truncated file, and all that `FrameStore` refuses; names the folder.
        """
        folder = Path(path)
        arrays = []
        for name in (_VALUES, _INDPTR):
            if not (folder / name).is_file():
                raise FileNotFoundError(f"{folder / name} not found: expected a folder written by FrameStore.save")
            arrays.append(read_npy(folder / name, mmap=True))
        try:
            return cls(*arrays)
        except (TypeError, ValueError) as error:
            raise with_path(error, folder) from None

    def save(self, path: str | Path) -> None:
        """Write a folder that `open` maps, completely or not at all.

        Raises
        ------
        FileExistsError
            There is a file or folder of that name.
        """
        with FrameWriter(path, self.dim) as writer:
            for start, end in zip(self.indptr[:-1], self.indptr[1:]):
                writer.add(self.values[start:end])

    def take(self, rows: ArrayLike, *, max_frames: int = 32) -> FrameBatch:
        """Return the frames of some videos, by the rule of `pick_frames`, padded to the longest of them.

        Parameters
        ----------
        rows : array_like of int, shape (num_rows,)
            Rows in [0, num_videos), in any order, also repeated.
        max_frames : int, default 32
            Largest number of frames of a video.

        Returns
        -------
        FrameBatch
            At least one place for each row, also if no video has a frame.
        """
        videos = node_ids("rows", rows, self.num_videos, "(num_rows,)")
        picks = [self.indptr[video] + pick_frames(int(self.counts_of(video)), max_frames) for video in videos]
        longest = max([1, *map(len, picks)])
        frames = np.zeros((len(videos), longest, self.dim), dtype=np.float32)
        mask = np.zeros((len(videos), longest), dtype=np.bool_)
        for row, pick in enumerate(picks):
            frames[row, : len(pick)] = self.values[pick]
            mask[row, : len(pick)] = True
        return FrameBatch(frames, mask)

    def counts_of(self, video: int) -> int:
        """Return the number of frames of one video."""
        return int(self.indptr[video + 1] - self.indptr[video])

    def select(self, rows: ArrayLike) -> FrameStore:
        """Return a store of some videos, in memory, in the order given."""
        videos = node_ids("rows", rows, self.num_videos, "(num_rows,)")
        pieces = [self.values[self.indptr[video] : self.indptr[video + 1]] for video in videos]
        values = np.concatenate(pieces) if pieces else self.values[:0]
        return FrameStore(np.asarray(values), np.concatenate([[0], np.cumsum(self.counts[videos])]).astype(np.int64))


class FrameWriter:
    """Writes a folder for `FrameStore.open` video by video, without holding them in memory; completely or not at all.

    Parameters
    ----------
    path : path-like
        The folder, which must not exist.
    dim : int
        Columns of a frame.

    Raises
    ------
    FileExistsError
        There is a file or folder of that name.
    """

    def __init__(self, path: str | Path, dim: int) -> None:
        self.path, self.dim = Path(path), dim
        check_integer("dim", dim, 1)
        if self.path.exists():
            raise FileExistsError(f"path must not exist yet, got {self.path}")
        self._temporary = temporary_beside(self.path)
        self._counts: list[int] = []

    def __enter__(self) -> FrameWriter:
        self._temporary.mkdir(parents=True)
        self._file = (self._temporary / _VALUES).open("wb")
        self._write_header()
        return self

    def add(self, frames: ArrayLike) -> None:
        """Append a video of shape (num_frames, dim).

        Raises
        ------
        ValueError
            Another shape.
        """
        with np.errstate(over="ignore"):
            array = np.asarray(frames).astype(np.float16, copy=False)
        if array.ndim != 2 or array.shape[1] != self.dim:
            raise ValueError(f"frames must have shape (num_frames, {self.dim}), got {array.shape}")
        self._file.write(array.tobytes())
        self._counts.append(len(array))

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            with self._file:
                if kind is None:
                    self._file.seek(0)
                    self._write_header()
                    self._file.flush()
                    os.fsync(self._file.fileno())
            if kind is None:
                indptr = np.concatenate([[0], np.cumsum(self._counts)]).astype(np.int64)
                np.save(self._temporary / _INDPTR, indptr)
                self._temporary.rename(self.path)
        finally:
            shutil.rmtree(self._temporary, ignore_errors=True)

    def _write_header(self) -> None:
        """Write the header for the frames so far; NumPy reserves space in it for a larger number of rows."""
        shape = (sum(self._counts), self.dim)
        header = {"descr": np.lib.format.dtype_to_descr(np.dtype(np.float16)), "fortran_order": False, "shape": shape}
        np.lib.format.write_array_header_1_0(self._file, header)
