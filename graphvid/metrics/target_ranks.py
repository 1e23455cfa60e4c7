"""Ranks and scores for requests with one target item, with ties at their expected rank."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from graphvid._checks import check_integer


class TargetScores(NamedTuple):
    """Means over requests with one target each; all in [0, 1].

    Parameters
    ----------
    recall, ndcg, map : float
        At ``k``: the share of targets with a rank of at most k, and the means of ``1 / log2(1 + rank)`` and ``1 / rank``
        over all requests, 0 beyond k.
    k, num_requests : int
        Places that count, and requests.
    """

    recall: float
    ndcg: float
    map: float
    k: int
    num_requests: int


def expected_ranks(scores: Tensor, target: Tensor) -> Tensor:
    r"""Return the expected rank of a target in every row, if ties are broken at random.

    .. math:: \mathrm{rank} = 1 + |\{j : s_j > s_t\}| + \tfrac{1}{2} |\{j \ne t : s_j = s_t\}|

    Parameters
    ----------
    scores : Tensor, shape (num_requests, num_items)
        Floating, without NaN; larger is ranked first.
    target : Tensor of int64, shape (num_requests,)
        In ``[0, num_items)``.

    Returns
    -------
    Tensor of float64, shape (num_requests,)
        From 1; halves occur.

    Raises
    ------
    ValueError
        Shapes that do not fit, a target out of range, a NaN (named by its row).

    Examples
    --------
    >>> expected_ranks(torch.tensor([[0.2, 0.9, 0.2], [1.0, 2.0, 3.0]]), torch.tensor([0, 2]))
    tensor([2.5000, 1.0000], dtype=torch.float64)
    """
    if scores.dim() != 2 or target.shape != scores.shape[:1]:
        raise ValueError(
            f"scores must have shape (num_requests, num_items) and target (num_requests,), got {tuple(scores.shape)} and "
            f"{tuple(target.shape)}"
        )
    if target.numel() and not 0 <= int(target.min()) <= int(target.max()) < scores.shape[1]:
        raise ValueError(f"target must be in [0, {scores.shape[1]}), got {int(target.min())} to {int(target.max())}")
    bad = torch.isnan(scores).any(dim=1)
    if bool(bad.any()):
        raise ValueError(f"scores must not be NaN, got one in row {int(bad.nonzero()[0])}")
    own = scores.gather(1, target[:, None])
    above, equal = (scores > own).sum(dim=1), (scores == own).sum(dim=1) - 1
    return 1 + above.double() + equal.double() / 2


def target_scores(ranks: Tensor, *, k: int = 10) -> TargetScores:
    """Return recall, NDCG and MAP at ``k`` of ranks with one target each.

    Parameters
    ----------
    ranks : Tensor, shape (num_requests,)
        From 1, such as those of `expected_ranks`; infinity for a target that cannot be found.
    k : int, default 10
        Places that count, >= 1.

    Raises
    ------
    ValueError
        No rank, one below 1 or NaN, ``k`` below 1.

    Examples
    --------
    >>> scores = target_scores(torch.tensor([1.0, 3.0, 2.5, 50.0]), k=3)
    >>> scores.recall, scores.ndcg > scores.map
    (0.75, True)
    """
    check_integer("k", k, 1)
    ranks = ranks.double()
    if ranks.dim() != 1 or not ranks.numel() or not bool((ranks >= 1).all()):
        raise ValueError(f"ranks must be at least one number >= 1, got {ranks}")
    found = (ranks <= k).double()
    return TargetScores(
        recall=float(found.mean()),
        ndcg=float((found / torch.log2(1 + ranks)).mean()),
        map=float((found / ranks).mean()),
        k=int(k),
        num_requests=ranks.numel(),
    )
