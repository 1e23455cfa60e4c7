"""Bayesian personalised ranking, a loss that raises the positive's score above each negative's."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from graphvid.losses._edge_scores import Reduction, check_reduction, check_scores, reduce


class BPRLoss(nn.Module):
    r"""Mean logistic loss of the differences of the positive's score and the negatives' scores.

    .. math:: \ell_i = -\frac{1}{|N_i|} \sum_{j \in N_i} \log \sigma (s_i^+ - s_{ij}^-)
        = \frac{1}{|N_i|} \sum_{j \in N_i} \mathrm{softplus}(s_{ij}^- - s_i^+)

    with :math:`s^+` = ``positive_scores``, :math:`s^-` = ``negative_scores`` and :math:`N_i` the negatives of row i that
    count.

    Parameters
    ----------
    reduction : {"mean", "sum", "none"}, default "mean"
        Reduction over the rows. The paper takes the sum over single pairs; with the mean the learning rate does not depend
        on the batch size.

    Raises
    ------
    ValueError
        The reduction is unknown.

    Notes
    -----
    The differences, one float a negative, are kept for the backward pass. Half precision is computed in float32.

    References
    ----------
    Rendle et al., BPR: Bayesian Personalized Ranking from Implicit Feedback, UAI 2009, section 4.1, without its
    regularisation. The mean over several negatives a positive is the usual extension.

    Examples
    --------
    >>> loss = BPRLoss()
    >>> loss(torch.tensor([1.0]), torch.tensor([[1.0, 1.0]]))  # log 2
    tensor(0.6931)
    >>> loss(torch.tensor([1.0]), torch.tensor([[1.0, 99.0]]), mask=torch.tensor([[True, False]]))
    tensor(0.6931)
    """

    def __init__(self, *, reduction: Reduction = "mean") -> None:
        super().__init__()
        self.reduction = check_reduction(reduction)

    def forward(self, positive_scores: Tensor, negative_scores: Tensor, *, mask: Tensor | None = None) -> Tensor:
        """Compute the loss.

        Parameters
        ----------
        positive_scores : Tensor, shape (batch,)
            Score of each row and its positive.
        negative_scores : Tensor, shape (batch, num_negatives)
            Scores of each row and its negatives, drawn for the row or shared by the batch.
        mask : Tensor of bool, shape (batch, num_negatives), optional
            True for the negatives that count; the mean is over these. A row without any has loss 0.

        Returns
        -------
        Tensor
            In nats: a scalar, or shape (batch,) with ``reduction="none"``; for an empty batch a zero connected to the
            inputs.

        Raises
        ------
        TypeError, ValueError
            As `BCELoss.forward` raises.
        """
        positive, negative = check_scores(positive_scores, negative_scores, mask)
        gap = negative - positive[:, None]
        if mask is None:
            return reduce(F.softplus(gap).mean(dim=1), self.reduction)
        counted = mask.sum(dim=1).clamp(min=1)
        losses = F.softplus(gap.masked_fill_(~mask, -torch.inf)).sum(dim=1) / counted  # softplus(-inf) = 0, flat
        return reduce(losses, self.reduction)

    def extra_repr(self) -> str:
        """Return the settings for ``repr``."""
        return f"reduction={self.reduction!r}"
