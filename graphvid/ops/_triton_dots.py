"""Triton kernel of the products of the two ends of every edge."""

# mypy: ignore-errors
from __future__ import annotations

import triton
import triton.language as tl


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
