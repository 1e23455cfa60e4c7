"""Cosine contrastive loss: it pulls the positive to cosine 1 and pushes negatives down to a margin."""

from __future__ import annotations

from typing import Any, Literal, get_args

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

from graphvid._autograd import apply
from graphvid._checks import check_choice, check_number, check_tensor
from graphvid._precision import at_least_float32, no_autocast
from graphvid.losses._edge_scores import (
    Reduction,
    check_negative_weight,
    check_reduction,
    check_scores,
    negative_scale,
    reduce,
)

DivideBy = Literal["drawn", "counted"]


class CosineContrastiveLoss(nn.Module):
    r"""Hinge on the cosine of the positive, and on the cosines of the negatives above a margin.

    .. math:: \ell_i = [\,1 - s_i^+\,]_+ + \frac{w}{K} \sum_{j=1}^{K} [\,s_{ij}^- - m\,]_+

    with :math:`s^+` = ``positive_scores``, :math:`s^-` = ``negative_scores``, :math:`m` = ``margin``, :math:`w` =
    ``negative_weight`` and :math:`K` the number of negatives drawn for a row. A negative at or below the margin has no
    gradient, so the loss selects the hard ones among the drawn negatives. At both kinks the gradient is 0.

    Parameters
    ----------
    margin : float
        :math:`m` in [-1, 1], a cosine. The published values are .9 (Gowalla), .8 (Amazon Electronics) and others from .1
        up. No value suits all data, so there is no default.
    negative_weight : float or None, default None
        :math:`w \ge 0`, divided by :math:`K`; so its best value depends on the number of negatives (published: 2 to 300).
        None is the plain sum over the negatives, :math:`w = K`; 0.0 leaves the negatives out.
    divide_by : {"drawn", "counted"}, default "drawn"
        Meaning of :math:`K` with a mask: the number of drawn negatives, or of those of the row that count.
    reduction : {"mean", "sum", "none"}, default "mean"
        Reduction over the rows; the paper takes the mean.

    Raises
    ------
    ValueError
        The margin is outside [-1, 1], the weight is negative or not finite, or the reduction is unknown.

    Notes
    -----
    For the backward pass the loss keeps one byte a negative, whether it is above the margin, and no float. The gradient of
    the scores has (batch, num_negatives) floats. Half precision is computed in float32, because above a margin of .9 the
    band of cosines is narrow. There are no second derivatives.

    The released code reads a weight of 0 as None; here 0 is 0.

    References
    ----------
    Mao et al., SimpleX: A Simple and Strong Baseline for Collaborative Filtering, CIKM 2021, eq. 1.

    Examples
    --------
    >>> loss = CosineContrastiveLoss(margin=0.5, negative_weight=4.0)
    >>> loss(torch.tensor([0.75]), torch.tensor([[0.75, 0.25]]))  # 1 - 0.75 + 4 / 2 * (0.75 - 0.5)
    tensor(0.7500)
    >>> loss(torch.tensor([0.75]), torch.tensor([[0.75, 0.25]]), mask=torch.tensor([[False, True]]))
    tensor(0.2500)
    """

    def __init__(
        self,
        margin: float,
        negative_weight: float | None = None,
        *,
        divide_by: DivideBy = "drawn",
        reduction: Reduction = "mean",
    ) -> None:
        super().__init__()
        check_choice("divide_by", divide_by, get_args(DivideBy))
        self.divide_by = divide_by
        self.margin = check_number("margin", margin, "a float in [-1, 1]", least=-1, most=1)
        self.negative_weight = check_negative_weight(negative_weight)
        self.reduction = check_reduction(reduction)

    def forward(self, positive_scores: Tensor, negative_scores: Tensor, *, mask: Tensor | None = None) -> Tensor:
        """Compute the loss.

        Parameters
        ----------
        positive_scores : Tensor, shape (batch,)
            Cosine of each row and its positive; above 1 if dropout scales the vectors.
        negative_scores : Tensor, shape (batch, num_negatives)
            Cosines of each row and its negatives, drawn for the row or shared by the batch.
        mask : Tensor of bool, shape (batch, num_negatives), optional
            True for the negatives that count, ``~known_positive_mask(...)`` for instance. :math:`K` stays
            ``num_negatives``, the number drawn, unless ``divide_by="counted"``.

        Returns
        -------
        Tensor
            A scalar, or shape (batch,) with ``reduction="none"``; for an empty batch a zero connected to the inputs.

        Raises
        ------
        ValueError
            The shapes do not fit together, or there is no negative.
        TypeError
            Scores or vectors are not floating point, or the mask is not bool.
        """
        positive, negative = check_scores(positive_scores, negative_scores, mask)
        pushed = apply(_HingeSum, negative, self.margin, mask)
        losses = torch.relu(1 - positive) + self._scale(negative.shape[1], mask) * pushed
        return reduce(losses, self.reduction)

    def of_shared(self, positive_scores: Tensor, users: Tensor, items: Tensor, *, mask: Tensor | None = None) -> Tensor:
        """Compute the loss with ``users @ items.T`` as scores of negatives that the whole batch shares.

        The value equals that of `forward`; use it for many negatives. Few cosines are above the margin, so the gradient is a
        sum over only these pairs, as edges of a graph, and the backward pass keeps no scores.

        Parameters
        ----------
        positive_scores : Tensor, shape (batch,)
            As in `forward`.
        users : Tensor, shape (batch, dim)
            Unit vectors, possibly after dropout.
        items : Tensor, shape (num_negatives, dim)
            Unit vectors of the negatives.
        mask : Tensor of bool, shape (batch, num_negatives), optional
            As in `forward`.

        Returns
        -------
        Tensor
            As from `forward`.

        Raises
        ------
        TypeError, ValueError
            As `forward` raises.

        Notes
        -----
        Time O(batch * num_negatives * dim), memory O(batch * num_negatives).

        Examples
        --------
        >>> loss = CosineContrastiveLoss(margin=0.5, negative_weight=4.0)
        >>> user, items = torch.tensor([[1.0, 0.0]]), torch.tensor([[0.8, 0.6], [0.0, 1.0]])
        >>> loss.of_shared(torch.tensor([0.75]), user, items)  # 1 - 0.75 + 4 / 2 * (0.8 - 0.5)
        tensor(0.8500)
        """
        check_tensor("users", users, floating=True)
        check_tensor("items", items, floating=True)
        if users.dim() != 2 or items.dim() != 2 or users.shape[1] != items.shape[1]:
            raise ValueError(
                "users and items must have shapes (batch, dim) and (num_negatives, dim), got "
                f"{tuple(users.shape)} and {tuple(items.shape)}"
            )
        shape = len(users), len(items)
        positive, _ = check_scores(positive_scores, users.new_empty(()).expand(shape), mask)
        users, items = at_least_float32(users), at_least_float32(items)
        with no_autocast(users):
            return self.forward(positive, users @ items.T, mask=mask)

    def _scale(self, num_negatives: int, mask: Tensor | None) -> float | Tensor:
        """Return the factor of the negatives: one for all rows, or one for each row."""
        if mask is None or self.negative_weight is None or self.divide_by == "drawn":
            return negative_scale(self.negative_weight, num_negatives)
        return self.negative_weight / mask.sum(dim=1).clamp(min=1)

    def extra_repr(self) -> str:
        """Return the settings for ``repr``."""
        divided = "" if self.divide_by == "drawn" else f"divide_by={self.divide_by!r}, "
        return f"margin={self.margin}, negative_weight={self.negative_weight}, {divided}reduction={self.reduction!r}"


class _HingeSum(torch.autograd.Function):
    """Sum of ``[score - margin]+`` over the entries of each row that count."""

    @staticmethod
    def forward(ctx: Any, scores: Tensor, margin: float, mask: Tensor | None) -> Tensor:
        """Return (batch,)."""
        hinge = (scores - margin).clamp_(min=0)
        if mask is not None:
            hinge.masked_fill_(~mask, 0)
        ctx.save_for_backward(hinge.to(torch.bool))
        return hinge.sum(dim=1)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        """Return the gradient of the scores."""
        (active,) = ctx.saved_tensors
        return (
            active.view(torch.uint8).to(grad.dtype).mul_(grad[:, None]),
            None,
            None,
        )  # bool * float takes 8 times as long
