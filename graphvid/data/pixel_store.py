"""A store of the pixels of videos as uint8: all frames of all videos in one table, in memory or memory-mapped."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from tqdm import tqdm

from graphvid._checks import check_indptr, node_ids, shown
from graphvid._files import atomic_folder, read_npy
from graphvid.data._files import as_path, with_path
from graphvid.data._ids import from_stored, to_stored, unique_index
from graphvid.data.clips import ClipSource, check_clip

_PIXELS, _INDPTR, _IDS = "pixels.npy", "indptr.npy", "ids.npy"
_FRAMES_AT_ONCE = 256  # frames that are copied from a source at once


class PixelStore:
    """Videos of one frame size as uint8, one after the other; a `ClipSource`.

    Parameters
    ----------
    ids : iterable of ids, shape (num_videos,)
    pixels : ndarray of uint8, shape (num_frames, height, width, channels)
        Frames of all videos, video by video, in their order; memory-mapped ones stay on disk.
    indptr : array_like of int, shape (num_videos + 1,)
        Video ``v`` has the frames ``indptr[v]`` to ``indptr[v + 1] - 1``, at least one.

    Raises
    ------
    TypeError
        Pixels of another dtype: the store scales and rounds nothing without notice.
    ValueError
        Another shape, an ``indptr`` that does not rise from 0 to the number of frames, a video without frames (named),
        no video, an id twice.

    Examples
    --------
    >>> store = PixelStore.from_videos({"a": np.zeros((3, 4, 4, 1), np.uint8), "b": np.ones((9, 4, 4, 1), np.uint8)})
    >>> store.num_frames.tolist(), store.frame_shape, store.clip(1, start=1, length=3, stride=2).shape
    ([3, 9], (4, 4, 1), (3, 4, 4, 1))
    """

    def __init__(self, ids: Iterable[Any], pixels: NDArray[np.uint8], indptr: ArrayLike) -> None:
        pixels, starts = np.asanyarray(pixels), np.asarray(indptr)
        if pixels.dtype != np.uint8:
            raise TypeError(f"pixels must be uint8, got {pixels.dtype}")
        if pixels.ndim != 4 or not pixels.size:
            raise ValueError(f"pixels must have shape (num_frames, height, width, channels), got {pixels.shape}")
        check_indptr("indptr", starts, len(pixels))
        self._ids, self.pixels = unique_index(ids, "ids"), pixels
        self.indptr: NDArray[np.int64] = starts.astype(np.int64)
        if len(self.indptr) != len(self._ids) + 1:
            raise ValueError(f"indptr must have one start more than the {len(self._ids)} ids, got {len(self.indptr)}")
        self._num_frames: NDArray[np.int64] = np.diff(self.indptr)
        empty = np.flatnonzero(self._num_frames == 0)
        if empty.size:
            raise ValueError(f"every video must have a frame, got none for {self._ids[empty[0]]!r}")

    @property
    def ids(self) -> pd.Index:
        """Id of every video."""
        return self._ids

    @property
    def num_frames(self) -> NDArray[np.int64]:
        """Frames of every video."""
        return self._num_frames

    @property
    def frame_shape(self) -> tuple[int, int, int]:
        """Height, width and channels."""
        return self.pixels.shape[1], self.pixels.shape[2], self.pixels.shape[3]

    @classmethod
    def from_videos(cls, videos: Mapping[Any, NDArray[np.uint8]]) -> PixelStore:
        """Make a store in memory from one array of shape (num_frames, height, width[, channels]) for each id.

        Arrays without channels are grey: one channel.

        Raises
        ------
        TypeError, ValueError
            No video, another dtype, another number of axes, frames of different sizes; names the video.
        """
        if not isinstance(videos, Mapping) or not videos:
            raise ValueError(f"videos must map at least one id to its frames, got {shown(videos)}")
        arrays: list[NDArray[np.uint8]] = []
        for name, video in videos.items():
            array = np.asarray(video)
            array = array[..., None] if array.ndim == 3 else array
            if array.dtype != np.uint8:
                raise TypeError(f"videos must be uint8, got {array.dtype} for {name!r}")
            if array.ndim != 4 or (arrays and array.shape[1:] != arrays[0].shape[1:]):
                same = f", all of size {arrays[0].shape[1:]}" if arrays else ""
                raise ValueError(
                    f"videos must have shape (num_frames, height, width, channels){same}, got {array.shape} for {name!r}"
                )
            arrays.append(array)
        counts = np.array([len(array) for array in arrays])
        if not counts.all():
            raise ValueError(f"every video must have a frame, got none for {list(videos)[int(counts.argmin())]!r}")
        return cls(list(videos), np.concatenate(arrays), np.concatenate([[0], np.cumsum(counts)]))

    @classmethod
    def open(cls, path: str | Path) -> PixelStore:
        """Return the store in a folder that `write` wrote; its pixels stay on disk.

        Raises
        ------
        FileNotFoundError
            There is no such folder, or it lacks a file.
        TypeError, ValueError
            A corrupt or truncated file, and as `PixelStore` raises; names the folder.
        """
        folder = as_path(path)
        ids, pixels, indptr = (read_npy(folder / name, mmap=name == _PIXELS) for name in (_IDS, _PIXELS, _INDPTR))
        try:
            return cls(from_stored(ids), pixels, indptr)
        except (TypeError, ValueError) as error:
            raise with_path(error, folder) from None

    @staticmethod
    def write(path: str | Path, source: ClipSource, *, progress: bool = False) -> PixelStore:
        """Copy the videos of a source into a folder, completely or not at all, and return the store opened.

        Parameters
        ----------
        path : path-like
            The folder, which must not exist.
        source : ClipSource
            For example `VideoFolder`, which decodes again for every clip.
        progress : bool, default False
            Show a bar.

        Raises
        ------
        FileExistsError
            There is a file or folder of that name.

        Notes
        -----
        Each frame is read once, 256 at a time: O(1) memory.
        """
        indptr = np.concatenate([[0], np.cumsum(source.num_frames)]).astype(np.int64)
        with atomic_folder(as_path(path)) as folder:
            shape = (int(indptr[-1]), *source.frame_shape)
            pixels = np.lib.format.open_memmap(folder / _PIXELS, mode="w+", dtype=np.uint8, shape=shape)
            for video in tqdm(range(len(source.ids)), desc="pixels", disable=not progress):
                first, frames = int(indptr[video]), int(source.num_frames[video])
                for start in range(0, frames, _FRAMES_AT_ONCE):
                    length = min(_FRAMES_AT_ONCE, frames - start)
                    pixels[first + start : first + start + length] = source.clip(video, start, length)
            pixels.flush()
            del pixels
            np.save(folder / _INDPTR, indptr)
            np.save(folder / _IDS, to_stored(source.ids))
        return PixelStore.open(path)

    def clip(self, video: int, start: int, length: int, stride: int = 1) -> NDArray[np.uint8]:
        """Return a clip; see `ClipSource.clip`."""
        check_clip(self, video, start, length, stride)
        first = int(self.indptr[video]) + start
        return np.array(self.pixels[first : first + (length - 1) * stride + 1 : stride])

    def select(self, rows: ArrayLike) -> PixelStore:
        """Return a store of some videos, in memory, in the order given."""
        chosen = node_ids("rows", rows, len(self._ids), "(num_rows,)")
        pieces = [self.pixels[self.indptr[row] : self.indptr[row + 1]] for row in chosen]
        pixels = np.concatenate(pieces) if pieces else self.pixels[:0]
        return PixelStore(self._ids[chosen], pixels, np.concatenate([[0], np.cumsum(self.num_frames[chosen])]))
