"""Errors and order of predicted watch times against scikit-learn and loops over pairs."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
import sklearn.metrics
from hypothesis import given, settings
from hypothesis import strategies as st

from graphvid.metrics import auc, mean_absolute_error, xauc


def pairwise(true, predicted):
    """Return the XAUC from its definition, or None where no two watch times differ."""
    won = [
        1.0 if (s - t) * (p - q) > 0 else 0.5 * (p == q)
        for (s, p), (t, q) in combinations(zip(true, predicted), 2)
        if s != t
    ]
    return sum(won) / len(won) if won else None


@settings(deadline=None, max_examples=100)
@given(st.lists(st.tuples(st.integers(0, 6), st.integers(-3, 3)), min_size=1, max_size=40))
def test_xauc_against_pairs(rows):
    true, predicted = (list(column) for column in zip(*rows))
    expected = pairwise(true, predicted)
    if expected is None:
        with pytest.raises(ValueError, match=f"at least two different watch times, got {len(rows)} rows of"):
            xauc(true, predicted)
    else:
        assert xauc(true, predicted) == expected


@pytest.mark.parametrize("size", [2, 34, 400])
def test_xauc_of_real_numbers_against_pairs(size):
    rng = np.random.default_rng(size)
    true = np.round(rng.exponential(10, size), 1)
    predicted = true + rng.normal(0, 5, size)
    assert xauc(true, predicted) == pairwise(true, predicted)


def test_xauc_of_two_watch_times_is_auc():
    rng = np.random.default_rng(0)
    label, score = rng.integers(0, 2, 20_000), rng.integers(0, 50, 20_000)
    assert xauc(12.5 * label, score) == auc(label, score)


def test_xauc_by_hand():
    assert xauc([1.0, 2.0], [5.0, 6.0]) == 1
    assert xauc([1.0, 2.0], [6.0, 5.0]) == 0
    assert xauc([1.0, 2.0, 3.0], [4.0, 4.0, 4.0]) == 0.5
    assert xauc([1.0, 2.0, 3.0], [1.0, 1.0, 2.0]) == 2.5 / 3
    assert xauc(np.arange(100_000.0), np.arange(100_000.0)) == 1  # all 5e9 pairs


def test_mean_absolute_error():
    rng = np.random.default_rng(0)
    true, predicted = rng.exponential(10, 500), rng.normal(10, 5, 500)
    assert mean_absolute_error(true, predicted) == pytest.approx(sklearn.metrics.mean_absolute_error(true, predicted))
    assert mean_absolute_error([3.0], [3.0]) == 0


@pytest.mark.parametrize("metric", [mean_absolute_error, xauc])
@pytest.mark.parametrize(
    ("true", "predicted", "error", "message"),
    [
        ([], [], ValueError, r"true must be one-dimensional and not empty, got shape \(0,\)"),
        ([[1.0, 2.0]], [1.0, 2.0], ValueError, r"true must be one-dimensional and not empty, got shape \(1, 2\)"),
        ([1.0, 2.0], [1.0], ValueError, r"predicted must have shape \(2,\), one value a row, got \(1,\)"),
        ([1.0, -2.0], [1.0, 1.0], ValueError, r"true must be a finite number >= 0 in every row, got -2\.0 in row 1"),
        ([np.nan, 2.0], [1.0, 1.0], ValueError, "true must be a finite number >= 0 in every row, got nan in row 0"),
        ([1.0, 2.0], [1.0, np.inf], ValueError, "predicted must be a finite number in every row, got inf in row 1"),
        (["1", "2"], [1.0, 1.0], TypeError, "true must hold real numbers, got dtype <U1"),
    ],
)
def test_errors(metric, true, predicted, error, message):
    with pytest.raises(error, match=message):
        metric(true, predicted)
