"""Triton kernels of message passing. A program owns a row, or a part of a row that is too long for one program.

Long rows are cut into parts of fixed length, whose sums a second kernel adds up in order: no program has much more work
than another, no atomics, the same bits on every call. Features are (num_nodes, num_heads, dim), weights (num_edges,
num_heads). A program's second number is its head and its block of ``dim``.
"""

# mypy: ignore-errors
from __future__ import annotations

import triton
import triton.language as tl


@triton.jit
def _block_of_dim(dim, BLOCK_D: tl.constexpr):
    """Return the head of this program, its block of columns, and which of them there are."""
    blocks = tl.cdiv(dim, BLOCK_D)
    ds = tl.program_id(1) % blocks * BLOCK_D + tl.arange(0, BLOCK_D)
    return tl.program_id(1) // blocks, ds, ds < dim


@triton.jit
def _messages(
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
    WEIGHTED: tl.constexpr,
    SRC_SCALED: tl.constexpr,
    ACC: tl.constexpr,
):
    """Return the messages of a block of edges, (BLOCK_E, BLOCK_D), zeros where there is no edge."""
    mask = live[:, None] & inside[None, :]
    tile = tl.load(x + columns[:, None] * x_row + head * x_head + ds[None, :], mask=mask, other=0).to(ACC)
    if WEIGHTED:
        tile *= tl.load(weights + edges.to(tl.int64) * num_heads + head, mask=live, other=0).to(ACC)[:, None]
    if SRC_SCALED:
        tile *= tl.load(src_scale + columns, mask=live, other=0).to(ACC)[:, None]
    return tile


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
        tile = _messages(
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
    """Apply what follows the sum of a row."""
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
    head, ds, inside = _block_of_dim(dim, BLOCK_D)
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
    head, ds, inside = _block_of_dim(dim, BLOCK_D)
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
    head, ds, inside = _block_of_dim(dim, BLOCK_D)
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
            tile = _messages(
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
    head, ds, inside = _block_of_dim(dim, BLOCK_D)
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


@triton.jit
def dot_kernel(
    src,
    dst,
    u,
    v,
    chosen,
    out,
    num_edges,
    num_heads,
    dim,
    CHOSEN: tl.constexpr,
    ACC: tl.constexpr,
    BLOCK_E: tl.constexpr,
    BLOCK_D: tl.constexpr,
):
    """Multiply the ends of a block of edges, per head; with CHOSEN the entries whose chosen edge it is."""
    edges = tl.program_id(0).to(tl.int64) * BLOCK_E + tl.arange(0, BLOCK_E)
    head = tl.program_id(1)
    live = edges < num_edges
    a = (tl.load(src + edges, mask=live, other=0).to(tl.int64) * num_heads + head) * dim
    b = (tl.load(dst + edges, mask=live, other=0).to(tl.int64) * num_heads + head) * dim
    total = tl.zeros([BLOCK_E], ACC)
    for first in range(0, dim, BLOCK_D):
        ds = first + tl.arange(0, BLOCK_D)
        mask = live[:, None] & (ds < dim)[None, :]
        product = tl.load(u + a[:, None] + ds[None, :], mask=mask, other=0).to(ACC)
        product *= tl.load(v + b[:, None] + ds[None, :], mask=mask, other=0).to(ACC)
        if CHOSEN:
            asked = tl.load(chosen + b[:, None] + ds[None, :], mask=mask, other=-1)
            product = tl.where(asked == edges[:, None], product, 0)
        total += tl.sum(product, axis=1)
    tl.store(out + edges * num_heads + head, total, mask=live)
