"""Linear layers for rows of features that are dense tensors or, for sparse rows, an `graphvid.ops.Adjacency`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

import torch
from torch import Tensor
from torch.nn import functional as F

from graphvid.ops import Adjacency

FeatureRows: TypeAlias = Tensor | Adjacency
"""A batch of rows: a Tensor (batch, dim), or an Adjacency from the columns to the rows, weighted by the values."""


def num_columns(x: FeatureRows) -> int:
    """Return the number of columns of a batch of rows."""
    return x.num_src if isinstance(x, Adjacency) else x.shape[-1]


def linear(x: FeatureRows, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    r"""Return :math:`x W^\top + b`, for sparse rows as a sparse product.

    Parameters
    ----------
    x : Tensor (batch, dim) or Adjacency with num_dst = batch, num_src = dim
        Rows; the weights of the Adjacency, of the dtype of ``weight``, are the values.
    weight : Tensor, shape (num_out, dim)
    bias : Tensor, shape (num_out,), optional

    Returns
    -------
    Tensor, shape (batch, num_out)

    Notes
    -----
    O(stored values * num_out) time for sparse rows, and so is the gradient.

    Examples
    --------
    >>> import torch
    >>> rows = Adjacency.from_rows(torch.tensor([0, 1, 1]), torch.tensor([1]), num_src=2, weight=torch.tensor([3.0]))
    >>> linear(rows, torch.tensor([[1.0, 2.0]]), torch.tensor([1.0])).tolist()
    [[7.0], [1.0]]
    """
    if not isinstance(x, Adjacency):
        return F.linear(x, weight, bias)
    product = x.spmm(weight.t().contiguous())
    return product if bias is None else product + bias


def standardized_linear(
    x: Adjacency, mean: Tensor, scale: Tensor, weight: Tensor, bias: Tensor | None = None, *, dropout: float = 0.0
) -> Tensor:
    r"""Return a linear layer of the standardised rows, :math:`\frac{x - \mu}{\sigma} W^\top + b`, which never become dense.

    The centring is folded into the bias: :math:`\frac{x}{\sigma} W^\top + (b - W \frac{\mu}{\sigma})`, equal up to rounding.

    Parameters
    ----------
    x : Adjacency with num_dst = batch, num_src = dim
        Sparse rows, its weights are the values.
    mean, scale : Tensor, shape (dim,)
        :math:`\mu` and :math:`\sigma`.
    weight : Tensor, shape (num_out, dim)
    bias : Tensor, shape (num_out,), optional
    dropout : float, default 0.0
        Share of the stored values that are dropped, with the others scaled up; for training. Unlike in a dense layer, zeros
        are not dropped, so the centring does not change.

    Returns
    -------
    Tensor, shape (batch, num_out)
    """
    values = _values(x) / scale[x.ends("src").long()]
    folded = -(weight @ (mean / scale))
    dropped = x.with_weight(F.dropout(values, dropout, training=dropout > 0))
    return linear(dropped, weight, folded if bias is None else bias + folded)


def concatenated(blocks: Sequence[Tensor]) -> Tensor:
    """Return the columns of all blocks side by side; a single block is returned as it is, not copied."""
    return blocks[0] if len(blocks) == 1 else torch.cat(list(blocks), dim=-1)


def dropout_rows(x: FeatureRows, share: float, *, training: bool) -> FeatureRows:
    """Return rows with a random share of their values (of sparse rows, of the stored values) at 0, and the others scaled up."""
    if isinstance(x, Adjacency):
        return x.with_weight(F.dropout(_values(x), share, training=training))
    return F.dropout(x, share, training=training)


def _values(x: Adjacency) -> Tensor:
    if x.weight is None:
        raise ValueError("x must have weights, which are the values of its rows, got none")
    return x.weight
