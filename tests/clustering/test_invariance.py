"""Changes that must not change the clusters: threads, the order of edges and nodes, scale; and what every hierarchy has."""

from __future__ import annotations

import numpy as np
import pytest

from graphvid.clustering import (
    AverageMaxDegreeBounded,
    ClusterTree,
    Freeze,
    Percentile,
    UndirectedGraph,
    affinity_clustering,
    maximum_spanning_forest,
)

LINKAGES = ["average", "max", "sum", "explicit_average", "cut_sparsity", AverageMaxDegreeBounded(5), Percentile(0.3)]
LIMITS = [{}, {"max_cluster_size": 40}, {"min_cluster_size": 6}, {"freeze": Freeze(conductance=0.6, density=0.01)}]


def assert_same(got: ClusterTree, expected: ClusterTree) -> None:
    assert got.num_effective_levels == expected.num_effective_levels
    for one, other in zip(got.parents, expected.parents, strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.fixture
def many_threads(monkeypatch):
    monkeypatch.setattr("graphvid.clustering._threads.EDGES_PER_THREAD", 1)


@pytest.mark.parametrize("weights", ["distinct", "equal"])
@pytest.mark.parametrize("limits", LIMITS, ids=str)
@pytest.mark.parametrize("linkage", LINKAGES, ids=str)
def test_edge_order_and_threads_change_nothing(linkage, limits, weights, many_threads):
    rng = np.random.default_rng(2)
    src, dst = rng.integers(0, 1000, (2, 8000))
    weight = rng.random(8000) if weights == "distinct" else np.full(8000, 0.1)
    options = {"linkage": linkage, "num_levels": 5, "node_weight": rng.random(1000) + 0.5, **limits}
    graph = UndirectedGraph.from_coo(src, dst, weight, num_nodes=1000, duplicates="sum")
    expected = affinity_clustering(graph, num_threads=1, **options)
    mixed = rng.permutation(len(src))
    flip = rng.random(len(src)) < 0.5
    src, dst = np.where(flip, src, dst)[mixed], np.where(flip, dst, src)[mixed]
    mixed_graph = UndirectedGraph.from_coo(src, dst, weight[mixed], num_nodes=1000, duplicates="sum")
    np.testing.assert_array_equal(mixed_graph.edges()[2], graph.edges()[2])
    for threads in (1, 2, 4, 7):
        assert_same(affinity_clustering(mixed_graph, num_threads=threads, **options), expected)


@pytest.mark.parametrize("limits", LIMITS, ids=str)
@pytest.mark.parametrize("linkage", LINKAGES, ids=str)
def test_relabelled_nodes_give_relabelled_clusters(linkage, limits, random_graph):
    rng = np.random.default_rng(3)
    graph = random_graph(rng, 1000, 4000)
    low, high, weight = graph.edges()
    weight = np.round(weight * 2**30) / 2**30  # sums are exact, so that their order cannot matter
    graph = UndirectedGraph.from_coo(low, high, weight, num_nodes=1000)
    new = rng.permutation(1000)
    relabelled = UndirectedGraph.from_coo(new[low], new[high], weight, num_nodes=1000)
    for one, other in zip(
        affinity_clustering(graph, num_levels=5, linkage=linkage, **limits).labels,
        affinity_clustering(relabelled, num_levels=5, linkage=linkage, **limits).labels,
        strict=True,
    ):
        pairs = np.unique(np.stack([one, other[new]]), axis=1)
        assert pairs.shape[1] == one.max() + 1 == other.max() + 1


@pytest.mark.parametrize("power", [-40, -1, 7, 300])
@pytest.mark.parametrize("linkage", LINKAGES, ids=str)
def test_scaling_by_a_power_of_two_changes_nothing(linkage, power, random_graph):
    graph = random_graph(np.random.default_rng(4), 1000, 4000)
    scaled = UndirectedGraph.from_coo(*graph.edges()[:2], graph.edges()[2] * 2.0**power, num_nodes=1000)
    got = affinity_clustering(scaled, linkage=linkage, threshold=[0.5 * 2.0**power, 0.001 * 2.0**power])
    assert_same(got, affinity_clustering(graph, linkage=linkage, threshold=[0.5, 0.001]))


@pytest.mark.parametrize("limits", LIMITS[:3], ids=str)
@pytest.mark.parametrize("linkage", LINKAGES, ids=str)
def test_levels_nest_and_clusters_with_an_edge_double(linkage, limits, random_graph):
    graph = random_graph(np.random.default_rng(5), 2000, 4000)
    tree = affinity_clustering(graph, num_levels=6, linkage=linkage, **limits)
    low, high, _ = graph.edges()
    for level in range(tree.num_levels):
        inner, outer = tree.labels[level], tree.labels[level + 1]
        np.testing.assert_array_equal(outer, tree.parents[level][inner])
        if not limits:
            children = np.bincount(tree.parents[level])
            leaving = inner[low] != inner[high]
            has_edge = np.zeros(tree.num_clusters(level), bool)
            has_edge[inner[low[leaving]]] = True
            has_edge[inner[high[leaving]]] = True
            assert (children[tree.parents[level][has_edge]] >= 2).all()


def test_ids_of_64_bits_give_the_same(random_graph):
    graph = random_graph(np.random.default_rng(6), 300, 1000)
    wide = UndirectedGraph(300, graph.starts, graph.stops, graph.neighbors.astype(np.int64), graph.weights)
    assert_same(affinity_clustering(wide), affinity_clustering(graph))
    for one, other in zip(maximum_spanning_forest(wide), maximum_spanning_forest(graph), strict=True):
        np.testing.assert_array_equal(one, other)
