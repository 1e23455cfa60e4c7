"""Nodes with ids of their own, thresholds that rise, target sizes, and what scikit-learn and notebooks ask."""

from __future__ import annotations

import numpy as np
import pytest
import sklearn.base
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.exceptions import SkipTestWarning
from sklearn.utils.estimator_checks import check_estimator

from graphvid.clustering import AffinityClustering, ThresholdSchedule, UndirectedGraph, affinity_clustering

OPTIONS = [
    {},
    {"linkage": "sum"},
    {"tie_break": "index"},
    {"max_cluster_size": 6},
    {"target_cluster_size": 4},
    {"seed": 7, "num_levels": None},
]


def tied_graph(seed, num_nodes=60, num_edges=150):
    """A graph with few distinct weights, which are no sums of powers of two."""
    rng = np.random.default_rng(seed)
    pairs = {tuple(sorted(pair)) for pair in rng.integers(0, num_nodes, (num_edges, 2)).tolist() if pair[0] != pair[1]}
    low, high = np.array(sorted(pairs)).T
    return low, high, rng.integers(1, 4, len(low)) / 10, num_nodes


def partitions(tree, names):
    return [
        {frozenset(names[tree.labels[level] == c].tolist()) for c in range(tree.num_clusters(level))}
        for level in range(1, tree.num_levels + 1)
    ]


@pytest.mark.parametrize("options", OPTIONS)
@pytest.mark.parametrize("text", [False, True])
@given(seed=st.integers(0, 10**6))
@settings(max_examples=15, deadline=None)
def test_renumbered_nodes_with_their_ids_give_the_same_clusters(options, text, seed):
    low, high, weight, num_nodes = tied_graph(seed)
    rng = np.random.default_rng(seed)
    ids = rng.permutation(1000)[:num_nodes]
    ids = np.array([f"v{i}" for i in ids]) if text else ids
    new = rng.permutation(num_nodes)
    moved = np.empty_like(ids)
    moved[new] = ids
    node_weight = rng.integers(1, 3, num_nodes).astype(float)
    moved_weight = np.empty(num_nodes)
    moved_weight[new] = node_weight
    graph = UndirectedGraph.from_coo(low, high, weight, num_nodes=num_nodes)
    again = UndirectedGraph.from_coo(new[low], new[high], weight, num_nodes=num_nodes)
    tree = affinity_clustering(graph, ids=ids, node_weight=node_weight, **options)
    other = affinity_clustering(again, ids=moved, node_weight=moved_weight, **options)
    assert partitions(tree, ids) == partitions(other, moved)
    assert tree.num_effective_levels == other.num_effective_levels


def test_without_ids_ties_depend_on_the_numbers():
    """Else the test above would show nothing."""
    low, high, weight, num_nodes = tied_graph(0)
    new = np.random.default_rng(0).permutation(num_nodes)
    tree, other = (
        affinity_clustering(UndirectedGraph.from_coo(a, b, weight, num_nodes=num_nodes))
        for a, b in ((low, high), (new[low], new[high]))
    )
    names = np.empty(num_nodes, int)
    names[new] = np.arange(num_nodes)
    assert partitions(tree, np.arange(num_nodes)) != partitions(other, names)


def test_numbers_as_ids_change_nothing_without_ties():
    low, high, _, num_nodes = tied_graph(1)
    weight = 2.0 ** -np.random.default_rng(1).permutation(len(low))
    graph = UndirectedGraph.from_coo(low, high, weight, num_nodes=num_nodes)
    tree, plain = (
        affinity_clustering(graph, ids=np.arange(num_nodes), linkage="max"),
        affinity_clustering(graph, linkage="max"),
    )
    assert all(np.array_equal(a, b) for a, b in zip(tree.parents, plain.parents, strict=True))


def test_thresholds_may_rise():
    graph = UndirectedGraph.from_coo([0, 1, 2], [1, 2, 3], [1.0, 5.0, 1.0], num_nodes=4)
    rising = affinity_clustering(graph, threshold=[0.0, 6.0], linkage="sum", num_levels=2)
    schedule = affinity_clustering(graph, threshold=ThresholdSchedule(0.0, 6.0), linkage="sum", num_levels=2)
    assert [rising.num_clusters(k) for k in (1, 2)] == [schedule.num_clusters(k) for k in (1, 2)] == [1, 1]
    assert ThresholdSchedule(1.0, 4.0, "exponential").values(3) == [1.0, 2.0, 4.0]


def test_an_empty_list_of_thresholds_is_zero_as_in_the_published_code():
    graph = UndirectedGraph.from_coo([0, 2, 4], [1, 3, 5], [-1.0, 0.0, 1.0], num_nodes=6)
    assert affinity_clustering(graph, threshold=[], num_levels=1).labels[1].tolist() == [0, 1, 2, 2, 3, 3]
    assert affinity_clustering(graph, threshold=0.0, num_levels=1).labels[1].tolist() == [0, 1, 2, 2, 3, 3]


def test_a_target_size_stands_for_its_two_options():
    low, high, weight, num_nodes = tied_graph(2)
    graph = UndirectedGraph.from_coo(low, high, weight, num_nodes=num_nodes)
    one = affinity_clustering(graph, target_cluster_size=5)
    two = affinity_clustering(graph, min_cluster_size=5, prefer_min_cluster_size=True)
    assert all(np.array_equal(a, b) for a, b in zip(one.parents, two.parents, strict=True))


def test_scikit_learn_and_notebooks_can_ask():
    estimator = AffinityClustering(num_levels=2, linkage="max")
    assert sklearn.base.is_clusterer(estimator)
    assert not sklearn.base.is_classifier(estimator)
    assert "num_levels=2" in estimator._repr_html_()
    assert sklearn.base.clone(estimator).get_params() == estimator.get_params()
    assert estimator.__sklearn_tags__().input_tags.pairwise
    with pytest.warns(SkipTestWarning, match="requires input  of type"):  # a graph
        assert [check["status"] for check in check_estimator(estimator)] == ["passed"]
