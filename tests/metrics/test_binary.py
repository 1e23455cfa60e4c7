"""AUC and GAUC against scikit-learn and loops over pairs."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import roc_auc_score

from graphvid.metrics import auc, auc_by_user, gauc


def pairwise(label, score):
    """Return the AUC from its definition, or None where there is one class."""
    pairs = [(s, t) for s, y in zip(score, label) if y for t, z in zip(score, label) if not z]
    if not pairs:
        return None
    return float(sum((Fraction(int(s > t)) + Fraction(int(s == t), 2) for s, t in pairs), Fraction(0)) / len(pairs))


@pytest.mark.parametrize("num_scores", [2, 5, 10_000])
def test_auc_against_scikit_learn(num_scores):
    rng = np.random.default_rng(num_scores)
    for size in [2, 3, 50, 3000]:
        label = np.r_[0, 1, rng.integers(0, 2, size - 2)]
        score = rng.integers(0, num_scores, size) / 7
        assert auc(label, score) == pytest.approx(roc_auc_score(label, score), abs=1e-12)


rows_of_users = st.lists(st.tuples(st.booleans(), st.integers(-3, 3), st.integers(0, 4)), min_size=1, max_size=40)


@settings(deadline=None, max_examples=100)
@given(rows=rows_of_users)
def test_users_against_pairs(rows):
    label, score, user = (np.array(column) for column in zip(*rows))
    ids = np.unique(user)
    expected = {u: pairwise(label[user == u], score[user == u]) for u in ids}
    both = [u for u in ids if expected[u] is not None]
    if not both:
        with pytest.raises(ValueError, match=f"for at least one user, got {len(ids)} users with one class each"):
            gauc(label, score, user)
        return
    found = auc_by_user(label, score, user)
    assert found.user.tolist() == both
    assert found.auc.tolist() == [expected[u] for u in both]
    assert found.num_impressions.tolist() == [int((user == u).sum()) for u in both]
    assert found.num_left_out == len(ids) - len(both)
    weights = [(user == u).sum() for u in both]
    mean = sum(w * expected[u] for w, u in zip(weights, both)) / sum(weights)
    assert gauc(label, score, user) == pytest.approx((mean, len(both), len(ids) - len(both)))


def test_gauc_of_many_users_against_scikit_learn():
    rng = np.random.default_rng(0)
    label, user = rng.integers(0, 2, 5000), rng.integers(0, 300, 5000)
    score = np.round(rng.normal(size=5000) + 0.5 * label, 1)
    total = count = 0
    for u in range(300):
        mine = user == u
        if 0 < label[mine].sum() < mine.sum():
            total += mine.sum() * roc_auc_score(label[mine], score[mine])
            count += mine.sum()
    assert gauc(label, score, user).value == pytest.approx(total / count, abs=1e-12)


def test_by_hand():
    assert auc([0, 1], [0.1, 0.2]) == 1
    assert auc([1, 0], [0.1, 0.2]) == 0
    assert auc([1, 0, 1], [3.0, 3.0, 3.0]) == 0.5
    assert gauc([1, 0, 1, 0, 1], [2, 1, 1, 2, 9], ["a", "a", "b", "b", "c"]) == (0.5, 2, 1)


def test_infinitely_far_scores_do_not_overflow():
    assert auc([0, 1], [-1.7e308, 1.7e308]) == 1


def test_a_score_of_the_user_says_nothing_within_users():
    user = np.repeat([0, 1], 4)
    label = np.array([1, 1, 1, 0, 0, 0, 0, 1])
    assert auc(label, -user) == 0.75
    assert gauc(label, -user, user).value == 0.5


def test_order_of_rows_names_of_users_and_rising_maps_change_nothing():
    rng = np.random.default_rng(1)
    label, score, user = rng.integers(0, 2, 400), rng.integers(0, 9, 400), rng.integers(0, 20, 400)
    order = rng.permutation(400)
    expected = gauc(label, score, user)
    assert gauc(label[order], np.exp(score[order]), 7 - user[order]) == pytest.approx(expected)
    assert auc(label[order], np.exp(score[order])) == auc(label, score)
    assert auc(1 - label, -score) == auc(label, score)


@pytest.mark.parametrize("as_type", [list, torch.tensor, pd.Series, lambda values: np.array(values, np.float32)])
def test_any_array_is_taken(as_type):
    assert auc(as_type([1, 0, 1, 0]), as_type([4, 2, 2, 1])) == 0.875


def test_users_may_be_a_column_of_a_table():
    table = pd.DataFrame({"user": ["b", "a", "b", "a"], "label": [True, False, False, True]})
    assert auc_by_user(table["label"], [1, 0, 0, 1], table["user"]).user.tolist() == ["a", "b"]


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"label": []}, ValueError, r"label must be one-dimensional and not empty, got shape \(0,\)"),
        ({"label": [[1, 0, 1]]}, ValueError, r"label must be one-dimensional and not empty, got shape \(1, 3\)"),
        ({"label": [1, 0, 2]}, ValueError, "label must be 0 or 1 in every row, got 2 in row 2"),
        ({"label": [1, -1, 1]}, ValueError, "label must be 0 or 1 in every row, got -1 in row 1"),
        ({"label": [1, np.nan, 0]}, ValueError, "label must be 0 or 1 in every row, got nan in row 1"),
        ({"label": [1, None, 0]}, TypeError, "label must hold 0 and 1, got dtype object"),
        ({"label": ["1", "0", "1"]}, TypeError, "label must hold 0 and 1, got dtype <U1"),
        ({"score": [1.0, 2.0]}, ValueError, r"score must have shape \(3,\), one value a row, got \(2,\)"),
        ({"score": [1.0, np.nan, 2.0]}, ValueError, "score must be a finite number in every row, got nan in row 1"),
        ({"score": [1.0, 2.0, -np.inf]}, ValueError, "score must be a finite number in every row, got -inf in row 2"),
        ({"score": ["a", "b", "c"]}, TypeError, "score must hold real numbers, got dtype <U1"),
        ({"score": [1j, 0, 1]}, TypeError, "score must hold real numbers, got dtype complex128"),
    ],
)
def test_errors(arguments, error, message):
    given = {"label": [1, 0, 1], "score": [0.1, 0.2, 0.3], **arguments}
    for metric, more in ((auc, {}), (auc_by_user, {"user": [0, 0, 0]}), (gauc, {"user": [0, 0, 0]})):
        with pytest.raises(error, match=message):
            metric(**given, **more)


@pytest.mark.parametrize(
    ("user", "error", "message"),
    [
        ([0, 0], ValueError, r"user must have shape \(3,\), one value a row, got \(2,\)"),
        ([0.0, 1.0, 2.0], TypeError, "user must hold integers or strings, got dtype float64"),
        (["a", None, "b"], TypeError, "user must hold integers or strings, got dtype object"),
    ],
)
def test_errors_of_users(user, error, message):
    with pytest.raises(error, match=message):
        gauc([1, 0, 1], [0.1, 0.2, 0.3], user)


@pytest.mark.parametrize("value", [0, 1])
def test_one_class_has_no_auc(value):
    with pytest.raises(ValueError, match=f"label must hold both classes, got 2 rows of label {value}"):
        auc([value, value], [0.1, 0.2])
