"""The paired bootstrap against normal theory, loops, and its own limits."""

from __future__ import annotations

import numpy as np
import pytest

from graphvid.metrics import auc_by_user, bootstrap_gauc, gauc, paired_bootstrap


@pytest.fixture
def users():
    rng = np.random.default_rng(0)
    hard = rng.normal(0.7, 0.2, 400)
    return hard + rng.normal(0.02, 0.05, 400), hard, rng.integers(1, 100, 400)


def test_interval_against_the_error_of_a_ratio(users):
    first, second, weight = users
    found = paired_bootstrap(first, second, weight, num_resamples=4000)
    gain = first - second
    assert found.difference == pytest.approx(np.average(first, weights=weight) - np.average(second, weights=weight))
    error = np.sqrt((weight**2 * (gain - found.difference) ** 2).sum()) / weight.sum()
    assert found.lower == pytest.approx(found.difference - 1.96 * error, abs=0.15 * error)
    assert found.upper == pytest.approx(found.difference + 1.96 * error, abs=0.15 * error)
    assert found.num_users == 400


def test_distribution_against_a_loop():
    first, second, weight = np.array([1.0, 0.0]), np.array([0.0, 0.5]), np.array([1.0, 3.0])
    found = paired_bootstrap(first, second, weight, num_resamples=20_000, confidence=0.4)
    # Draws of users: (0, 0) gives 1, (1, 1) gives -0.5, and (0, 1) or (1, 0) give (1 - 1.5) / 4; 1/4, 1/4 and 1/2 of them.
    assert found.difference == -0.125
    assert (found.lower, found.upper) == (-0.125, -0.125)  # the middle 40 %
    assert found.share_not_above == pytest.approx(0.75, abs=0.02)
    assert paired_bootstrap(first, second, weight)[1:3] == (-0.5, 1.0)


def test_pairs_cancel_what_is_hard_for_both(users):
    first, second, weight = users
    paired = paired_bootstrap(first, second, weight)
    shuffled = paired_bootstrap(first, np.random.default_rng(1).permutation(second), weight)
    assert paired.upper - paired.lower < 0.4 * (shuffled.upper - shuffled.lower)


def test_interval_holds_the_truth_as_often_as_it_says():
    rng = np.random.default_rng(5)
    covered = 0
    for seed in range(100):
        weight = rng.integers(1, 20, 60)
        found = paired_bootstrap(rng.normal(0.1, 0.3, 60), np.zeros(60), weight, num_resamples=300, seed=seed)
        covered += found.lower <= 0.1 <= found.upper
    assert 86 <= covered <= 100


def test_a_model_is_not_better_than_itself(users):
    assert paired_bootstrap(users[0], users[0]) == (0, 0, 0, 1, 400)


def test_exchanged_models_give_the_mirror_image(users):
    first, second, weight = users
    found, mirror = paired_bootstrap(first, second, weight), paired_bootstrap(second, first, weight)
    assert (mirror.difference, mirror.lower, mirror.upper) == pytest.approx(
        (-found.difference, -found.upper, -found.lower)
    )
    assert mirror.share_not_above == pytest.approx(1 - found.share_not_above)


def test_a_seed_repeats_and_another_does_not(users):
    assert paired_bootstrap(*users, seed=1) == paired_bootstrap(*users, seed=1)
    assert paired_bootstrap(*users, seed=1) != paired_bootstrap(*users, seed=2)


def test_batches_do_not_change_the_draws(users, monkeypatch):
    whole = paired_bootstrap(*users, num_resamples=50)
    monkeypatch.setattr("graphvid.metrics.bootstrap._BATCH_VALUES", 1000)
    assert paired_bootstrap(*users, num_resamples=50) == whole


def test_more_confidence_is_a_wider_interval(users):
    narrow, wide = (paired_bootstrap(*users, confidence=share) for share in (0.5, 0.99))
    assert wide.lower < narrow.lower < narrow.upper < wide.upper


def test_gauc_of_two_scores():
    rng = np.random.default_rng(3)
    label, user = rng.integers(0, 2, 3000), rng.integers(0, 200, 3000)
    good, poor = (np.round(rng.normal(size=3000) + strength * label, 1) for strength in (1.0, 0.3))
    found = bootstrap_gauc(label, good, poor, user, num_resamples=500, seed=7)
    assert found.difference == pytest.approx(gauc(label, good, user).value - gauc(label, poor, user).value)
    assert found.lower > 0.05
    assert found.share_not_above == 0
    a, b = auc_by_user(label, good, user), auc_by_user(label, poor, user)
    assert found == paired_bootstrap(a.auc, b.auc, a.num_impressions, num_resamples=500, seed=7)


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"first": []}, ValueError, r"first must be one-dimensional and not empty, got shape \(0,\)"),
        ({"first": [0.1], "second": [0.1], "weight": None}, ValueError, "first must hold at least two users, got 1"),
        ({"first": [0.1, np.nan]}, ValueError, "first must be a finite number in every row, got nan in row 1"),
        ({"second": [0.1]}, ValueError, r"second must have shape \(2,\), one value a row, got \(1,\)"),
        ({"second": ["a", "b"]}, TypeError, "second must hold real numbers, got dtype <U1"),
        ({"weight": [1, 0]}, ValueError, "weight must be > 0 for every user, got 0 for user 1"),
        ({"weight": [1, -1]}, ValueError, r"weight must be a finite number >= 0 in every row, got -1\.0 in row 1"),
        ({"weight": [1]}, ValueError, r"weight must have shape \(2,\), one value a row, got \(1,\)"),
        ({"num_resamples": 0}, ValueError, "num_resamples must be an integer >= 1, got 0"),
        ({"confidence": 0.0}, ValueError, r"confidence must be in \(0, 1\), got 0\.0"),
        ({"confidence": 1.0}, ValueError, r"confidence must be in \(0, 1\), got 1\.0"),
        ({"seed": -1}, ValueError, "seed must be an integer >= 0, got -1"),
    ],
)
def test_errors(arguments, error, message):
    with pytest.raises(error, match=message):
        paired_bootstrap(**{"first": [0.1, 0.2], "second": [0.2, 0.1], "weight": [1, 2], **arguments})


def test_errors_of_gauc():
    with pytest.raises(ValueError, match="first must hold at least two users, got 1"):
        bootstrap_gauc([1, 0, 1], [1, 2, 3], [1, 2, 3], [0, 0, 1])
    with pytest.raises(ValueError, match=r"score must have shape \(3,\), one value a row, got \(2,\)"):
        bootstrap_gauc([1, 0, 1], [1, 2, 3], [1, 2], [0, 0, 1])
