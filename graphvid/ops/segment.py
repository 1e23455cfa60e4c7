"""Sums, means, maxima and log-sum-exps of consecutive rows, and means with maxima in one pass."""

from __future__ import annotations

from typing import NamedTuple, cast

import torch
from torch import Tensor

from graphvid._autograd import apply
from graphvid._checks import check_indptr, check_tensor
from graphvid.ops._functions import MeanMax
from graphvid.ops.adjacency import Adjacency, Reduce
from graphvid.ops.backends import backend_for


def segment_reduce(values: Tensor, indptr: Tensor, *, reduce: Reduce = "sum") -> Tensor:
    """Return the sum, the mean or the maximum of the rows ``indptr[i]`` to ``indptr[i + 1]``; zeros for none.

    Parameters
    ----------
    values : Tensor, shape (num_rows, dim) or (num_rows, num_heads, dim)
        Floating.
    indptr : Tensor, shape (num_segments + 1,), integer
        Starts of the segments and the end of the last, from 0 to ``num_rows``, not falling.
    reduce : {"sum", "mean", "max"}
        See `Adjacency.spmm`.

    Returns
    -------
    Tensor, shape (num_segments, dim) or (num_segments, num_heads, dim)

    Raises
    ------
    TypeError, ValueError
        When ``indptr`` is not as said, or as in `Adjacency.spmm`.

    Examples
    --------
    >>> import torch
    >>> segment_reduce(torch.tensor([[1.0], [2.0], [5.0]]), torch.tensor([0, 2, 2, 3]), reduce="mean").tolist()
    [[1.5], [0.0], [5.0]]
    """
    _check(values, indptr)
    return Adjacency.from_segments(indptr).spmm(values, reduce=reduce)


class MeanMaxima(NamedTuple):
    """Means and maxima of segments, zeros for those without a row.

    Parameters
    ----------
    mean, max : Tensor, shape (num_segments, dim)
    """

    mean: Tensor
    max: Tensor


def segment_mean_max(values: Tensor, indptr: Tensor) -> MeanMaxima:
    """Return the mean and the maximum of the rows ``indptr[i]`` to ``indptr[i + 1]``; zeros for none.

    The same as two calls of `segment_reduce`, but on the CPU with the backend ``"numba"`` the rows are read once.

    Parameters
    ----------
    values : Tensor, shape (num_rows, dim)
        Floating; float16 and bfloat16 are summed in float32.
    indptr : Tensor, shape (num_segments + 1,), integer
        As in `segment_reduce`.

    Returns
    -------
    MeanMaxima
        Of the dtype of ``values``. The gradient of a maximum goes to the first row that reaches it.

    Raises
    ------
    TypeError, ValueError
        As `segment_reduce`.

    Examples
    --------
    >>> import torch
    >>> found = segment_mean_max(torch.tensor([[1.0], [2.0], [5.0]]), torch.tensor([0, 2, 2, 3]))
    >>> found.mean.tolist(), found.max.tolist()
    ([[1.5], [0.0], [5.0]], [[2.0], [0.0], [5.0]])
    """
    _check(values, indptr)
    segments = Adjacency.from_segments(indptr)
    segments.check_features("values", values, "src", (2,))
    if backend_for(values.device) != "numba":
        return MeanMaxima(segments.spmm(values, reduce="mean"), segments.spmm(values, reduce="max"))
    work = torch.float64 if values.dtype == torch.float64 else torch.float32
    mean, top = cast(tuple[Tensor, Tensor], apply(MeanMax, values.to(work), segments.rows("dst"), _learns(values)))
    return MeanMaxima(mean.to(values.dtype), top.to(values.dtype))


def _learns(values: Tensor) -> bool:
    """Return whether ``values`` need a gradient."""
    return torch.is_grad_enabled() and values.requires_grad


def _check(values: Tensor, indptr: Tensor) -> None:
    check_tensor("values", values)
    check_tensor("indptr", indptr)
    if not values.dim():
        raise ValueError(
            f"values must have shape (num_rows, dim) or (num_rows, num_heads, dim), got {tuple(values.shape)}"
        )
    check_indptr("indptr", indptr, len(values))


def segment_logsumexp(values: Tensor, indptr: Tensor) -> Tensor:
    """Return log(sum(exp(values))) of the elements ``indptr[i]`` to ``indptr[i + 1]``; -inf for none.

    Parameters
    ----------
    values : Tensor, shape (num_elements,)
        Floating, finite.
    indptr : Tensor, shape (num_segments + 1,), integer
        As in `segment_reduce`.

    Returns
    -------
    Tensor, shape (num_segments,)

    Raises
    ------
    TypeError, ValueError
        As `segment_reduce`.

    Examples
    --------
    >>> import torch
    >>> segment_logsumexp(torch.tensor([0.0, 0.0, 5.0]), torch.tensor([0, 2, 3])).tolist()
    [0.6931471824645996, 5.0]
    """
    check_tensor("values", values)
    check_tensor("indptr", indptr)
    if values.dim() != 1:
        raise ValueError(f"values must have shape (num_elements,), got {tuple(values.shape)}")
    check_indptr("indptr", indptr, len(values))
    segments = Adjacency.from_segments(indptr)
    most = segments.spmm(values.detach()[:, None], reduce="max")[:, 0]
    shifted = values - most.index_select(0, segments.ends("dst").long())
    return segments.spmm(shifted.exp()[:, None])[:, 0].log() + most
