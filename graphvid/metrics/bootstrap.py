"""Paired bootstrap over users, for the difference of two models on the same users."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.stats import bootstrap

from graphvid._checks import check_integer, check_seed
from graphvid.metrics import _columns
from graphvid.metrics.binary import auc_by_user

_BATCH_VALUES = 2**21


class BootstrapDifference(NamedTuple):
    """A difference of two means over users, with its confidence interval.

    Parameters
    ----------
    difference : float
        First mean minus second mean.
    lower, upper : float
        Bounds of the confidence interval: percentiles of the resampled differences.
    share_not_above : float
        Share of the resampled differences that are <= 0, in [0, 1], similar to a one-sided p-value.
    num_users : int
        Users that were resampled.
    """

    difference: float
    lower: float
    upper: float
    share_not_above: float
    num_users: int


def paired_bootstrap(
    first: ArrayLike,
    second: ArrayLike,
    weight: ArrayLike | None = None,
    *,
    num_resamples: int = 2000,
    confidence: float = 0.95,
    seed: int = 0,
) -> BootstrapDifference:
    r"""Return the difference of two weighted means over the same users, with a bootstrap confidence interval.

    .. math:: \Delta = \frac{\sum_u w_u (a_u - b_u)}{\sum_u w_u}

    Users are drawn with replacement, with both values and the weight. So the difficulty of a user for both models cancels.

    Parameters
    ----------
    first, second : array_like of float, shape (num_users,)
        :math:`a` and :math:`b`: the metric of two models for each user, finite. Users of several data sets, say of
        several seeds, may be put one after the other.
    weight : array_like of float, shape (num_users,), optional
        :math:`w`: finite, > 0; the impressions of each user make the means GAUC. Default: 1 for each.
    num_resamples : int, default 2000
        Times the users are drawn, >= 1; 2000 leave 50 beyond each bound.
    confidence : float, default 0.95
        Share of the resampled differences between the bounds, in (0, 1).
    seed : int, default 0
        Seed of the draws.

    Returns
    -------
    BootstrapDifference

    Raises
    ------
    TypeError
        Values that are no numbers.
    ValueError
        Fewer than two users, lengths that differ, values out of range.

    Notes
    -----
    O(num_resamples * num_users) time; about 32 MB of memory, or that of one draw if it is larger.
    Draws are those of `scipy.stats.bootstrap` with the percentile interval.

    References
    ----------
    Efron and Tibshirani, "An Introduction to the Bootstrap", 1993, chapter 13.

    Examples
    --------
    >>> result = paired_bootstrap([0.9, 0.8, 0.7], [0.6, 0.6, 0.6], weight=[1, 1, 2])
    >>> round(result.difference, 3), result.lower > 0, result.share_not_above
    (0.175, True, 0.0)
    """
    values = _columns.numbers("first", first)
    gain = values - _columns.numbers("second", second, values.size)
    weights = np.ones(values.size) if weight is None else _columns.numbers("weight", weight, values.size, least=0.0)
    if values.size < 2:
        raise ValueError(f"first must hold at least two users, got {values.size}")
    if not weights.all():
        raise ValueError(f"weight must be > 0 for every user, got 0 for user {int(np.argmin(weights))}")
    check_integer("num_resamples", num_resamples, 1, 10**7)
    check_seed(seed)
    _columns.check_fraction("confidence", confidence, 0.0, 1.0)
    result = bootstrap(
        (gain * weights, weights),
        _ratio,
        n_resamples=int(num_resamples),
        batch=max(1, _BATCH_VALUES // values.size),
        vectorized=True,
        paired=True,
        confidence_level=confidence,
        method="percentile",
        random_state=np.random.default_rng(seed),
    )
    lower, upper = result.confidence_interval
    share = float((result.bootstrap_distribution <= 0).mean())
    return BootstrapDifference(float(_ratio(gain * weights, weights)), float(lower), float(upper), share, values.size)


def bootstrap_gauc(
    label: ArrayLike,
    first: ArrayLike,
    second: ArrayLike,
    user: ArrayLike,
    *,
    num_resamples: int = 2000,
    confidence: float = 0.95,
    seed: int = 0,
) -> BootstrapDifference:
    """Return the difference of the GAUC of two models on the same rows, with a bootstrap confidence interval.

    Parameters
    ----------
    label, user
        See `graphvid.metrics.auc_by_user`.
    first, second : array_like of float, shape (num_rows,)
        Scores of two models, finite.
    num_resamples, confidence, seed
        See `paired_bootstrap`.

    Returns
    -------
    BootstrapDifference

    Raises
    ------
    TypeError, ValueError
        As `graphvid.metrics.auc_by_user` and `paired_bootstrap`; fewer than two users have rows of both classes.

    Notes
    -----
    Users with rows of one class have no AUC and are left out before the draws.

    Examples
    --------
    >>> label, user = [1, 0, 1, 0], [0, 0, 1, 1]
    >>> bootstrap_gauc(label, [0.9, 0.1, 0.8, 0.3], [0.9, 0.1, 0.5, 0.5], user).difference  # 1 - (1 + 0.5) / 2
    0.25
    """
    ours, theirs = (auc_by_user(label, score, user) for score in (first, second))
    return paired_bootstrap(
        ours.auc,
        theirs.auc,
        ours.num_impressions,
        num_resamples=num_resamples,
        confidence=confidence,
        seed=seed,
    )


def _ratio(total: NDArray[np.float64], weight: NDArray[np.float64], axis: int = -1) -> NDArray[np.float64]:
    return np.asarray(total.sum(axis=axis) / weight.sum(axis=axis))
