"""Ranking loss over ragged lists of candidates, each with one right candidate."""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor, nn

from graphvid.losses.triplet import check_margin
from graphvid.ops import Adjacency, segment_logsumexp

CandidateLossName = Literal["ranking", "softmax"]


class CandidateRankingLoss(nn.Module):
    r"""Hinge on the score of the right candidate against each wrong one, or cross-entropy of the right one.

    .. math:: \frac{1}{M} \sum_m \sum_{e \ne e^*_m} [\gamma - s(e^*_m) + s(e)]_+
              \qquad\text{or}\qquad -\frac{1}{M} \sum_m \log \mathrm{softmax}_m(s)(e^*_m)

    over the candidates :math:`e` of mention :math:`m`, of which :math:`e^*_m` is right. Unlike `torch.nn.MultiMarginLoss`,
    which divides by the number of candidates with the padding, this loss does not divide by their number.

    Parameters
    ----------
    kind : {"ranking", "softmax"}, default "ranking"
        The hinge of the papers, whose scores only rank, or cross-entropy, whose softmax is a probability.
    margin : float, default 0.01
        :math:`\gamma` of the hinge.

    Raises
    ------
    ValueError
        An unknown kind, or a margin out of range.

    References
    ----------
    Ganea and Hofmann, EMNLP 2017, equation 12.

    Examples
    --------
    Two mentions, the first with candidates 0 and 1.

    >>> loss = CandidateRankingLoss(margin=0.5)
    >>> float(loss(torch.tensor([1.0, 0.75, 2.0]), torch.tensor([0, 2, 3]), torch.tensor([0, 2])))
    0.125
    """

    def __init__(self, kind: CandidateLossName = "ranking", margin: float = 0.01) -> None:
        super().__init__()
        if kind not in ("ranking", "softmax"):
            raise ValueError(f"kind must be one of ['ranking', 'softmax'], got {kind!r}")
        self.kind, self.margin = kind, check_margin(margin)

    def forward(self, scores: Tensor, cand_indptr: Tensor, gold: Tensor) -> Tensor:
        """Return the mean loss of some mentions, a scalar.

        Parameters
        ----------
        scores : Tensor, shape (num_candidates,)
        cand_indptr : Tensor of int64, shape (num_mentions + 1,)
            Mention m has the candidates ``cand_indptr[m]`` to ``cand_indptr[m + 1] - 1``.
        gold : Tensor of int64, shape (num_mentions,)
            Position in ``scores`` of the right candidate, which must be one of the mention's own. Leave out mentions without
            a right candidate.

        Raises
        ------
        ValueError
            A gold that is not among the candidates of its mention.
        """
        num_mentions = len(cand_indptr) - 1
        if gold.shape != (num_mentions,) or ((gold < cand_indptr[:-1]) | (gold >= cand_indptr[1:])).any():
            raise ValueError("gold must be a position among the candidates of each mention; leave other mentions out")
        if not num_mentions:
            return scores.sum() * 0.0
        right = scores.index_select(0, gold)
        if self.kind == "softmax":
            return (segment_logsumexp(scores, cand_indptr) - right).mean()
        mention = Adjacency.from_segments(cand_indptr).ends("dst").long()
        hinge = torch.relu(self.margin - right.index_select(0, mention) + scores)
        is_gold = torch.zeros_like(scores, dtype=torch.bool).index_fill(0, gold, True)
        return hinge.masked_fill(is_gold, 0.0).sum() / num_mentions
