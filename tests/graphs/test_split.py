"""Splits by node and the subgraphs of their parts."""

from __future__ import annotations

import networkx as nx
import numpy as np
import pytest
import torch

from graphvid._dgl import dgl
from graphvid.graphs import NodeSplit, node_subgraph, relation_graph, split_nodes


@pytest.mark.parametrize(
    ("num_nodes", "fraction", "num_train"), [(10, 0.7, 7), (2, 0.99, 1), (2, 0.01, 1), (7650, 0.7, 5355)]
)
def test_parts_are_sorted_and_hold_every_node_once(num_nodes, fraction, num_train):
    split = split_nodes(num_nodes, train_fraction=fraction)
    assert isinstance(split, NodeSplit)
    assert len(split.train) == num_train
    assert split.train.dtype == split.test.dtype == np.int64
    assert (np.diff(split.train) > 0).all()
    assert (np.diff(split.test) > 0).all()
    assert sorted([*split.train, *split.test]) == list(range(num_nodes))


def test_seed_decides():
    first, again, other = (split_nodes(1000, seed=seed).train for seed in (3, 3, 4))
    np.testing.assert_array_equal(first, again)
    assert 0.6 < np.isin(first, other).mean() < 0.8, "independent: 70 % in common"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"num_nodes": 1}, "num_nodes must be an integer >= 2, got 1"),
        ({"train_fraction": 0.0}, r"train_fraction must be a number in \(0, 1\), got 0\.0"),
        ({"train_fraction": 1.0}, r"train_fraction must be a number in \(0, 1\), got 1\.0"),
        ({"train_fraction": float("nan")}, "got nan"),
        ({"seed": -1}, "seed must be an integer >= 0, got -1"),
    ],
)
def test_split_errors(arguments, message):
    with pytest.raises(ValueError, match=message):
        split_nodes(**{"num_nodes": 10, **arguments})


@pytest.fixture
def graph():
    rng = np.random.default_rng(0)
    pairs = np.unique(np.sort(rng.integers(0, 40, (150, 2)), axis=1), axis=0)
    pairs = pairs[pairs[:, 0] != pairs[:, 1]]
    graph = relation_graph(pairs[:, 0], pairs[:, 1], rng.random(len(pairs)), num_nodes=40)
    graph.ndata["row"] = torch.arange(40)
    return graph


def test_subgraph_against_networkx(graph):
    ids = np.random.default_rng(1).permutation(40)[:25]
    part = node_subgraph(graph, ids)
    assert part.canonical_etypes == graph.canonical_etypes
    assert part.ndata["row"].tolist() == ids.tolist()
    whole = nx.DiGraph()
    whole.add_weighted_edges_from(
        zip(*(e.tolist() for e in graph.edges()), graph.edata["weight"].tolist(), strict=True)
    )
    expected = whole.subgraph(ids.tolist()).edges(data="weight")
    src, dst = (ids[ends.numpy()] for ends in part.edges())
    assert sorted(zip(src, dst, part.edata["weight"].tolist(), strict=True)) == sorted(expected)
    assert set(part.ndata) == {"row"}
    assert set(part.edata) == {"weight"}


def test_parts_of_a_split_share_no_edge(graph):
    split = split_nodes(40)
    train, test = (node_subgraph(graph, ids) for ids in split)
    src, dst = graph.edges()
    in_train = (
        torch.isin(src, torch.from_numpy(split.train)).int() + torch.isin(dst, torch.from_numpy(split.train)).int()
    )
    assert train.num_edges() == int((in_train == 2).sum()) > 0
    assert test.num_edges() == int((in_train == 0).sum()) > 0


def test_no_node_left(graph):
    assert node_subgraph(graph, []).num_nodes() == 0


@pytest.mark.parametrize(
    ("ids", "error", "message"),
    [
        ([0, 40], ValueError, r"ids must be in \[0, 40\), got 40 in row 1"),
        ([-1], ValueError, r"ids must be in \[0, 40\), got -1 in row 0"),
        ([3, 1, 3], ValueError, "ids must be distinct, got 3 2 times"),
        ([0.5], TypeError, "ids must hold integers, got dtype float64"),
        ([[0, 1]], ValueError, r"ids must have shape \(num_kept,\), got \(1, 2\)"),
    ],
)
def test_subgraph_errors(graph, ids, error, message):
    with pytest.raises(error, match=message):
        node_subgraph(graph, ids)


def test_several_node_types_are_refused():
    graph = dgl.heterograph({("user", "watch", "video"): ([0], [0])})
    with pytest.raises(ValueError, match=r"graph must have one node type, got \['user', 'video'\]"):
        node_subgraph(graph, [0])
