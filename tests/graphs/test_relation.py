"""Graphs from edge lists: form, duplicates, errors."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from graphvid.graphs import relation_graph


def table(graph):
    return {(int(s), int(d)): w for s, d, w in zip(*graph.edges(), graph.edata["weight"].tolist(), strict=True)}


def test_form():
    graph = relation_graph(torch.tensor([3, 0]), np.array([1, 1], np.uint8), [2, 7], num_nodes=5)
    assert graph.canonical_etypes == [("video", "co_watch", "video")]
    assert graph.num_nodes() == 5
    assert graph.idtype == torch.int64
    assert graph.edata["weight"].dtype == torch.float32
    assert table(graph) == {(0, 1): 7, (1, 0): 7, (1, 3): 2, (3, 1): 2}
    assert [ends.tolist() for ends in graph.edges()] == [[0, 1, 1, 3], [1, 0, 3, 1]]


def test_default_weight_is_one():
    assert set(table(relation_graph([0, 1], [1, 2], num_nodes=3)).values()) == {1.0}


@pytest.mark.parametrize("num_nodes", [0, 3])
def test_no_edges(num_nodes):
    graph = relation_graph([], [], [], num_nodes=num_nodes)
    assert (graph.num_nodes(), graph.num_edges()) == (num_nodes, 0)
    assert graph.edata["weight"].dtype == torch.float32


def test_zero_is_a_weight():
    assert table(relation_graph([0], [1], [0.0], num_nodes=2)) == {(0, 1): 0.0, (1, 0): 0.0}


@pytest.mark.parametrize(("duplicates", "weight"), [("sum", 7.0), ("max", 4.0)])
def test_duplicates_in_either_direction_merge(duplicates, weight):
    graph = relation_graph([0, 1, 0, 2], [1, 0, 1, 1], [1, 2, 4, 9], num_nodes=3, duplicates=duplicates)
    assert table(graph) == {(0, 1): weight, (1, 0): weight, (1, 2): 9, (2, 1): 9}


@settings(deadline=None, max_examples=30)
@given(
    rows=st.lists(
        st.tuples(st.integers(0, 5), st.integers(0, 5), st.floats(0, 1e6, width=32)).filter(lambda r: r[0] != r[1]),
        max_size=20,
    ),
    duplicates=st.sampled_from(["sum", "max"]),
    data=st.data(),
)
def test_any_order_gives_the_same_graph(rows, duplicates, data):
    expected: dict = {}
    for u, v, w in sorted(rows, key=lambda row: row[2]):
        for pair in ((u, v), (v, u)):
            expected[pair] = expected.get(pair, 0.0) + w if duplicates == "sum" else max(expected.get(pair, 0.0), w)
    shuffled = data.draw(st.permutations(rows))
    flips = data.draw(st.lists(st.booleans(), min_size=len(rows), max_size=len(rows)))
    turned = [(v, u, w) if flip else (u, v, w) for (u, v, w), flip in zip(shuffled, flips, strict=True)]
    tables = []
    for given_rows in (rows, turned):
        src, dst, weight = zip(*given_rows, strict=True) if given_rows else ((), (), ())
        tables.append(table(relation_graph(src, dst, weight, num_nodes=6, duplicates=duplicates)))
    assert tables[0] == tables[1] == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"src": [0.0, 1.0]}, TypeError, "src must hold integers, got dtype float64"),
        ({"dst": [True, False]}, TypeError, "dst must hold integers, got dtype bool"),
        ({"src": [[0, 1]]}, ValueError, r"src must have shape \(num_pairs,\), got \(1, 2\)"),
        ({"src": [0]}, ValueError, "equal lengths, got 1, 2 and 2"),
        ({"weight": [1.0]}, ValueError, "equal lengths, got 2, 2 and 1"),
        ({"weight": [[1.0, 1.0]]}, ValueError, r"weight must have shape \(num_pairs,\), got \(1, 2\)"),
        ({"weight": ["a", "b"]}, TypeError, "weight must hold real numbers, got dtype <U1"),
        ({"weight": [1.0, -0.5]}, ValueError, r"weight must be finite and >= 0, got \(1, 2, -0.5\) in row 1"),
        ({"weight": [np.nan, 1.0]}, ValueError, r"weight must be finite and >= 0, got \(0, 1, nan\) in row 0"),
        ({"weight": [np.inf, -1.0]}, ValueError, r"got \(0, 1, inf\) in row 0 and 1 more"),
        ({"dst": [1, 3]}, ValueError, r"dst must be in \[0, 3\), got 3 in row 1"),
        ({"src": [-1, 1]}, ValueError, r"src must be in \[0, 3\), got -1 in row 0"),
        ({"dst": [1, 1]}, ValueError, r"src and dst must differ in every row, got \(1, 1\) in row 1"),
        ({"src": [1, 0], "dst": [0, 1]}, ValueError, r"each pair must be given once, .* got \(0, 1\) in row 1"),
        ({"dst": [1, 1], "ids": ["a", "b", "c"]}, ValueError, r"got \(b, b\) in row 1"),
        ({"src": [1, 0], "dst": [0, 1], "ids": ["a", "b", "c"]}, ValueError, r"got \(a, b\) in row 1"),
        ({"duplicates": "mean"}, ValueError, "duplicates must be one of .* got 'mean'"),
        ({"num_nodes": -1}, ValueError, "num_nodes must be an integer >= 0, got -1"),
        ({"num_nodes": 3.0}, ValueError, r"num_nodes must be an integer >= 0, got 3\.0"),
    ],
)
def test_errors(arguments, error, message):
    good = {"src": [0, 1], "dst": [1, 2], "weight": [1.0, 1.0], "num_nodes": 3}
    with pytest.raises(error, match=message):
        relation_graph(**{**good, **arguments})
