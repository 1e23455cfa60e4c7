"""Triplet loss on squared Euclidean distances."""

from __future__ import annotations

import math
from typing import Literal, get_args

import torch
from torch import Tensor, nn

Reduction = Literal["mean", "sum", "mean_nonzero", "none"]


def squared_distance(x: Tensor, y: Tensor) -> Tensor:
    """Return the squared Euclidean distance of each row of ``x`` to the same row of ``y``.

    Parameters
    ----------
    x, y : Tensor, shape (batch, dim)
        Vectors; for unit vectors the result lies in [0, 4] and equals ``2 - 2 * cosine``.

    Returns
    -------
    Tensor, shape (batch,)

    Examples
    --------
    >>> squared_distance(torch.tensor([[1.0, 0.0]]), torch.tensor([[0.0, 1.0]]))
    tensor([2.])
    """
    return (x - y).square().sum(dim=-1)


class TripletLoss(nn.Module):
    r"""Hinge on how much farther the negative must be than the positive.

    .. math:: \ell_i = [\, d(a_i, p_i) - d(a_i, n_i) + \alpha \,]_+ , \qquad d(x, y) = \lVert x - y \rVert^2

    with :math:`\alpha` = ``margin`` and rows :math:`a_i, p_i, n_i` of ``anchor``, ``positive``, ``negative``. The
    vectors are taken as they are; the method this serves puts them on the unit sphere, where :math:`d \in [0, 4]`.

    Parameters
    ----------
    margin : float, default 0.5
        :math:`\alpha \ge 0`, in units of squared distance; 0.5 is the value of the paper.
    reduction : {"mean", "sum", "mean_nonzero", "none"}, default "mean"
        ``mean_nonzero`` divides the sum by the number of rows with a loss above zero. The paper writes the sum; the
        mean is the default because its learning rate then does not depend on the batch size.

    Raises
    ------
    ValueError
        When the margin is negative or not finite, or the reduction unknown.

    References
    ----------
    Schroff et al., FaceNet, CVPR 2015, eq. 2; Lee et al., Large Scale Video Representation Learning via Relational
    Graph Clustering, CVPR 2020.

    Examples
    --------
    >>> a, p, n = torch.tensor([[1.0, 0.0]]), torch.tensor([[1.0, 0.0]]), torch.tensor([[0.8, 0.6]])
    >>> TripletLoss(margin=0.5)(a, p, n)
    tensor(0.1000)
    """

    def __init__(self, margin: float = 0.5, reduction: Reduction = "mean") -> None:
        super().__init__()
        self.margin = check_margin(margin)
        if reduction not in get_args(Reduction):
            raise ValueError(f"reduction must be one of {list(get_args(Reduction))}, got {reduction!r}")
        self.reduction: Reduction = reduction

    def forward(
        self,
        anchor: Tensor,
        positive: Tensor,
        negative: Tensor,
        triplets: tuple[Tensor, Tensor, Tensor] | None = None,
    ) -> Tensor:
        """Compute the loss.

        Parameters
        ----------
        anchor, positive, negative : Tensor, shape (batch, dim)
            Embeddings; without ``triplets`` row i of each makes one triplet.
        triplets : tuple of three int64 Tensors, shape (num_triplets,), optional
            Rows of ``anchor``, ``positive`` and ``negative`` that make each triplet, as a miner returns them.

        Returns
        -------
        Tensor
            A scalar, or shape (num_triplets,) with ``reduction="none"``. An empty selection gives a zero connected to
            the inputs, so that ``backward()`` works.

        Raises
        ------
        ValueError
            When the shapes do not fit together.
        """
        inputs = (anchor, positive, negative)
        if any(x.dim() != 2 for x in inputs) or len({x.shape[1] for x in inputs}) != 1:
            shapes = [tuple(x.shape) for x in inputs]
            raise ValueError(f"anchor, positive and negative must be 2-D of one width, got shapes {shapes}")
        if triplets is None:
            if len({x.shape[0] for x in inputs}) != 1:
                shapes = [tuple(x.shape) for x in inputs]
                raise ValueError(f"anchor, positive and negative must have equal rows, got shapes {shapes}")
        else:
            anchor, positive, negative = (x[rows] for x, rows in zip(inputs, triplets, strict=True))
        losses = torch.relu(squared_distance(anchor, positive) - squared_distance(anchor, negative) + self.margin)
        if self.reduction == "none":
            return losses
        total = losses.sum()
        if self.reduction == "mean":
            return total / max(losses.numel(), 1)
        if self.reduction == "mean_nonzero":
            return total / (losses > 0).sum().clamp(min=1)
        return total

    def extra_repr(self) -> str:
        """Return the settings for ``repr``."""
        return f"margin={self.margin}, reduction={self.reduction!r}"


def check_margin(margin: float) -> float:
    """Return ``margin`` as a float; raise unless it is finite and not negative."""
    if isinstance(margin, bool) or not isinstance(margin, (int, float)) or not math.isfinite(margin) or margin < 0:
        raise ValueError(f"margin must be a finite float >= 0, got {margin!r}")
    return float(margin)
