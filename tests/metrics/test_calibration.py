"""Log loss and calibration error against scikit-learn and loops."""

from __future__ import annotations

import math

import numpy as np
import pytest
import sklearn.metrics
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import calibration

from graphvid.metrics import base_rate_log_loss, calibration_curve, expected_calibration_error, log_loss


def loop_bins(label, prob, num_bins):
    """Return the rows of each bin that is not empty: those of one probability follow the middle one of them."""
    order = sorted(range(len(prob)), key=lambda i: prob[i])
    bins = {}
    for i in range(len(prob)):
        equal = [place for place, row in enumerate(order) if prob[row] == prob[i]]
        middle = equal[(len(equal) - 1) // 2]
        bins.setdefault(middle * num_bins // len(prob), []).append(i)
    return [bins[b] for b in sorted(bins)]


@settings(deadline=None, max_examples=100)
@given(
    rows=st.lists(st.tuples(st.booleans(), st.sampled_from([0.0, 0.1, 0.25, 0.5, 0.9, 1.0])), min_size=1, max_size=30),
    num_bins=st.integers(1, 40),
)
def test_bins_against_loops(rows, num_bins):
    label, prob = ([row[i] for row in rows] for i in (0, 1))
    bins = loop_bins(label, prob, num_bins)
    curve = calibration_curve(label, prob, num_bins=num_bins)
    predicted = [np.mean([prob[i] for i in rows]) for rows in bins]
    observed = [np.mean([label[i] for i in rows]) for rows in bins]
    assert curve.num_rows.tolist() == [len(rows) for rows in bins]
    assert curve.predicted.tolist() == pytest.approx(predicted)
    assert curve.observed.tolist() == pytest.approx(observed)
    error = sum(len(rows) * abs(o - p) for rows, o, p in zip(bins, observed, predicted)) / len(label)
    assert expected_calibration_error(label, prob, num_bins=num_bins) == pytest.approx(error)


@pytest.mark.parametrize("num_bins", [1, 4, 10])
def test_curve_without_ties_against_scikit_learn(num_bins):
    rng = np.random.default_rng(0)
    prob = rng.random(20 * num_bins + 1)  # quantiles of scikit-learn lie on rows, which then belong to the bin above
    label = rng.random(prob.size) < prob
    observed, predicted = calibration.calibration_curve(label, prob, n_bins=num_bins, strategy="quantile")
    curve = calibration_curve(label, prob, num_bins=num_bins)
    assert curve.num_rows.max() - curve.num_rows.min() <= 1
    assert curve.predicted == pytest.approx(predicted, abs=0.02)
    assert curve.observed == pytest.approx(observed, abs=0.06)


@pytest.mark.parametrize("size", [1, 2, 1000])
def test_log_loss_against_scikit_learn(size):
    rng = np.random.default_rng(size)
    label, prob = rng.integers(0, 2, size), rng.uniform(0.001, 0.999, size)
    assert log_loss(label, prob) == pytest.approx(sklearn.metrics.log_loss(label, prob, labels=[0, 1]), rel=1e-12)
    base = sklearn.metrics.log_loss(label, np.full(size, 0.3), labels=[0, 1])
    assert base_rate_log_loss(label, 0.3) == pytest.approx(base, rel=1e-12)


def test_log_loss_by_hand():
    assert log_loss([1, 0], [0.5, 0.5]) == pytest.approx(math.log(2))
    assert base_rate_log_loss([1, 0, 0, 0]) == pytest.approx(-(math.log(0.25) + 3 * math.log(0.75)) / 4)


def test_probabilities_are_clipped_where_it_says():
    assert log_loss([1, 0], [0.0, 1.0]) == pytest.approx(-math.log(1e-7))
    assert log_loss([1, 0], [1.0, 0.0]) == pytest.approx(1e-7)
    assert log_loss([1, 0], [0.0, 1.0], clip=0.1) == pytest.approx(-math.log(0.1))
    assert log_loss([1], [0.05], clip=0.05) == pytest.approx(-math.log(0.05))
    assert log_loss([1, 0], [1.0, 0.0], clip=0) == 0
    assert log_loss([1, 0], [1.0, 1.0], clip=0) == math.inf


def test_base_rate_of_one_class():
    assert base_rate_log_loss([1, 1]) == pytest.approx(1e-7)
    assert base_rate_log_loss([1, 1], clip=0) == 0
    assert base_rate_log_loss([1, 1], 0.0) == pytest.approx(-math.log(1e-7))


def test_no_constant_beats_the_base_rate_of_the_labels():
    label = np.random.default_rng(2).random(100) < 0.3
    losses = [base_rate_log_loss(label, rate) for rate in np.linspace(0, 1, 101)]
    assert base_rate_log_loss(label) <= min(losses)


def test_float32_probabilities_of_one_are_taken():
    assert log_loss([1, 1], np.array([1.0, 0.5], np.float32)) == pytest.approx(math.log(2) / 2, abs=1e-6)


def test_one_probability_is_one_bin():
    curve = calibration_curve([1, 0, 0, 0], [0.5] * 4, num_bins=15)
    assert [values.tolist() for values in curve] == [[0.5], [0.25], [4]]
    assert expected_calibration_error([1, 0, 0, 0], [0.5] * 4) == 0.25


def test_more_bins_than_rows_gives_each_row_its_own():
    curve = calibration_curve([1, 0, 1], [0.9, 0.1, 0.5], num_bins=100)
    assert [values.tolist() for values in curve] == [[0.1, 0.5, 0.9], [0.0, 1.0, 1.0], [1, 1, 1]]


def test_order_of_rows_changes_nothing():
    rng = np.random.default_rng(3)
    label, prob = rng.integers(0, 2, 500), rng.integers(0, 30, 500) / 30
    order = rng.permutation(500)
    assert expected_calibration_error(label[order], prob[order]) == expected_calibration_error(label, prob)


def test_error_of_true_probabilities_is_noise_and_of_shifted_ones_the_shift():
    rng = np.random.default_rng(4)
    prob = rng.uniform(0.3, 0.7, 150_000)
    label = rng.random(prob.size) < prob
    assert expected_calibration_error(label, prob) < 0.008  # 0.4 * sqrt(15 / 150000) = 0.004 is expected
    assert expected_calibration_error(label, prob + 0.2) == pytest.approx(0.2, abs=0.008)


BAD_ROWS = [
    ({"label": []}, ValueError, r"label must be one-dimensional and not empty, got shape \(0,\)"),
    ({"label": [1, 3]}, ValueError, "label must be 0 or 1 in every row, got 3 in row 1"),
    ({"prob": [0.5]}, ValueError, r"prob must have shape \(2,\), one value a row, got \(1,\)"),
    ({"prob": [0.5, 1.01]}, ValueError, r"prob must be a finite number in \[0, 1\] in every row, got 1\.01 in row 1"),
    ({"prob": [-1e-9, 0.5]}, ValueError, r"prob must be a finite number in \[0, 1\] in every row, got -1e-09 in row 0"),
    ({"prob": [0.5, np.nan]}, ValueError, r"prob must be a finite number in \[0, 1\] in every row, got nan in row 1"),
    ({"prob": ["a", "b"]}, TypeError, "prob must hold real numbers, got dtype <U1"),
]


@pytest.mark.parametrize(("arguments", "error", "message"), BAD_ROWS)
def test_errors_of_rows(arguments, error, message):
    for metric in (log_loss, calibration_curve, expected_calibration_error):
        with pytest.raises(error, match=message):
            metric(**{"label": [1, 0], "prob": [0.5, 0.5], **arguments})


@pytest.mark.parametrize("clip", [-0.1, 0.5, np.nan])
def test_errors_of_clip(clip):
    for metric in (log_loss, base_rate_log_loss):
        with pytest.raises(ValueError, match=rf"clip must be in \[0, 0.5\), got {clip}"):
            metric([1, 0], *([[0.5, 0.5]] if metric is log_loss else []), clip=clip)


@pytest.mark.parametrize("rate", [-0.1, 1.1, np.nan])
def test_errors_of_rate(rate):
    with pytest.raises(ValueError, match=rf"rate must be in \[0, 1\], got {rate}"):
        base_rate_log_loss([1, 0], rate)


@pytest.mark.parametrize("num_bins", [0, 1.5, True])
def test_errors_of_bins(num_bins):
    for metric in (calibration_curve, expected_calibration_error):
        with pytest.raises(ValueError, match=f"num_bins must be an integer >= 1, got {num_bins}"):
            metric([1, 0], [0.5, 0.5], num_bins=num_bins)
