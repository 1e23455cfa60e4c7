"""Errors of predicted watch times: their absolute error, and the share of pairs in the right order (XAUC)."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.stats import kendalltau

from graphvid.metrics import _columns


def mean_absolute_error(true: ArrayLike, predicted: ArrayLike) -> float:
    """Return the mean absolute difference of predicted and true watch time.

    Parameters
    ----------
    true : array_like of float, shape (num_rows,)
        Watch time, in seconds, finite, >= 0.
    predicted : array_like of float, shape (num_rows,)
        Predicted watch time, in seconds, finite.

    Returns
    -------
    float
        In seconds, >= 0.

    Raises
    ------
    TypeError
        Values that are no numbers.
    ValueError
        No rows, lengths that differ, values that are not finite, a negative watch time.

    Examples
    --------
    >>> mean_absolute_error([3.0, 10.0], [5.0, 9.0])
    1.5
    """
    seconds, predictions = _times(true, predicted)
    return float(np.abs(seconds - predictions).mean())


def xauc(true: ArrayLike, predicted: ArrayLike) -> float:
    """Return the share of pairs of rows with different watch times whose predictions are in the same order.

    A pair with equal predictions counts one half. With watch times of two values only it is the AUC.

    Parameters
    ----------
    true, predicted
        See `mean_absolute_error`; the unit does not matter here.

    Returns
    -------
    float
        In [0, 1]; 0.5 for constant predictions.

    Raises
    ------
    TypeError, ValueError
        As `mean_absolute_error`; all watch times are equal.

    Notes
    -----
    O(num_rows log num_rows) time, O(num_rows) memory: with C pairs in the same order, D in the other and T pairs of
    different watch times it is (1 + (C - D) / T) / 2, and C - D is the numerator of Kendall's tau, which SciPy counts
    over a Fenwick tree.

    References
    ----------
    Zhan et al., "Deconfounding Duration Bias in Watch-time Prediction for Video Recommendation", KDD 2022.

    Examples
    --------
    >>> xauc([1.0, 2.0, 2.0, 7.0], [0.5, 0.9, 0.5, 0.4])  # of 5 pairs one is right, one tied
    0.3
    """
    seconds, predictions = _times(true, predicted)
    num_pairs = _unequal_pairs(seconds)
    if not num_pairs:
        raise ValueError(f"true must hold at least two different watch times, got {seconds.size} rows of {seconds[0]}")
    num_predicted_pairs = _unequal_pairs(predictions)
    if not num_predicted_pairs:
        return 0.5
    tau = float(kendalltau(seconds, predictions).statistic)
    surplus = round(tau * math.sqrt(num_pairs) * math.sqrt(num_predicted_pairs))  # C - D, an integer
    return (num_pairs + surplus) / (2 * num_pairs)


def _times(true: ArrayLike, predicted: ArrayLike) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    seconds = _columns.numbers("true", true, least=0.0)
    return seconds, _columns.numbers("predicted", predicted, seconds.size)


def _unequal_pairs(values: NDArray[np.float64]) -> int:
    counts = np.unique(values, return_counts=True)[1]
    return math.comb(values.size, 2) - int((counts * (counts - 1) // 2).sum())
