"""Sums, means and maxima of consecutive rows."""

from __future__ import annotations

from torch import Tensor

from graphvid._checks import check_indptr, check_tensor
from graphvid.ops.adjacency import Adjacency, Reduce


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
    check_tensor("values", values)
    check_tensor("indptr", indptr)
    if not values.dim():
        raise ValueError(
            f"values must have shape (num_rows, dim) or (num_rows, num_heads, dim), got {tuple(values.shape)}"
        )
    check_indptr("indptr", indptr, len(values))
    return Adjacency.from_segments(indptr).spmm(values, reduce=reduce)
