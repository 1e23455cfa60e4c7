"""Quality of probabilities: log loss, log loss of the base rate, and calibration error."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from graphvid._checks import check_integer, check_number
from graphvid.metrics import _columns

CLIP = 1e-7


class CalibrationCurve(NamedTuple):
    """Bins of rows by their probability, from the lowest to the highest.

    Parameters
    ----------
    predicted, observed : ndarray of float64, shape (num_filled_bins,)
        Mean probability and share of label 1 in each bin, in [0, 1].
    num_rows : ndarray of int64, shape (num_filled_bins,)
        Rows of each bin, >= 1.
    """

    predicted: NDArray[np.float64]
    observed: NDArray[np.float64]
    num_rows: NDArray[np.int64]


def log_loss(label: ArrayLike, prob: ArrayLike, *, clip: float = CLIP) -> float:
    r"""Return the mean negative log-likelihood of the labels.

    .. math:: -\frac{1}{n} \sum_i \left( y_i \log p_i + (1 - y_i) \log(1 - p_i) \right)

    with the labels :math:`y` (``label``) and the probabilities :math:`p` (``prob``).

    Parameters
    ----------
    label : array_like of bool or {0, 1}, shape (num_rows,)
        The class of each row.
    prob : array_like of float, shape (num_rows,)
        Probability of label 1, in [0, 1].
    clip : float, default 1e-7
        Probabilities are first clipped to ``[clip, 1 - clip]``, so that one row with a wrong probability of 0 or 1 costs 16.1
        nats and not infinitely many; in [0, 0.5). 0 clips nothing.

    Returns
    -------
    float
        In nats, >= 0; a constant 0.5 gives ln 2 = 0.693.

    Raises
    ------
    TypeError
        A label or a probability that is no number.
    ValueError
        No rows, lengths that differ, labels other than 0 and 1, probabilities or ``clip`` out of range.

    Notes
    -----
    O(num_rows) time. Compare with `base_rate_log_loss`: a model above it is worse than a constant. FRAME's
    released code adds 5e-5 inside the logarithms instead, twice, and is infinite or NaN at a probability of 1.

    Examples
    --------
    >>> round(log_loss([1, 0], [0.8, 0.4]), 4)  # -(ln 0.8 + ln 0.6) / 2
    0.367
    """
    is_positive = _columns.labels(label)
    probs = _columns.numbers("prob", prob, is_positive.size, least=0.0, most=1.0)
    _columns.check_fraction("clip", clip, 0.0, 0.5, zero=True)
    likelihood = np.clip(np.where(is_positive, probs, 1.0 - probs), clip, 1.0 - clip)
    with np.errstate(divide="ignore"):  # clip=0 allows log(0)
        return float(-np.log(likelihood).mean()) + 0.0  # no -0.0


def base_rate_log_loss(label: ArrayLike, rate: float | None = None, *, clip: float = CLIP) -> float:
    """Return the log loss of one probability for all rows.

    Parameters
    ----------
    label : array_like of bool or {0, 1}, shape (num_rows,)
        The class of each row.
    rate : float, optional
        The probability, in [0, 1], for example the share of label 1 in training. Default: the share in ``label`` itself, the
        best constant, which a constant model cannot know before the test.
    clip : float, default 1e-7
        See `log_loss`.

    Returns
    -------
    float
        In nats, >= 0.

    Raises
    ------
    TypeError, ValueError
        As `log_loss`; a ``rate`` out of range.

    Examples
    --------
    >>> round(base_rate_log_loss([1, 0, 0, 0]), 4)  # -(ln 0.25 + 3 ln 0.75) / 4
    0.5623
    """
    is_positive = _columns.labels(label)
    if rate is not None:
        check_number("rate", rate, "in [0, 1]", least=0.0, most=1.0)
    constant = is_positive.mean() if rate is None else rate
    return log_loss(is_positive, np.full(is_positive.size, constant), clip=clip)


def calibration_curve(label: ArrayLike, prob: ArrayLike, *, num_bins: int = 15) -> CalibrationCurve:
    """Return mean probability and share of label 1 in bins of equally many rows.

    Rows are ordered by probability and cut into ``num_bins`` equal parts. Rows of equal probability stay together, in the bin
    of the middle one. So the bins do not depend on the order of rows, and may differ in size; empty bins are left out.

    Parameters
    ----------
    label, prob
        See `log_loss`.
    num_bins : int, default 15
        Bins before empty ones are left out, >= 1; 15 is the number of Guo et al.

    Returns
    -------
    CalibrationCurve

    Raises
    ------
    TypeError, ValueError
        As `log_loss`; ``num_bins`` below 1.

    Notes
    -----
    O(num_rows log num_rows) time.

    Examples
    --------
    >>> curve = calibration_curve([0, 0, 1, 1, 1], [0.1, 0.3, 0.3, 0.3, 0.9], num_bins=2)
    >>> [values.round(3).tolist() for values in curve]  # the middle 0.3 is the third row of five, in the first half
    [[0.25, 0.9], [0.5, 1.0], [4, 1]]
    """
    is_positive = _columns.labels(label)
    probs = _columns.numbers("prob", prob, is_positive.size, least=0.0, most=1.0)
    check_integer("num_bins", num_bins, 1)
    values, run, num_rows = np.unique(probs, return_inverse=True, return_counts=True)
    middle = np.cumsum(num_rows) - num_rows + (num_rows - 1) // 2
    filled, bin_of_run = np.unique(middle * num_bins // probs.size, return_inverse=True)
    size = np.bincount(bin_of_run, weights=num_rows, minlength=filled.size)
    predicted = np.bincount(bin_of_run, weights=values * num_rows, minlength=filled.size) / size
    observed = np.bincount(bin_of_run[run], weights=is_positive, minlength=filled.size) / size
    return CalibrationCurve(predicted, observed, size.astype(np.int64))


def expected_calibration_error(label: ArrayLike, prob: ArrayLike, *, num_bins: int = 15) -> float:
    r"""Return the mean distance between probability and share of label 1, over bins of equally many rows.

    .. math:: \mathrm{ECE} = \sum_b \frac{n_b}{n} \left| \bar{y}_b - \bar{p}_b \right|

    with the bins b of `calibration_curve`, their rows :math:`n_b`, and the means of labels and probabilities in them.

    Parameters
    ----------
    label, prob, num_bins
        See `calibration_curve`.

    Returns
    -------
    float
        In [0, 1], 0 is best. Noise alone makes it positive: about ``0.4 * sqrt(num_bins / num_rows)`` for perfect
        probabilities near one half.

    Raises
    ------
    TypeError, ValueError
        As `calibration_curve`.

    Notes
    -----
    O(num_rows log num_rows) time. torchmetrics has bins of equal width, most of them nearly empty when the
    probabilities are close together.

    References
    ----------
    Guo et al., "On Calibration of Modern Neural Networks", ICML 2017, equation 3, with bins of equal width; bins of
    equal mass as in Nixon et al., "Measuring Calibration in Deep Learning", CVPR workshops 2019.

    Examples
    --------
    >>> round(expected_calibration_error([0, 0, 1, 1], [0.2, 0.2, 0.6, 0.6], num_bins=2), 4)  # (0.2 + 0.4) / 2
    0.3
    """
    curve = calibration_curve(label, prob, num_bins=num_bins)
    return float(np.average(np.abs(curve.observed - curve.predicted), weights=curve.num_rows))
