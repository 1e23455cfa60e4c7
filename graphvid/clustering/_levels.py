"""The levels of affinity clustering: select, resolve, contract, up to the requested level or until nothing merges."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from tqdm import tqdm

from graphvid.clustering import _contract_kernels as contract_kernels
from graphvid.clustering import _kernels as kernels
from graphvid.clustering._grid_rows import gridded, sums
from graphvid.clustering._kernels import HalfEdges
from graphvid.clustering._threads import Threads
from graphvid.clustering.grid import in_steps
from graphvid.clustering.limits import Freeze, SizeRule, checked_node_weight, frozen_clusters
from graphvid.clustering.linkage import LinkageRule
from graphvid.clustering.tree import ClusterTree
from graphvid.clustering.undirected import UndirectedGraph

_SELECT_RANGES = 8  # per thread; with one, the thread of the nearer rows needs up to 50 % longer
_NO_COUNTS = np.empty(0, np.int64)


class Rules(NamedTuple):
    """Rules that decide a merge."""

    linkage: LinkageRule
    thresholds: list[float]  # the last holds for all further levels
    hashed: bool  # ties by hash, else by the smallest pair
    seed: np.uint64
    size: SizeRule
    freeze: list[Freeze]

    def threshold(self, level: int) -> float:
        """Return the threshold that makes clusters of ``level``, from 1."""
        return self.thresholds[min(level, len(self.thresholds)) - 1]

    def settled(self, level: int) -> bool:
        """Return whether no later level has a lower threshold: then nothing merges after a level without a merge."""
        return all(later >= self.threshold(level) for later in self.thresholds[level:])


class _Clusters(NamedTuple):
    """The current graph of clusters."""

    rows: HalfEdges  # one entry per pair of clusters
    every_edge: HalfEdges  # as `rows`, but with parallel edges, for percentiles; otherwise the same
    sizes: NDArray[np.float64]  # summed node weights
    members: NDArray[Any]  # smallest key of a member; the default key of a node is its number
    original: bool  # the edges are those of the input, so their weights are already those of the linkage
    ranges: NDArray[np.int64]  # of rows


def run_levels(
    source: UndirectedGraph,
    node_weight: ArrayLike | None,
    num_levels: int | None,
    rules: Rules,
    threads: Threads,
    progress: bool,
    keys: NDArray[Any] | None = None,
) -> ClusterTree:
    """Return the tree of the clusters of every level; ``keys`` of the nodes break ties (default: their numbers)."""
    rows, num_nodes, ids = source.rows(), source.num_nodes, source.neighbors.dtype
    weights = None if node_weight is None else checked_node_weight(node_weight, rows, rules.size.largest)
    original = rows if rules.freeze else None
    if sums(rules.linkage):
        rows, power = gridded(rows, scaled=weights is not None or rules.linkage.bound < 1)
        rules = rules._replace(thresholds=in_steps(rules.thresholds, power))
    sizes = np.ones(num_nodes) if weights is None else weights
    members = np.arange(num_nodes, dtype=ids) if keys is None else keys
    clusters = _Clusters(rows, rows, sizes, members, True, threads.split(rows))
    del source, rows  # a graph made for this call is freed after the first contraction
    return _tree(clusters, weights, original, num_levels, rules, threads, progress)


def continue_levels(
    rows: HalfEdges,
    sizes: NDArray[np.float64],
    members: NDArray[Any],
    num_levels: int | None,
    rules: Rules,
    threads: Threads,
) -> ClusterTree:
    """Return the tree whose nodes are given clusters with combined edges."""
    return _tree(
        _Clusters(rows, rows, sizes, members, False, threads.split(rows)), None, None, num_levels, rules, threads
    )


def _tree(
    clusters: _Clusters,
    weights: NDArray[np.float64] | None,
    original: HalfEdges | None,
    num_levels: int | None,
    rules: Rules,
    threads: Threads,
    progress: bool = False,
) -> ClusterTree:
    """Return the tree over the given clusters; ``weights`` scale their edges, ``original`` is the graph for freezing."""
    num_nodes, ids = len(clusters.sizes), clusters.rows.neighbors.dtype
    labels = np.arange(num_nodes, dtype=ids)  # of the nodes; needed only for freezing
    live = np.ones(num_nodes, np.bool_)
    parents: list[NDArray[Any]] = []
    effective = 0
    with tqdm(total=num_levels, desc="affinity clustering", unit="level", disable=not progress) as bar:
        while num_levels is None or len(parents) < num_levels:
            level = len(parents) + 1
            label, count = _merge(clusters, rules, rules.threshold(level), threads)
            merged = count < len(label)
            if not merged and num_levels is None and rules.settled(level):
                break
            parents.append(label)
            bar.update()
            if merged:
                effective = level
            elif rules.settled(level) and num_levels is not None:
                parents += [np.arange(count, dtype=ids)] * (num_levels - level)
                break
            if level == num_levels:
                break
            kept = label
            if original is not None:
                labels = label[labels]
                live_before = live
                live = ~frozen_clusters(rules.freeze, original, labels, count)
                live[label[~live_before]] = False
                kept = np.where(live, np.arange(count, dtype=ids), -1).astype(ids)[label]
            if merged or not live.all():
                scale = weights if clusters.original else None
                clusters = _contract(clusters, label, kept, count, scale, rules.linkage, threads)
    return ClusterTree(num_nodes, parents, effective)


def _merge(clusters: _Clusters, rules: Rules, threshold: float, threads: Threads) -> tuple[NDArray[Any], int]:
    """Return each cluster's label at the next level, and the number of labels."""
    best_value, best_to = _select(clusters, rules, threshold, threads)
    if rules.size.needs_order:
        chosen = np.flatnonzero(best_to >= 0)
        order = chosen[np.lexsort((clusters.members[chosen], clusters.sizes[chosen], -best_value[chosen]))]
        prefer = rules.size.smallest if rules.size.prefer_smallest else np.inf
        root = kernels.merge_in_order(order, best_to, clusters.sizes, rules.size.largest, prefer)
    else:
        root = chain_roots(best_to, threads)
    return root, kernels.number_roots(root)


def chain_roots(best_to: NDArray[Any], threads: Threads) -> NDArray[Any]:
    """Return the cluster at which each chain of selected edges ends."""
    root = np.empty_like(best_to)
    ranges = threads.split_evenly(len(best_to))
    threads.run(kernels.point_chunk, ranges, lambda t: (best_to, root))
    threads.run(kernels.follow_chunk, ranges, lambda t: (root,))
    return root


def _select(
    clusters: _Clusters, rules: Rules, threshold: float, threads: Threads
) -> tuple[NDArray[np.float64], NDArray[Any]]:
    """Return the weight and the other end of each cluster's best eligible edge; the end is -1 without one."""
    rows, sizes, num_clusters = clusters.rows, clusters.sizes, len(clusters.sizes)
    code = kernels.LEVEL_ONE if clusters.original else rules.linkage.code
    edge = (rows, code, rules.linkage.bound, threshold, sizes, rules.size.largest)
    ranges = threads.split(rows, _SELECT_RANGES)
    slots = threads.split_evenly(num_clusters)
    best_value = threads.tables(ranges, num_clusters, np.float64)
    threads.run(kernels.best_values_chunk, ranges, lambda t: edge, best_value, -np.inf)
    threads.run(kernels.join_values_chunk, slots, lambda t: (best_value,))
    best_to = threads.tables(ranges, num_clusters, rows.neighbors.dtype)
    ties = (clusters.members, rules.hashed, rules.seed)
    ends = (*edge, rules.size.smallest, *ties, best_value[0])
    threads.run(kernels.best_ends_chunk, ranges, lambda t: ends, best_to, -1)
    threads.run(kernels.join_best_chunk, slots, lambda t: (best_to, *ties))
    return best_value[0], best_to[0]


def _contract(
    clusters: _Clusters,
    label: NDArray[Any],
    kept: NDArray[Any],
    count: int,
    scale: NDArray[np.float64] | None,
    linkage: LinkageRule,
    threads: Threads,
) -> _Clusters:
    """Return the graph of the clusters numbered by ``label``.

    ``kept`` is ``label`` with -1 for the clusters that lose their edges. ``scale`` are the node weights, for the original
    edges only.
    """
    sizes, members = np.zeros(count), np.empty(count, clusters.members.dtype)
    contract_kernels.join_members(label, clusters.sizes, clusters.members, sizes, members)
    if clusters.original and scale is None and linkage.bound < 1:
        scale = np.ones(len(label))
    every_edge = _gather(clusters.every_edge, clusters.ranges, kept, count, scale, linkage, threads)
    ranges = threads.split(every_edge)
    if linkage.percentile is not None:
        rows = every_edge._replace(
            stops=np.empty_like(every_edge.stops),
            neighbors=np.empty_like(every_edge.neighbors),
            values=np.empty_like(every_edge.values),
        )
        rule = linkage.percentile
        threads.run(
            contract_kernels.percentile_chunk,
            ranges,
            lambda t: (every_edge, rule.q, rule.min_count, rows.stops, rows.neighbors, rows.values),
        )
        return _Clusters(rows, every_edge, sizes, members, False, ranges)
    seen = threads.tables(ranges, count, np.int64)
    threads.run(contract_kernels.combine_chunk, ranges, lambda t: (every_edge, linkage.code == kernels.MAX), seen, -1)
    return _Clusters(every_edge, every_edge, sizes, members, False, ranges)


def _gather(
    rows: HalfEdges,
    ranges: NDArray[np.int64],
    label: NDArray[Any],
    count: int,
    scale: NDArray[np.float64] | None,
    linkage: LinkageRule,
    threads: Threads,
) -> HalfEdges:
    """Return the edges between different labels, in the rows of their smaller label; parallel edges are kept."""
    cursor = np.zeros((len(ranges), count), np.int64)
    threads.run(contract_kernels.count_chunk, ranges, lambda t: (rows, label, cursor[t]))
    starts, stops = contract_kernels.place_rows(cursor)
    capacity = int(stops[-1]) if count else 0
    counts = np.empty(capacity, np.int64) if linkage.code == kernels.EXPLICIT_AVERAGE else _NO_COUNTS
    values = np.empty(capacity, rows.values.dtype)
    new = HalfEdges(starts, stops, np.empty(capacity, rows.neighbors.dtype), values, counts)
    weights = np.empty(0) if scale is None else scale
    threads.run(
        contract_kernels.scatter_chunk,
        ranges,
        lambda t: (rows, label, cursor[t], linkage.code, linkage.bound, weights, new),
    )
    return new
