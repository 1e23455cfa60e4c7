"""The tree of nested clusters that clustering returns: each cluster is a slice of one order of the nodes."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from graphvid._checks import check_count, check_integer
from graphvid._files import atomic_path, read_npz
from graphvid.clustering import _tree_kernels as kernels
from graphvid.clustering._tree_table import read_levels

if TYPE_CHECKING:
    import networkx as nx

_FORMAT = "graphvid.ClusterTree 1"
_ANY = -(2**63)  # no bound here: the check that follows names the range


@dataclass(frozen=True, eq=False)
class ClusterTree:
    """A hierarchy of nested clusters, from single nodes (level 0) up to level ``num_levels``.

    Clusters of a level are numbered 0, 1, ... by their smallest member. Every cluster of every level is one slice of
    one permutation of the nodes: cluster ``c`` of level ``k`` is ``order[starts[k][c] : starts[k][c] + sizes[k][c]]``.
    So it needs no search to find the members of a cluster, or the nodes of its parent outside it (two slices).

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
    Memory: 4 bytes per node for each level's labels, and 12 per cluster. All arrays except ``parents`` are made on first
    use. With 2**31 nodes or more, ids are int64.

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
        object.__setattr__(self, "num_nodes", check_count("num_nodes", self.num_nodes, 0))
        if not isinstance(self.parents, Sequence):
            raise TypeError(f"parents must be a sequence of arrays, got {type(self.parents).__name__}")
        id_type = np.int32 if self.num_nodes < 2**31 else np.int64
        parents = []
        expected = self.num_nodes
        for k, given in enumerate(self.parents):
            array = np.asarray(given)
            if array.size and array.dtype.kind not in "iu":
                raise TypeError(f"parents[{k}] must hold integers, got dtype {array.dtype}")
            if array.size and int(array.max()) > np.iinfo(id_type).max:
                raise ValueError(f"parents[{k}] must be below {expected}, got {array.max()}")
            parent = np.ascontiguousarray(array, dtype=id_type)
            if parent.shape != (expected,):
                raise ValueError(f"parents[{k}] must have shape ({expected},), got {parent.shape}")
            if not kernels.numbered_by_first(parent):
                raise ValueError(f"parents[{k}] must number clusters 0, 1, ... by their smallest member")
            parents.append(parent)
            expected = int(parent.max()) + 1 if len(parent) else 0
        object.__setattr__(self, "parents", parents)
        check_integer("num_effective_levels", self.num_effective_levels, -1)
        if self.num_effective_levels == -1:
            object.__setattr__(self, "num_effective_levels", len(parents))
        if not 0 <= self.num_effective_levels <= len(parents):
            raise ValueError(f"num_effective_levels must lie in 0..{len(parents)}, got {self.num_effective_levels}")

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
            labels.append(kernels.parents_of(parent, labels[-1]))
        return labels

    @cached_property
    def sizes(self) -> list[NDArray[Any]]:
        """Number of nodes of each cluster, per level."""
        id_type = np.int32 if self.num_nodes < 2**31 else np.int64
        sizes: list[NDArray[Any]] = [np.ones(self.num_nodes, id_type)]
        for parent in self.parents:
            sizes.append(kernels.sum_by_parent(parent, sizes[-1]))
        return sizes

    @cached_property
    def starts(self) -> list[NDArray[Any]]:
        """First place in ``order`` of each cluster, per level."""
        top = self.sizes[-1]
        starts = [np.cumsum(top, dtype=top.dtype) - top]
        for parent, sizes in zip(self.parents[::-1], self.sizes[-2::-1]):
            starts.append(kernels.place_children(parent, sizes, starts[-1].copy()))
        return starts[::-1]

    @property
    def position(self) -> NDArray[Any]:
        """Place of each node in ``order``."""
        return self.starts[0]

    @cached_property
    def order(self) -> NDArray[Any]:
        """Permutation of the nodes in which every cluster is a slice."""
        order = np.empty_like(self.position)
        order[self.position] = np.arange(self.num_nodes, dtype=order.dtype)
        return order

    def slice(self, level: int, cluster: int) -> tuple[int, int]:
        """Return (start, stop): cluster ``cluster`` of ``level`` is ``order[start:stop]``."""
        starts = self.starts[self._level(level)]
        check_integer("cluster", cluster, _ANY)
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
        check_integer("node", node, _ANY)
        if not 0 <= node < self.num_nodes:
            raise ValueError(f"node must lie in 0..{self.num_nodes - 1}, got {node}")
        start, stop = self.slice(level, int(self.labels[self._level(level)][node]))
        outer_start, outer_stop = 0, self.num_nodes
        if level < self.num_levels:
            outer_start, outer_stop = self.slice(level + 1, int(self.labels[level + 1][node]))
        return np.concatenate([self.order[outer_start:start], self.order[stop:outer_stop]])

    def to_linkage(self, level: int | None = None, cluster: int = 0) -> NDArray[np.float64]:
        """Return a linkage matrix in SciPy's form of the nodes below one cluster.

        Parameters
        ----------
        level, cluster : int
            The cluster, by default the only one of the top level; if there are several, one must be chosen.

        Returns
        -------
        float64 (num_members - 1, 4)
            Leaf ``i`` is the cluster's ``i``-th smallest node. Merges are binary, as in SciPy: the children of a cluster
            join one after another, by ascending number, at the height of its level.

        Examples
        --------
        >>> ClusterTree(3, [[0, 1, 0], [0, 0]]).to_linkage()
        array([[0., 2., 1., 2.],
               [3., 1., 2., 3.]])
        """
        if level is None:
            level = self.num_levels
            if self.num_clusters(level) != 1:
                raise ValueError(
                    "level and cluster must be given unless one cluster holds all nodes, "
                    f"got {self.num_clusters(level)} clusters at level {level}"
                )
        children = np.sort(self.members(level, cluster))
        num_leaves = len(children)
        nodes, size, merges = list(range(num_leaves)), [1] * num_leaves, []
        for k in range(level):
            joined: dict[int, int] = {}  # of each parent, by ascending number: the node of the binary tree so far
            for node, parent in zip(nodes, self.parents[k][children].tolist()):
                if parent not in joined:
                    joined[parent] = node
                    continue
                merges.append((joined[parent], node, k + 1, size[joined[parent]] + size[node]))
                joined[parent] = len(size)
                size.append(merges[-1][3])
            children, nodes = np.array(list(joined), dtype=children.dtype), list(joined.values())
        return np.array(merges, dtype=np.float64).reshape(-1, 4)

    def to_networkx(self) -> nx.DiGraph:
        """Return a networkx DiGraph with nodes ``(level, cluster)`` that have a ``size``, and edges to the children."""
        import networkx as nx

        graph = nx.DiGraph()
        for level, sizes in enumerate(self.sizes):
            graph.add_nodes_from(((level, c), {"size": int(size)}) for c, size in enumerate(sizes))
        for level, parent in enumerate(self.parents):
            graph.add_edges_from(((level + 1, int(p)), (level, c)) for c, p in enumerate(parent))
        return graph

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the tree to a ``.npz`` file, completely or not at all."""
        arrays = {f"parents_{k}": parent for k, parent in enumerate(self.parents)}
        with atomic_path(path) as temporary, temporary.open("wb") as file:
            np.savez_compressed(
                file,
                format=np.array(_FORMAT),
                shape=np.array([self.num_nodes, self.num_levels, self.num_effective_levels]),
                **arrays,  # type: ignore[arg-type]  # numpy's stub takes them for its own keyword
            )

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> ClusterTree:
        """Read a tree written by `save`.

        Raises
        ------
        FileNotFoundError
            There is no such file.
        ValueError
            The file is damaged or of another kind; names it.
        """
        try:
            arrays = read_npz(path, ("format", "shape"))
            if arrays["format"].shape != () or str(arrays["format"]) != _FORMAT:
                raise ValueError(f"its format is {arrays['format'].tolist()!r}")
            shape = arrays["shape"]
            if shape.shape != (3,) or shape.dtype.kind not in "iu" or len(arrays) != 2 + shape[1]:
                raise ValueError(f"its shape is {shape!r}, and it holds {len(arrays) - 2} levels")
            num_nodes, num_levels, effective = (int(size) for size in shape)
            parents = [arrays[f"parents_{k}"] for k in range(num_levels)]
            for parent in parents:
                if parent.dtype.kind not in "iu" or ((parent < 0) | (parent >= parent.size)).any():
                    raise ValueError("a level does not hold the numbers of clusters")
            if num_nodes < 0:
                raise ValueError(f"it claims {num_nodes} nodes")
            return cls(num_nodes, parents, effective)
        except FileNotFoundError:
            raise
        except (ValueError, KeyError, TypeError) as error:
            raise ValueError(f"path must be a cluster tree ({_FORMAT!r}), got {os.fspath(path)!r}: {error}") from None

    @classmethod
    def read_parquet(cls, path: str | os.PathLike[str], *, ids: ArrayLike | None = None) -> ClusterTree:
        """Read the tree that `graphvid.duckdb.affinity_clusters` wrote or `graphvid.spark.affinity_clusters` returned.

        Parameters
        ----------
        path : path-like
            Parquet file, or a folder of them, with the columns ``node``, ``level_1``, ``level_2``, ...
        ids : array_like, shape (num_nodes,), optional
            The nodes' own ids in the order of the result, such as ``features.ids``; the column ``video_id`` maps them. Ids
            that are not in the table are nodes without an edge. Default: the order of ``node``.

        Raises
        ------
        FileNotFoundError
            There is no such file.
        ValueError
            Other columns, a node that is absent, clusters that are not nested, a video that is not among ``ids``.
        """
        try:
            return cls(*read_levels(path, ids))
        except FileNotFoundError:
            raise
        except (ValueError, TypeError) as error:
            raise ValueError(f"path must be a table of clusters, got {os.fspath(path)!r}: {error}") from None

    def __repr__(self) -> str:
        counts = ", ".join(str(self.num_clusters(k)) for k in range(self.num_levels + 1))
        return f"ClusterTree(num_nodes={self.num_nodes}, num_levels={self.num_levels}, clusters per level: {counts})"

    def _level(self, level: int) -> int:
        check_integer("level", level, _ANY)
        if not 0 <= level <= self.num_levels:
            raise ValueError(f"level must lie in 0..{self.num_levels}, got {level}")
        return level
