"""Softmax over a positive and sampled negatives, corrected for how often each was sampled."""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

from graphvid.losses._edge_scores import (
    Reduction,
    check_number,
    check_reduction,
    check_scores,
    reduce,
)
from graphvid.ops._functions import apply


class SampledSoftmaxLoss(nn.Module):
    r"""Cross entropy of telling the positive from sampled negatives.

    .. math:: \ell_i = -\log \frac{\exp z_i^+}{\exp z_i^+ + \sum_{j=1}^{K} \exp z_{ij}^-} , \qquad
        z = s / \tau - \alpha \log q

    with :math:`s` = ``positive_scores`` and ``negative_scores``, :math:`\tau` = ``temperature``, :math:`\alpha` =
    ``log_q_scale`` and :math:`q` the chance that one draw of the sampler gives the item. The correction is subtracted
    after the division by the temperature, so its weight does not depend on it. With :math:`\alpha = 1`,
    :math:`\frac{1}{K} \sum_j \exp z_{ij}^-` is an unbiased estimate of :math:`\sum_j \exp(s_{ij} / \tau)` over all items
    that can be drawn. Serve without the correction.

    Parameters
    ----------
    temperature : float, default 1.0
        :math:`\tau > 0`. 1 is the published dot product; for unit vectors .05 to .2 is usual.
    log_q_scale : float, default 1.0
        :math:`\alpha` in [0, 1]; below 1 the correction is only partial, a knob of practice rather than of theory.
    reduction : {"mean", "sum", "none"}, default "mean"
        Over the rows of the batch.

    Raises
    ------
    ValueError
        When an argument is outside its range.

    Notes
    -----
    The backward pass keeps one float a negative, the exponentials; forward and backward each take one more for what they
    return or compute. Everything is computed in float32 at least. Second derivatives are not offered, and no gradient
    goes to ``log q``.

    In-batch negatives: with the vectors of the batch's items as ``v``, ``scores = u @ v.T`` are the negatives of all
    rows and ``scores.diagonal()`` the positives. Mask the positive of each row with `own_item_mask`, which also masks
    its repeats in other rows, and what else the user knows with `known_positive_mask`; to mask the row's own column and
    nothing else, use ``~torch.eye(batch, num_columns, dtype=torch.bool)``. A memory
    (`CrossBatchNegatives`) adds columns on the right.

    References
    ----------
    Bengio and Senecal, Quick Training of Probabilistic Neural Nets by Importance Sampling, AISTATS 2003; Yi et al.,
    Sampling-Bias-Corrected Neural Modeling for Large Corpus Item Recommendations, RecSys 2019, eq. 3 to 5; Wang et al.,
    Cross-Batch Negative Sampling for Training Two-Tower Recommenders, SIGIR 2021.

    Examples
    --------
    >>> loss = SampledSoftmaxLoss()
    >>> loss(torch.tensor([0.0]), torch.tensor([[0.0, 0.0, 0.0]]))  # log 4
    tensor(1.3863)
    >>> q = torch.tensor([0.5, 0.25, 0.25])  # each as if seen 1 / q times: log((2 + 2 + 4 + 4) / 2)
    >>> loss(torch.tensor([0.0]), torch.zeros(1, 3), positive_log_q=q[:1].log(), negative_log_q=q.log())
    tensor(1.7918)

    In-batch negatives of three pairs of users and items; rows 0 and 2 have the same item:

    >>> from graphvid.losses import own_item_mask
    >>> items, scores = torch.tensor([7, 4, 7]), torch.zeros(3, 3)
    >>> mask = ~own_item_mask(items, items)
    >>> SampledSoftmaxLoss(reduction="none")(scores.diagonal(), scores, mask=mask)  # log 2, log 3, log 2
    tensor([0.6931, 1.0986, 0.6931])
    """

    def __init__(self, temperature: float = 1.0, log_q_scale: float = 1.0, *, reduction: Reduction = "mean") -> None:
        super().__init__()
        self.temperature = check_number("temperature", temperature, "a finite float > 0", least=5e-324)
        self.log_q_scale = check_number("log_q_scale", log_q_scale, "a float in [0, 1]", least=0, most=1)
        self.reduction = check_reduction(reduction)

    def forward(
        self,
        positive_scores: Tensor,
        negative_scores: Tensor,
        *,
        mask: Tensor | None = None,
        positive_log_q: Tensor | None = None,
        negative_log_q: Tensor | None = None,
    ) -> Tensor:
        """Compute the loss.

        Parameters
        ----------
        positive_scores : Tensor, shape (batch,)
            Score of each row and its positive.
        negative_scores : Tensor, shape (batch, num_negatives)
            Scores of each row and its negatives, drawn for the row or shared by the batch.
        mask : Tensor of bool, shape (batch, num_negatives), optional
            True for the negatives that count. A row without any has loss 0.
        positive_log_q : Tensor, shape (batch,), optional
            Logarithm of the chance of each positive under the sampler, in nats, finite. A constant that is the same for
            the positive and all negatives of a row cancels.
        negative_log_q : Tensor, shape (num_negatives,) or (batch, num_negatives), optional
            That of each negative. Give both or neither; neither is no correction, right for uniform draws.

        Returns
        -------
        Tensor
            In nats: a scalar, or shape (batch,) with ``reduction="none"``; for an empty batch a zero connected to the
            inputs.

        Raises
        ------
        ValueError
            When the shapes do not fit together, there is no negative, only one ``log_q`` is given, or one is not
            finite: an item that is never drawn has none.
        TypeError
            When scores or ``log_q`` are not floating point or the mask is not bool.
        """
        positive, negative = check_scores(positive_scores, negative_scores, mask)
        positive = positive / self.temperature
        correction = None
        if positive_log_q is not None and negative_log_q is not None:
            _check_log_q("positive_log_q", positive_log_q, positive.shape)
            _check_log_q("negative_log_q", negative_log_q, negative.shape, negative.shape[1:])
            positive = positive - self.log_q_scale * positive_log_q.detach().to(positive.dtype)
            correction = self.log_q_scale * negative_log_q.detach().to(negative.dtype)
        elif positive_log_q is not None or negative_log_q is not None:
            given, lacks = ("negative", "positive") if positive_log_q is None else ("positive", "negative")
            raise ValueError(f"{lacks}_log_q must come with {given}_log_q: give both or neither, got one")
        return reduce(apply(_CrossEntropy, positive, negative, self.temperature, correction, mask), self.reduction)

    def extra_repr(self) -> str:
        """Return the settings for ``repr``."""
        return f"temperature={self.temperature}, log_q_scale={self.log_q_scale}, reduction={self.reduction!r}"


def _check_log_q(name: str, log_q: Tensor, *shapes: torch.Size) -> None:
    """Raise unless ``log_q`` has one of the shapes and holds finite floats."""
    if not log_q.is_floating_point():
        raise TypeError(f"{name} must be floating point, got dtype {log_q.dtype}")
    if log_q.shape not in shapes:
        raise ValueError(
            f"{name} must have shape {' or '.join(str(tuple(s)) for s in shapes)}, got {tuple(log_q.shape)}"
        )
    if not torch.isfinite(log_q).all():
        raise ValueError(f"{name} must be finite: an item that is never drawn has none, got {float(log_q.min())}")


class _CrossEntropy(torch.autograd.Function):
    """Cross entropy of each row's positive logit against the negative logits ``scores / temperature - correction``."""

    @staticmethod
    def forward(
        ctx: Any, positive: Tensor, scores: Tensor, temperature: float, correction: Tensor | None, mask: Tensor | None
    ) -> Tensor:
        """Return (batch,)."""
        logits = scores / temperature
        if correction is not None:
            logits.sub_(correction)
        if mask is not None:
            logits.masked_fill_(~mask, -torch.inf)
        top = logits.amax(dim=1).clamp_(min=torch.finfo(logits.dtype).min)  # finite, also where all is masked
        weight = logits.sub_(top[:, None]).exp_()
        total = weight.sum(dim=1)
        gap = total.log() + top - positive  # -inf where all is masked: loss and gradient are 0
        share = torch.sigmoid(gap)
        ctx.save_for_backward(weight, share, share / (total.clamp(min=1) * temperature))  # one weight is 1
        return F.softplus(gap)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        """Return the gradients of the positive logit and of the negative scores."""
        weight, share, scale = ctx.saved_tensors
        return -grad * share, weight * (grad * scale)[:, None], None, None, None
