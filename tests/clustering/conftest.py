"""An independent affinity clustering in exact arithmetic, from the original edges at every level, and random graphs."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import pytest

from graphvid.clustering import AverageMaxDegreeBounded, Percentile, UndirectedGraph

MASK = 2**64 - 1


def _mix(x):
    x = ((x ^ (x >> 30)) * 0xBF58476D1CE4E5B9) & MASK
    x = ((x ^ (x >> 27)) * 0x94D049BB133111EB) & MASK
    return x ^ (x >> 31)


def _edge_hash(low, high, seed):
    golden = 0x9E3779B97F4A7C15
    return _mix((_mix((seed + golden * (low + 1)) & MASK) + golden * (high + 1)) & MASK)


def _denominator(linkage, x, y):
    if linkage == "average":
        return x * y
    if linkage == "cut_sparsity":
        return min(x, y)
    if isinstance(linkage, AverageMaxDegreeBounded):
        return min(Fraction(linkage.c) * min(x, y), x * y)
    return 1


def _linkage_weight(linkage, edges, node_weight, size_x, size_y):
    """Weight between two clusters from the original edges (u, v, w) between them."""
    weights = sorted(w for _, _, w in edges)
    if linkage == "max":
        return weights[-1]
    if linkage == "explicit_average":
        return sum(weights) / len(weights)
    if isinstance(linkage, Percentile):
        if len(weights) < linkage.min_count:
            return weights[-1]
        return weights[math.floor(linkage.q * (len(weights) - 1))]
    scaled = sum(w * _denominator(linkage, node_weight[u], node_weight[v]) for u, v, w in edges)
    return scaled / _denominator(linkage, size_x, size_y)


def _is_frozen(rules, cluster, edges):
    inside = sum(w for u, v, w in edges if u in cluster and v in cluster)
    outgoing = sum(w for u, v, w in edges if (u in cluster) != (v in cluster))
    volume = 2 * inside + outgoing
    pairs = Fraction(len(cluster) * (len(cluster) - 1), 2)
    density = inside / pairs if pairs else 0
    denominator = min(volume, 2 * sum(w for _, _, w in edges) - volume)
    conductance = outgoing / denominator if denominator > 0 else 1
    return bool(rules) and all(
        (rule.density is not None and density < Fraction(rule.density))
        or (rule.conductance is not None and conductance < Fraction(rule.conductance))
        for rule in rules
    )


def _components(clusters, links):
    group = {c: {c} for c in clusters}
    for one, other in links:
        if group[one] is not group[other]:
            joined = group[one] | group[other]
            for c in joined:
                group[c] = joined
    return [frozenset().union(*g) for g in {id(g): g for g in group.values()}.values()]


def _merged_in_order(clusters, best, size, largest, prefer):
    """Merge selected edges one by one under the size rules."""
    links = []
    for one in sorted(best, key=lambda c: (-best[c][0][0], size(c), min(c))):
        other = best[one][1]
        groups = _components(clusters, links)
        x = next(g for g in groups if one <= g)
        y = next(g for g in groups if other <= g)
        if x == y or size(x) + size(y) > largest or min(size(x), size(y)) >= prefer:
            continue
        links.append((one, other))
    return links


def cluster_by_brute_force(
    num_nodes,
    edges,
    num_levels=3,
    linkage="average",
    threshold=None,
    tie_break="hash",
    seed=0,
    node_weight=None,
    min_cluster_size=None,
    max_cluster_size=None,
    prefer_min_cluster_size=False,
    freeze=None,
):
    """Return the labels of levels 1 to num_levels."""
    edges = [(u, v, Fraction(w)) for u, v, w in edges]
    node_weight = [Fraction(a) for a in ([1] * num_nodes if node_weight is None else node_weight)]
    thresholds = threshold if isinstance(threshold, list) else [threshold]
    smallest = math.inf if min_cluster_size is None else min_cluster_size
    largest = math.inf if max_cluster_size is None else max_cluster_size
    rules = freeze if isinstance(freeze, list) else [freeze] if freeze else []

    def size(cluster):
        return sum(node_weight[v] for v in cluster)

    clusters = [frozenset([v]) for v in range(num_nodes)]
    frozen = set()
    levels = []
    for level in range(num_levels):
        bound = thresholds[min(level, len(thresholds) - 1)]
        home = {v: c for c in clusters for v in c}
        between = {}
        for u, v, w in edges:
            x, y = sorted((home[u], home[v]), key=min)
            if x != y and x not in frozen and y not in frozen:
                between.setdefault((x, y), []).append((u, v, w))
        best = {}
        for (x, y), parallel in between.items():
            if level == 0:
                weight = parallel[0][2]
            else:
                weight = _linkage_weight(linkage, parallel, node_weight, size(x), size(y))
            if (bound is not None and weight < Fraction(bound)) or size(x) + size(y) > largest:
                continue
            low, high = min(x), min(y)
            key = (weight, _edge_hash(low, high, seed) if tie_break == "hash" else 0, -low, -high)
            for one, other in ((x, y), (y, x)):
                if size(one) <= smallest and (one not in best or key > best[one][0]):
                    best[one] = (key, other)
        if largest < math.inf or prefer_min_cluster_size:
            prefer = smallest if prefer_min_cluster_size else math.inf
            links = _merged_in_order(clusters, best, size, largest, prefer)
        else:
            links = [(one, other) for one, (_, other) in best.items()]
        clusters = sorted(_components(clusters, links), key=min)
        frozen = {c for c in clusters if c in frozen or _is_frozen(rules, c, edges)}
        label = np.empty(num_nodes, np.int64)
        for i, c in enumerate(clusters):
            label[list(c)] = i
        levels.append(label)
    return levels


@pytest.fixture(scope="session")
def brute_force():
    """Return the oracle: (num_nodes, edges, num_levels, **options of affinity_clustering) -> labels per level."""
    return cluster_by_brute_force


@pytest.fixture(scope="session")
def random_edges():
    """Return a function that draws a random simple graph, as a list of (u, v, w) with exactly summable weights."""

    def draw(rng, num_nodes, num_edges, kind):
        pairs = np.unique(np.sort(rng.integers(0, max(num_nodes, 1), (num_edges, 2)), axis=1), axis=0)
        pairs = pairs[pairs[:, 0] < pairs[:, 1]]
        if kind == "few":
            weights = rng.integers(-1, 4, len(pairs)) / 2
        elif kind == "equal":
            weights = np.ones(len(pairs))
        else:
            weights = (rng.permutation(4096)[: len(pairs)] + 1) / 64
        return [(int(u), int(v), float(w)) for (u, v), w in zip(pairs, weights)]

    return draw


@pytest.fixture(scope="session")
def graph_of():
    """Return a function (num_nodes, edges) -> UndirectedGraph."""

    def make(num_nodes, edges):
        columns = [np.array(x) for x in zip(*edges)] or [np.empty(0, np.int64), np.empty(0, np.int64), np.empty(0)]
        return UndirectedGraph.from_coo(*columns, num_nodes=num_nodes)

    return make


@pytest.fixture(scope="session")
def random_graph():
    """Return a function that draws a random graph with float64 weights."""

    def draw(rng, num_nodes, num_edges, weight=None):
        src, dst = rng.integers(0, num_nodes, (2, num_edges))
        weight = rng.random(num_edges) if weight is None else weight
        return UndirectedGraph.from_coo(src, dst, weight, num_nodes=num_nodes, duplicates="max")

    return draw
