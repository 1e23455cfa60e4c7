"""Losses of tags: binary cross-entropy, and its asymmetric form for many rare tags."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn.functional import binary_cross_entropy_with_logits, logsigmoid


class TagBCELoss(nn.Module):
    """Mean binary cross-entropy over videos and tags.

    A video without a tag has a row of zeros and counts as any other.

    Examples
    --------
    >>> TagBCELoss()(torch.zeros(1, 2), torch.tensor([[1.0, 0.0]]))
    tensor(0.6931)
    """

    def forward(self, logits: Tensor, labels: Tensor) -> Tensor:
        """Compute the loss of logits and labels 0 or 1, each of shape (num_videos, num_tags)."""
        _check(logits, labels)
        if not logits.numel():
            return logits.sum()
        return binary_cross_entropy_with_logits(logits, labels.to(logits.dtype))


class AsymmetricTagLoss(nn.Module):
    r"""Binary cross-entropy with smaller weights for easy tags, above all for easy absent tags.

    .. math::
        L = -\frac1{|V||T|} \sum_{v, t} \begin{cases} (1 - p)^{\gamma_+} \log p & y = 1 \\
            p_m^{\gamma_-} \log(1 - p_m) & y = 0 \end{cases}, \qquad p_m = \max(p - m, 0)

    with :math:`p` the sigmoid of the logit and :math:`\gamma_+, \gamma_-, m` = ``positive_focus``, ``negative_focus``,
    ``margin``.

    Parameters
    ----------
    positive_focus, negative_focus : float, default 0 and 4
        0 or at least 1; between 0 and 1 the gradient at probability 0 would not be finite.
    margin : float, default 0.05
        Absent tags with a smaller probability have loss 0; in [0, 1).

    Notes
    -----
    As published, the gradient also flows through the focusing factors. With all three arguments at 0 it is `TagBCELoss`.

    References
    ----------
    Ridnik et al., "Asymmetric Loss For Multi-Label Classification", ICCV 2021, eqs. 4 to 7; used by the rank-4 team of the
    QQ Browser 2021 AI contest.

    Examples
    --------
    >>> AsymmetricTagLoss()(torch.tensor([[0.0, -9.0]]), torch.tensor([[1.0, 0.0]]))  # log 2 of one tag of two
    tensor(0.3466)
    """

    def __init__(self, *, positive_focus: float = 0.0, negative_focus: float = 4.0, margin: float = 0.05) -> None:
        super().__init__()
        for name, value in (("positive_focus", positive_focus), ("negative_focus", negative_focus)):
            if not (value == 0 or 1 <= value < math.inf):
                raise ValueError(f"{name} must be 0 or a finite float >= 1, got {value!r}")
        if not 0 <= margin < 1:
            raise ValueError(f"margin must be in [0, 1), got {margin!r}")
        self.positive_focus, self.negative_focus, self.margin = positive_focus, negative_focus, margin

    def forward(self, logits: Tensor, labels: Tensor) -> Tensor:
        """Compute the loss of logits and labels 0 or 1, each of shape (num_videos, num_tags)."""
        _check(logits, labels)
        probability = torch.sigmoid(logits)
        present = -((1 - probability) ** self.positive_focus) * logsigmoid(logits)
        if self.margin:
            shifted = (probability - self.margin).clamp(min=0)
            absent = -(shifted**self.negative_focus) * torch.log1p(-shifted)
        else:  # the log-sigmoid of the logit is exact where 1 - p would round to 0
            absent = -(probability**self.negative_focus) * logsigmoid(-logits)
        return torch.where(labels > 0, present, absent).sum() / max(logits.numel(), 1)


def _check(logits: Tensor, labels: Tensor) -> None:
    if logits.dim() != 2 or logits.shape != labels.shape:
        raise ValueError(
            f"logits and labels must have one shape (num_videos, num_tags), got {tuple(logits.shape)} and {tuple(labels.shape)}"
        )
