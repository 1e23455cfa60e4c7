"""Exact search against a stable sort of float64 products and against FAISS."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from graphvid.retrieval import VectorIndex, vector_index


def by_sorting(vectors, ids, queries, metric, exclude=()):
    """Return ids and scores of all items that are not excluded, by (score, id), in float64."""
    vectors, queries = (np.asarray(x, np.float32).astype(np.float64) for x in (vectors, queries))
    if metric == "cosine":
        units = []
        for x in (vectors, queries):
            norms = np.linalg.norm(x, axis=1, keepdims=True)
            units.append((x / np.where(norms > 0, norms, 1)).astype(np.float32).astype(np.float64))
        vectors, queries = units
    found = []
    for query in queries:
        scores = [float(sum(a * b for a, b in zip(query, row, strict=True))) for row in vectors]
        rows = sorted((-score, name) for score, name in zip(scores, ids, strict=True) if name not in exclude)
        found.append(([name for _, name in rows], [-score for score, _ in rows]))
    return found


@pytest.mark.parametrize("metric", ["cosine", "dot"])
@pytest.mark.parametrize("kind", ["text", "int", "none"])
def test_equals_sorting(metric, kind, text_ids):
    rng = np.random.default_rng(0)
    vectors, queries = rng.normal(size=(70, 5)), rng.normal(size=(9, 5))
    vectors[10:20] = vectors[0]  # ties
    ids = {"text": text_ids(70), "int": rng.permutation(2**53 + np.arange(70)).tolist(), "none": None}[kind]
    index = VectorIndex(vectors, ids, metric=metric)
    found = index.search(queries, 70)
    for row, (names, scores) in enumerate(by_sorting(vectors, ids or range(70), queries, metric)):
        assert found.ids[row].tolist() == names
        assert found.scores[row] == pytest.approx(scores, abs=1e-12)


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_small_integers_have_many_ties(data):
    """Integer vectors: equal products are equal exactly, so every rank is decided by score and id alone."""
    n, dim = data.draw(st.integers(1, 12)), data.draw(st.integers(1, 3))
    numbers = st.integers(-2, 2)
    vectors = data.draw(st.lists(st.lists(numbers, min_size=dim, max_size=dim), min_size=n, max_size=n))
    ids = data.draw(st.lists(st.integers(-(2**63), 2**63 - 1), min_size=n, max_size=n, unique=True))
    query = data.draw(st.lists(numbers, min_size=dim, max_size=dim))
    exclude = data.draw(st.lists(st.sampled_from(ids), max_size=n - 1))
    top_k = data.draw(st.integers(1, n - len(set(exclude))))
    found = VectorIndex(vectors, ids, metric="dot").search([query], top_k, exclude=exclude)
    names, scores = by_sorting(vectors, ids, [query], "dot", exclude)[0]
    assert found.ids[0].tolist() == names[:top_k]
    assert found.scores[0].tolist() == scores[:top_k]


@pytest.mark.parametrize("metric", ["cosine", "dot"])
def test_equals_faiss_in_many_blocks(metric, monkeypatch):
    faiss = pytest.importorskip("faiss")
    monkeypatch.setattr(vector_index, "_PRODUCTS", 5000)
    monkeypatch.setattr(vector_index, "_QUERIES", 16)
    rng = np.random.default_rng(1)
    vectors, queries = (rng.normal(size=(n, 24)).astype(np.float32) for n in (3000, 50))
    found = VectorIndex(vectors, metric=metric).search(queries, 20)
    if metric == "cosine":
        vectors, queries = (x / np.linalg.norm(x, axis=1, keepdims=True) for x in (vectors, queries))
    flat = faiss.IndexFlatIP(24)
    flat.add(vectors)
    scores, ids = flat.search(queries, 20)
    assert found.scores == pytest.approx(scores, rel=1e-5)
    assert (found.ids == ids).mean() > 0.999


def test_depends_on_neither_batch_nor_order_nor_blocks_nor_threads(monkeypatch, threads, text_ids):
    rng = np.random.default_rng(2)
    base = rng.normal(size=(40, 33))
    vectors = np.repeat(base, 10, axis=0) * rng.choice([1.0, 1 + 1e-7, 2.0], (400, 1))  # ties, and nearly so
    ids, queries = np.array(text_ids(400)), rng.normal(size=(30, 33))
    threads(1)
    found = VectorIndex(vectors, ids).search(queries, 50)
    threads(2)
    order = rng.permutation(400)
    monkeypatch.setattr(vector_index, "_PRODUCTS", 700)
    again = VectorIndex(vectors[order], ids[order])
    for parts in ([30], [1] * 30, [7, 23]):
        rows = np.split(queries, np.cumsum(parts)[:-1])
        results = [again.search(part, 50) for part in rows]
        assert np.array_equal(np.concatenate([r.ids for r in results]), found.ids)
        assert np.array_equal(np.concatenate([r.scores for r in results]), found.scores)


def test_rounding_of_float32_decides_no_rank():
    """Products of 1e4 and 1e-4 cancel: float32 sums cannot order them, float64 sums can."""
    rng = np.random.default_rng(3)
    vectors = rng.choice([1e4, -1e4], (200, 64)).astype(np.float32)
    vectors[:, ::2] = -vectors[:, 1::2]
    vectors[:, 0] += rng.normal(size=200).astype(np.float32)
    query = np.ones((1, 64), np.float32) * np.float32(0.1)
    found = VectorIndex(vectors, metric="dot").search(query, 200)
    names, _ = by_sorting(vectors, range(200), query, "dot")[0]
    assert found.ids[0].tolist() == names


@pytest.mark.parametrize("metric", ["cosine", "dot"])
def test_huge_and_tiny_values_are_ordered(metric):
    vectors = [[1e30, 1e30], [-1e30, 1e30], [1e-30, -1e-30], [0.0, 0.0], [3e38, -3e38]]
    query = [[1e30, 2e30]]
    found = VectorIndex(vectors, metric=metric).search(query, 5)
    names, scores = by_sorting(vectors, range(5), query, metric)[0]
    assert found.ids[0].tolist() == names
    assert found.scores[0] == pytest.approx(scores)


def test_zero_vectors_have_cosine_zero_with_everything():
    index = VectorIndex([[1.0, 0.0], [0.0, 0.0], [-1.0, 0.0]], ["c", "b", "a"])
    assert index.search([[2.0, 0.0]], 3).ids.tolist() == [["c", "b", "a"]]
    nothing = index.search([[0.0, 0.0]], 3)
    assert (nothing.ids.tolist(), nothing.scores.tolist()) == ([["a", "b", "c"]], [[0.0, 0.0, 0.0]])


def test_exclusions_of_all_and_of_each_query(text_ids):
    rng = np.random.default_rng(4)
    vectors, queries, ids = rng.normal(size=(30, 4)), rng.normal(size=(3, 4)), text_ids(30)
    shared, each = [*ids[:5], "unknown"], [ids[3:9], [], [ids[20], ids[20]]]
    found = VectorIndex(vectors, ids).search(queries, 20, exclude=shared, exclude_each=each)
    for q in range(3):
        names, _ = by_sorting(vectors, ids, queries[q : q + 1], "cosine", {*shared, *each[q]})[0]
        assert found.ids[q].tolist() == names[:20]
    with pytest.raises(ValueError, match="that are not excluded, got 22 with 21 left for query 0"):
        VectorIndex(vectors, ids).search(queries, 22, exclude=shared, exclude_each=each)


def test_tensors_and_pandas_are_taken():
    vectors = torch.tensor([[1.0, 0.0], [0.0, 1.0]], requires_grad=True)
    for ids in (pd.Index(["b", "a"]), pd.Series(["b", "a"], dtype=object), np.array(["b", "a"], dtype=object)):
        assert VectorIndex(vectors, ids).search(vectors, 1).ids.tolist() == [["b"], ["a"]]
    assert VectorIndex(vectors, torch.tensor([7, 3])).search(vectors, 1).ids.tolist() == [[7], [3]]


def test_integers_beyond_the_53_bits_of_a_float():
    ids = [2**53 + 1, 2**53, 2**63 - 1]
    index = VectorIndex(np.eye(3), ids)
    assert index.search(np.eye(3), 1).ids.ravel().tolist() == ids
    assert index.vectors_of([2**53 + 1]).tolist() == [[1.0, 0.0, 0.0]]
    with pytest.raises(KeyError, match=f"ids must be among the 3 ids of the index, got {2**53 + 2}"):
        index.vectors_of([2**53 + 2])


def test_no_query_and_no_item():
    assert VectorIndex(np.eye(3)).search(np.zeros((0, 3)), 2).ids.shape == (0, 2)
    with pytest.raises(ValueError, match="got 1 with 0 left"):
        VectorIndex(np.zeros((0, 3))).search(np.eye(3), 1)


@pytest.mark.parametrize(
    ("vectors", "options", "error", "match"),
    [
        ([[1.0, np.nan]], {}, ValueError, "vectors must be finite in float32, got nan in row 0, column 1"),
        ([[1e300]], {}, ValueError, r"got 1e\+300 in row 0"),
        ([1.0], {}, ValueError, r"vectors must have shape \(number, dim\), got \(1,\)"),
        (np.zeros((2, 0)), {}, ValueError, r"got \(2, 0\)"),
        ([["a"]], {}, TypeError, "vectors must hold real numbers"),
        ([[1.0]], {"metric": "l2"}, ValueError, r"metric must be one of \['cosine', 'dot'\], got 'l2'"),
        ([[1.0]], {"ids": ["a", "b"]}, ValueError, "one id for each of the 1 vectors, got 2"),
        ([[1.0], [2.0]], {"ids": ["a", "a"]}, ValueError, "ids must be unique, got more than one of 'a'"),
        ([[1.0], [2.0]], {"ids": ["a", 1]}, TypeError, r"ids must be all int or all str, got \['int', 'str'\]"),
        ([[1.0], [2.0]], {"ids": [1.0, 2.0]}, TypeError, r"got \['float'\]"),
        ([[1.0]], {"ids": [None]}, TypeError, r"got \['NoneType'\]"),
        ([[1.0]], {"ids": [True]}, TypeError, r"got \['bool'\]"),
        ([[1.0]], {"ids": [2**63]}, ValueError, f"ids must fit into int64, got {2**63}"),
        ([[1.0]], {"ids": np.array([2**63], np.uint64)}, ValueError, f"ids must fit into int64, got {2**63}"),
        ([[1.0]], {"ids": np.zeros((1, 1), int)}, ValueError, "ids must be one-dimensional"),
    ],
)
def test_bad_items(vectors, options, error, match):
    with pytest.raises(error, match=match):
        VectorIndex(vectors, **options)


@pytest.mark.parametrize(
    ("queries", "options", "error", "match"),
    [
        ([[1.0, 2.0]], {}, ValueError, r"queries must have shape \(number, 3\), got \(1, 2\)"),
        ([1.0, 2.0, 3.0], {}, ValueError, r"got \(3,\)"),
        ([[1.0, 2.0, np.inf]], {}, ValueError, "queries must be finite"),
        ([[1.0, 2.0, 3.0]], {"top_k": 0}, ValueError, "top_k must be an integer >= 1, got 0"),
        ([[1.0, 2.0, 3.0]], {"top_k": 4}, ValueError, "got 4 with 3 left for query 0"),
        ([[1.0, 2.0, 3.0]], {"exclude": ["0"]}, TypeError, "exclude must be int like the ids of the index, got str"),
        ([[1.0, 2.0, 3.0]], {"exclude_each": []}, ValueError, "exclude_each must be a sequence of 1 lists of ids"),
        ([[1.0, 2.0, 3.0]], {"exclude_each": 5}, ValueError, "one a query, got int"),
        ([[1.0, 2.0, 3.0]], {"exclude_each": [["x"]]}, TypeError, r"exclude_each\[0\] must be int"),
    ],
)
def test_bad_queries(queries, options, error, match):
    with pytest.raises(error, match=match):
        VectorIndex(np.eye(3)).search(queries, **{"top_k": 1, **options})
