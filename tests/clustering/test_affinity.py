"""Affinity clustering against exact arithmetic from the original edges, and against figures known of random graphs."""

from __future__ import annotations

import math

import numpy as np
import pytest
import scipy.sparse as sp
import torch
from scipy.sparse.csgraph import connected_components

from graphvid._dgl import dgl
from graphvid.clustering import (
    AffinityClustering,
    AverageMaxDegreeBounded,
    Freeze,
    Percentile,
    ThresholdSchedule,
    UndirectedGraph,
    affinity_clustering,
)

LINKAGES = [
    "average",
    "max",
    "sum",
    "explicit_average",
    "cut_sparsity",
    AverageMaxDegreeBounded(3),
    AverageMaxDegreeBounded(0.5),
    Percentile(0.5),
    Percentile(0.25, min_count=2),
]
OPTIONS = [
    {},
    {"tie_break": "index"},
    {"threshold": 0.5},
    {"threshold": [1.0, 0.25]},
    {"threshold": [100.0, -1.0, 100.0, 0.5]},
    {"node_weight": True},
    {"min_cluster_size": 3},
    {"max_cluster_size": 5},
    {"min_cluster_size": 2, "max_cluster_size": 7, "node_weight": True},
    {"min_cluster_size": 3, "prefer_min_cluster_size": True},
    {"min_cluster_size": 3, "max_cluster_size": 9, "prefer_min_cluster_size": True, "threshold": 0.5},
    {"freeze": Freeze(density=0.5)},
    {"freeze": Freeze(conductance=0.5), "node_weight": True},
    {"freeze": Freeze(density=0.25, conductance=0.375), "threshold": [1.5, 0.0]},
    {"freeze": [Freeze(density=0.75), Freeze(conductance=0.625)], "max_cluster_size": 20},
]


def compare_with_brute_force(brute_force, random_edges, graph_of, linkage, options, seed, num_graphs, max_nodes):
    rng = np.random.default_rng(seed)
    for i in range(num_graphs):
        num_nodes = int(rng.integers(0, max_nodes + 1))
        num_edges = int(rng.integers(0, 3 * num_nodes + 1))
        edges = random_edges(rng, num_nodes, num_edges, ("few", "equal", "distinct")[i % 3])
        given = {**options, "linkage": linkage, "seed": int(rng.integers(2**62)) - 2**61}
        if "node_weight" in options:
            given["node_weight"] = rng.integers(1, 7, num_nodes) / 2
        tree = affinity_clustering(graph_of(num_nodes, edges), num_levels=4, **given)
        for got, expected in zip(tree.labels[1:], brute_force(num_nodes, edges, 4, **given), strict=True):
            np.testing.assert_array_equal(got, expected, err_msg=f"graph {i}, {given}")


@pytest.mark.parametrize("options", OPTIONS, ids=str)
@pytest.mark.parametrize("linkage", LINKAGES, ids=str)
def test_equals_brute_force(brute_force, random_edges, graph_of, linkage, options):
    compare_with_brute_force(brute_force, random_edges, graph_of, linkage, options, 1, 6, 24)


@pytest.mark.slow
@pytest.mark.parametrize("options", OPTIONS, ids=str)
@pytest.mark.parametrize("linkage", LINKAGES, ids=str)
def test_equals_brute_force_on_thousands(brute_force, random_edges, graph_of, linkage, options):
    compare_with_brute_force(brute_force, random_edges, graph_of, linkage, options, 2, 60, 60)


def test_chains_collapse_in_one_level(graph_of):
    # 1 -> 2, 2 -> 3, 3 <-> 0: one cluster; 4 - 5 have no eligible edge at 1.0
    graph = graph_of(6, [(1, 2, 1.0), (2, 3, 2.0), (0, 3, 3.0), (4, 5, 0.5)])
    tree = affinity_clustering(graph, num_levels=2, threshold=1.0)
    assert tree.labels[1].tolist() == [0, 0, 0, 0, 1, 2]
    assert tree.num_effective_levels == 1


@pytest.mark.parametrize(("threshold", "clusters"), [(4.0, 1), (math.nextafter(4.0, 5.0), 2), (4.1, 2)])
def test_an_edge_equal_to_the_threshold_is_eligible(graph_of, threshold, clusters):
    tree = affinity_clustering(graph_of(2, [(0, 1, 4.0)]), num_levels=1, threshold=threshold)
    assert tree.num_clusters(1) == clusters


@pytest.mark.parametrize(("threshold", "clusters"), [(0.25, 1), (math.nextafter(0.25, 1.0), 2)])
def test_thresholds_compare_with_the_linkage_weight(graph_of, threshold, clusters):
    # {0, 1} and {2, 3} joined by one edge of weight 1: average 1 / 4
    graph = graph_of(4, [(0, 1, 2.0), (2, 3, 2.0), (1, 2, 1.0)])
    tree = affinity_clustering(graph, num_levels=2, threshold=[1.5, threshold])
    assert (tree.num_clusters(1), tree.num_clusters(2)) == (2, clusters)


def test_average_is_not_an_average_of_averages(graph_of):
    # {0, 1} takes in 2 at level 2; then its weight to 3 is (3 + 3) / 3 = 2, while 3 / 2 and 3 average to 2.25
    edges = [(0, 1, 9.0), (0, 2, 4.5), (1, 2, 4.5), (0, 3, 3.0), (2, 3, 3.0), (3, 4, 2.125)]
    tree = affinity_clustering(graph_of(5, edges), threshold=[5.0, 4.0, 2.0625])
    assert tree.labels[1].tolist() == [0, 0, 1, 2, 3]
    assert tree.labels[2].tolist() == [0, 0, 0, 1, 2]
    assert tree.labels[3].tolist() == [0, 0, 0, 1, 1]


def test_schedule_gives_the_thresholds_of_its_list(random_graph):
    graph = random_graph(np.random.default_rng(3), 500, 2000)
    schedule = ThresholdSchedule(0.75, 0.25)
    got = affinity_clustering(graph, threshold=schedule)
    expected = affinity_clustering(graph, threshold=[0.75, 0.5, 0.25])
    np.testing.assert_array_equal(got.labels[3], expected.labels[3])


def test_max_linkage_converges_to_the_components(random_graph):
    graph = random_graph(np.random.default_rng(4), 1000, 900)
    tree = affinity_clustering(graph, num_levels=None, linkage="max")
    low, high, weight = graph.edges()
    components = connected_components(sp.coo_array((weight, (low, high)), shape=(1000, 1000)), directed=False)[1]
    np.testing.assert_array_equal(tree.labels[-1], components)
    assert tree.num_levels == tree.num_effective_levels <= 10


@pytest.mark.parametrize("largest", [1, 2, 7, 100])
def test_max_cluster_size_is_never_exceeded(random_graph, largest):
    graph = random_graph(np.random.default_rng(5), 3000, 30000)
    tree = affinity_clustering(graph, num_levels=None, linkage="sum", max_cluster_size=largest)
    assert tree.sizes[-1].max() == largest
    weight = np.random.default_rng(6).random(3000)
    tree = affinity_clustering(graph, num_levels=6, max_cluster_size=largest, node_weight=weight)
    assert np.bincount(tree.labels[-1], weight).max() <= largest


def test_clusters_above_the_smallest_size_start_no_merge(random_graph):
    graph = random_graph(np.random.default_rng(7), 3000, 30000)
    tree = affinity_clustering(graph, num_levels=None, min_cluster_size=50)
    before, after = tree.sizes[-2], tree.sizes[-1]
    assert after.min() > 50
    assert (before > 50).sum() > 0
    preferred = affinity_clustering(graph, num_levels=None, min_cluster_size=50, prefer_min_cluster_size=True)
    assert preferred.sizes[-1].max() < after.max()


def test_freezing_takes_a_finished_cluster_out(graph_of):
    # two triangles and a weak bridge: both are finished after level 1, so the bridge never merges them
    triangles = [(0, 1, 2.0), (1, 2, 2.0), (0, 2, 1.0), (3, 4, 2.0), (4, 5, 2.0), (3, 5, 1.0)]
    graph = graph_of(6, [*triangles, (2, 3, 0.5)])
    assert affinity_clustering(graph, num_levels=2).num_clusters(2) == 1
    frozen = affinity_clustering(graph, num_levels=2, freeze=Freeze(conductance=0.25))
    assert frozen.labels[2].tolist() == [0, 0, 0, 1, 1, 1]
    # conductance is 0.5 / 10.5; a bound below it finishes nothing
    assert affinity_clustering(graph, num_levels=2, freeze=Freeze(conductance=0.5 / 10.5)).num_clusters(2) == 1


def nearest_neighbours(rng, num_nodes):
    from scipy.spatial import cKDTree

    points = rng.random((num_nodes, 3))
    near = cKDTree(points).query(points, 11)[1][:, 1:]
    return np.repeat(np.arange(num_nodes), 10), near.ravel()


def planted_communities(rng, num_nodes):
    src = rng.integers(0, num_nodes, 10 * num_nodes)
    inside = rng.random(len(src)) < 0.7
    return src, np.where(inside, src // 40 * 40 + rng.integers(0, 40, len(src)), rng.integers(0, num_nodes, len(src)))


@pytest.mark.parametrize(
    ("name", "mean", "largest"),
    [("random", 4.0, 45), ("path", 3.0, 14), ("grid", 3.5, 30), ("knn", 3.8, 30), ("planted", 4.0, 35)],
)
def test_ties_by_hash_behave_like_distinct_weights(name, mean, largest):
    # mean and largest cluster after one level with all weights equal, as measured for section 1.3 of the specification
    rng = np.random.default_rng(8)
    num_nodes = 20000 if name in ("knn", "planted") else 49729
    if name == "random":
        src, dst = rng.integers(0, num_nodes, (2, 10 * num_nodes))
    elif name == "path":
        src, dst = np.arange(num_nodes - 1), np.arange(1, num_nodes)
    elif name == "grid":
        at = np.arange(num_nodes).reshape(223, 223)
        src = np.r_[at[:, :-1].ravel(), at[:-1].ravel()]
        dst = np.r_[at[:, 1:].ravel(), at[1:].ravel()]
    else:
        src, dst = (nearest_neighbours if name == "knn" else planted_communities)(rng, num_nodes)
    graph = UndirectedGraph.from_coo(src, dst, num_nodes=num_nodes, duplicates="max")
    hashed = affinity_clustering(graph, num_levels=1)
    assert num_nodes / hashed.num_clusters(1) == pytest.approx(mean, rel=0.05)
    assert hashed.sizes[1].max() <= largest
    by_index = affinity_clustering(graph, num_levels=1, tie_break="index")
    assert by_index.sizes[1].max() > 2 * largest
    other = affinity_clustering(graph, num_levels=1, seed=1)
    assert (other.labels[1] != hashed.labels[1]).any()


def vectorised(matrix, num_levels):
    """Affinity clustering with average linkage for distinct weights, in SciPy and NumPy."""
    labels, sizes = np.arange(matrix.shape[0]), np.ones(matrix.shape[0])
    for _ in range(num_levels):
        coo = matrix.tocoo()
        weight = coo.data / (sizes[coo.row] * sizes[coo.col])
        order = np.lexsort((weight, coo.row))
        last = order[np.flatnonzero(np.diff(coo.row[order], append=-1))]
        chosen = sp.coo_array((np.ones(len(last)), (coo.row[last], coo.col[last])), shape=matrix.shape)
        count, label = connected_components(chosen, directed=False)
        labels, sizes = label[labels], np.bincount(label, sizes)
        row, col = label[coo.row], label[coo.col]
        matrix = sp.csr_array((coo.data[row != col], (row[row != col], col[row != col])), shape=(count, count))
        yield labels


def test_equals_a_vectorised_implementation_on_a_larger_graph(random_graph):
    graph = random_graph(np.random.default_rng(10), 20_000, 200_000)
    low, high, weight = graph.edges()
    matrix = sp.coo_array((np.r_[weight, weight], (np.r_[low, high], np.r_[high, low])), shape=(20_000, 20_000)).tocsr()
    tree = affinity_clustering(matrix, num_levels=4)
    for got, expected in zip(tree.labels[1:], vectorised(matrix, 4), strict=True):
        np.testing.assert_array_equal(got, expected)


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


@pytest.mark.parametrize("options", [{}, {"freeze": Freeze(density=0.5)}, {"max_cluster_size": 2}], ids=str)
@pytest.mark.parametrize("num_levels", [0, 2, None])
@pytest.mark.parametrize("num_nodes", [0, 1, 3])
def test_no_edges(graph_of, num_nodes, num_levels, options):
    tree = affinity_clustering(graph_of(num_nodes, []), num_levels=num_levels, **options)
    assert tree.num_levels == (num_levels or 0)
    assert tree.num_effective_levels == 0
    assert tree.labels[-1].tolist() == list(range(num_nodes))


def test_progress_shows_levels(graph_of, capsys):
    affinity_clustering(graph_of(3, [(0, 1, 1.0)]), progress=True)
    assert "affinity clustering" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"linkage": "mean"}, ValueError, "linkage must be one of .* got 'mean'"),
        ({"linkage": "percentile"}, ValueError, r"Percentile\(q\) .* got 'percentile'"),
        ({"tie_break": "random"}, ValueError, "tie_break must be one of .* got 'random'"),
        ({"num_levels": -1}, ValueError, "num_levels must be None or an integer >= 0, got -1"),
        ({"num_levels": 1.5}, ValueError, "num_levels must be None or an integer >= 0, got 1.5"),
        ({"threshold": [1, 2, 3, 4]}, ValueError, "at most num_levels=3 numbers, got 4"),
        ({"threshold": float("nan")}, ValueError, "threshold must be .* got nan"),
        ({"threshold": "high"}, TypeError, "threshold must be .* got 'high'"),
        ({"threshold": ThresholdSchedule(2, 1), "num_levels": 1}, ValueError, "upper must equal lower"),
        ({"threshold": ThresholdSchedule(2, 1), "num_levels": None}, ValueError, "num_levels must be a number"),
        ({"num_threads": 0}, ValueError, "num_threads must be None or an integer >= 1, got 0"),
        ({"min_cluster_size": 0}, ValueError, "min_cluster_size must be None or a finite number >= 1, got 0"),
        ({"max_cluster_size": 0.5}, ValueError, "max_cluster_size must be None or a finite number >= 1, got 0.5"),
        ({"max_cluster_size": math.nan}, ValueError, "max_cluster_size must be .* got nan"),
        ({"min_cluster_size": 5, "max_cluster_size": 4}, ValueError, "must be <= max_cluster_size, got 5 and 4"),
        ({"prefer_min_cluster_size": True}, ValueError, "needs a min_cluster_size"),
        ({"freeze": 0.5}, TypeError, "freeze must be"),
        ({"freeze": []}, TypeError, "freeze must be"),
        ({"node_weight": [1.0]}, ValueError, r"node_weight must have shape \(2,\), one per node, got \(1,\)"),
        ({"node_weight": [1.0, 0.0]}, ValueError, "node_weight must be positive and finite, got 0.0 for node 1"),
        ({"node_weight": [1.0, math.nan]}, ValueError, "node_weight must be positive and finite, got nan for node 1"),
        ({"node_weight": [1.0, 1e-200]}, ValueError, "node_weight must be such that products .* 1e-200 to 1.0"),
        ({"node_weight": [1.0, 1e200]}, ValueError, r"node_weight must be such that products .* 1.0 to 1e\+200"),
        (
            {"node_weight": [1.0, 3.0], "max_cluster_size": 2},
            ValueError,
            "node_weight must not exceed max_cluster_size=2.0, got 3.0 for node 1",
        ),
    ],
)
def test_bad_options(graph_of, options, error, message):
    with pytest.raises(error, match=message):
        affinity_clustering(graph_of(2, [(0, 1, 1.0)]), **options)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Percentile(1.5), r"q must be a number in \[0, 1\], got 1.5"),
        (lambda: Percentile(0.5, min_count=0), "min_count must be an integer >= 1, got 0"),
        (lambda: AverageMaxDegreeBounded(0), "c must be a finite number > 0, got 0"),
        (lambda: Freeze(), "bound on density or conductance, got neither"),
        (lambda: Freeze(density=math.inf), "density must be None or a finite number, got inf"),
        (lambda: ThresholdSchedule(1, math.inf), "lower must be a finite number, got inf"),
        (lambda: ThresholdSchedule(1, 0, "exponential"), "must be > 0 for an exponential schedule, got 1 and 0"),
        (lambda: ThresholdSchedule(1, 0, "cosine"), "kind must be one of .* got 'cosine'"),
    ],
)
def test_bad_option_objects(make, message):
    with pytest.raises(ValueError, match=message):
        make()


def test_estimator_follows_scikit_learn(random_graph):
    from sklearn.base import clone

    graph = random_graph(np.random.default_rng(9), 200, 600)
    linkage = Percentile(0.5)
    estimator = AffinityClustering(2, linkage=linkage, max_cluster_size=20)
    assert estimator.get_params()["linkage"] is linkage
    copy = clone(estimator).set_params(num_levels=1)
    assert (estimator.num_levels, copy.num_levels, copy.max_cluster_size) == (2, 1, 20)
    labels = copy.fit_predict(graph)
    np.testing.assert_array_equal(labels, estimator.fit(graph).tree_.labels[1])
    assert estimator.fit(graph) is estimator
    weight = np.full(200, 5.0)
    assert estimator.fit(graph, node_weight=weight).tree_.sizes[-1].max() <= 4
    with pytest.raises(ValueError, match=r"parameters must be among .* got 'levels'"):
        estimator.set_params(levels=3)
    with pytest.raises(ValueError, match="y must be None, got list"):
        estimator.fit(graph, [0])
    assert "max_cluster_size=20" in repr(estimator)
