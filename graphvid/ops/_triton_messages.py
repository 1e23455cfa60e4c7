"""Helpers of the Triton kernels: the messages of a block of edges, and the block of columns of a program.

Features are (num_nodes, num_heads, dim), weights (num_edges, num_heads). A program's second number is its head and its
block of ``dim``.
"""

# mypy: ignore-errors
from __future__ import annotations

import triton
import triton.language as tl


@triton.jit
def block_of_dim(dim, BLOCK_D: tl.constexpr):
    """Return the head of this program, its block of columns, and the mask of the existing columns."""
    blocks = tl.cdiv(dim, BLOCK_D)
    ds = tl.program_id(1) % blocks * BLOCK_D + tl.arange(0, BLOCK_D)
    return tl.program_id(1) // blocks, ds, ds < dim


@triton.jit
def messages(
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
    """Return the messages of a block of edges, (BLOCK_E, BLOCK_D); zeros for absent edges."""
    mask = live[:, None] & inside[None, :]
    tile = tl.load(x + columns[:, None] * x_row + head * x_head + ds[None, :], mask=mask, other=0).to(ACC)
    if WEIGHTED:
        tile *= tl.load(weights + edges.to(tl.int64) * num_heads + head, mask=live, other=0).to(ACC)[:, None]
    if SRC_SCALED:
        tile *= tl.load(src_scale + columns, mask=live, other=0).to(ACC)[:, None]
    return tile
