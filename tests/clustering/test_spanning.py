"""Spanning forests against networkx and SciPy, and against affinity clustering with max linkage."""

from __future__ import annotations

import networkx as nx
import numpy as np
import pytest
import scipy.sparse as sp
from scipy.sparse.csgraph import minimum_spanning_tree

from graphvid.clustering import UndirectedGraph, affinity_clustering, maximum_spanning_forest


@pytest.mark.parametrize("kind", ["few", "equal", "distinct"])
def test_weights_equal_networkx(random_edges, graph_of, kind):
    rng = np.random.default_rng(0)
    for _ in range(30):
        num_nodes = int(rng.integers(0, 60))
        edges = random_edges(rng, num_nodes, int(rng.integers(0, 4 * num_nodes + 1)), kind)
        forest = maximum_spanning_forest(graph_of(num_nodes, edges))
        graph = nx.Graph()
        graph.add_nodes_from(range(num_nodes))
        graph.add_weighted_edges_from(edges)
        expected = nx.maximum_spanning_tree(graph)
        assert sorted(forest.weight) == sorted(w for _, _, w in expected.edges(data="weight"))
        found = set(zip(forest.src.tolist(), forest.dst.tolist()))
        assert len(found) == len(forest.src)
        assert found <= {(u, v) for u, v, _ in edges}
        assert nx.is_forest(nx.Graph(list(found))) if found else not expected.edges
        if kind == "distinct":
            assert found == {(min(e), max(e)) for e in expected.edges}
        for i, component in enumerate(sorted(nx.connected_components(graph), key=min)):
            assert set(np.flatnonzero(forest.components == i)) == component


@pytest.mark.parametrize("num_threads", [1, 2, 4])
@pytest.mark.parametrize(("num_nodes", "num_edges"), [(2000, 3000), (2000, 60000)])
def test_edges_equal_scipy(random_graph, monkeypatch, num_nodes, num_edges, num_threads):
    # the second graph has enough edges for the pass over the heaviest ones
    monkeypatch.setattr("graphvid.clustering._threads.EDGES_PER_THREAD", 1)
    graph = random_graph(np.random.default_rng(1), num_nodes, num_edges)
    forest = maximum_spanning_forest(graph, num_threads=num_threads)
    low, high, weight = graph.edges()
    tree = minimum_spanning_tree(sp.csr_array((1.0 - weight, (low, high)), shape=(num_nodes, num_nodes))).tocoo()
    expected = sorted(zip(np.minimum(*tree.coords).tolist(), np.maximum(*tree.coords).tolist()))
    assert list(zip(forest.src.tolist(), forest.dst.tolist())) == expected


@pytest.mark.parametrize("num_threads", [1, 2, 4])
def test_heavy_edges_in_a_few_rows_find_room(random_graph, monkeypatch, num_threads):
    # so do the many edges that these leave between components
    monkeypatch.setattr("graphvid.clustering._threads.EDGES_PER_THREAD", 1)
    graph = random_graph(np.random.default_rng(3), 2000, 60000)
    low, high, _ = graph.edges()
    weight = 2.0 ** -(low // 100) - np.arange(len(low)) / 2.0**50
    forest = maximum_spanning_forest(graph.from_coo(low, high, weight, num_nodes=2000), num_threads=num_threads)
    tree = minimum_spanning_tree(sp.csr_array((2.0 - weight, (low, high)), shape=(2000, 2000))).tocoo()
    expected = sorted(zip(np.minimum(*tree.coords).tolist(), np.maximum(*tree.coords).tolist()))
    assert list(zip(forest.src.tolist(), forest.dst.tolist())) == expected


@pytest.mark.parametrize("equal", [False, True])
def test_threads_and_edge_order_change_nothing(random_graph, monkeypatch, equal):
    monkeypatch.setattr("graphvid.clustering._threads.EDGES_PER_THREAD", 1)
    rng = np.random.default_rng(2)
    graph = random_graph(rng, 1000, 20000, np.ones(20000) if equal else rng.integers(0, 9, 20000) / 7)
    expected = maximum_spanning_forest(graph, num_threads=1)
    low, high, weight = graph.edges()
    mixed = rng.permutation(len(low))
    again = UndirectedGraph.from_coo(high[mixed], low[mixed], weight[mixed], num_nodes=1000)
    for threads in (1, 2, 4):
        for one, other in zip(maximum_spanning_forest(again, num_threads=threads), expected, strict=True):
            np.testing.assert_array_equal(one, other)
    assert forest_clusters_agree(graph, expected)


def forest_clusters_agree(graph, forest):
    tree = affinity_clustering(graph, num_levels=None, linkage="max")
    return (tree.labels[-1] == forest.components).all()


@pytest.mark.parametrize("num_nodes", [0, 1, 4])
def test_no_edges(graph_of, num_nodes):
    forest = maximum_spanning_forest(graph_of(num_nodes, []))
    assert [len(x) for x in forest] == [0, 0, 0, num_nodes]
    assert forest.components.tolist() == list(range(num_nodes))


def test_zero_and_negative_weights_are_edges(graph_of):
    forest = maximum_spanning_forest(graph_of(3, [(0, 1, 0.0), (1, 2, -2.0), (0, 2, -1.0)]))
    assert forest.weight.tolist() == [0.0, -1.0]
    with pytest.raises(ValueError, match="num_threads must be None or an integer >= 1, got 0"):
        maximum_spanning_forest(graph_of(2, []), num_threads=0)
