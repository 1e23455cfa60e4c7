"""The result of clustering: nested clusters of nodes, each a slice of one order of the nodes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from graphvid._numba import njit


@dataclass(frozen=True, eq=False)
class ClusterTree:
    """A hierarchy of nested clusters, from single nodes (level 0) up to level ``num_levels``.

    Clusters of a level are numbered 0, 1, ... by their smallest member. Every cluster of every level is one slice of one
    permutation of the nodes, ``order``: cluster ``c`` of level ``k`` is ``order[starts[k][c] : starts[k][c] + sizes[k][c]]``,
    so the members of a cluster, and "in the parent but not in the cluster" (two slices), are found without a search.

    Parameters
    ----------
    num_nodes : int
    parents : sequence of integer arrays, ``parents[k]`` (num_clusters(k),)
        The cluster of level ``k + 1`` that holds each cluster of level ``k``; one array per level.
    num_effective_levels : int, optional
        The last level at which something merged; the levels above repeat it. Default: all of them.

    Attributes
    ----------
    labels : list of int32 (num_nodes,)
        ``labels[k][v]`` is the cluster of node ``v`` at level ``k``; ``labels[0]`` is ``0, 1, ...``.
    starts, sizes : list of int32 (num_clusters(k),)
        First place in ``order`` and number of nodes of each cluster, per level.
    order : int32 (num_nodes,)
        Nodes sorted by (label at the top level, ..., label at level 1, id).
    position : int32 (num_nodes,)
        The inverse of ``order``; the same as ``starts[0]``.

    Notes
    -----
    Memory: 4 bytes per node for each level's labels, and 12 per cluster. Ids are int64 when there are 2**31 nodes or more.

    Examples
    --------
    >>> tree = ClusterTree(5, [[0, 1, 0, 1, 2], [0, 0, 1]])
    >>> tree.labels[1], tree.labels[2]
    (array([0, 1, 0, 1, 2], dtype=int32), array([0, 0, 0, 0, 1], dtype=int32))
    >>> tree.order, tree.members(1, 1)
    (array([0, 2, 1, 3, 4], dtype=int32), array([1, 3], dtype=int32))
    >>> tree.siblings(0, level=1)
    array([1, 3], dtype=int32)
    """

    num_nodes: int
    parents: Sequence[NDArray[Any]]
    num_effective_levels: int = -1

    def __post_init__(self) -> None:
        id_type = np.int32 if self.num_nodes < 2**31 else np.int64
        parents = []
        expected = self.num_nodes
        for k, given in enumerate(self.parents):
            parent = np.ascontiguousarray(given, dtype=id_type)
            if parent.shape != (expected,):
                raise ValueError(f"parents[{k}] must have shape ({expected},), got {parent.shape}")
            if not _numbered_by_first(parent):
                raise ValueError(f"parents[{k}] must number clusters 0, 1, ... by their smallest member")
            parents.append(parent)
            expected = int(parent.max()) + 1 if len(parent) else 0
        object.__setattr__(self, "parents", parents)
        if self.num_effective_levels < 0:
            object.__setattr__(self, "num_effective_levels", len(parents))

    @property
    def num_levels(self) -> int:
        """Number of levels above the single nodes."""
        return len(self.parents)

    def num_clusters(self, level: int) -> int:
        """Return the number of clusters at ``level``, from 0 (nodes) to ``num_levels``."""
        return len(self.starts[self._level(level)])

    @cached_property
    def labels(self) -> list[NDArray[Any]]:
        """Cluster of each node, per level."""
        id_type = np.int32 if self.num_nodes < 2**31 else np.int64
        labels: list[NDArray[Any]] = [np.arange(self.num_nodes, dtype=id_type)]
        for parent in self.parents:
            labels.append(parent[labels[-1]])
        return labels

    @cached_property
    def sizes(self) -> list[NDArray[Any]]:
        """Number of nodes of each cluster, per level."""
        id_type = np.int32 if self.num_nodes < 2**31 else np.int64
        sizes: list[NDArray[Any]] = [np.ones(self.num_nodes, id_type)]
        for parent in self.parents:
            sizes.append(_sum_by_parent(parent, sizes[-1]))
        return sizes

    @cached_property
    def starts(self) -> list[NDArray[Any]]:
        """First place in ``order`` of each cluster, per level."""
        top = self.sizes[-1]
        starts = [np.cumsum(top, dtype=top.dtype) - top]
        for parent, sizes in zip(self.parents[::-1], self.sizes[-2::-1]):
            starts.append(_place_children(parent, sizes, starts[-1].copy()))
        return starts[::-1]

    @property
    def position(self) -> NDArray[Any]:
        """Place of each node in ``order``."""
        return self.starts[0]

    @cached_property
    def order(self) -> NDArray[Any]:
        """Nodes in the order in which every cluster is a slice."""
        order = np.empty_like(self.position)
        order[self.position] = np.arange(self.num_nodes, dtype=order.dtype)
        return order

    def slice(self, level: int, cluster: int) -> tuple[int, int]:
        """Return (start, stop): cluster ``cluster`` of ``level`` is ``order[start:stop]``."""
        starts = self.starts[self._level(level)]
        if not 0 <= cluster < len(starts):
            raise ValueError(f"cluster must lie in 0..{len(starts) - 1} at level {level}, got {cluster}")
        start = int(starts[cluster])
        return start, start + int(self.sizes[level][cluster])

    def members(self, level: int, cluster: int) -> NDArray[Any]:
        """Return the nodes of a cluster, in tree order (ascending at level 1)."""
        start, stop = self.slice(level, cluster)
        return self.order[start:stop]

    def siblings(self, node: int, level: int) -> NDArray[Any]:
        """Return the nodes that share ``node``'s cluster at ``level + 1`` but not at ``level``, in tree order.

        At ``level == num_levels`` these are all nodes outside its cluster.
        """
        if not 0 <= node < self.num_nodes:
            raise ValueError(f"node must lie in 0..{self.num_nodes - 1}, got {node}")
        start, stop = self.slice(level, int(self.labels[self._level(level)][node]))
        outer_start, outer_stop = 0, self.num_nodes
        if level < self.num_levels:
            outer_start, outer_stop = self.slice(level + 1, int(self.labels[level + 1][node]))
        return np.concatenate([self.order[outer_start:start], self.order[stop:outer_stop]])

    def __repr__(self) -> str:
        counts = ", ".join(str(self.num_clusters(k)) for k in range(self.num_levels + 1))
        return f"ClusterTree(num_nodes={self.num_nodes}, num_levels={self.num_levels}, clusters per level: {counts})"

    def _level(self, level: int) -> int:
        if not 0 <= level <= self.num_levels:
            raise ValueError(f"level must lie in 0..{self.num_levels}, got {level}")
        return level


@njit
def _numbered_by_first(parent: ArrayLike) -> bool:
    """Say whether the values are 0, 1, ... in the order in which they first occur."""
    seen = 0
    for x in parent:
        if x < 0 or x > seen:
            return False
        if x == seen:
            seen += 1
    return True


@njit
def _sum_by_parent(parent, sizes):  # type: ignore[no-untyped-def]
    total = np.zeros(parent.max() + 1 if len(parent) else 0, sizes.dtype)
    for c in range(len(parent)):
        total[parent[c]] += sizes[c]
    return total


@njit
def _place_children(parent, sizes, cursor):  # type: ignore[no-untyped-def]
    """Return each child's first place, children side by side in their parent, by ascending number."""
    starts = np.empty_like(sizes)
    for c in range(len(parent)):
        starts[c] = cursor[parent[c]]
        cursor[parent[c]] += sizes[c]
    return starts
