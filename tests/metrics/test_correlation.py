"""Spearman's rank correlation against SciPy."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.stats import spearmanr

from graphvid.metrics import bootstrap_spearman, resampled_spearman, spearman


@pytest.mark.parametrize("levels", [2, 5, 1000])
def test_against_scipy(levels):
    rng = np.random.default_rng(levels)
    for _ in range(20):
        true, predicted = rng.integers(0, levels, 40), rng.integers(0, levels, 40) + 0.5 * rng.random()
        assert spearman(true, predicted) == pytest.approx(spearmanr(true, predicted).statistic, abs=1e-12)
        assert spearman(np.exp(true / levels), 3 * predicted - 1) == pytest.approx(spearman(true, predicted), abs=1e-12)


def test_undefined_is_nan_and_never_zero():
    assert math.isnan(spearman([0.1, 0.2], [5.0, 5.0]))
    assert math.isnan(spearman([3, 3, 3], [1, 2, 3]))
    assert math.isnan(spearman([1.0], [2.0]))
    with pytest.raises(ValueError, match=r"predicted must have shape \(2,\)"):
        spearman([1.0, 2.0], [1.0])
    with pytest.raises(ValueError, match="true must be a finite number"):
        spearman([math.nan, 1.0], [1.0, 2.0])


def test_interval_covers_as_often_as_it_says():
    rng = np.random.default_rng(0)
    covered = []
    big = rng.multivariate_normal([0, 0], [[1, 0.6], [0.6, 1]], 200_000)
    truth = spearman(*big.T)
    for start in range(0, 60):
        sample = big[start * 150 : (start + 1) * 150]
        found = bootstrap_spearman(*sample.T, num_resamples=150, confidence=0.8, seed=start)
        assert found.lower < found.spearman < found.upper
        covered.append(found.lower <= truth <= found.upper)
    assert 0.65 < np.mean(covered) < 0.95  # 0.8 and three standard errors of 60 draws
    assert bootstrap_spearman([1, 2, 3], [1, 2, 3], num_resamples=2).num_pairs == 3


def test_draws_of_two_models_are_of_the_same_pairs():
    rng = np.random.default_rng(0)
    true, predicted = rng.random((2, 40))
    draws = resampled_spearman(true, predicted, num_resamples=30, seed=4)
    np.testing.assert_allclose(draws, resampled_spearman(true, np.exp(predicted), num_resamples=30, seed=4), atol=1e-12)
    np.testing.assert_allclose(draws, -resampled_spearman(true, -predicted, num_resamples=30, seed=4), atol=1e-12)
    rows = np.random.default_rng(4).integers(0, 40, (30, 40))
    expected = [spearmanr(true[drawn], predicted[drawn]).statistic for drawn in rows]
    np.testing.assert_allclose(draws, expected, atol=1e-12)
