"""Affinity clustering against exact arithmetic, and what must not change its result."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.sparse as sp
import torch

from graphvid._dgl import dgl
from graphvid.clustering import AffinityClustering, UndirectedGraph, affinity_clustering


def graph_of(num_nodes, edges):
    src, dst, weight = (np.array(x) for x in zip(*edges)) if edges else (np.empty(0, np.int64),) * 2 + (np.empty(0),)
    return UndirectedGraph.from_coo(src, dst, weight, num_nodes=num_nodes)


@pytest.mark.parametrize("linkage", ["average", "max", "sum"])
@pytest.mark.parametrize("tie_break", ["hash", "index"])
@pytest.mark.parametrize("threshold", [None, 0.5, [1.0, 0.25]])
def test_equals_brute_force(brute_force, random_edges, linkage, tie_break, threshold):
    rng = np.random.default_rng(1)
    for kind in ("few", "equal", "distinct") * 7:
        num_nodes = int(rng.integers(0, 40))
        edges = random_edges(rng, num_nodes, int(rng.integers(0, 3 * num_nodes + 1)), kind)
        options = {"linkage": linkage, "tie_break": tie_break, "threshold": threshold, "seed": int(rng.integers(100))}
        tree = affinity_clustering(graph_of(num_nodes, edges), num_levels=4, **options)
        for got, expected in zip(tree.labels[1:], brute_force(num_nodes, edges, 4, **options), strict=True):
            np.testing.assert_array_equal(got, expected)


def random_graph(rng, num_nodes, num_edges):
    src, dst = rng.integers(0, num_nodes, (2, num_edges))
    return src, dst, rng.random(num_edges)


@pytest.mark.parametrize("linkage", ["average", "max", "sum"])
def test_edge_order_and_threads_change_nothing(linkage, monkeypatch):
    monkeypatch.setattr("graphvid.clustering.affinity._ROWS_PER_THREAD_EDGES", 1)
    rng = np.random.default_rng(2)
    src, dst, weight = random_graph(rng, 2000, 15000)
    graph = UndirectedGraph.from_coo(src, dst, weight, num_nodes=2000, duplicates="sum")
    expected = affinity_clustering(graph, linkage=linkage, num_levels=5, num_threads=1)
    mixed = rng.permutation(len(src))
    flip = rng.random(len(src)) < 0.5
    src, dst = np.where(flip, src, dst)[mixed], np.where(flip, dst, src)[mixed]
    mixed_graph = UndirectedGraph.from_coo(src, dst, weight[mixed], num_nodes=2000, duplicates="sum")
    np.testing.assert_array_equal(mixed_graph.edges()[2], graph.edges()[2])
    for threads in (1, 2, 4):
        tree = affinity_clustering(mixed_graph, linkage=linkage, num_levels=5, num_threads=threads)
        for got, want in zip(tree.parents, expected.parents, strict=True):
            np.testing.assert_array_equal(got, want)


def test_dgl_scipy_and_arrays_agree():
    src, dst, weight = np.array([0, 1, 2, 4]), np.array([1, 2, 3, 5]), np.array([0.5, 2, 1, 4])
    both = np.r_[src, dst], np.r_[dst, src], np.r_[weight, weight]
    arrays = affinity_clustering(UndirectedGraph.from_coo(src, dst, weight, num_nodes=7))
    matrix = affinity_clustering(sp.csr_array((both[2], (both[0], both[1])), shape=(7, 7)))
    graph = dgl.heterograph({("video", "co_watch", "video"): (both[0], both[1])}, num_nodes_dict={"video": 7})
    graph.edata["weight"] = torch.tensor(both[2], dtype=torch.float32)
    for tree in (matrix, affinity_clustering(graph), AffinityClustering().fit(graph).tree_):
        for got, want in zip(tree.labels, arrays.labels, strict=True):
            np.testing.assert_array_equal(got, want)
    assert arrays.labels[1].tolist() == [0, 0, 0, 0, 1, 1, 2]


def test_tree_slices_hold_the_members():
    rng = np.random.default_rng(3)
    src, dst, weight = random_graph(rng, 300, 500)
    tree = affinity_clustering(UndirectedGraph.from_coo(src, dst, weight, num_nodes=300, duplicates="max"))
    assert sorted(tree.order) == list(range(300))
    for level in range(tree.num_levels + 1):
        for cluster in range(tree.num_clusters(level)):
            members = np.flatnonzero(tree.labels[level] == cluster)
            np.testing.assert_array_equal(np.sort(tree.members(level, cluster)), members)
    for level in range(tree.num_levels):
        np.testing.assert_array_equal(tree.labels[level + 1], tree.parents[level][tree.labels[level]])
        siblings = tree.siblings(7, level)
        expected = np.flatnonzero(
            (tree.labels[level + 1] == tree.labels[level + 1][7]) & (tree.labels[level] != tree.labels[level][7])
        )
        np.testing.assert_array_equal(np.sort(siblings), expected)


@pytest.mark.parametrize("num_levels", [0, 2, None])
@pytest.mark.parametrize("num_nodes", [0, 1, 3])
def test_no_edges(num_nodes, num_levels):
    tree = affinity_clustering(UndirectedGraph.from_coo([], [], [], num_nodes=num_nodes), num_levels=num_levels)
    assert tree.num_levels == (num_levels or 0)
    assert tree.num_effective_levels == 0
    assert tree.labels[-1].tolist() == list(range(num_nodes))


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"linkage": "mean"}, ValueError, "linkage must be one of .* got 'mean'"),
        ({"tie_break": "random"}, ValueError, "tie_break must be 'hash' or 'index', got 'random'"),
        ({"num_levels": -1}, ValueError, "num_levels must be >= 0 or None, got -1"),
        ({"threshold": [1, 2, 3, 4]}, ValueError, "at most num_levels=3 numbers, got 4"),
        ({"threshold": []}, ValueError, "threshold must be"),
        ({"threshold": float("nan")}, ValueError, "threshold must be"),
        ({"num_threads": 0}, ValueError, "num_threads must be >= 1, got 0"),
    ],
)
def test_bad_options(options, error, message):
    with pytest.raises(error, match=message):
        affinity_clustering(UndirectedGraph.from_coo([0], [1], [1.0], num_nodes=2), **options)
