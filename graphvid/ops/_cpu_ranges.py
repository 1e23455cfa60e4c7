"""The kernels of `_cpu_kernels` over several ranges at once: from ``bounds[t]`` to ``bounds[t + 1]`` by thread ``t``."""

# mypy: allow-untyped-defs, allow-untyped-calls
from __future__ import annotations

from numba import prange

from graphvid._numba import njit
from graphvid.ops import _cpu_kernels as kernels


@njit(parallel=True)
def sum_ranges(bounds, indptr, indices, x, weights, src_scale, dst_scale, relu, ahead, out):
    """Run `sum_chunk`."""
    for t in prange(len(bounds) - 1):
        kernels.sum_chunk(bounds[t], bounds[t + 1], indptr, indices, x, weights, src_scale, dst_scale, relu, ahead, out)


@njit(parallel=True)
def head_sum_ranges(bounds, indptr, indices, x, weights, src_scale, dst_scale, relu, ahead, out):
    """Run `head_sum_chunk`."""
    for t in prange(len(bounds) - 1):
        kernels.head_sum_chunk(
            bounds[t], bounds[t + 1], indptr, indices, x, weights, src_scale, dst_scale, relu, ahead, out
        )


@njit(parallel=True)
def chosen_sum_ranges(bounds, indptr, indices, ids, x, chosen, weights, src_scale, dst_scale, out):
    """Run `chosen_sum_chunk`."""
    for t in prange(len(bounds) - 1):
        kernels.chosen_sum_chunk(
            bounds[t], bounds[t + 1], indptr, indices, ids, x, chosen, weights, src_scale, dst_scale, out
        )


@njit(parallel=True)
def max_ranges(bounds, indptr, indices, ids, x, weights, src_scale, out, chosen):
    """Run `max_chunk`."""
    for t in prange(len(bounds) - 1):
        kernels.max_chunk(bounds[t], bounds[t + 1], indptr, indices, ids, x, weights, src_scale, out, chosen)


@njit(parallel=True)
def mean_max_ranges(bounds, indptr, x, mean, top, chosen):
    """Run `mean_max_chunk`."""
    for t in prange(len(bounds) - 1):
        kernels.mean_max_chunk(bounds[t], bounds[t + 1], indptr, x, mean, top, chosen)


@njit(parallel=True)
def mean_max_backward_ranges(bounds, indptr, grad_mean, grad_top, chosen, out):
    """Run `mean_max_backward_chunk`."""
    for t in prange(len(bounds) - 1):
        kernels.mean_max_backward_chunk(bounds[t], bounds[t + 1], indptr, grad_mean, grad_top, chosen, out)


@njit(parallel=True)
def dot_ranges(bounds, src, dst, u, v, chosen, out):
    """Run `dot_chunk`."""
    for t in prange(len(bounds) - 1):
        kernels.dot_chunk(bounds[t], bounds[t + 1], src, dst, u, v, chosen, out)


@njit(parallel=True)
def softmax_ranges(bounds, indptr, ids, logits, out):
    """Run `softmax_chunk`."""
    for t in prange(len(bounds) - 1):
        kernels.softmax_chunk(bounds[t], bounds[t + 1], indptr, ids, logits, out)


@njit(parallel=True)
def softmax_backward_ranges(bounds, indptr, ids, result, grad, out):
    """Run `softmax_backward_chunk`."""
    for t in prange(len(bounds) - 1):
        kernels.softmax_backward_chunk(bounds[t], bounds[t + 1], indptr, ids, result, grad, out)
