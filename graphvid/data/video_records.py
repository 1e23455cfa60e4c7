"""Records of videos with frames, texts, tags and categories, as in the QQ Browser 2021 contest."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from graphvid._checks import node_ids
from graphvid.data._ids import unique_index
from graphvid.data.frame_store import FrameStore


class IdLists(NamedTuple):
    """Lists of numbers, one for each video, in flat arrays.

    Parameters
    ----------
    indptr : ndarray of int64, shape (num_videos + 1,)
        Video ``v`` has ``values[indptr[v] : indptr[v + 1]]``.
    values : ndarray of int64, shape (num_values,)
    """

    indptr: NDArray[np.int64]
    values: NDArray[np.int64]

    @classmethod
    def from_lists(cls, lists: Iterable[Sequence[int] | NDArray[np.int64]]) -> IdLists:
        """Make the lists from one sequence for each video."""
        arrays = [np.asarray(values, dtype=np.int64).reshape(-1) for values in lists]
        indptr = np.concatenate([[0], np.cumsum([len(array) for array in arrays])]).astype(np.int64)
        return cls(indptr, np.concatenate([np.empty(0, dtype=np.int64), *arrays]))

    def select(self, rows: NDArray[np.int64]) -> IdLists:
        """Return the lists of some videos."""
        return IdLists.from_lists([self.values[self.indptr[row] : self.indptr[row + 1]] for row in rows])


@dataclass(frozen=True, eq=False)
class VideoRecords:
    """Videos of the contest: frames, texts, tags and category of each.

    Parameters
    ----------
    ids : pandas.Index, shape (num_videos,)
        Original id of every video; anything iterable is taken.
    frames : FrameStore, optional
        Default: no video has frames.
    title, asr_text : sequence of str, shape (num_videos,), optional
        Title, and speech recognised by a machine; empty if missing. Default: all empty.
    tag_id, category_id : IdLists, optional
        Tags and categories of every video, as numbers. Default: none.

    Raises
    ------
    TypeError
        A text that is no str.
    ValueError
        Ids that are missing or repeated; columns of unequal length.

    Examples
    --------
    >>> videos = VideoRecords(["a", "b"], title=["a cat", ""])
    >>> videos.num_videos, videos.frames is None
    (2, True)
    """

    ids: pd.Index
    frames: FrameStore | None = None
    title: Sequence[str] | None = None
    asr_text: Sequence[str] | None = None
    tag_id: IdLists | None = None
    category_id: IdLists | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "ids", unique_index(self.ids, "ids"))
        for name in ("title", "asr_text"):
            texts = getattr(self, name)
            texts = [""] * len(self.ids) if texts is None else list(texts)
            wrong = next((text for text in texts if not isinstance(text, str)), None)
            if wrong is not None:
                raise TypeError(f"{name} must hold str, got {type(wrong).__name__}")
            object.__setattr__(self, name, texts)
        for name in ("tag_id", "category_id"):
            if getattr(self, name) is None:
                object.__setattr__(self, name, IdLists(np.zeros(len(self.ids) + 1, np.int64), np.empty(0, np.int64)))
        assert self.title is not None
        assert self.asr_text is not None
        assert self.tag_id is not None
        assert self.category_id is not None
        sizes = {
            "frames": len(self.ids) if self.frames is None else self.frames.num_videos,
            "title": len(self.title),
            "asr_text": len(self.asr_text),
            "tag_id": len(self.tag_id.indptr) - 1,
            "category_id": len(self.category_id.indptr) - 1,
        }
        for name, size in sizes.items():
            if size != len(self.ids):
                raise ValueError(f"{name} must have one entry for each of the {len(self.ids)} ids, got {size}")

    @property
    def num_videos(self) -> int:
        """Number of videos."""
        return len(self.ids)

    def select(self, rows: ArrayLike) -> VideoRecords:
        """Return some of the videos, in the order given, with their frames in memory."""
        index = node_ids("rows", rows, self.num_videos, "(num_rows,)")
        assert self.title is not None
        assert self.asr_text is not None
        assert self.tag_id is not None
        assert self.category_id is not None
        return VideoRecords(
            self.ids[index],
            None if self.frames is None else self.frames.select(index),
            [self.title[row] for row in index],
            [self.asr_text[row] for row in index],
            self.tag_id.select(index),
            self.category_id.select(index),
        )
