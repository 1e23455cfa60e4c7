"""An independent affinity clustering in exact arithmetic, from the original edges at every level, and random graphs."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest

MASK = 2**64 - 1


def _mix(x):
    x = ((x ^ (x >> 30)) * 0xBF58476D1CE4E5B9) & MASK
    x = ((x ^ (x >> 27)) * 0x94D049BB133111EB) & MASK
    return x ^ (x >> 31)


def _edge_hash(low, high, seed):
    golden = 0x9E3779B97F4A7C15
    return _mix((_mix((seed + golden * (low + 1)) & MASK) + golden * (high + 1)) & MASK)


def _linkage_weight(linkage, weights, size_x, size_y):
    if linkage == "average":
        return sum(weights) / (size_x * size_y)
    if linkage == "max":
        return max(weights)
    if linkage == "sum":
        return sum(weights)
    raise AssertionError(linkage)


@pytest.fixture(scope="session")
def brute_force():
    """Return a function that gives the labels of every level as sets of nodes named by their smallest member."""

    def cluster(num_nodes, edges, num_levels=3, linkage="average", threshold=None, tie_break="hash", seed=0):
        thresholds = threshold if isinstance(threshold, list) else [threshold]
        clusters = [frozenset([v]) for v in range(num_nodes)]
        levels = []
        for level in range(num_levels):
            bound = thresholds[min(level, len(thresholds) - 1)]
            home = {v: c for c in clusters for v in c}
            between = {}
            for u, v, w in edges:
                if home[u] != home[v]:
                    pair = tuple(sorted((home[u], home[v]), key=min))
                    between.setdefault(pair, []).append(Fraction(w))
            best = {}
            for (x, y), weights in between.items():
                weight = _linkage_weight(linkage, weights, len(x), len(y))
                if bound is not None and weight < Fraction(bound):
                    continue
                low, high = min(x), min(y)
                key = (weight, _edge_hash(low, high, seed) if tie_break == "hash" else 0, -low, -high)
                for one, other in ((x, y), (y, x)):
                    if one not in best or key > best[one][0]:
                        best[one] = (key, other)
            group = {c: {c} for c in clusters}
            for one, (_, other) in best.items():
                if group[one] is not group[other]:
                    joined = group[one] | group[other]
                    for c in joined:
                        group[c] = joined
            clusters = [frozenset().union(*g) for g in {id(g): g for g in group.values()}.values()]
            clusters.sort(key=min)
            label = np.empty(num_nodes, np.int64)
            for i, c in enumerate(clusters):
                label[list(c)] = i
            levels.append(label)
        return levels

    return cluster


@pytest.fixture(scope="session")
def random_edges():
    """Return a function that draws a random simple graph with few distinct dyadic weights (or many)."""

    def draw(rng, num_nodes, num_edges, kind="few"):
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
