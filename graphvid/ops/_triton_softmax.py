"""Triton kernels of the softmax over the edges of a row, forward and backward; see `graphvid.ops._triton_sums`.

A program owns a row, or a part of a row that is too long for one program, and a head.
"""

# mypy: ignore-errors
from __future__ import annotations

import triton
import triton.language as tl


@triton.jit
def _state(
    start,
    stop,
    ids,
    values,
    grad,
    head,
    num_heads,
    BACKWARD: tl.constexpr,
    ACC: tl.constexpr,
    BLOCK_E: tl.constexpr,
):
    """Return the state of a range of edges: largest logit and sum of exponentials, or sum of result * grad."""
    top = tl.full([BLOCK_E], float("-inf"), ACC)
    total = tl.zeros([BLOCK_E], ACC)
    for first in range(start, stop, BLOCK_E):
        edges = first + tl.arange(0, BLOCK_E)
        live = edges < stop
        place = tl.load(ids + edges, mask=live, other=0).to(tl.int64) * num_heads + head
        if BACKWARD:
            value = tl.load(values + place, mask=live, other=0).to(ACC)
            total += value * tl.load(grad + place, mask=live, other=0).to(ACC)
        else:
            value = tl.load(values + place, mask=live, other=float("-inf")).to(ACC)
            above = tl.maximum(top, value)
            shift = tl.where(above == float("-inf"), 0, above)
            total = total * tl.exp(top - shift) + tl.exp(value - shift)
            top = above
    if BACKWARD:
        return tl.sum(total, axis=0) * 0, tl.sum(total, axis=0)
    else:
        highest = tl.max(top, axis=0)
        shift = tl.where(highest == float("-inf"), 0, highest)
        return highest, tl.sum(total * tl.exp(top - shift), axis=0)


@triton.jit
def _write(
    start,
    stop,
    ids,
    values,
    grad,
    out,
    highest,
    total,
    head,
    num_heads,
    BACKWARD: tl.constexpr,
    ACC: tl.constexpr,
    BLOCK_E: tl.constexpr,
):
    """Write the softmax, or the gradient, of a range of edges."""
    for first in range(start, stop, BLOCK_E):
        edges = first + tl.arange(0, BLOCK_E)
        live = edges < stop
        place = tl.load(ids + edges, mask=live, other=0).to(tl.int64) * num_heads + head
        value = tl.load(values + place, mask=live, other=0).to(ACC)
        if BACKWARD:
            result = value * (tl.load(grad + place, mask=live, other=0).to(ACC) - total)
        else:
            result = tl.exp(value - highest) / total
        tl.store(out + place, result, mask=live)


@triton.jit
def softmax_kernel(
    indptr,
    ids,
    values,
    grad,
    out,
    partial,
    parts,
    num_rows,
    num_heads,
    longest,
    BACKWARD: tl.constexpr,
    ACC: tl.constexpr,
    BLOCK_E: tl.constexpr,
):
    """Compute every row that is not long; for every part of the long rows, store the state in ``partial``."""
    unit, head = tl.program_id(0), tl.program_id(1)
    if unit < num_rows:
        start, stop = tl.load(indptr + unit).to(tl.int64), tl.load(indptr + unit + 1).to(tl.int64)
        if stop - start <= longest:
            highest, total = _state(start, stop, ids, values, grad, head, num_heads, BACKWARD, ACC, BLOCK_E)
            _write(start, stop, ids, values, grad, out, highest, total, head, num_heads, BACKWARD, ACC, BLOCK_E)
    else:
        part = (unit - num_rows).to(tl.int64)
        start, stop = tl.load(parts + 3 * part + 1), tl.load(parts + 3 * part + 2)
        highest, total = _state(start, stop, ids, values, grad, head, num_heads, BACKWARD, ACC, BLOCK_E)
        tl.store(partial + (part * num_heads + head) * 2, highest)
        tl.store(partial + (part * num_heads + head) * 2 + 1, total)


@triton.jit
def softmax_long_kernel(
    ids,
    values,
    grad,
    out,
    partial,
    parts,
    part_owner,
    part_indptr,
    num_heads,
    BACKWARD: tl.constexpr,
    ACC: tl.constexpr,
    BLOCK_E: tl.constexpr,
):
    """Join the states of all parts of a part's row, and write the part."""
    part, head = tl.program_id(0).to(tl.int64), tl.program_id(1)
    owner = tl.load(part_owner + part)
    first, last = tl.load(part_indptr + owner), tl.load(part_indptr + owner + 1)
    highest = tl.full([], float("-inf"), ACC)
    total = tl.full([], 0, ACC)
    for other in range(first, last):
        place = partial + (other * num_heads + head) * 2
        top, share = tl.load(place), tl.load(place + 1)
        if BACKWARD:
            total += share
        else:
            above = tl.maximum(highest, top)
            shift = tl.where(above == float("-inf"), 0, above)
            total = total * tl.exp(highest - shift) + share * tl.exp(top - shift)
            highest = above
    start, stop = tl.load(parts + 3 * part + 1), tl.load(parts + 3 * part + 2)
    _write(start, stop, ids, values, grad, out, highest, total, head, num_heads, BACKWARD, ACC, BLOCK_E)
