"""Numba kernels of message passing; each works on a range of rows, so that threads write to separate memory.

``x`` is (num_columns, num_heads * dim), ``weights`` (num_edges, num_heads) in the rows' order. A scale of length 0 is
absent. ``ahead`` is the distance in edges of the prefetch of rows of ``x``, 0 if all of ``x`` fits into the cache.
"""

# mypy: allow-untyped-defs, allow-untyped-calls, disable-error-code="unreachable"
from __future__ import annotations

import numpy as np

from graphvid._numba import njit
from graphvid.ops.prefetch import prefetch

_1, _2, _3, _4 = np.uintp(1), np.uintp(2), np.uintp(3), np.uintp(4)


@njit
def counting_sort(row, cursor, order):
    """Fill ``order`` with the edges by row, stable; ``cursor`` holds the rows' starts and is overwritten."""
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
    """Return the coefficient of edge ``e`` for the row of its column."""
    value = weights[e, head] if len(weights) else one
    return value * src_scale[column] if len(src_scale) else value


@njit(inline="always")
def _ask(e, count, indices, x, width, line):
    """Prefetch the rows of ``x``, ``width`` entries each and ``line`` to a cache line, of ``count`` edges from ``e`` on."""
    for k in range(count):
        if e + k < np.uintp(len(indices)):
            place = np.uintp(indices[e + k]) * width
            stop = place + width
            while place < stop:  # a range with such a step would divide
                prefetch(x, place)
                place += line


@njit(fastmath={"contract"})
def sum_chunk(first, last, indptr, indices, x, weights, src_scale, dst_scale, relu, ahead, out):
    """Fill a range of rows of ``out`` with weighted sums of the rows of ``x`` at their columns, for one head.

    It adds up to four edges at a time, and writes the first ones instead of adding them to zero. It indexes rows and does not
    slice them, because the slices' reference counts would cost as much as the sums.
    """
    width, line, ahead = np.uintp(x.shape[1]), np.uintp(64 // x.itemsize), np.uintp(ahead)
    one, zero = out.dtype.type(1), np.uintp(0)
    for r in range(np.uintp(first), np.uintp(last)):
        e, end = np.uintp(indptr[r]), np.uintp(indptr[r + _1])
        if e == end:
            for d in range(width):
                out[r, d] = 0
        fresh = True
        while e < end:
            left = end - e
            if ahead:
                _ask(e + ahead, min(left, _4), indices, x, width, line)
            i = np.uintp(indices[e])
            wi = _coefficient(e, i, zero, weights, src_scale, one)
            if left >= _4:
                j, k, m = np.uintp(indices[e + _1]), np.uintp(indices[e + _2]), np.uintp(indices[e + _3])
                wj = _coefficient(e + _1, j, zero, weights, src_scale, one)
                wk = _coefficient(e + _2, k, zero, weights, src_scale, one)
                wm = _coefficient(e + _3, m, zero, weights, src_scale, one)
                if fresh:
                    for d in range(width):
                        out[r, d] = (wi * x[i, d] + wj * x[j, d]) + (wk * x[k, d] + wm * x[m, d])
                else:
                    for d in range(width):
                        out[r, d] += (wi * x[i, d] + wj * x[j, d]) + (wk * x[k, d] + wm * x[m, d])
                e += _4
            elif left >= _2:
                j = np.uintp(indices[e + _1])
                wj = _coefficient(e + _1, j, zero, weights, src_scale, one)
                if fresh:
                    for d in range(width):
                        out[r, d] = wi * x[i, d] + wj * x[j, d]
                else:
                    for d in range(width):
                        out[r, d] += wi * x[i, d] + wj * x[j, d]
                e += _2
            else:
                if fresh:
                    for d in range(width):
                        out[r, d] = wi * x[i, d]
                else:
                    for d in range(width):
                        out[r, d] += wi * x[i, d]
                e += _1
            fresh = False
        _finish(out, r, dst_scale, relu)


@njit(inline="always")
def _finish(out, r, dst_scale, relu):
    """Apply the scale and activation after the sum of a row."""
    if len(dst_scale):
        for d in range(out.shape[1]):
            out[r, d] *= dst_scale[r]
    if relu:
        for d in range(out.shape[1]):
            out[r, d] = 0 if out[r, d] < 0 else out[r, d]


@njit(fastmath={"contract"})
def head_sum_chunk(first, last, indptr, indices, x, weights, src_scale, dst_scale, relu, ahead, out):
    """As `sum_chunk`, with a weight for each head."""
    width, line, ahead = np.uintp(x.shape[1]), np.uintp(64 // x.itemsize), np.uintp(ahead)
    num_heads, one = np.uintp(weights.shape[1]), out.dtype.type(1)
    dim = width // num_heads
    for r in range(np.uintp(first), np.uintp(last)):
        for d in range(width):
            out[r, d] = 0
        for e in range(np.uintp(indptr[r]), np.uintp(indptr[r + _1])):
            if ahead:
                _ask(e + ahead, _1, indices, x, width, line)
            i = np.uintp(indices[e])
            for head in range(num_heads):
                w = _coefficient(e, i, head, weights, src_scale, one)
                for d in range(head * dim, head * dim + dim):
                    out[r, d] += w * x[i, d]
        _finish(out, r, dst_scale, relu)


@njit
def chosen_sum_chunk(first, last, indptr, indices, ids, x, chosen, weights, src_scale, dst_scale, out):
    """As `sum_chunk`, only of the entries of ``x`` whose ``chosen`` edge id is that of the edge: the gradient of a maximum."""
    num_heads = np.uintp(max(1, weights.shape[1]))
    dim, one = np.uintp(x.shape[1]) // num_heads, out.dtype.type(1)
    for r in range(np.uintp(first), np.uintp(last)):
        for d in range(out.shape[1]):
            out[r, d] = 0
        for e in range(np.uintp(indptr[r]), np.uintp(indptr[r + _1])):
            i = np.uintp(indices[e])
            edge = _edge(ids, e)
            for head in range(num_heads):
                w = _coefficient(e, i, head, weights, src_scale, one)
                for d in range(head * dim, head * dim + dim):
                    if chosen[i, d] == edge:
                        out[r, d] += w * x[i, d]
        _finish(out, r, dst_scale, False)


@njit
def max_chunk(first, last, indptr, indices, ids, x, weights, src_scale, out, chosen):
    """Fill a range of rows of ``out`` with maxima and ``chosen`` with the first edges that reach them; NaN wins."""
    num_heads = np.uintp(max(1, weights.shape[1]))
    dim, one = np.uintp(x.shape[1]) // num_heads, out.dtype.type(1)
    for r in range(np.uintp(first), np.uintp(last)):
        for d in range(out.shape[1]):
            out[r, d], chosen[r, d] = 0, -1
        for e in range(np.uintp(indptr[r]), np.uintp(indptr[r + _1])):
            i = np.uintp(indices[e])
            edge = _edge(ids, e)
            for head in range(num_heads):
                w = _coefficient(e, i, head, weights, src_scale, one)
                for d in range(head * dim, head * dim + dim):
                    value = w * x[i, d]
                    best = out[r, d]
                    if chosen[r, d] < 0 or value > best or (value != value and best == best):
                        out[r, d], chosen[r, d] = value, edge


@njit
def mean_max_chunk(first, last, indptr, x, mean, top, chosen):
    """Fill a range of rows of ``mean`` and ``top`` from consecutive rows of ``x``, read once; NaN wins a maximum.

    ``chosen`` gets the first rows that reach the maxima, unless it is of length 0. Rows of no row are zeros.
    """
    zero = x.dtype.type(0)
    for r in range(np.uintp(first), np.uintp(last)):
        start, stop = np.uintp(indptr[r]), np.uintp(indptr[r + _1])
        if start == stop:
            for d in range(np.uintp(x.shape[1])):
                mean[r, d], top[r, d] = zero, zero
                if len(chosen):
                    chosen[r, d] = -1
            continue
        for d in range(np.uintp(x.shape[1])):
            mean[r, d], top[r, d] = x[start, d], x[start, d]
        if len(chosen):
            for d in range(np.uintp(x.shape[1])):
                chosen[r, d] = start
            for e in range(start + _1, stop):
                for d in range(np.uintp(x.shape[1])):
                    value, best = x[e, d], top[r, d]
                    larger = (value > best) | ((value != value) & (best == best))
                    mean[r, d] += value
                    top[r, d] = value if larger else best
                    chosen[r, d] = e if larger else chosen[r, d]
        else:
            for e in range(start + _1, stop):
                for d in range(np.uintp(x.shape[1])):
                    value, best = x[e, d], top[r, d]
                    mean[r, d] += value
                    top[r, d] = value if (value > best) | (value != value) else best
        scale = x.dtype.type(1) / x.dtype.type(stop - start)
        for d in range(np.uintp(x.shape[1])):
            mean[r, d] *= scale


@njit
def mean_max_backward_chunk(first, last, indptr, grad_mean, grad_top, chosen, out):
    """Fill the rows of ``out`` that belong to a range of segments with the gradient of ``x`` of `mean_max_chunk`."""
    for r in range(np.uintp(first), np.uintp(last)):
        start, stop = np.uintp(indptr[r]), np.uintp(indptr[r + _1])
        scale = out.dtype.type(1) / out.dtype.type(max(stop - start, _1))
        for e in range(start, stop):
            for d in range(np.uintp(out.shape[1])):
                share = grad_mean[r, d] * scale
                out[e, d] = share + grad_top[r, d] if chosen[r, d] == e else share


@njit(fastmath={"reassoc", "contract"})
def dot_chunk(first, last, src, dst, u, v, chosen, out):
    """Fill a range of edges of ``out`` (num_edges, num_heads) with the products of u[src] and v[dst] of each head.

    With ``chosen``, of the entries whose chosen edge it is. The order of summation is the compiler's, the same on every
    call.
    """
    num_heads = np.uintp(out.shape[1])
    dim = np.uintp(u.shape[1]) // num_heads
    for e in range(np.uintp(first), np.uintp(last)):
        i, j = np.uintp(src[e]), np.uintp(dst[e])
        for head in range(num_heads):
            start, total = head * dim, out.dtype.type(0)
            if len(chosen):
                for d in range(start, start + dim):
                    if chosen[j, d] == e:
                        total += u[i, d] * v[j, d]
            else:
                for d in range(start, start + dim):
                    total += u[i, d] * v[j, d]
            out[e, head] = total


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
