"""The bipartite graph of users and items against SciPy."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from graphvid.data import Interactions
from graphvid.graphs import user_item_graph

WATCHES, WATCHED_BY = ("user", "watches", "item"), ("item", "watched_by", "user")


def make(pairs, **sizes):
    users, items = np.array(pairs, dtype=np.int64).reshape(-1, 2).T
    return Interactions.from_pairs(users, items, **sizes)


def test_types_and_edges_by_hand():
    graph = user_item_graph(make([(2, 1), (0, 3), (2, 0)], num_users=4, num_items=6))
    assert set(graph.canonical_etypes) == {WATCHES, WATCHED_BY}
    assert {ntype: graph.num_nodes(ntype) for ntype in graph.ntypes} == {"user": 4, "item": 6}
    assert [ends.tolist() for ends in graph.edges(etype=WATCHES, order="eid")] == [[0, 2, 2], [3, 0, 1]]
    assert [ends.tolist() for ends in graph.edges(etype=WATCHED_BY, order="eid")] == [[3, 0, 1], [0, 2, 2]]
    assert graph.idtype == torch.int64
    assert not graph.edges[WATCHES].data
    assert not graph.nodes["user"].data


@settings(deadline=None, max_examples=30)
@given(pairs=st.lists(st.tuples(st.integers(0, 6), st.integers(0, 9)), unique=True, max_size=30), data=st.data())
def test_message_passing_is_the_sparse_matrix(pairs, data):
    train = make(data.draw(st.permutations(pairs)), num_users=7, num_items=10)
    graph = user_item_graph(train)
    for etype, matrix in ((WATCHED_BY, train.to_sparse()), (WATCHES, train.to_sparse().T)):
        dense = np.zeros(matrix.shape, np.float32)
        sources, targets = (ends.numpy() for ends in graph.edges(etype=etype))
        dense[targets, sources] += 1
        np.testing.assert_array_equal(dense, matrix.toarray())
        assert graph.num_edges(etype) == len(pairs)


def test_edges_do_not_share_memory_with_the_interactions():
    train = make([(0, 1), (1, 0)])
    graph = user_item_graph(train)
    train.items[:] = 0
    assert graph.edges(etype=WATCHES, order="eid")[1].tolist() == [1, 0]


def test_no_interactions():
    graph = user_item_graph(make([], num_users=3, num_items=2))
    assert (graph.num_nodes("user"), graph.num_nodes("item"), graph.num_edges(WATCHES)) == (3, 2, 0)


def test_other_arguments_are_refused():
    with pytest.raises(TypeError, match="train must be an Interactions, got tuple"):
        user_item_graph((np.array([0, 1]), np.array([0])))
