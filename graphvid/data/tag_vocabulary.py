"""The vocabulary of tags to learn, usually the most frequent ones, and labels of videos with a column for each tag."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from graphvid._checks import check_integer
from graphvid._files import atomic_path
from graphvid.data._files import with_path
from graphvid.data._ids import unique_index
from graphvid.data.video_records import IdLists


class TagVocabulary:
    """The tags to learn; it makes the labels of videos.

    Parameters
    ----------
    ids : array_like of int, shape (num_tags,)
        Distinct ids; their order is that of the columns.

    Raises
    ------
    ValueError
        No id, or one that is repeated.

    Examples
    --------
    >>> tags = TagVocabulary.most_frequent(IdLists.from_lists([[7, 3], [7], [9]]), 2)
    >>> tags.ids.tolist(), tags.labels(IdLists.from_lists([[3, 9], []])).tolist()
    ([7, 3], [[0.0, 1.0], [0.0, 0.0]])
    """

    def __init__(self, ids: ArrayLike) -> None:
        index = unique_index(np.asarray(ids), "tag ids")
        if not len(index) or index.dtype != np.int64:
            raise ValueError(f"tag ids must be integers, one at least, got {len(index)} of dtype {index.dtype}")
        self.ids: NDArray[np.int64] = index.to_numpy()
        self._index = index

    @property
    def num_tags(self) -> int:
        """Number of tags."""
        return len(self.ids)

    @classmethod
    def most_frequent(cls, tags: IdLists, num_tags: int = 10_000) -> TagVocabulary:
        """Return the vocabulary of the ``num_tags`` most frequent tags, or all; of equal ones the smaller id comes first."""
        check_integer("num_tags", num_tags, 1)
        ids, counts = np.unique(tags.values, return_counts=True)
        return cls(ids[np.lexsort((ids, -counts))][:num_tags])

    @classmethod
    def read(cls, path: str | Path) -> TagVocabulary:
        """Read the contest's ``tag_list.txt``, one id a line."""
        path = Path(path)
        if not path.is_file():
            raise FileNotFoundError(f"{path} not found: expected tag ids, one a line")
        try:
            return cls([int(line) for line in path.read_text(encoding="utf-8").split()])
        except ValueError as error:
            raise with_path(error, path) from None

    def write(self, path: str | Path) -> None:
        """Write a file for `read`, completely or not at all."""
        with atomic_path(path) as temporary:
            temporary.write_text("".join(f"{tag}\n" for tag in self.ids), encoding="utf-8")

    def labels(self, tags: IdLists) -> NDArray[np.float32]:
        """Return 1 for each tag of a video, else 0, shape (num_videos, num_tags); tags outside the vocabulary are ignored."""
        labels = np.zeros((len(tags.indptr) - 1, self.num_tags), dtype=np.float32)
        column = self._index.get_indexer(pd.Index(tags.values))
        row = np.repeat(np.arange(len(labels)), np.diff(tags.indptr))
        labels[row[column >= 0], column[column >= 0]] = 1
        return labels
