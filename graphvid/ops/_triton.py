"""Message passing by graphvid's Triton kernels, which are fused, use no atomics, and split long rows among programs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
import triton
import triton.language as tl
from torch import Tensor

from graphvid.ops._rows import Parts, Rows
from graphvid.ops._triton_dots import dot_kernel
from graphvid.ops._triton_maxima import max_kernel, max_long_kernel
from graphvid.ops._triton_softmax import softmax_kernel, softmax_long_kernel
from graphvid.ops._triton_sums import spmm_kernel, spmm_long_kernel

LONGEST = 256  # edges that one program takes
_BLOCK_E = 8  # edges read at once
_SOFTMAX_BLOCK = 32
_DOT_BLOCK = 16


def spmm(
    rows: Rows,
    x: Tensor,
    weights: Tensor | None,
    src_scale: Tensor | None,
    dst_scale: Tensor | None,
    chosen: Tensor | None = None,
    relu: bool = False,
) -> Tensor:
    """Return the weighted sum over each row's edges of the rows of ``x``, (num_rows, num_heads, dim)."""
    scales = [src_scale], [dst_scale]
    return spmm_relations([rows], [x], [weights], *scales, rows.parts(LONGEST), chosen=chosen, relu=relu)[0]


def spmm_relations(
    relations: Sequence[Rows],
    xs: Sequence[Tensor],
    weights: Sequence[Tensor | None],
    src_scales: Sequence[Tensor | None],
    dst_scales: Sequence[Tensor | None],
    cut: Parts,
    *,
    chosen: Tensor | None = None,
    relu: bool = False,
    stack: bool = False,
    mark: bool = False,
    factor: float = 1.0,
) -> tuple[Tensor, Tensor | None]:
    """Return ``factor`` times the sum over relations of (the positive part of) `spmm`, or all of them with ``stack``.

    ``cut`` are the long rows of the relations together. The second result is, with ``mark``, where the relations' sums
    are positive, (num_relations, num_rows, num_heads, dim).
    """
    first, num_relations, num_rows = xs[0], len(relations), relations[0].num_rows
    _, num_heads, dim = first.shape
    shape = (num_relations, num_rows, num_heads, dim)
    out = first.new_empty(shape if stack else shape[1:])
    positive = first.new_empty(shape if mark else 0, dtype=torch.bool)
    if not out.numel():
        return out, positive if mark else None
    xs = [x if x.stride() == first.stride() and x.stride(2) == 1 else x.contiguous() for x in xs]
    if any(x.stride() != xs[0].stride() for x in xs):
        xs = [x.contiguous() for x in xs]
    accumulator, block = _accumulator(first), min(128, triton.next_power_of_2(dim))
    partial = torch.empty(len(cut.parts), num_heads, dim, dtype=_torch_type(first), device=first.device)
    grid_heads = num_heads * triton.cdiv(dim, block)
    flags = {"RELATIONS": num_relations, "DST_SCALED": dst_scales[0] is not None, "RELU": relu, "STACK": stack}
    common = {**flags, "MARK": mark, "ACC": accumulator, "BLOCK_E": _BLOCK_E, "BLOCK_D": block}
    spmm_kernel[(num_rows + len(cut.parts), grid_heads)](
        tuple(rows.indptr for rows in relations),
        tuple(rows.indices for rows in relations),
        tuple(rows.indices if chosen is None else rows.ids() for rows in relations),
        tuple(xs),
        _given(weights, first),
        _given(src_scales, first),
        _given(dst_scales, first),
        first if chosen is None else chosen,
        out,
        positive,
        partial,
        cut.parts,
        num_rows,
        num_heads,
        dim,
        xs[0].stride(0),
        xs[0].stride(1),
        LONGEST,
        factor,
        WEIGHTED=weights[0] is not None,
        SRC_SCALED=src_scales[0] is not None,
        CHOSEN=chosen is not None,
        **common,
        num_warps=_warps(block),
        enable_fp_fusion=True,
    )
    if len(cut.rows):
        spmm_long_kernel[(len(cut.rows), grid_heads)](
            _given(dst_scales, first),
            out,
            positive,
            partial,
            cut.rows,
            cut.indptr,
            num_rows,
            num_heads,
            dim,
            factor,
            **common,
            num_warps=_warps(block),
            enable_fp_fusion=True,
        )
    return out, positive if mark else None


def spmm_max(rows: Rows, x: Tensor, weights: Tensor | None, src_scale: Tensor | None) -> tuple[Tensor, Tensor]:
    """Return the largest weighted row of ``x`` of each row's edges, entry by entry, and the ids of those edges."""
    x, cut, (_, num_heads, dim) = x.contiguous(), rows.parts(LONGEST), x.shape
    out = x.new_empty(rows.num_rows, num_heads, dim)
    chosen = torch.empty(out.shape, dtype=rows.indices.dtype, device=x.device)
    if not out.numel():
        return out, chosen
    block = min(128, triton.next_power_of_2(dim))
    partial = torch.empty(len(cut.parts), num_heads, dim, dtype=_torch_type(x), device=x.device)
    partial_chosen = torch.empty(partial.shape, dtype=chosen.dtype, device=x.device)
    heads = num_heads * triton.cdiv(dim, block)
    max_kernel[(rows.num_rows + len(cut.parts), heads)](
        rows.indptr,
        rows.indices,
        rows.ids(),
        x,
        *_given([weights, src_scale], x),
        out,
        chosen,
        partial,
        partial_chosen,
        cut.parts,
        rows.num_rows,
        num_heads,
        dim,
        x.stride(0),
        x.stride(1),
        LONGEST,
        WEIGHTED=weights is not None,
        SRC_SCALED=src_scale is not None,
        ACC=_accumulator(x),
        BLOCK_E=_BLOCK_E,
        BLOCK_D=block,
        num_warps=_warps(block),
        enable_fp_fusion=True,
    )
    if len(cut.rows):
        max_long_kernel[(len(cut.rows), heads)](
            out,
            chosen,
            partial,
            partial_chosen,
            cut.rows,
            cut.indptr,
            num_heads,
            dim,
            ACC=_accumulator(x),
            BLOCK_D=block,
            num_warps=_warps(block),
            enable_fp_fusion=True,
        )
    return out, chosen


def dot(src: Tensor, dst: Tensor, u: Tensor, v: Tensor, chosen: Tensor | None = None) -> Tensor:
    """Return the product of u[src] and v[dst] of every edge and head, (num_edges, num_heads)."""
    (_, num_heads, dim), num_edges = u.shape, len(src)
    out = u.new_empty(num_edges, num_heads)
    if out.numel():
        dot_kernel[(triton.cdiv(num_edges, _DOT_BLOCK), num_heads)](
            src,
            dst,
            u.contiguous(),
            v.contiguous(),
            u if chosen is None else chosen,
            out,
            num_edges,
            num_heads,
            dim,
            CHOSEN=chosen is not None,
            ACC=_accumulator(u),
            BLOCK_E=_DOT_BLOCK,
            BLOCK_D=min(64, triton.next_power_of_2(max(dim, 1))),
            num_warps=1,
            enable_fp_fusion=True,
        )
    return out


def softmax(rows: Rows, logits: Tensor) -> Tensor:
    """Return the softmax of the logits (num_edges, num_heads) over each row's edges, in the given order."""
    return _softmax(rows, logits.contiguous(), logits, backward=False)


def softmax_backward(rows: Rows, result: Tensor, grad: Tensor) -> Tensor:
    """Return the gradient of the logits."""
    return _softmax(rows, result, grad.contiguous(), backward=True)


def _softmax(rows: Rows, values: Tensor, grad: Tensor, *, backward: bool) -> Tensor:
    out, num_heads, cut = torch.empty_like(values), values.shape[1], rows.parts(LONGEST)
    if not out.numel():
        return out
    partial = torch.empty(len(cut.parts), num_heads, 2, dtype=_torch_type(values), device=values.device)
    flags = {"BACKWARD": backward, "ACC": _accumulator(values), "BLOCK_E": _SOFTMAX_BLOCK}
    softmax_kernel[(rows.num_rows + len(cut.parts), num_heads)](
        rows.indptr,
        rows.ids(),
        values,
        grad,
        out,
        partial,
        cut.parts,
        rows.num_rows,
        num_heads,
        LONGEST,
        **flags,
        num_warps=1,
        enable_fp_fusion=True,
    )
    if len(cut.rows):
        softmax_long_kernel[(len(cut.parts), num_heads)](
            rows.ids(),
            values,
            grad,
            out,
            partial,
            cut.parts,
            cut.owner,
            cut.indptr,
            num_heads,
            **flags,
            num_warps=1,
            enable_fp_fusion=True,
        )
    return out


def _given(tensors: Sequence[Tensor | None], stand_in: Tensor) -> tuple[Tensor, ...]:
    """Return the tensors contiguous; a kernel gets ``stand_in`` for a tensor that it does not read."""
    return tuple(stand_in if x is None else x.contiguous() for x in tensors)


def _accumulator(x: Tensor) -> Any:
    return tl.float64 if x.dtype == torch.float64 else tl.float32


def _torch_type(x: Tensor) -> torch.dtype:
    return torch.float64 if x.dtype == torch.float64 else torch.float32


def _warps(block: int) -> int:
    return 2 if block > 64 else 1
