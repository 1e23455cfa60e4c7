"""Triplet loss: a hinge on squared Euclidean distances."""

from __future__ import annotations

from typing import Literal, get_args

import torch
from torch import Tensor, nn

from graphvid._checks import check_choice, check_ids, check_number, check_tensor
from graphvid._precision import at_least_float32

Reduction = Literal["mean", "sum", "mean_nonzero", "none"]
_ENDS = ("anchor", "positive", "negative")


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
    for name, values in (("x", x), ("y", y)):
        check_tensor(name, values, floating=True)
    if x.shape != y.shape or not x.dim():
        raise ValueError(f"x and y must have one shape (..., dim), got {tuple(x.shape)} and {tuple(y.shape)}")
    return _squared_distance(x, y)


def _squared_distance(x: Tensor, y: Tensor) -> Tensor:
    return (at_least_float32(x) - at_least_float32(y)).square().sum(dim=-1)


class TripletLoss(nn.Module):
    r"""Hinge by which the negative must be farther than the positive by a margin.

    .. math:: \ell_i = [\, d(a_i, p_i) - d(a_i, n_i) + \alpha \,]_+ , \qquad d(x, y) = \lVert x - y \rVert^2

    with :math:`\alpha` = ``margin`` and rows :math:`a_i, p_i, n_i` of ``anchor``, ``positive``, ``negative``. The loss does
    not scale the vectors; the method with this loss makes unit vectors, for which :math:`d \in [0, 4]`.

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
        The margin is negative or not finite, or the reduction is unknown.

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
        check_choice("reduction", reduction, get_args(Reduction))
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
            Rows of ``anchor``, ``positive`` and ``negative`` of each triplet, as a miner returns them.

        Returns
        -------
        Tensor
            A scalar, or shape (num_triplets,) with ``reduction="none"``. An empty selection gives a zero connected to
            the inputs, so that ``backward()`` works.

        Raises
        ------
        ValueError
            The shapes do not fit together.
        """
        inputs = (anchor, positive, negative)
        for name, x in zip(_ENDS, inputs, strict=True):
            check_tensor(name, x, floating=True)
        if any(x.dim() != 2 for x in inputs) or len({x.shape[1] for x in inputs}) != 1:
            shapes = [tuple(x.shape) for x in inputs]
            raise ValueError(f"anchor, positive and negative must be 2-D of one width, got shapes {shapes}")
        if triplets is None:
            if len({x.shape[0] for x in inputs}) != 1:
                shapes = [tuple(x.shape) for x in inputs]
                raise ValueError(f"anchor, positive and negative must have equal rows, got shapes {shapes}")
        else:
            _check_triplets(triplets, inputs)
            anchor, positive, negative = (x[rows] for x, rows in zip(inputs, triplets, strict=True))
        losses = torch.relu(_squared_distance(anchor, positive) - _squared_distance(anchor, negative) + self.margin)
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
    return check_number("margin", margin, "a finite float >= 0", least=0)


def _check_triplets(triplets: tuple[Tensor, Tensor, Tensor], inputs: tuple[Tensor, ...]) -> None:
    """Raise unless ``triplets`` are three lists of equal length with row numbers of the inputs."""
    if not isinstance(triplets, tuple) or len(triplets) != 3:
        raise TypeError(f"triplets must be three tensors (anchor, positive, negative), got {type(triplets).__name__}")
    for name, rows, x in zip(_ENDS, triplets, inputs, strict=True):
        check_ids(f"triplets of {name}", rows, len(x))
        if rows.dim() != 1 or rows.shape != triplets[0].shape:
            shapes = [tuple(rows.shape) for rows in triplets]
            raise ValueError(f"triplets must be three 1-D tensors of equal length, got shapes {shapes}")
