"""Ranking of logged impressions against scikit-learn and loops over users."""

from __future__ import annotations

import math
from functools import partial

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import ndcg_score

from graphvid.metrics import average_precision, impression_scores, rank_impressions

rank_impressions_by_id = partial(rank_impressions, ties="id")
impression_scores_by_id = partial(impression_scores, ties="id")


def loop(label, score, user, item, k):
    """Return the scores from their definitions, a user at a time."""
    ndcgs, recalls, dcgs, left_out = [], [], [], 0
    for u in sorted(set(user)):
        rows = sorted((-s, i, y) for y, s, v, i in zip(label, score, user, item) if v == u)
        hits = [y for _, _, y in rows]
        if not any(hits):
            left_out += 1
            continue
        dcgs.append(sum(y / math.log2(place + 2) for place, y in enumerate(hits[:k])))
        best = sum(1 / math.log2(place + 2) for place in range(min(k, sum(hits))))
        ndcgs.append(dcgs[-1] / best)
        recalls.append(sum(hits[:k]) / sum(hits))
    return np.mean(ndcgs), np.mean(recalls), np.mean(dcgs), k, len(ndcgs), left_out


logs = st.lists(
    st.tuples(st.booleans(), st.integers(0, 3), st.integers(0, 4), st.integers(0, 9)), min_size=1, max_size=40
)


@settings(deadline=None, max_examples=100)
@given(rows=logs, k=st.integers(1, 12))
def test_against_loops(rows, k):
    label, score, user, item = (list(column) for column in zip(*rows))
    if not any(label):
        with pytest.raises(ValueError, match=f"label must be 1 in at least one row, got {len(rows)} rows of label 0"):
            impression_scores_by_id(label, score, user, item, k=k)
        return
    assert impression_scores_by_id(label, score, user, item, k=k) == pytest.approx(loop(label, score, user, item, k))


@pytest.mark.parametrize("k", [1, 3, 5, 50])
def test_ndcg_against_scikit_learn(k):
    rng = np.random.default_rng(k)
    user = rng.integers(0, 40, 600)
    label, score, item = rng.integers(0, 2, 600), rng.permutation(600) / 600, np.arange(600)
    expected = []
    for u in np.unique(user):
        mine = user == u
        if mine.sum() > 1 and label[mine].any():
            expected.append(ndcg_score([label[mine]], [score[mine]], k=k))
    assert impression_scores_by_id(label, score, user, item, k=k).ndcg == pytest.approx(np.mean(expected), abs=1e-12)


def test_by_hand():
    found = impression_scores_by_id([0, 1, 1, 0, 1, 0], [9, 8, 7, 6, 1, 1], [1, 1, 1, 1, 2, 3], range(6), k=2)
    ndcg = ((1 / math.log2(3)) / (1 + 1 / math.log2(3)) + 1) / 2
    assert found == pytest.approx((ndcg, (0.5 + 1) / 2, (1 / math.log2(3) + 1) / 2, 2, 2, 1))


def test_lists_shorter_than_k():
    assert impression_scores_by_id([1, 0], [1.0, 0.5], ["a", "b"], [0, 0], k=5) == (1.0, 1.0, 1.0, 5, 1, 1)


def test_more_positives_than_places():
    found = impression_scores_by_id([1] * 10, range(10), [0] * 10, range(10), k=5)
    assert (found.ndcg, found.recall) == (1.0, 0.5)


def test_ties_go_to_the_lower_item_and_then_to_label_0():
    assert rank_impressions_by_id([1, 0, 0], [1, 1, 1], [0, 0, 0], [5, 6, 4]).ranks.tolist() == [2]
    assert rank_impressions_by_id([1, 0, 0], [1, 1, 1], [0, 0, 0], ["m", "n", "l"]).ranks.tolist() == [2]
    assert rank_impressions_by_id([1, 0], [1, 1], [0, 0], [3, 3]).ranks.tolist() == [2]
    assert rank_impressions_by_id([1, 0], [2, 1], [0, 0], [3, 3]).ranks.tolist() == [1]


def test_order_of_rows_and_names_of_users_change_nothing():
    rng = np.random.default_rng(1)
    label, score, user, item = (rng.integers(0, high, 300) for high in (2, 4, 20, 30))
    order = rng.permutation(300)
    columns = (label[order], score[order], [f"u{u}" for u in user[order]], item[order])
    assert impression_scores_by_id(*columns) == pytest.approx(impression_scores_by_id(label, score, user, item))


def test_ranks_fit_the_metrics_of_ranks():
    found = rank_impressions_by_id([1, 0, 1, 0], [3, 2, 1, 5], ["b", "b", "b", "a"], [0, 1, 2, 3])
    assert found.user.tolist() == ["a", "b"]
    assert average_precision(found.ranks, found.indptr)[1].item() == pytest.approx((1 + 2 / 3) / 2)


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"label": [1, 5]}, ValueError, "label must be 0 or 1 in every row, got 5 in row 1"),
        ({"score": [1.0]}, ValueError, r"score must have shape \(2,\), one value a row, got \(1,\)"),
        ({"score": [1.0, np.inf]}, ValueError, "score must be a finite number in every row, got inf in row 1"),
        ({"user": [1]}, ValueError, r"user must have shape \(2,\), one value a row, got \(1,\)"),
        ({"user": [1.5, 2]}, TypeError, "user must hold integers or strings, got dtype float64"),
        ({"item": [1, 2, 3]}, ValueError, r"item must have shape \(2,\), one value a row, got \(3,\)"),
        ({"item": [True, False]}, TypeError, "item must hold integers or strings, got dtype bool"),
        ({"k": 0}, ValueError, "k must be an integer >= 1, got 0"),
        ({"k": 2.0}, ValueError, r"k must be an integer >= 1, got 2\.0"),
    ],
)
def test_errors(arguments, error, message):
    with pytest.raises(error, match=message):
        impression_scores_by_id(**{"label": [1, 0], "score": [2.0, 1.0], "user": [1, 1], "item": [1, 2], **arguments})
