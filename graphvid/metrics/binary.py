r"""Separation of two classes by scores: ROC-AUC over all rows (AUC) and within each user (GAUC).

.. math:: \mathrm{AUC} = \frac{1}{P N} \sum_{i : y_i = 1} \sum_{j : y_j = 0}
                         \left( [s_i > s_j] + \tfrac{1}{2} [s_i = s_j] \right)

with the labels :math:`y` (``label``), the scores :math:`s` (``score``), and :math:`P`, :math:`N` rows of label 1 and 0.
The pairs are counted in 64-bit integers over one sort of all users at once, so the values are exact to the last
division. torchmetrics sums float32 rates and has no AUC within groups; scikit-learn would be a loop over users.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from graphvid.metrics import _columns


class UserAUC(NamedTuple):
    """The AUC of each user who has rows of both classes.

    Parameters
    ----------
    user : ndarray of shape (num_users,)
        Their ids, ascending.
    auc : ndarray of float64, shape (num_users,)
        In [0, 1].
    num_impressions : ndarray of int64, shape (num_users,)
        Rows of each of them.
    num_left_out : int
        Users left out, all of whose rows have one label.
    """

    user: NDArray[Any]  # integers or strings, as given
    auc: NDArray[np.float64]
    num_impressions: NDArray[np.int64]
    num_left_out: int


class GroupedAUC(NamedTuple):
    """The mean AUC of users, weighted by their impressions.

    Parameters
    ----------
    value : float
        In [0, 1].
    num_users : int
        Users the mean is taken over.
    num_left_out : int
        Users left out, all of whose rows have one label.
    """

    value: float
    num_users: int
    num_left_out: int


def auc(label: ArrayLike, score: ArrayLike) -> float:
    """Return the area under the ROC curve over all rows; a pair of equal scores counts one half.

    Parameters
    ----------
    label : array_like of bool or {0, 1}, shape (num_rows,)
        The class of each row.
    score : array_like of float, shape (num_rows,)
        Finite; larger means more likely 1. Compared as float64.

    Returns
    -------
    float
        In [0, 1].

    Raises
    ------
    TypeError
        A label or a score that is no number.
    ValueError
        No rows, lengths that differ, labels other than 0 and 1, scores that are not finite, rows of one class only.

    Notes
    -----
    O(num_rows log num_rows) time, O(num_rows) memory. Exact below about 4e9 rows.

    References
    ----------
    Hanley and McNeil, "The meaning and use of the area under a ROC curve", Radiology 1982.

    Examples
    --------
    >>> auc([1, 0, 1, 0], [0.9, 0.5, 0.5, 0.1])  # three pairs of four are right, and one is tied
    0.875
    """
    is_positive = _columns.labels(label)
    scores = _columns.numbers("score", score, is_positive.size)
    doubled, num_pairs, _ = _won_pairs(is_positive, scores, np.zeros(is_positive.size, np.int8))
    if not num_pairs[0]:
        raise ValueError(f"label must hold both classes, got {is_positive.size} rows of label {int(is_positive[0])}")
    return float(doubled[0] / (2 * num_pairs[0]))


def auc_by_user(label: ArrayLike, score: ArrayLike, user: ArrayLike) -> UserAUC:
    """Return the AUC within each user's own rows.

    Parameters
    ----------
    label, score
        See `auc`.
    user : array_like of int or str, shape (num_rows,)
        The user of each row, in any order.

    Returns
    -------
    UserAUC
        Which users are in it depends on ``label`` and ``user`` only: two models scored on the same rows have the same
        users, in the same order (`graphvid.metrics.paired_bootstrap`).

    Raises
    ------
    TypeError, ValueError
        As `auc`; ids that are neither integers nor strings; no user has rows of both classes.

    Notes
    -----
    O(num_rows log num_rows) time, O(num_rows) memory, without a loop over users.

    Examples
    --------
    >>> users = auc_by_user([1, 0, 1, 1, 0], [0.9, 0.5, 0.2, 0.1, 0.7], ["b", "b", "c", "a", "a"])
    >>> users.user.tolist(), users.auc.tolist(), users.num_left_out
    (['a', 'b'], [0.0, 1.0], 1)
    """
    is_positive = _columns.labels(label)
    scores = _columns.numbers("score", score, is_positive.size)
    ids, group = _columns.codes("user", user, is_positive.size)
    doubled, num_pairs, num_rows = _won_pairs(is_positive, scores, group)
    kept = num_pairs > 0
    if not kept.any():
        raise ValueError(
            f"label must hold both classes for at least one user, got {ids.size} users with one class each"
        )
    return UserAUC(ids[kept], doubled[kept] / (2 * num_pairs[kept]), num_rows[kept], int((~kept).sum()))


def gauc(label: ArrayLike, score: ArrayLike, user: ArrayLike) -> GroupedAUC:
    r"""Return the mean of the users' AUC, weighted by their impressions.

    .. math:: \mathrm{GAUC} = \frac{\sum_u n_u \mathrm{AUC}_u}{\sum_u n_u}

    over the users with rows of both classes; :math:`n_u` is the number of rows of user u.

    Parameters
    ----------
    label, score, user
        See `auc_by_user`.

    Returns
    -------
    GroupedAUC

    Raises
    ------
    TypeError, ValueError
        As `auc_by_user`.

    Notes
    -----
    O(num_rows log num_rows) time, O(num_rows) memory. A score that depends on the user only has GAUC 0.5.

    References
    ----------
    Zhou et al., "Deep Interest Network for Click-Through Rate Prediction", KDD 2018, equation 10.

    Examples
    --------
    >>> gauc([1, 0, 1, 0, 0], [0.9, 0.5, 0.1, 0.7, 0.1], [0, 0, 1, 1, 1])  # (2 * 1 + 3 * 0.25) / 5
    GroupedAUC(value=0.55, num_users=2, num_left_out=0)
    """
    users = auc_by_user(label, score, user)
    value = float(np.average(users.auc, weights=users.num_impressions))
    return GroupedAUC(value, users.user.size, users.num_left_out)


def _won_pairs(
    label: NDArray[np.bool_], score: NDArray[np.float64], group: NDArray[np.integer[Any]]
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Return for each group twice the pairs won (a tie is half a pair), its pairs, and its rows."""
    order = np.lexsort((score, group))
    label, score, group = label[order], score[order], group[order]
    runs = np.flatnonzero(np.r_[True, (group[1:] != group[:-1]) | (score[1:] != score[:-1])])  # of equal scores
    num_positive = np.add.reduceat(label, runs, dtype=np.int64)
    num_negative = np.diff(np.r_[runs, label.size]) - num_positive
    starts = np.flatnonzero(np.r_[True, np.diff(group[runs]) != 0])
    below = np.cumsum(num_negative) - num_negative
    below -= np.repeat(below[starts], np.diff(np.r_[starts, runs.size]))
    doubled = np.add.reduceat(num_positive * (2 * below + num_negative), starts)
    positives, negatives = np.add.reduceat(num_positive, starts), np.add.reduceat(num_negative, starts)
    return doubled, positives * negatives, positives + negatives
