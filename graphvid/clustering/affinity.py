"""Affinity clustering: in each level every cluster joins its best neighbour, and connected chains become one cluster."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Literal, NamedTuple

import numba
import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from graphvid.clustering import _kernels as kernels
from graphvid.clustering._kernels import Rows
from graphvid.clustering.tree import ClusterTree
from graphvid.clustering.undirected import UndirectedGraph, as_undirected

_LINKAGES = {"average": kernels.AVERAGE, "max": kernels.MAX, "sum": kernels.SUM}
_ROWS_PER_THREAD_EDGES = 1 << 17  # a thread is not worth its start for fewer edges


def affinity_clustering(
    graph: Any,  # DGLGraph, SciPy sparse matrix or UndirectedGraph
    *,
    num_levels: int | None = 3,
    linkage: str = "average",
    threshold: float | Sequence[float] | None = None,
    tie_break: Literal["hash", "index"] = "hash",
    seed: int = 0,
    num_threads: int | None = None,
    progress: bool = False,
) -> ClusterTree:
    """Return the hierarchy of clusters made by affinity clustering (Boruvka's rounds with a linkage between clusters).

    In each level every cluster selects the best edge leaving it, the largest in ``(weight, tie-break)`` among the edges whose
    weight is at least the threshold; the components of the selected edges are the clusters of the next level; parallel edges
    between two clusters are combined by the linkage. With ``linkage="max"`` and no threshold the selected edges form a maximum
    spanning forest.

    Parameters
    ----------
    graph : DGLGraph, SciPy sparse matrix or UndirectedGraph
        Undirected graph of similarities, larger is better. DGL graphs (one relation, edge feature ``weight``) and matrices
        hold both directions; for anything else make an `UndirectedGraph` first.
    num_levels : int or None
        Number of levels, default 3 (as in Lee et al.). When nothing merges any more, the last clusters are repeated. None:
        as many levels as merge something.
    linkage : {"average", "max", "sum"}
        Weight between clusters X and Y from the weights S of the edges between their nodes: ``sum(S) / (|X| |Y|)`` (default;
        pairs without an edge count as 0), ``max(S)`` or ``sum(S)``. At level 1 it is the edge's own weight.
    threshold : float, sequence of float or None
        Smallest weight that may merge, compared with the linkage's weight: one number, or one per level (the last is used
        again for further levels). Default None: every edge may merge, also of zero or negative weight.
    tie_break : {"hash", "index"}
        Order of edges of equal weight: by a hash of (smallest members of both clusters, ``seed``), or the lexicographically
        smallest pair first. With few distinct weights "index" gives chains of thousands; use it for hand-made examples.
    seed : int
        Seed of the hash, default 0.
    num_threads : int, optional
        Default: Numba's number of threads. The result does not depend on it.
    progress : bool
        Show a progress bar over levels.

    Returns
    -------
    ClusterTree

    Raises
    ------
    TypeError, ValueError
        Naming the argument, what is accepted and what came.

    Notes
    -----
    Deterministic: no dependence on threads or on the order of edges; sums are made in float64 in the order of node ids.
    Time O(num_edges) per level. Memory beyond the graph: 12 bytes per edge that is left after level 1, twice, and about 40
    per node and thread.

    References
    ----------
    Bateni et al., "Affinity Clustering: Hierarchical Clustering at Scale", NeurIPS 2017. Lee et al., "Large Scale Video
    Representation Learning via Relational Graph Clustering", CVPR 2020.

    Examples
    --------
    >>> from graphvid.clustering import UndirectedGraph
    >>> path = UndirectedGraph.from_coo([0, 1, 2, 3], [1, 2, 3, 4], [3.0, 1.0, 2.0, 5.0], num_nodes=5)
    >>> tree = affinity_clustering(path, num_levels=2)
    >>> tree.labels[1], tree.labels[2]
    (array([0, 0, 1, 1, 1], dtype=int32), array([0, 0, 0, 0, 0], dtype=int32))
    """
    if linkage not in _LINKAGES:
        raise ValueError(f"linkage must be one of {tuple(_LINKAGES)}, got {linkage!r}")
    if tie_break not in ("hash", "index"):
        raise ValueError(f"tie_break must be 'hash' or 'index', got {tie_break!r}")
    thresholds = _thresholds(threshold, num_levels)
    threads = numba.get_num_threads() if num_threads is None else num_threads
    if threads < 1:
        raise ValueError(f"num_threads must be >= 1, got {num_threads}")
    source = as_undirected(graph)
    rules = _Rules(_LINKAGES[linkage], 0.0, tie_break == "hash", np.uint64(seed % 2**64), math.inf, math.inf)
    return _cluster(source, num_levels, thresholds, rules, _Threads(threads), progress)


class AffinityClustering:
    """Estimator form of `affinity_clustering`; see there for the parameters.

    Attributes
    ----------
    tree_ : ClusterTree
    labels_ : int32 (num_nodes,)
        Labels of the last level.
    """

    def __init__(
        self,
        num_levels: int | None = 3,
        *,
        linkage: str = "average",
        threshold: float | Sequence[float] | None = None,
        tie_break: Literal["hash", "index"] = "hash",
        seed: int = 0,
        num_threads: int | None = None,
        progress: bool = False,
    ) -> None:
        self.num_levels = num_levels
        self.linkage = linkage
        self.threshold = threshold
        self.tie_break = tie_break
        self.seed = seed
        self.num_threads = num_threads
        self.progress = progress

    def fit(self, graph: Any) -> AffinityClustering:  # DGLGraph, SciPy sparse matrix or UndirectedGraph
        """Cluster ``graph`` and return self."""
        self.tree_ = affinity_clustering(graph, **vars_of(self))
        self.labels_ = self.tree_.labels[-1]
        return self


def vars_of(estimator: Any) -> dict[str, Any]:
    """Return the constructor's arguments held by an estimator."""
    return {name: value for name, value in vars(estimator).items() if not name.endswith("_")}


class _Rules(NamedTuple):
    """What decides a merge, apart from the level's threshold."""

    linkage: int
    bound: float
    hashed: bool
    seed: np.uint64
    max_size: float
    min_size: float


class _Threads:
    """Runs a kernel over ranges of rows that hold about equally many edges, on one thread each."""

    def __init__(self, num_threads: int) -> None:
        self.num_threads = num_threads

    def split(self, rows: Rows) -> NDArray[np.int64]:
        """Return the bounds of the ranges, (number of ranges + 1,)."""
        num_rows = len(rows.starts)
        ends = np.cumsum(rows.stops - rows.starts)
        total = int(ends[-1]) if num_rows else 0
        parts = max(1, min(self.num_threads, total // _ROWS_PER_THREAD_EDGES))
        cuts = np.searchsorted(ends, np.arange(1, parts) * (total / parts))
        return np.concatenate([[0], cuts, [num_rows]]).astype(np.int64)

    @staticmethod
    def run(
        kernel: Callable[..., None], bounds: NDArray[np.int64], arguments: Callable[[int], tuple[Any, ...]]
    ) -> None:
        """Call ``kernel(first, last, *arguments(t))`` for every range ``t``."""
        parts = len(bounds) - 1
        if parts == 1:
            kernel(bounds[0], bounds[1], *arguments(0))
            return
        with ThreadPoolExecutor(parts) as pool:
            list(pool.map(lambda t: kernel(bounds[t], bounds[t + 1], *arguments(t)), range(parts)))


def _thresholds(threshold: float | Sequence[float] | None, num_levels: int | None) -> list[float]:
    """Return the thresholds as a list whose last value holds for all further levels."""
    if num_levels is not None and num_levels < 0:
        raise ValueError(f"num_levels must be >= 0 or None, got {num_levels}")
    if threshold is None:
        return [-math.inf]
    values = [float(x) for x in threshold] if isinstance(threshold, (Sequence, np.ndarray)) else [float(threshold)]
    if not values or any(math.isnan(x) for x in values):
        raise ValueError(f"threshold must be None, a number or one number per level, got {threshold!r}")
    if num_levels is not None and len(values) > max(num_levels, 1):
        raise ValueError(f"threshold must hold at most num_levels={num_levels} numbers, got {len(values)}")
    return values


def _cluster(
    source: UndirectedGraph,
    num_levels: int | None,
    thresholds: list[float],
    rules: _Rules,
    threads: _Threads,
    progress: bool,
) -> ClusterTree:
    """Run the levels and return the tree."""
    id_type = source.neighbors.dtype
    no_counts = np.empty(0, np.int64)
    rows = Rows(source.starts, source.stops, source.neighbors, source.weights, no_counts)
    sizes = np.ones(source.num_nodes)
    members: NDArray[Any] = np.arange(source.num_nodes, dtype=id_type)
    parents: list[NDArray[Any]] = []
    effective = 0
    contracted = False
    bar = tqdm(total=num_levels, desc="affinity clustering", unit="level", disable=not progress)
    while num_levels is None or len(parents) < num_levels:
        threshold = thresholds[min(len(parents), len(thresholds) - 1)]
        later = thresholds[len(parents) + 1 :]
        linkage = rules.linkage if contracted else kernels.LEVEL_ONE
        best_to = _select(rows, sizes, members, rules._replace(linkage=linkage), threshold, threads)
        label, count = kernels.resolve(best_to)
        merged = count < len(label)
        if not merged and num_levels is None and all(x >= threshold for x in later):
            break
        parents.append(label)
        bar.update()
        if merged:
            effective = len(parents)
            if effective != num_levels:
                rows = _contract(rows, label, count, rules, threads)
                contracted = True
                sizes = np.bincount(label, weights=sizes, minlength=count)
                first = np.empty(count, members.dtype)
                first[label[::-1]] = members[::-1]
                members = first
    bar.close()
    return ClusterTree(source.num_nodes, parents, effective)


def _select(
    rows: Rows, sizes: NDArray[np.float64], members: NDArray[Any], rules: _Rules, threshold: float, threads: _Threads
) -> NDArray[Any]:
    """Return the other end of each cluster's best eligible edge, -1 without one."""
    bounds = threads.split(rows)
    shape = (len(bounds) - 1, len(sizes))
    best_value = np.empty(shape)
    best_key = np.empty(shape, np.uint64)
    best_to = np.full(shape, -1, rows.neighbors.dtype)
    best_value.fill(-np.inf)
    threads.run(
        kernels.select_chunk,
        bounds,
        lambda t: (
            rows, rules.linkage, rules.bound, threshold, sizes, rules.max_size, rules.min_size, members, rules.hashed,
            rules.seed, best_value[t], best_key[t], best_to[t],
        ),
    )  # fmt: skip
    if len(bounds) > 2:
        even = np.linspace(0, len(sizes), len(bounds)).astype(np.int64)
        threads.run(kernels.join_best_chunk, even, lambda t: (best_value, best_key, best_to))
    return np.ascontiguousarray(best_to[0])


def _contract(rows: Rows, label: NDArray[Any], num_clusters: int, rules: _Rules, threads: _Threads) -> Rows:
    """Return the rows of the clusters numbered by ``label``, parallel edges combined."""
    bounds = threads.split(rows)
    cursor = np.zeros((len(bounds) - 1, num_clusters), np.int64)
    threads.run(kernels.count_chunk, bounds, lambda t: (rows, label, cursor[t]))
    starts, stops = kernels.place_rows(cursor)
    capacity = int(stops[-1]) if num_clusters else 0
    counts = np.empty(capacity if rules.linkage == kernels.EXPLICIT_AVERAGE else 0, np.int64)
    new = Rows(starts, stops, np.empty(capacity, rows.neighbors.dtype), np.empty(capacity), counts)
    weights = np.empty(0)
    threads.run(
        kernels.scatter_chunk,
        bounds,
        lambda t: (rows, label, cursor[t], rules.linkage, rules.bound, weights, new.neighbors, new.values, new.counts),
    )
    bounds = threads.split(new)
    seen = np.full((len(bounds) - 1, num_clusters), -1, np.int64)
    threads.run(kernels.combine_chunk, bounds, lambda t: (new, rules.linkage == kernels.MAX, seen[t]))
    return new
