"""Numba kernels of message passing: a range of rows each, so that threads share nothing they write.

``x`` is (num_columns, num_heads * dim), ``weights`` (num_edges, num_heads) in the rows' order. A scale of length 0 is
absent. ``ahead`` is how many edges before its turn a row of ``x`` is asked for, 0 where all of it is in the cache.
"""

# mypy: allow-untyped-defs, allow-untyped-calls
from __future__ import annotations

import numpy as np

from graphvid._numba import njit
from graphvid.ops._prefetch import prefetch

_1, _2, _3, _4 = np.uintp(1), np.uintp(2), np.uintp(3), np.uintp(4)


@njit
def counting_sort(row, cursor, order):
    """Fill ``order`` with the edges by row, stable; ``cursor`` holds the rows' starts and is used up."""
    for e in range(len(row)):
        r = row[e]
        order[cursor[r]] = e
        cursor[r] += 1


@njit(inline="always")
def _edge(ids, e):
    """Return the id of a row's edge."""
    return np.intp(ids[e]) if len(ids) else np.intp(e)


@njit(inline="always")
def _coefficient(e, column, head, weights, src_scale, one):
    """Return what edge ``e`` multiplies the row of its column by."""
    value = weights[e, head] if len(weights) else one
    return value * src_scale[column] if len(src_scale) else value


@njit(inline="always")
def _ask(e, count, indices, x):
    """Prefetch the rows of ``x`` that ``count`` edges from ``e`` on read."""
    for k in range(count):
        if e + k < np.uintp(len(indices)):
            start = np.uintp(indices[e + k]) * np.uintp(x.shape[1])
            for line in range(np.uintp(0), np.uintp(x.shape[1]), np.uintp(64 // x.itemsize)):
                prefetch(x, start + line)  # type: ignore[call-arg]


@njit
def sum_chunk(first, last, indptr, indices, x, weights, src_scale, dst_scale, relu, ahead, out):
    """Fill a range of rows of ``out`` with weighted sums of the rows of ``x`` at their columns; four edges at a time."""
    num_heads, ahead = np.uintp(max(1, weights.shape[1])), np.uintp(ahead)
    dim, one = np.uintp(x.shape[1]) // num_heads, out.dtype.type(1)
    for r in range(np.uintp(first), np.uintp(last)):
        total = out[r]
        total[:] = 0
        e, end = np.uintp(indptr[r]), np.uintp(indptr[r + _1])
        while e + _4 <= end:
            if ahead:
                _ask(e + ahead, _4, indices, x)
            i, j = np.uintp(indices[e]), np.uintp(indices[e + _1])
            k, m = np.uintp(indices[e + _2]), np.uintp(indices[e + _3])
            a, b, c, f = x[i], x[j], x[k], x[m]
            for head in range(num_heads):
                wi = _coefficient(e, i, head, weights, src_scale, one)
                wj = _coefficient(e + _1, j, head, weights, src_scale, one)
                wk = _coefficient(e + _2, k, head, weights, src_scale, one)
                wm = _coefficient(e + _3, m, head, weights, src_scale, one)
                for d in range(head * dim, head * dim + dim):
                    total[d] += (wi * a[d] + wj * b[d]) + (wk * c[d] + wm * f[d])
            e += _4
        while e < end:
            if ahead:
                _ask(e + ahead, _1, indices, x)
            i = np.uintp(indices[e])
            a = x[i]
            for head in range(num_heads):
                wi = _coefficient(e, i, head, weights, src_scale, one)
                for d in range(head * dim, head * dim + dim):
                    total[d] += wi * a[d]
            e += _1
        if len(dst_scale):
            for d in range(len(total)):
                total[d] *= dst_scale[r]
        if relu:
            for d in range(len(total)):
                total[d] = 0 if total[d] < 0 else total[d]


@njit
def chosen_sum_chunk(first, last, indptr, indices, ids, x, chosen, weights, src_scale, dst_scale, out):
    """As `sum_chunk`, of the entries of ``x`` whose ``chosen`` edge, an id, is the edge that asks: a maximum's gradient."""
    num_heads = np.uintp(max(1, weights.shape[1]))
    dim, one = np.uintp(x.shape[1]) // num_heads, out.dtype.type(1)
    for r in range(np.uintp(first), np.uintp(last)):
        total = out[r]
        total[:] = 0
        for e in range(np.uintp(indptr[r]), np.uintp(indptr[r + _1])):
            i = np.uintp(indices[e])
            edge = _edge(ids, e)
            for head in range(num_heads):
                w = _coefficient(e, i, head, weights, src_scale, one)
                for d in range(head * dim, head * dim + dim):
                    if chosen[i, d] == edge:
                        total[d] += w * x[i, d]
        if len(dst_scale):
            for d in range(len(total)):
                total[d] *= dst_scale[r]


@njit
def max_chunk(first, last, indptr, indices, ids, x, weights, src_scale, out, chosen):
    """Fill a range of rows of ``out`` with maxima and ``chosen`` with the first edges that reach them; NaN wins."""
    num_heads = np.uintp(max(1, weights.shape[1]))
    dim, one = np.uintp(x.shape[1]) // num_heads, out.dtype.type(1)
    for r in range(np.uintp(first), np.uintp(last)):
        best, edge_of = out[r], chosen[r]
        best[:], edge_of[:] = 0, -1
        for e in range(np.uintp(indptr[r]), np.uintp(indptr[r + _1])):
            i = np.uintp(indices[e])
            edge = _edge(ids, e)
            for head in range(num_heads):
                w = _coefficient(e, i, head, weights, src_scale, one)
                for d in range(head * dim, head * dim + dim):
                    value = w * x[i, d]
                    if edge_of[d] < 0 or value > best[d] or (value != value and best[d] == best[d]):
                        best[d], edge_of[d] = value, edge


@njit
def dot_chunk(first, last, src, dst, u, v, chosen, out):
    """Fill a range of edges of ``out`` (num_edges, num_heads) with the products of u[src] and v[dst] of each head.

    With ``chosen``, of the entries whose chosen edge it is.
    """
    num_heads = np.uintp(out.shape[1])
    dim = np.uintp(u.shape[1]) // num_heads
    for e in range(np.uintp(first), np.uintp(last)):
        a, b = u[np.uintp(src[e])], v[np.uintp(dst[e])]
        for head in range(num_heads):
            start = head * dim
            if len(chosen):
                asked, total = chosen[np.uintp(dst[e])], out.dtype.type(0)
                for d in range(start, start + dim):
                    if asked[d] == e:
                        total += a[d] * b[d]
            else:
                total = _dot(a, b, start, start + dim)
            out[e, head] = total


@njit(fastmath={"reassoc", "contract"})
def _dot(a, b, start, stop):
    """Return the product of two slices; the order of summation is the compiler's, the same on every call."""
    total = a.dtype.type(0)
    for d in range(start, stop):
        total += a[d] * b[d]
    return total


@njit
def softmax_chunk(first, last, indptr, ids, logits, out):
    """Fill ``out`` (num_edges, num_heads) with the softmax of each row's logits; both in the given order."""
    for r in range(np.uintp(first), np.uintp(last)):
        start, stop = np.uintp(indptr[r]), np.uintp(indptr[r + _1])
        for head in range(np.uintp(logits.shape[1])):
            top = -np.inf
            for e in range(start, stop):
                value = logits[_edge(ids, e), head]
                if value > top or value != value:
                    top = value
            total = 0.0
            for e in range(start, stop):
                edge = _edge(ids, e)
                out[edge, head] = np.exp(logits[edge, head] - top)
                total += out[edge, head]
            for e in range(start, stop):
                out[_edge(ids, e), head] /= total


@njit
def softmax_backward_chunk(first, last, indptr, ids, result, grad, out):
    """Fill ``out`` with the gradient of the logits: result * (grad - sum of result * grad over the row)."""
    for r in range(np.uintp(first), np.uintp(last)):
        start, stop = np.uintp(indptr[r]), np.uintp(indptr[r + _1])
        for head in range(np.uintp(result.shape[1])):
            total = 0.0
            for e in range(start, stop):
                edge = _edge(ids, e)
                total += result[edge, head] * grad[edge, head]
            for e in range(start, stop):
                edge = _edge(ids, e)
                out[edge, head] = result[edge, head] * (grad[edge, head] - total)
