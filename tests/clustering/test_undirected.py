"""The input: what is accepted from arrays, SciPy and DGL, and what the errors say."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.sparse as sp
import torch

from graphvid._dgl import dgl
from graphvid.clustering import UndirectedGraph, affinity_clustering


def mirrored(rng, num_nodes, num_edges):
    pairs = np.unique(np.sort(rng.integers(0, num_nodes, (num_edges, 2)), axis=1), axis=0)
    low, high = pairs[pairs[:, 0] < pairs[:, 1]].T
    weight = rng.random(len(low)) - 0.5
    return low, high, weight, np.r_[low, high], np.r_[high, low], np.r_[weight, weight]


def assert_edges(graph, low, high, weight):
    for got, expected in zip(graph.edges(), (low, high, weight), strict=True):
        np.testing.assert_array_equal(got, expected)


@pytest.mark.parametrize("ids", [np.int32, np.int64])
@pytest.mark.parametrize("values", [np.float32, np.float64, np.int64])
def test_all_sources_give_the_sorted_edges(ids, values):
    rng = np.random.default_rng(0)
    low, high, weight, src, dst, both = mirrored(rng, 50, 200)
    weight, both = (weight * 10).astype(values), (both * 10).astype(values)
    mixed = rng.permutation(len(src))
    src, dst, both = src[mixed].astype(ids), dst[mixed].astype(ids), both[mixed]
    graph = dgl.graph((src, dst), num_nodes=50)
    graph.edata["w"] = torch.tensor(both)
    for made in (
        UndirectedGraph.from_coo(src, dst, both, num_nodes=50, symmetric=True),
        UndirectedGraph.from_coo(high, low, weight, num_nodes=50),
        UndirectedGraph.from_sparse(sp.coo_array((both, (src, dst)), shape=(50, 50))),
        UndirectedGraph.from_sparse(sp.csr_matrix((both, (src, dst)), shape=(50, 50))),
        UndirectedGraph.from_sparse(sp.csc_array((both, (src, dst)), shape=(50, 50))),
        UndirectedGraph.from_sparse(sp.csr_array((weight, (low, high)), shape=(50, 50)), symmetric=False),
        UndirectedGraph.from_sparse(sp.csr_array((weight, (high, low)), shape=(50, 50)), symmetric=False),
        UndirectedGraph.from_dgl(graph, weight="w"),
    ):
        assert_edges(made, low, high, weight.astype(np.float64))
        assert made.neighbors.dtype == np.int32
        assert (made.num_nodes, made.num_edges, made.num_duplicates, made.num_self_loops) == (50, len(low), 0, 0)


def test_a_csr_matrix_with_unsorted_rows_self_loops_and_zeros():
    matrix = sp.csr_array((np.array([5.0, 1.0, 1.0, 0.0, 0.0]), np.array([0, 1, 0, 2, 1]), np.array([0, 2, 4, 5])))
    matrix.indices[:2] = [1, 0]
    matrix.data[:2] = [1.0, 5.0]
    matrix.has_sorted_indices = False
    graph = UndirectedGraph.from_sparse(matrix)
    assert_edges(graph, [0, 1], [1, 2], [1.0, 0.0])
    assert graph.num_self_loops == 1


def test_a_sound_csr_matrix_is_shared_and_others_are_copied():
    rng = np.random.default_rng(1)
    low, high, weight, src, dst, both = mirrored(rng, 50, 200)
    diagonal = sp.diags_array(np.ones(50))
    matrix = (sp.coo_array((both, (src, dst)), shape=(50, 50)) + diagonal).tocsr()
    matrix.sort_indices()
    matrix = sp.csr_array((matrix.data, matrix.indices.astype(np.int32), matrix.indptr.astype(np.int32)))
    shared = UndirectedGraph.from_sparse(matrix)
    assert np.shares_memory(shared.weights, matrix.data)
    assert np.shares_memory(shared.neighbors, matrix.indices)
    narrow = UndirectedGraph.from_sparse(matrix.astype(np.float32))
    assert len(narrow.weights) == narrow.num_edges == len(low)
    assert shared.num_self_loops == narrow.num_self_loops == 50
    assert_edges(shared, low, high, weight)
    assert_edges(narrow, low, high, weight.astype(np.float32).astype(np.float64))
    for level, expected in zip(affinity_clustering(shared).labels, affinity_clustering(matrix.tocoo()).labels):
        np.testing.assert_array_equal(level, expected)
    with pytest.raises(ValueError, match="must have no self-loops, got 50; the first is edge 0 of node 0"):
        UndirectedGraph.from_sparse(sp.csr_array(np.eye(50)), self_loops="error")


@pytest.mark.parametrize(("policy", "expected"), [("sum", [0.9, 4.0]), ("max", [0.5, 4.0])])
def test_duplicates_are_combined_and_counted(policy, expected):
    src, dst, weight = [0, 1, 0, 2], [1, 0, 1, 1], [0.1, 0.3, 0.5, 4.0]
    graph = UndirectedGraph.from_coo(src, dst, weight, num_nodes=3, duplicates=policy)
    assert_edges(graph, [0, 1], [1, 2], expected)
    assert graph.num_duplicates == 2
    both = np.r_[src, dst], np.r_[dst, src], np.r_[weight, weight]
    matrix = sp.coo_array((both[2], (both[0], both[1])), shape=(3, 3))
    for made in (
        UndirectedGraph.from_coo(*both, num_nodes=3, symmetric=True, duplicates=policy),
        UndirectedGraph.from_sparse(matrix, duplicates=policy),
    ):
        assert_edges(made, [0, 1], [1, 2], expected)
        assert made.num_duplicates == 2


def test_unweighted_edges_weigh_one():
    assert_edges(UndirectedGraph.from_coo([1], [0], num_nodes=2), [0], [1], [1.0])
    graph = dgl.graph(([0, 1], [1, 0]))
    assert_edges(UndirectedGraph.from_dgl(graph, weight=None), [0], [1], [1.0])


def test_a_relation_is_chosen_by_etype():
    graph = dgl.heterograph(
        {("video", "co_watch", "video"): ([0, 1], [1, 0]), ("user", "watch", "video"): ([0], [2])},
        num_nodes_dict={"video": 4, "user": 1},
    )
    made = UndirectedGraph.from_dgl(graph, etype="co_watch", weight=None)
    assert (made.num_nodes, made.num_edges) == (4, 1)
    with pytest.raises(ValueError, match="etype must name one of the graph's relations"):
        UndirectedGraph.from_dgl(graph, weight=None)
    with pytest.raises(ValueError, match="etype must join nodes of one type"):
        UndirectedGraph.from_dgl(graph, etype="watch", weight=None)
    with pytest.raises(ValueError, match=r"weight must name an edge feature of .* \[\], or be None, got 'weight'"):
        UndirectedGraph.from_dgl(graph, etype="co_watch")


@pytest.mark.parametrize("num_nodes", [0, 3])
def test_no_edges(num_nodes):
    for made in (
        UndirectedGraph.from_coo([], [], [], num_nodes=num_nodes),
        UndirectedGraph.from_coo([], [], num_nodes=num_nodes, symmetric=True),
        UndirectedGraph.from_sparse(sp.csr_array((num_nodes, num_nodes))),
        UndirectedGraph.from_sparse(sp.coo_array((num_nodes, num_nodes))),
        UndirectedGraph.from_dgl(dgl.graph(([], []), num_nodes=num_nodes), weight=None),
    ):
        assert (made.num_nodes, made.num_edges) == (num_nodes, 0)


@pytest.mark.parametrize(
    ("src", "dst", "weight", "options", "error", "message"),
    [
        ([0, 1], [1, 2], [1.0, np.nan], {}, ValueError, r"weight must be finite, got nan for edge 1, \(1, 2\)"),
        ([0, 1], [1, 2], [-np.inf, 1.0], {}, ValueError, r"weight must be finite, got -inf for edge 0, \(0, 1\)"),
        ([0, 1], [1, 2], [1.5e308, 1e308], {}, ValueError, "finite sum of magnitudes in float64, got inf"),
        ([0, 3], [1, 2], [1.0, 1.0], {}, ValueError, r"src must lie in 0..2, got 3 in edge 1"),
        ([0, 1], [1, -1], [1.0, 1.0], {}, ValueError, r"dst must lie in 0..2, got -1 in edge 1"),
        ([0.0], [1], [1.0], {}, TypeError, "src must hold signed integers, got float64"),
        ([[0]], [1], [1.0], {}, ValueError, r"src must have one dimension, got shape \(1, 1\)"),
        ([0, 1], [1], [1.0], {}, ValueError, "same length, got 2 and 1"),
        ([0, 1], [1, 2], [1.0], {}, ValueError, r"weight must have shape \(2,\), one per edge, got \(1,\)"),
        ([0], [1], [1.0], {"num_nodes": -1}, ValueError, "num_nodes must be an integer >= 0, got -1"),
        ([0, 1], [1, 1], None, {"self_loops": "error"}, ValueError, "got 1; the first is edge 1 of node 1"),
        ([0], [1], None, {"self_loops": "keep"}, ValueError, "self_loops must be one of .* got 'keep'"),
        ([0], [1], None, {"duplicates": "mean"}, ValueError, "duplicates must be one of .* got 'mean'"),
        ([0, 1, 0], [1, 0, 2], None, {}, ValueError, r"got 1 more; the first is \(0, 1\)"),
        ([0, 0, 1, 1], [1, 1, 0, 0], None, {"symmetric": True}, ValueError, r"in each direction, got 1 more"),
        ([0, 1, 1], [1, 0, 2], None, {"symmetric": True}, ValueError, r"edge 2, \(1, 2\) .* has no mirror image"),
        ([0, 1], [1, 0], [1.0, 2.0], {"symmetric": True}, ValueError, r"edge ., \(., .\) with weight .* no mirror"),
        ([0, 0], [1, 1], [1.0, 1.0], {"symmetric": True}, ValueError, r"edge ., \(0, 1\) .* no mirror"),
    ],
)
def test_bad_edges(src, dst, weight, options, error, message):
    with pytest.raises(error, match=message):
        UndirectedGraph.from_coo(src, dst, weight, **{"num_nodes": 3, **options})


def test_asymmetric_matrices_and_other_graphs():
    upper = sp.csr_array((np.ones(1), ([0], [1])), shape=(2, 2))
    with pytest.raises(ValueError, match=r"declared symmetric, but edge 0, \(0, 1\)"):
        affinity_clustering(upper)
    near = sp.csr_array((np.array([1.0, 1.0 + 2**-50]), ([0, 1], [1, 0])), shape=(2, 2))
    with pytest.raises(ValueError, match="declared symmetric"):
        affinity_clustering(near)
    with pytest.raises(ValueError, match=r"matrix must be square, got shape \(2, 3\)"):
        affinity_clustering(sp.csr_array((2, 3)))
    with pytest.raises(TypeError, match=r"graph must be a DGLGraph, a SciPy sparse matrix .* got ndarray"):
        affinity_clustering(np.eye(2))
