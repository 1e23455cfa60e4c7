"""NDCG and recall over logged impressions: a ranking of the items that each user was shown.

The candidates of a user are all test rows of this user, without sampling and without other items of the catalogue.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray

from graphvid._checks import check_integer
from graphvid.metrics import _columns, _item_kernels, ranking
from graphvid.metrics._ties import Ties, check_ties, groups, settle


class ImpressionRanks(NamedTuple):
    """Places of each user's positives in the order of that user's impressions.

    Parameters
    ----------
    user : ndarray of shape (num_users,)
        Ids of all users, ascending.
    ranks : ndarray of int64, shape (num_positives, 2) for ``ties="expected"``, else (num_positives,)
        Ranks of the rows of label 1, counted from 1, or their bounds, user after user; within a user in the order of
        the rows, ascending for ``ties="id"``.
    indptr : ndarray of int64, shape (num_users + 1,)
        Start of the ranks of each user.
    """

    user: NDArray[Any]  # integers or strings, as given
    ranks: NDArray[np.int64]
    indptr: NDArray[np.int64]


class ImpressionScores(NamedTuple):
    """Means over users, each with the same weight.

    Parameters
    ----------
    ndcg, recall : float
        NDCG@k and Recall@k, in [0, 1].
    dcg : float
        DCG@k, not divided by the best possible: what FRAME's released code calls NDCG. Only to compare with it.
    k : int
        Places that count.
    num_users : int
        Users the means are taken over.
    num_left_out : int
        Users left out, who have no row of label 1.
    """

    ndcg: float
    recall: float
    dcg: float
    k: int
    num_users: int
    num_left_out: int


def rank_impressions(
    label: ArrayLike, score: ArrayLike, user: ArrayLike, item: ArrayLike, *, ties: Ties = "expected"
) -> ImpressionRanks:
    """Return the ranks of each user's positives among that user's rows, as the metrics of ranks take them.

    Rows are ordered by score, the largest first. With ``ties="id"`` equal scores go by item id, ascending; and where an
    item was shown to a user again with the same score, label 0 comes first. The order of rows does not matter, but
    columns whose users stand together are ranked without a sort.

    Parameters
    ----------
    label : array_like of bool or {0, 1}, shape (num_rows,)
        1 where the user completed the video.
    score : array_like of float, shape (num_rows,)
        Finite; larger is ranked first.
    user, item : array_like of int or str, shape (num_rows,)
        User and item of each impression.
    ties : {"expected", "optimistic", "pessimistic", "id"}, default "expected"
        The rank of items of equal score: the first and the last of their places, so that the metrics take the mean over
        all orders of them; the best places for the relevant ones; the worst places for them; or by ascending id.

    Returns
    -------
    ImpressionRanks
        For `graphvid.metrics.ndcg`, `recall`, `average_precision`, `reciprocal_rank` and `hit`.

    Raises
    ------
    TypeError
        Labels or scores that are no numbers, ids that are neither integers nor strings.
    ValueError
        No rows, lengths that differ, labels other than 0 and 1, scores that are not finite.

    Notes
    -----
    O(num_rows log num_rows) time, O(num_rows) memory; less where the users' rows stand together and a user has few
    positives, which are counted.

    Examples
    --------
    >>> found = rank_impressions([1, 0, 1, 0], [0.2, 0.9, 0.2, 0.5], [7, 7, 7, 8], [5, 6, 4, 4])
    >>> [values.tolist() for values in found]
    [[7, 8], [[2, 3], [2, 3]], [0, 2, 2]]
    """
    check_ties(ties)
    is_positive = _columns.labels(label)
    scores = _columns.numbers("score", score, is_positive.size)
    if ties != "id":
        _columns.check_kind("item", item, is_positive.size)
        users, bounds, order = _columns.grouped("user", user, is_positive.size)
        if order is not None:
            is_positive, scores = is_positive[order], scores[order]
        found = np.empty((np.count_nonzero(is_positive), 2), np.int64)
        longest = int(np.diff(bounds).max())
        _item_kernels.rank_shown(scores, is_positive, bounds, found, np.empty(longest))
        indptr = np.r_[0, np.cumsum(is_positive, dtype=np.int64)][bounds]
        ranks = settle(torch.from_numpy(found), torch.from_numpy(indptr), ties).numpy()
        return ImpressionRanks(users, ranks, indptr)
    users, group = _columns.codes("user", user, is_positive.size)
    _, items = _columns.codes("item", item, is_positive.size)
    order = np.lexsort((is_positive, items, -scores, group))
    group = group[order]
    starts = np.searchsorted(group, np.arange(users.size))
    place = np.arange(1, group.size + 1) - starts[group]
    hits = is_positive[order]
    indptr = np.r_[0, np.cumsum(np.bincount(group[hits], minlength=users.size))]
    return ImpressionRanks(users, place[hits], indptr)


def impression_scores(
    label: ArrayLike,
    score: ArrayLike,
    user: ArrayLike,
    item: ArrayLike,
    *,
    k: int = 5,
    ties: Ties = "expected",
) -> ImpressionScores:
    r"""Return NDCG and recall of the first ``k`` places, over each user's own impressions.

    .. math:: \mathrm{DCG@}k = \sum_{r \le k} \frac{1}{\log_2(r + 1)}

    over the ranks r of a user's positives; `graphvid.metrics.ndcg` divides it by its best value.

    Parameters
    ----------
    label, score, user, item
        See `rank_impressions`.
    k : int, default 5
        Places that count, >= 1; FRAME is reported at 3 and 5. A user with fewer rows has all of them counted.
    ties : {"expected", "optimistic", "pessimistic", "id"}, default "expected"
        See `rank_impressions`.

    Returns
    -------
    ImpressionScores
        Users without a positive are left out and counted.

    Raises
    ------
    TypeError, ValueError
        As `rank_impressions`; ``k`` below 1; no row has label 1.

    Notes
    -----
    O(num_rows log num_rows) time. Recall is of all a user's positives, so more than ``k`` of them cannot be recalled.
    FRAME's released code has no ideal DCG, divides by one user too few, and counts the last users of a chunk twice.

    Examples
    --------
    >>> scores = impression_scores([1, 0, 1, 0], [0.2, 0.9, 0.6, 0.5], [7, 7, 7, 8], [5, 6, 4, 4], k=2)
    >>> round(scores.ndcg, 4), scores.recall, scores.num_users, scores.num_left_out  # (1 / log2 3) / (1 + 1 / log2 3)
    (0.3869, 0.5, 1, 1)
    """
    check_integer("k", k, 1)
    users, ranks, indptr = rank_impressions(label, score, user, item, ties=ties)
    if not ranks.size:
        raise ValueError(f"label must be 1 in at least one row, got {np.asarray(label).size} rows of label 0")
    num_users = int((np.diff(indptr) > 0).sum())
    ndcg, recall = (metric(ranks, indptr, k=k).nanmean().item() for metric in (ranking.ndcg, ranking.recall))
    found = groups(ranks, indptr)
    dcg = float(ranking.discounted_gain(found, k, torch.ones(len(ranks), dtype=torch.float64)).sum()) / num_users
    return ImpressionScores(ndcg, recall, dcg, int(k), num_users, users.size - num_users)
