"""Regression loss of pairs: the error of their cosines against human similarity scores."""

from __future__ import annotations

import math
from typing import Literal, get_args

import torch
from torch import Tensor, nn

Target = Literal["sigmoid", "rank", "score"]


class PairRegressionLoss(nn.Module):
    r"""Weighted sum of the squared and absolute error of cosines, and of the divergence of their softmax over the batch.

    .. math::
        L = \frac1{|E|} \sum_{e \in E} \big( w_2 (c_e - y_e)^2 + w_1 |c_e - y_e| \big)
            + w_{KL} \sum_e p_e \log \frac{p_e}{q_e}, \qquad p = \mathrm{softmax}(s),\; q = \mathrm{softmax}(c)

    with :math:`c` = ``cosine``, :math:`s` = ``score``, :math:`w_2, w_1, w_{KL}` = ``mse_weight``, ``mae_weight``,
    ``kl_weight``, and the target :math:`y`:

    ============== ======================================================================================
    ``target``     :math:`y_e`
    ============== ======================================================================================
    ``"sigmoid"``  :math:`\mathrm{sigmoid}(\alpha s_e)` of the rank-11 team; in [0.5, 0.953] for alpha 3
    ``"rank"``     average rank of :math:`s_e` in the batch, from 0 to 1, of the rank-1 team
    ``"score"``    :math:`s_e`
    ============== ======================================================================================

    Parameters
    ----------
    mse_weight, mae_weight, kl_weight : float, default 1, 0 and 0
        Finite, at least 0, not all 0. The contest's code trains separate members with squared error and with absolute
        error weighted 0.2; its rank-4 team adds 0.5 times the divergence.
    target : {"sigmoid", "rank", "score"}, default "sigmoid"
    alpha : float, default 3
        Finite, above 0.

    Raises
    ------
    ValueError
        A number out of its range, another target.

    Notes
    -----
    The errors are means over pairs; the contest's code sums them. Every target rises with the score, so a model that fits
    it keeps the order of the scores. Without pairs the result is a zero connected to the cosines. With ``"rank"``, a single
    pair has the rank 0.5.

    Examples
    --------
    >>> loss = PairRegressionLoss(target="score")
    >>> loss(torch.tensor([0.5, 1.0]), torch.tensor([0.5, 0.0]))
    tensor(0.5000)
    """

    def __init__(
        self,
        *,
        mse_weight: float = 1.0,
        mae_weight: float = 0.0,
        kl_weight: float = 0.0,
        target: Target = "sigmoid",
        alpha: float = 3.0,
    ) -> None:
        super().__init__()
        weights = {"mse_weight": mse_weight, "mae_weight": mae_weight, "kl_weight": kl_weight}
        for name, value in weights.items():
            if not 0 <= value < math.inf:
                raise ValueError(f"{name} must be a finite float >= 0, got {value!r}")
        if not any(weights.values()):
            raise ValueError(f"one of {list(weights)} must be above 0, got 0 for all")
        if target not in get_args(Target):
            raise ValueError(f"target must be one of {list(get_args(Target))}, got {target!r}")
        if not 0 < alpha < math.inf:
            raise ValueError(f"alpha must be a finite float > 0, got {alpha!r}")
        self.mse_weight, self.mae_weight, self.kl_weight = mse_weight, mae_weight, kl_weight
        self.target, self.alpha = target, alpha

    def targets(self, score: Tensor) -> Tensor:
        """Return the targets of the cosines, shape (num_pairs,)."""
        if self.target == "sigmoid":
            return torch.sigmoid(self.alpha * score)
        return _average_ranks(score) if self.target == "rank" else score

    def forward(self, cosine: Tensor, score: Tensor) -> Tensor:
        """Compute the loss.

        Parameters
        ----------
        cosine, score : Tensor, shape (num_pairs,)
            Scores are in [0, 1].

        Returns
        -------
        Tensor, shape ()
        """
        if cosine.shape != score.shape or cosine.dim() != 1:
            raise ValueError(
                f"cosine and score must have one shape (num_pairs,), got {tuple(cosine.shape)} and {tuple(score.shape)}"
            )
        score = score.to(cosine.dtype)
        error = cosine - self.targets(score)
        loss = (self.mse_weight * error.square() + self.mae_weight * error.abs()).sum() / max(len(error), 1)
        if self.kl_weight and len(error):
            log_p, log_q = score.log_softmax(0), cosine.log_softmax(0)
            loss = loss + self.kl_weight * (log_p.exp() * (log_p - log_q)).sum()
        return loss


def _average_ranks(score: Tensor) -> Tensor:
    """Return ranks from 0 to 1; equal scores get the mean of their ranks, and a single pair gets 0.5."""
    if len(score) < 2:
        return torch.full_like(score, 0.5)
    _, inverse, counts = torch.unique(score, return_inverse=True, return_counts=True)
    last = counts.cumsum(0)
    middle = last.double() - (counts.double() + 1) / 2  # of the places from 0
    ranks: Tensor = (middle / (len(score) - 1)).to(score.dtype)[inverse]
    return ranks
