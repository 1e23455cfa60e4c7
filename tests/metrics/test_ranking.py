"""Ranking metrics against torchmetrics, scikit-learn and loops."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import label_ranking_average_precision_score, ndcg_score
from torchmetrics.functional import retrieval

from graphvid.metrics import average_precision, hit, ndcg, recall, reciprocal_rank

NUM_ITEMS = 30


@pytest.fixture
def queries():
    """Return ranks, indptr, gains and, a row a query, scores and gains over all items."""
    rng = np.random.default_rng(0)
    ranks, gains, sizes, scores, targets = [], [], [], [], []
    for size in [1, 2, 5, 29, 30, 1, 12]:
        chosen = rng.permutation(NUM_ITEMS)[:size]
        score = rng.permutation(NUM_ITEMS) + 1.0  # torchmetrics takes no item with a score <= 0
        target = np.zeros(NUM_ITEMS)
        target[chosen] = rng.integers(1, 5, size)
        ranks.extend((score[None, :] > score[chosen][:, None]).sum(axis=1) + 1)
        gains.extend(target[chosen])
        sizes.append(size)
        scores.append(score)
        targets.append(target)
    return np.array(ranks), np.cumsum([0, *sizes]), np.array(gains), np.array(scores), np.array(targets)


@pytest.mark.parametrize("k", [1, 3, 10, 29, 30, 60])
def test_against_torchmetrics(queries, k):
    ranks, indptr, gains, scores, targets = queries
    found = {
        "ndcg": ndcg(ranks, indptr, k=k),
        "weighted": ndcg(ranks, indptr, k=k, gains=gains),
        "ap": average_precision(ranks, indptr),
        "rr": reciprocal_rank(ranks, indptr),
        "recall": recall(ranks, indptr, k=k),
        "hit": hit(ranks, indptr, k=k),
    }
    for q, (score, target) in enumerate(zip(torch.from_numpy(scores), torch.from_numpy(targets), strict=True)):
        relevant = target > 0
        expected = {
            "ndcg": retrieval.retrieval_normalized_dcg(score, relevant.long(), top_k=k),
            "weighted": retrieval.retrieval_normalized_dcg(score, target.long(), top_k=k),
            "ap": retrieval.retrieval_average_precision(score, relevant),
            "rr": retrieval.retrieval_reciprocal_rank(score, relevant),
            "recall": retrieval.retrieval_recall(score, relevant, top_k=k),
            "hit": retrieval.retrieval_hit_rate(score, relevant, top_k=k),
        }
        for name, value in expected.items():
            assert found[name][q].item() == pytest.approx(value.item(), abs=1e-6), name  # torchmetrics has float32


@pytest.mark.parametrize("k", [1, 7, 30])
def test_against_scikit_learn(queries, k):
    ranks, indptr, gains, scores, targets = queries
    expected = [ndcg_score([t], [s], k=k) for t, s in zip(targets, scores, strict=True)]
    assert ndcg(ranks, indptr, k=k, gains=gains).tolist() == pytest.approx(expected)
    expected = [label_ranking_average_precision_score([t > 0], [s]) for t, s in zip(targets, scores, strict=True)]
    assert average_precision(ranks, indptr).tolist() == pytest.approx(expected)


def loops(ranks, gains, k):
    """Return the five metrics of one query from their definitions."""
    ideal = sorted(gains, reverse=True)[:k]
    best = sum(g / math.log2(i + 1) for i, g in enumerate(ideal, 1))
    dcg = sum(g / math.log2(r + 1) for r, g in zip(ranks, gains, strict=True) if r <= k)
    within = [r for r in ranks if r <= k]
    return (
        dcg / best if best else 0.0,
        sum(sum(other <= r for other in ranks) / r for r in ranks) / len(ranks),
        1 / min(ranks),
        len(within) / len(ranks),
        float(bool(within)),
    )


@settings(deadline=None, max_examples=50)
@given(
    queries=st.lists(st.lists(st.integers(1, 50), unique=True, max_size=12), min_size=1, max_size=6),
    k=st.integers(1, 60),
    data=st.data(),
)
def test_against_loops(queries, k, data):
    flat = [rank for ranks in queries for rank in ranks]
    gains = data.draw(st.lists(st.sampled_from([0.0, 0.5, 1.0, 3.0]), min_size=len(flat), max_size=len(flat)))
    indptr = np.cumsum([0, *map(len, queries)])
    found = torch.stack(
        [
            ndcg(np.array(flat, int), indptr, k=k, gains=gains),
            average_precision(np.array(flat, int), indptr),
            reciprocal_rank(np.array(flat, int), indptr),
            recall(np.array(flat, int), indptr, k=k),
            hit(np.array(flat, int), indptr, k=k),
        ],
        dim=1,
    )
    for q, ranks in enumerate(queries):
        if ranks:
            assert found[q].tolist() == pytest.approx(loops(ranks, gains[indptr[q] : indptr[q + 1]], k))
        else:
            assert torch.isnan(found[q]).all()


def test_boundary_of_k():
    assert hit([3], [0, 1], k=2).item() == 0
    assert hit([3], [0, 1], k=3).item() == 1
    assert recall([3, 4], [0, 2], k=3).item() == 0.5
    assert ndcg([61], [0, 1]).item() == 0
    assert ndcg([60], [0, 1]).item() == pytest.approx(1 / math.log2(61))


def test_more_relevant_items_than_places():
    ranks = np.arange(1, 101)
    assert ndcg(ranks, [0, 100], k=60).item() == 1
    assert recall(ranks, [0, 100], k=60).item() == 0.6


def test_no_queries_and_no_items():
    for metric in (ndcg, average_precision, reciprocal_rank, recall, hit):
        assert metric(np.array([], int), [0]).shape == (0,)
        assert torch.isnan(metric([], [0, 0, 0])).tolist() == [True, True]


def test_gains_of_zero_give_zero():
    assert ndcg([1, 2], [0, 2], gains=[0.0, 0.0]).item() == 0


def test_tensors_of_any_integer_type():
    ranks = torch.tensor([2, 1, 3], dtype=torch.int32)
    assert reciprocal_rank(ranks, torch.tensor([0, 2, 3], dtype=torch.int32)).tolist() == pytest.approx([1, 1 / 3])


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"ranks": [1.0, 2.0]}, TypeError, "ranks must hold integers, got dtype torch.float64"),
        ({"indptr": [0.0, 2.0]}, TypeError, "indptr must hold integers, got dtype torch.float64"),
        ({"ranks": [[1, 2, 3]]}, ValueError, r"ranks must be one-dimensional, or .* got shape \(1, 3\)"),
        ({"ranks": [0, 2]}, ValueError, "ranks must be >= 1, got 0"),
        ({"indptr": [0, 3]}, ValueError, "indptr must rise from 0 to the number of items, 2, got 2 values from 0 to 3"),
        ({"indptr": [1, 2]}, ValueError, "got 2 values from 1 to 2"),
        ({"indptr": [0, 2, 1, 2]}, ValueError, "got 4 values from 0 to 2"),
        ({"indptr": []}, ValueError, "got 0 values"),
        ({"k": 0}, ValueError, "k must be an integer >= 1, got 0"),
        ({"k": 1.5}, ValueError, r"k must be an integer >= 1, got 1\.5"),
        ({"k": True}, ValueError, "k must be an integer >= 1, got True"),
        ({"gains": [1.0]}, ValueError, "gains must be 2 finite numbers >= 0"),
        ({"gains": [1.0, -1.0]}, ValueError, "gains must be 2 finite numbers >= 0"),
        ({"gains": [1.0, np.nan]}, ValueError, "gains must be 2 finite numbers >= 0"),
    ],
)
def test_errors(arguments, error, message):
    with pytest.raises(error, match=message):
        ndcg(**{"ranks": [1, 2], "indptr": [0, 2], **arguments})


@pytest.mark.parametrize("metric", [recall, hit])
def test_k_is_checked(metric):
    with pytest.raises(ValueError, match="k must be an integer >= 1, got 0"):
        metric([1], [0, 1], k=0)
