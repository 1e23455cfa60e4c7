"""Parents of the clusters of every level, computed from the labels of the nodes at each level."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray


def parents_of_labels(labels: Sequence[NDArray[Any]]) -> list[NDArray[np.int64]]:
    """Return the parents of the clusters of every level, numbered by their smallest members; labels may be any integers.

    Raises ValueError with the level, from 1, at which nodes of one cluster below have several labels.
    """
    parents: list[NDArray[np.int64]] = []
    below = np.arange(len(labels[0]) if labels else 0)
    for level, given in enumerate(labels, start=1):
        _, first, place = np.unique(given, return_index=True, return_inverse=True)
        number = np.empty(len(first), np.int64)
        number[np.argsort(first)] = np.arange(len(first))  # by the smallest member
        above = number[place]
        parent = np.empty(int(below.max()) + 1 if len(below) else 0, np.int64)
        parent[below] = above
        if (parent[below] != above).any():
            raise ValueError(f"level {level} must keep the clusters of the level below together")
        parents.append(parent)
        below = above
    return parents
