"""Binary cross entropy loss of a positive and its sampled negatives."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from graphvid.losses._edge_scores import (
    Reduction,
    check_negative_weight,
    check_reduction,
    check_scores,
    negative_scale,
    reduce,
)


class BCELoss(nn.Module):
    r"""Logistic loss with label 1 for the positive and label 0 for each negative.

    .. math:: \ell_i = \mathrm{softplus}(-s_i^+) + \frac{w}{K} \sum_{j=1}^{K} \mathrm{softplus}(s_{ij}^-)

    with :math:`s^+` = ``positive_scores`` and :math:`s^-` = ``negative_scores`` as logits, :math:`w` =
    ``negative_weight`` and :math:`K` the number of negatives drawn for a row.

    Parameters
    ----------
    negative_weight : float or None, default None
        :math:`w \ge 0`. None is the plain sum over the negatives, :math:`w = K`; 0.0 leaves the negatives out.
    reduction : {"mean", "sum", "none"}, default "mean"
        Reduction over the rows. The authors of SimpleX report that this loss needs many negatives and the sum.

    Raises
    ------
    ValueError
        The weight is negative or not finite, or the reduction is unknown.

    Notes
    -----
    The negative scores are kept for the backward pass. Half precision is computed in float32.

    Examples
    --------
    >>> scores = torch.tensor([0.0]), torch.tensor([[0.0, 0.0]])
    >>> BCELoss()(*scores), BCELoss(negative_weight=1.0)(*scores)  # 3 log 2, 2 log 2
    (tensor(2.0794), tensor(1.3863))
    """

    def __init__(self, negative_weight: float | None = None, *, reduction: Reduction = "mean") -> None:
        super().__init__()
        self.negative_weight = check_negative_weight(negative_weight)
        self.reduction = check_reduction(reduction)

    def forward(self, positive_scores: Tensor, negative_scores: Tensor, *, mask: Tensor | None = None) -> Tensor:
        """Compute the loss.

        Parameters
        ----------
        positive_scores : Tensor, shape (batch,)
            Logit of each row and its positive.
        negative_scores : Tensor, shape (batch, num_negatives)
            Logits of each row and its negatives, drawn for the row or shared by the batch.
        mask : Tensor of bool, shape (batch, num_negatives), optional
            True for the negatives that count. :math:`K` stays ``num_negatives``, the number drawn.

        Returns
        -------
        Tensor
            In nats: a scalar, or shape (batch,) with ``reduction="none"``; for an empty batch a zero connected to the
            inputs.

        Raises
        ------
        ValueError
            The shapes do not fit together, or there is no negative.
        TypeError
            Scores are not floating point, or the mask is not bool.
        """
        positive, negative = check_scores(positive_scores, negative_scores, mask)
        if mask is not None:
            negative = negative.masked_fill(~mask, -torch.inf)  # softplus(-inf) = 0, flat
        scale = negative_scale(self.negative_weight, negative.shape[1])
        return reduce(F.softplus(-positive) + scale * F.softplus(negative).sum(dim=1), self.reduction)

    def extra_repr(self) -> str:
        """Return the settings for ``repr``."""
        return f"negative_weight={self.negative_weight}, reduction={self.reduction!r}"
