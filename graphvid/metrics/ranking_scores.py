"""The usual scores of a recommender at one cut-off, as means over users."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from graphvid._checks import check_integer
from graphvid.metrics import ranking
from graphvid.metrics._inputs import ArrayOrTensor
from graphvid.metrics._ties import groups


class RankingScores(NamedTuple):
    """Means over users with a relevant item, each user with the same weight; all in [0, 1].

    Parameters
    ----------
    recall, ndcg, precision, hit, mrr, map, f1 : float
        At ``k``; see `ranking_scores`.
    k : int
        Places that count.
    num_users : int
        Users the means are taken over.
    num_left_out : int
        Users left out, who have no relevant item.
    """

    recall: float
    ndcg: float
    precision: float
    hit: float
    mrr: float
    map: float
    f1: float
    k: int
    num_users: int
    num_left_out: int


def ranking_scores(ranks: ArrayOrTensor, indptr: ArrayOrTensor, *, k: int = 20) -> RankingScores:
    r"""Return seven scores of the first ``k`` places of each user's ranking, from the ranks of the relevant items.

    For a user with n relevant items, h of them at ranks :math:`r \le k`:

    .. math::
        \mathrm{Recall} = \frac{h}{n}, \quad
        \mathrm{Precision} = \frac{h}{k}, \quad
        \mathrm{F1} = \frac{2h}{k + n}, \quad
        \mathrm{NDCG} = \frac{\sum_{r \le k} 1 / \log_2(r + 1)}{\sum_{i=1}^{\min(n, k)} 1 / \log_2(i + 1)},

    .. math::
        \mathrm{MAP} = \frac{1}{\min(n, k)} \sum_{r \le k} \frac{\text{number of relevant items at rank} \le r}{r}, \quad
        \mathrm{MRR} = \frac{1}{\min r} \text{ if } \min r \le k \text{, else } 0,

    and Hit is 1 where :math:`h > 0`. F1 is each user's harmonic mean of Precision and Recall.

    Parameters
    ----------
    ranks : array_like or Tensor of int64, shape (num_relevant,) or (num_relevant, 2)
        Rank of each relevant item, >= 1, user after user, distinct for each user, or its first and last possible rank:
        the result of `rank_items`.
    indptr : array_like or Tensor of int64, shape (num_users + 1,)
        Start of the ranks of each user.
    k : int, default 20
        Places that count, >= 1; SimpleX, LightGCN and the BARS leaderboard report 20.

    Returns
    -------
    RankingScores
        Users without a relevant item are left out and counted.

    Raises
    ------
    TypeError
        Ranks or ``indptr`` that are not integers.
    ValueError
        Arguments of the wrong shape or outside their range, or no user with a relevant item.

    Notes
    -----
    For ties, all scores except MRR are means over all orders of the tied items. MRR is one over the mean of the best and the
    worst rank of the first relevant item, and 0 if that mean is beyond ``k``.

    O(num_relevant log num_relevant) time. Recall, NDCG and F1 are those of BARS. Its released MRR adds 1/r over all hits
    and its MAP divides by h; they are not comparable with these.

    References
    ----------
    Mao et al., "SimpleX", CIKM 2021. Zhu et al., "BARS: Towards open benchmarking for recommender systems", SIGIR 2022.

    Examples
    --------
    >>> scores = ranking_scores([1, 4, 3], [0, 2, 3, 3], k=3)
    >>> scores.recall, scores.precision, scores.hit, scores.num_users, scores.num_left_out
    (0.75, 0.3333333333333333, 1.0, 2, 1)
    """
    check_integer("k", k, 1)
    found = groups(ranks, indptr)
    size = torch.diff(found.indptr)
    hits, scored = ranking.hits(found, k), size > 0
    if not bool(scored.any()):
        raise ValueError(f"at least one user must have a relevant item, got {size.numel()} users without any")

    def mean(values: Tensor) -> float:
        return float(values[scored].mean())

    return RankingScores(
        recall=mean(hits / size),
        ndcg=mean(ranking.ndcg(ranks, indptr, k=k)),
        precision=mean(hits / k),
        hit=mean(ranking.any_hit(found, k)),
        mrr=mean(ranking.reciprocal(found, k)),
        map=mean(ranking.precisions(found, k) / size.clamp(max=k)),
        f1=mean(2 * hits / (size + k)),
        k=int(k),
        num_users=int(scored.sum()),
        num_left_out=int((~scored).sum()),
    )
