"""Spearman's rank correlation of scores with human scores, and its bootstrap interval."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.stats import rankdata

from graphvid._checks import check_integer
from graphvid.metrics import _columns

_BATCH_VALUES = 2**20  # of resamples at once


class SpearmanInterval(NamedTuple):
    """A rank correlation and its bootstrap interval.

    Parameters
    ----------
    spearman : float
        Correlation over all pairs.
    lower, upper : float
        Percentiles of the resampled correlations.
    num_pairs : int
    """

    spearman: float
    lower: float
    upper: float
    num_pairs: int


def spearman(true: ArrayLike, predicted: ArrayLike) -> float:
    r"""Return Spearman's rank correlation: Pearson's correlation of the ranks, equal values with their average rank.

    Parameters
    ----------
    true, predicted : array_like of float, shape (num_pairs,)
        Finite, in any unit: a transform that keeps the order changes nothing.

    Returns
    -------
    float
        In [-1, 1]; NaN where one of them is constant or there is one pair, as then there is no order to keep.

    Raises
    ------
    TypeError
        Values that are no numbers.
    ValueError
        No pairs, lengths that differ, values that are not finite.

    Notes
    -----
    O(num_pairs log num_pairs) time. `scipy.stats.spearmanr` gives the same number, with a warning for a constant.

    References
    ----------
    Spearman, "The proof and measurement of association between two things", American Journal of Psychology, 1904.

    Examples
    --------
    >>> spearman([0.1, 0.2, 0.3, 0.4], [1.0, 2.0, 4.0, 3.0])
    0.8
    >>> spearman([0.1, 0.2], [5.0, 5.0])
    nan
    """
    return float(_correlation(*_ranks(true, predicted)))


def bootstrap_spearman(
    true: ArrayLike, predicted: ArrayLike, *, num_resamples: int = 1000, confidence: float = 0.95, seed: int = 0
) -> SpearmanInterval:
    """Return Spearman's rank correlation with a percentile interval over resampled pairs.

    Parameters
    ----------
    true, predicted
        See `spearman`.
    num_resamples : int, default 1000
        Times the pairs are drawn with replacement, at least 1.
    confidence : float, default 0.95
        Share of the resampled correlations between the bounds, in (0, 1).
    seed : int, default 0
        Of the draws.

    Returns
    -------
    SpearmanInterval
        Bounds are NaN where the correlation is, or that of a draw.

    Raises
    ------
    TypeError, ValueError
        As `spearman`; a number out of its range.

    Notes
    -----
    Each draw is ranked anew: O(num_resamples * num_pairs log num_pairs) time. Pairs that share a video are drawn as if
    they were independent, so the interval is somewhat too narrow.
    """
    _columns.check_fraction("confidence", confidence, 0.0, 1.0)
    found = resampled_spearman(true, predicted, num_resamples=num_resamples, seed=seed)
    tail = (1 - confidence) / 2
    lower, upper = np.quantile(found, [tail, 1 - tail])
    ranks = _ranks(true, predicted)
    return SpearmanInterval(float(_correlation(*ranks)), float(lower), float(upper), len(ranks[0]))


def resampled_spearman(
    true: ArrayLike, predicted: ArrayLike, *, num_resamples: int = 1000, seed: int = 0
) -> NDArray[np.float64]:
    """Return Spearman's rank correlation of each of many draws of the pairs.

    The draws depend only on the number of pairs and the seed. So the draws of two models for the same pairs are paired, and the
    spread of their differences shows the certainty of a comparison.

    Parameters
    ----------
    true, predicted
        See `spearman`.
    num_resamples : int, default 1000
        Times the pairs are drawn with replacement, at least 1.
    seed : int, default 0
        Of the draws.

    Returns
    -------
    ndarray of float64, shape (num_resamples,)
        NaN where a draw has no order to keep.

    Raises
    ------
    TypeError, ValueError
        As `spearman`; a number out of its range.

    Examples
    --------
    >>> true = np.arange(20.0)
    >>> better, worse = (resampled_spearman(true, true % m, num_resamples=50) for m in (20, 7))
    >>> bool((better > worse).all())
    True
    """
    check_integer("num_resamples", num_resamples, 1)
    check_integer("seed", seed, 0)
    ranks = _ranks(true, predicted)
    rng = np.random.default_rng(seed)
    found = np.empty(num_resamples)
    step = max(1, _BATCH_VALUES // len(ranks[0]))
    for start in range(0, num_resamples, step):
        size = min(step, num_resamples - start)
        rows = rng.integers(0, len(ranks[0]), (size, len(ranks[0])))
        found[start : start + size] = _correlation(*(rankdata(column[rows], axis=1) for column in ranks))
    return found


def _ranks(true: ArrayLike, predicted: ArrayLike) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    first = _columns.numbers("true", true)
    second = _columns.numbers("predicted", predicted, first.size)
    return rankdata(first), rankdata(second)


def _correlation(first: NDArray[np.float64], second: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return Pearson's correlation along the last axis, NaN for a constant."""
    first, second = (x - x.mean(axis=-1, keepdims=True) for x in (first, second))
    scale = np.sqrt((first * first).sum(axis=-1) * (second * second).sum(axis=-1))
    product = (first * second).sum(axis=-1)
    found: NDArray[np.float64] = np.divide(product, scale, out=np.full_like(scale, np.nan), where=scale > 0)
    return found
