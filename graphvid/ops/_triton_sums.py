"""Triton kernels of sums of messages. A program owns a row, or a part of a row that is too long for one program.

Long rows are cut into parts of fixed length, and a second kernel sums the parts in order. So all programs have similar work,
there are no atomics, and every call gives the same bits. Features are (num_nodes, num_heads, dim), weights (num_edges,
num_heads). A program's second number is its head and its block of ``dim``.
"""

# mypy: ignore-errors
from __future__ import annotations

import triton
import triton.language as tl

from graphvid.ops._triton_messages import block_of_dim, messages


@triton.jit
def _sum(
    start,
    stop,
    indices,
    ids,
    x,
    weights,
    src_scale,
    chosen,
    head,
    num_heads,
    dim,
    x_row,
    x_head,
    ds,
    inside,
    WEIGHTED: tl.constexpr,
    SRC_SCALED: tl.constexpr,
    CHOSEN: tl.constexpr,
    ACC: tl.constexpr,
    BLOCK_E: tl.constexpr,
    BLOCK_D: tl.constexpr,
):
    """Return the sum of the messages of the edges from ``start`` to ``stop``, (BLOCK_D,)."""
    total = tl.zeros([BLOCK_D], ACC)
    for first in range(start, stop, BLOCK_E):
        edges = first + tl.arange(0, BLOCK_E)
        live = edges < stop
        columns = tl.load(indices + edges, mask=live, other=0).to(tl.int64)
        tile = messages(
            edges,
            live,
            columns,
            x,
            weights,
            src_scale,
            head,
            num_heads,
            x_row,
            x_head,
            ds,
            inside,
            WEIGHTED,
            SRC_SCALED,
            ACC,
        )
        if CHOSEN:
            edge = tl.load(ids + edges, mask=live, other=0)
            mask = live[:, None] & inside[None, :]
            place = chosen + (columns[:, None] * num_heads + head) * dim + ds[None, :]
            tile = tl.where(tl.load(place, mask=mask, other=-1) == edge[:, None], tile, 0)
        total += tl.sum(tile, axis=0)
    return total


@triton.jit
def _end(total, dst_scale, row, DST_SCALED: tl.constexpr, RELU: tl.constexpr, ACC: tl.constexpr):
    """Apply the scale and activation after the sum of a row."""
    if DST_SCALED:
        total *= tl.load(dst_scale + row).to(ACC)
    if RELU:
        total = tl.where(total < 0, 0, total)
    return total


@triton.jit
def spmm_kernel(
    indptrs,
    indices,
    ids,
    xs,
    weights,
    src_scales,
    dst_scales,
    chosen,
    out,
    positive,
    partial,
    parts,
    num_rows,
    num_heads,
    dim,
    x_row,
    x_head,
    longest,
    factor,
    RELATIONS: tl.constexpr,
    WEIGHTED: tl.constexpr,
    SRC_SCALED: tl.constexpr,
    DST_SCALED: tl.constexpr,
    CHOSEN: tl.constexpr,
    RELU: tl.constexpr,
    STACK: tl.constexpr,
    MARK: tl.constexpr,
    ACC: tl.constexpr,
    BLOCK_E: tl.constexpr,
    BLOCK_D: tl.constexpr,
):
    """Sum the messages of every row that is not long, over all relations, and of every part of the long rows.

    ``parts`` (num_parts, 3) are relation, start and stop; their sums go to ``partial`` (num_parts, num_heads, dim).
    With STACK every relation has a result of its own, else ``factor`` times their sum is the result. With MARK
    ``positive`` (num_relations, num_rows, num_heads, dim) says where each relation's sum is positive.
    """
    unit = tl.program_id(0)
    head, ds, inside = block_of_dim(dim, BLOCK_D)
    if unit < num_rows:
        row = unit.to(tl.int64)
        widest = 0
        for r in tl.static_range(RELATIONS):
            widest = tl.maximum(widest, (tl.load(indptrs[r] + row + 1) - tl.load(indptrs[r] + row)).to(tl.int32))
        if widest <= longest:
            combined = tl.zeros([BLOCK_D], ACC)
            for r in tl.static_range(RELATIONS):
                total = _sum(
                    tl.load(indptrs[r] + row),
                    tl.load(indptrs[r] + row + 1),
                    indices[r],
                    ids[r],
                    xs[r],
                    weights[r],
                    src_scales[r],
                    chosen,
                    head,
                    num_heads,
                    dim,
                    x_row,
                    x_head,
                    ds,
                    inside,
                    WEIGHTED,
                    SRC_SCALED,
                    CHOSEN,
                    ACC,
                    BLOCK_E,
                    BLOCK_D,
                )
                total = _end(total, dst_scales[r], row, DST_SCALED, RELU, ACC)
                place = ((r * num_rows + row) * num_heads + head) * dim + ds
                if MARK:
                    tl.store(positive + place, total > 0, mask=inside)
                if STACK:
                    tl.store(out + place, total, mask=inside)
                else:
                    combined += total
            if not STACK:
                tl.store(out + (row * num_heads + head) * dim + ds, combined * factor, mask=inside)
    else:
        part = (unit - num_rows).to(tl.int64)
        start, stop = tl.load(parts + 3 * part + 1), tl.load(parts + 3 * part + 2)
        relation = tl.load(parts + 3 * part)
        for r in tl.static_range(RELATIONS):
            if relation == r:
                total = _sum(
                    start,
                    stop,
                    indices[r],
                    ids[r],
                    xs[r],
                    weights[r],
                    src_scales[r],
                    chosen,
                    head,
                    num_heads,
                    dim,
                    x_row,
                    x_head,
                    ds,
                    inside,
                    WEIGHTED,
                    SRC_SCALED,
                    CHOSEN,
                    ACC,
                    BLOCK_E,
                    BLOCK_D,
                )
                tl.store(partial + (part * num_heads + head) * dim + ds, total, mask=inside)


@triton.jit
def spmm_long_kernel(
    dst_scales,
    out,
    positive,
    partial,
    long_rows,
    part_indptr,
    num_rows,
    num_heads,
    dim,
    factor,
    RELATIONS: tl.constexpr,
    DST_SCALED: tl.constexpr,
    RELU: tl.constexpr,
    STACK: tl.constexpr,
    MARK: tl.constexpr,
    ACC: tl.constexpr,
    BLOCK_E: tl.constexpr,
    BLOCK_D: tl.constexpr,
):
    """Add up the parts of each long row; those of its relation r are from ``part_indptr[i * RELATIONS + r]`` on."""
    which = tl.program_id(0)
    head, ds, inside = block_of_dim(dim, BLOCK_D)
    row = tl.load(long_rows + which).to(tl.int64)
    combined = tl.zeros([BLOCK_D], ACC)
    for r in tl.static_range(RELATIONS):
        total = tl.zeros([BLOCK_D], ACC)
        stop = tl.load(part_indptr + which * RELATIONS + r + 1)
        for first in range(tl.load(part_indptr + which * RELATIONS + r), stop, BLOCK_E):
            part = (first + tl.arange(0, BLOCK_E)).to(tl.int64)
            mask = (part < stop)[:, None] & inside[None, :]
            addresses = partial + (part[:, None] * num_heads + head) * dim + ds[None, :]
            total += tl.sum(tl.load(addresses, mask=mask, other=0), axis=0)
        total = _end(total, dst_scales[r], row, DST_SCALED, RELU, ACC)
        place = ((r * num_rows + row) * num_heads + head) * dim + ds
        if MARK:
            tl.store(positive + place, total > 0, mask=inside)
        if STACK:
            tl.store(out + place, total, mask=inside)
        else:
            combined += total
    if not STACK:
        tl.store(out + (row * num_heads + head) * dim + ds, combined * factor, mask=inside)
