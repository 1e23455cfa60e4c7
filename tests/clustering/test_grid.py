"""Weights on a grid: no order of addition can change a sum, and what is given on the grid stays as it is."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import pytest

from graphvid.clustering import UndirectedGraph, affinity_clustering, continue_clustering
from graphvid.clustering._grid_rows import gridded
from graphvid.clustering.grid import FLOAT_EDGES, grid_exponent


def thirds(num_nodes: int = 400, num_edges: int = 3000) -> UndirectedGraph:
    rng = np.random.default_rng(0)
    src, dst = rng.integers(0, num_nodes, (2, num_edges))
    weight = rng.integers(1, 12, num_edges) / 3
    graph = UndirectedGraph.from_coo(src, dst, weight, num_nodes=num_nodes, duplicates="max")
    return UndirectedGraph.from_coo(*graph.edges(), num_nodes=num_nodes)  # without gaps between its rows


@pytest.mark.parametrize(
    ("largest", "num_edges", "exponent"),
    [(1.0, 1, 52), (1.0, 2, 51), (1.0, 3, 50), (1.5, 1, 51), (2.0, 1024, 41), (0.75, 1024, 42), (5e-324, 1, 1126)],
)
def test_exponent(largest, num_edges, exponent):
    assert grid_exponent(largest, num_edges) == exponent


def test_the_grid_of_float64_is_as_fine_as_float32_up_to_where_sums_become_integers():
    assert grid_exponent(1.0, FLOAT_EDGES) == 24
    assert grid_exponent(1.0, FLOAT_EDGES + 1) == 62 - 29


@pytest.mark.parametrize("scale", [1.0, 2.0**-1060, 1e308 / 4])
def test_sums_are_exact_and_the_error_is_half_a_step(scale):
    graph = thirds()
    rows = graph.rows()._replace(values=graph.weights * scale)
    values = gridded(rows, scaled=False)[0].values
    step = Fraction(2) ** -grid_exponent(float(rows.values.max()), graph.num_edges)
    assert all(abs(Fraction(x) - Fraction(y)) <= step / 2 for x, y in zip(values.tolist(), rows.values.tolist()))
    if scale == 1:
        exact = sum(map(Fraction, values.tolist()))
        for seed in range(5):
            assert Fraction(float(np.cumsum(np.random.default_rng(seed).permutation(values))[-1])) == exact


def test_weights_on_the_grid_are_not_copied():
    graph = UndirectedGraph.from_coo([0, 1], [1, 2], [3.0, 5.0], num_nodes=3)
    assert gridded(graph.rows(), scaled=False)[0].values is graph.weights
    zeros = UndirectedGraph.from_coo([0, 1], [1, 2], [0.0, 0.0], num_nodes=3)
    assert gridded(zeros.rows(), scaled=False)[0].values is zeros.weights


@pytest.mark.parametrize("wide", [False, True])
@pytest.mark.parametrize("linkage", ["average", "sum", "explicit_average", "cut_sparsity"])
def test_numbering_changes_nothing_though_sums_are_of_thirds(linkage, wide, monkeypatch):
    if wide:
        monkeypatch.setattr("graphvid.clustering.grid.FLOAT_EDGES", 10)
    graph = thirds()
    low, high, _ = graph.edges()
    weight = np.random.default_rng(1).permutation(len(low)) / 3  # distinct
    expected = affinity_clustering(
        UndirectedGraph.from_coo(low, high, weight, num_nodes=400), num_levels=5, linkage=linkage, ids=np.arange(400)
    )
    for seed in range(5):
        new = np.random.default_rng(seed).permutation(400)
        moved = UndirectedGraph.from_coo(new[low], new[high], weight, num_nodes=400)
        ids = np.empty(400, np.int64)
        ids[new] = np.arange(400)
        tree = affinity_clustering(moved, num_levels=5, linkage=linkage, ids=ids)
        for one, other in zip(expected.labels, tree.labels, strict=True):
            pairs = np.unique(np.stack([one, other[new]]), axis=1)
            assert pairs.shape[1] == one.max() + 1 == other.max() + 1


@pytest.mark.parametrize("options", [{}, {"threshold": [3.0, 0.5]}, {"linkage": "explicit_average"}])
def test_int64_sums_give_the_clusters_of_the_oracle(options, brute_force, random_edges, graph_of, monkeypatch):
    monkeypatch.setattr("graphvid.clustering.grid.FLOAT_EDGES", 10)
    edges = random_edges(np.random.default_rng(3), 60, 200, "distinct")
    tree = affinity_clustering(graph_of(60, edges), num_levels=3, **options)
    for got, expected in zip(tree.labels[1:], brute_force(60, edges, 3, **options), strict=True):
        np.testing.assert_array_equal(got, expected)


@pytest.mark.parametrize("linkage", ["average", "max", "sum", "explicit_average", "cut_sparsity"])
def test_going_on_from_level_one_is_going_on(linkage):
    graph = thirds()
    whole = affinity_clustering(graph, num_levels=4, linkage=linkage, threshold=[0.1, 0.3, 0.2, 0.05])
    rows, _ = gridded(graph.rows(), scaled=False)
    low, high, _ = graph.edges()
    weight = rows.values if linkage != "max" else graph.weights
    label = whole.labels[1]
    combined: dict[tuple[int, int], list[float]] = {}
    for a, b, value in zip(label[low].tolist(), label[high].tolist(), weight.tolist()):
        if a != b:
            combined.setdefault((min(a, b), max(a, b)), []).append(value)
    members = np.unique(label, return_index=True)[1]
    low, high = np.array(list(combined)).T
    tree = continue_clustering(
        low,
        high,
        np.array([max(parts) if linkage == "max" else math.fsum(parts) for parts in combined.values()]),
        [len(parts) for parts in combined.values()],
        sizes=whole.sizes[1],
        members=members,
        num_levels=3,
        linkage=linkage,
        threshold=[0.3, 0.2, 0.05],
    )
    for one, other in zip(tree.parents, whole.parents[1:], strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize(
    ("change", "match"),
    [
        ({"low": [0]}, "must have one length"),
        ({"high": [1, 3]}, r"0 <= low < high < 3, got \(1, 3\) in edge 1"),
        ({"low": [0, 0], "high": [1, 1]}, r"given once, got \(0, 1\) twice"),
        ({"members": [0, 4, 1]}, "members must ascend"),
        ({"sizes": [1, 1]}, "one per size, got"),
    ],
)
def test_bad_contracted_graphs(change, match):
    given = {
        "low": [0, 1],
        "high": [1, 2],
        "sums": [1.0, 2.0],
        "counts": [1, 1],
        "sizes": [1, 1, 1],
        "members": [0, 1, 4],
    }
    given |= change
    arrays = [given.pop(name) for name in ("low", "high", "sums", "counts")]
    with pytest.raises(ValueError, match=match):
        continue_clustering(*arrays, num_levels=1, **given)
