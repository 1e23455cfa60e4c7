"""Triton kernels of the largest message of every row and its edge; see `graphvid.ops._triton_sums`."""

# mypy: ignore-errors
from __future__ import annotations

import triton
import triton.language as tl

from graphvid.ops._triton_messages import block_of_dim, messages


@triton.jit
def _larger(value, edge, best, chosen):
    """Return the larger of two blocks of messages with their edges; the first wins ties, NaN wins all, -1 is none."""
    better = (edge >= 0) & ((chosen < 0) | (value > best) | ((value != value) & (best == best)))
    return tl.where(better, value, best), tl.where(better, edge, chosen)


@triton.jit
def max_kernel(
    indptr,
    indices,
    ids,
    x,
    weights,
    src_scale,
    out,
    chosen,
    partial,
    partial_chosen,
    parts,
    num_rows,
    num_heads,
    dim,
    x_row,
    x_head,
    longest,
    WEIGHTED: tl.constexpr,
    SRC_SCALED: tl.constexpr,
    ACC: tl.constexpr,
    BLOCK_E: tl.constexpr,
    BLOCK_D: tl.constexpr,
):
    """Find the largest message, and its edge, of every row that is not long and of every part of the long rows."""
    unit = tl.program_id(0)
    head, ds, inside = block_of_dim(dim, BLOCK_D)
    whole = unit < num_rows
    if whole:
        start, stop = tl.load(indptr + unit).to(tl.int64), tl.load(indptr + unit + 1).to(tl.int64)
    else:
        start, stop = tl.load(parts + 3 * (unit - num_rows) + 1), tl.load(parts + 3 * (unit - num_rows) + 2)
    if stop - start <= longest:
        best = tl.zeros([BLOCK_D], ACC)
        edge_of = tl.full([BLOCK_D], -1, tl.int64)
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
            key = tl.where(live[:, None], tl.where(tile != tile, float("inf"), tile), float("-inf"))
            reaches = live[:, None] & (key == tl.max(key, axis=0)[None, :])
            order = tl.arange(0, BLOCK_E)
            at = tl.min(tl.where(reaches, order[:, None], BLOCK_E), axis=0)
            hit = order[:, None] == at[None, :]
            edge = tl.load(ids + edges, mask=live, other=0).to(tl.int64)
            value = tl.sum(tl.where(hit, tile, 0), axis=0)
            found = tl.sum(tl.where(hit, edge[:, None], 0), axis=0)
            best, edge_of = _larger(value, found, best, edge_of)
        if whole:
            place = (unit.to(tl.int64) * num_heads + head) * dim + ds
            tl.store(out + place, best, mask=inside)
            tl.store(chosen + place, edge_of, mask=inside)
        else:
            place = ((unit - num_rows).to(tl.int64) * num_heads + head) * dim + ds
            tl.store(partial + place, best, mask=inside)
            tl.store(partial_chosen + place, edge_of, mask=inside)


@triton.jit
def max_long_kernel(
    out,
    chosen,
    partial,
    partial_chosen,
    long_rows,
    part_indptr,
    num_heads,
    dim,
    ACC: tl.constexpr,
    BLOCK_D: tl.constexpr,
):
    """Find the largest message among the parts of each long row."""
    which = tl.program_id(0)
    head, ds, inside = block_of_dim(dim, BLOCK_D)
    best = tl.zeros([BLOCK_D], ACC)
    edge_of = tl.full([BLOCK_D], -1, tl.int64)
    for part in range(tl.load(part_indptr + which), tl.load(part_indptr + which + 1)):
        place = (part * num_heads + head) * dim + ds
        value = tl.load(partial + place, mask=inside, other=0)
        found = tl.load(partial_chosen + place, mask=inside, other=-1).to(tl.int64)
        best, edge_of = _larger(value, found, best, edge_of)
    place = (tl.load(long_rows + which).to(tl.int64) * num_heads + head) * dim + ds
    tl.store(out + place, best, mask=inside)
    tl.store(chosen + place, edge_of, mask=inside)
