"""Sums, means, maxima and log-sum-exps of consecutive rows."""

from __future__ import annotations

from torch import Tensor

from graphvid.ops.adjacency import Adjacency, Reduce
from graphvid.ops.neighbors import check_ids


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
    return _segments(values, indptr).spmm(values, reduce=reduce)


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
    segments = _segments(values, indptr)
    most = segments.spmm(values.detach()[:, None], reduce="max")[:, 0]
    shifted = values - most.index_select(0, segments.ends("dst").long())
    return segments.spmm(shifted.exp()[:, None])[:, 0].log() + most


def _segments(values: Tensor, indptr: Tensor) -> Adjacency:
    check_ids("indptr", indptr, None)
    if indptr.dim() != 1 or not len(indptr) or int(indptr[0]) != 0 or int(indptr[-1]) != len(values):
        raise ValueError(f"indptr must be 1-D and run from 0 to the {len(values)} rows of values, got {indptr}")
    if (indptr[1:] < indptr[:-1]).any():
        raise ValueError("indptr must not fall, got a segment that ends before it starts")
    return Adjacency.from_segments(indptr)
