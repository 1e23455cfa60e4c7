"""Autograd functions of message passing, for any module of kernels with `spmm`, `spmm_max`, `dot` and the two `softmax`."""

from __future__ import annotations

from typing import Any, Protocol

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from graphvid.ops._edges import EdgeStructure, Side
from graphvid.ops._rows import Rows


class Kernels(Protocol):
    """Protocol of the kernels: message passing without gradients.

    Features are (num_nodes, num_heads, dim), weights (num_edges, num_heads) in the rows' order; one head if there are
    no weights.
    """

    def spmm(
        self,
        rows: Rows,
        x: Tensor,
        weights: Tensor | None,
        src_scale: Tensor | None,
        dst_scale: Tensor | None,
        chosen: Tensor | None = None,
        relu: bool = False,
    ) -> Tensor: ...

    def spmm_max(
        self, rows: Rows, x: Tensor, weights: Tensor | None, src_scale: Tensor | None
    ) -> tuple[Tensor, Tensor]: ...

    def dot(self, src: Tensor, dst: Tensor, u: Tensor, v: Tensor, chosen: Tensor | None = None) -> Tensor: ...

    def softmax(self, rows: Rows, logits: Tensor) -> Tensor: ...

    def softmax_backward(self, rows: Rows, result: Tensor, grad: Tensor) -> Tensor: ...


class SpMM(torch.autograd.Function):
    """Sum or maximum over the in-edges, with gradients for features and edge weights."""

    @staticmethod
    def forward(
        ctx: Any, x: Tensor, weights: Tensor | None, adjacency: EdgeStructure, kernels: Kernels, reduce: str, relu: bool
    ) -> Tensor:
        """Return (num_dst, num_heads, dim); ``weights`` (num_edges, num_heads) are in the given order."""
        rows = adjacency.rows("dst")
        src_scale, dst_scale = adjacency.scales(x.dtype, mean=reduce == "mean")
        chosen = None
        if reduce == "max":
            out, chosen = kernels.spmm_max(rows, x, adjacency.edge_values(weights, "dst"), src_scale)
            out = out if dst_scale is None else (out * dst_scale[:, None, None]).to(x.dtype)
            out = torch.relu(out) if relu else out
        else:
            out = kernels.spmm(rows, x, adjacency.edge_values(weights, "dst"), src_scale, dst_scale, relu=relu)
        saved = x if weights is not None and weights.requires_grad else None
        ctx.save_for_backward(saved, weights, chosen, out if relu else None)
        ctx.adjacency, ctx.kernels, ctx.scales = adjacency, kernels, (src_scale, dst_scale)
        return out

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        """Return the gradients of x and weights."""
        x, weights, chosen, out = ctx.saved_tensors
        adjacency, (src_scale, dst_scale) = ctx.adjacency, ctx.scales
        grad = (grad if out is None else grad * (out > 0)).contiguous()
        grad_x = grad_weights = None
        if ctx.needs_input_grad[0]:
            values = adjacency.edge_values(weights, "src")
            grad_x = ctx.kernels.spmm(adjacency.rows("src"), grad, values, dst_scale, src_scale, chosen)
        if ctx.needs_input_grad[1]:
            u = x if src_scale is None else x * src_scale[:, None, None]
            v = grad if dst_scale is None else grad * dst_scale[:, None, None]
            grad_weights = ctx.kernels.dot(adjacency.ends("src"), adjacency.ends("dst"), u, v, chosen)
        return grad_x, grad_weights, None, None, None, None


class MeanMax(torch.autograd.Function):
    """Mean and maximum of consecutive rows in one pass, on the CPU."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, rows: Rows, choose: bool) -> tuple[Tensor, Tensor]:
        """Return two of (num_segments, dim) of ``x`` (num_rows, dim)."""
        from graphvid.ops import _cpu

        mean, top, chosen = _cpu.mean_max(rows, x, choose=choose)
        ctx.save_for_backward(chosen)
        ctx.rows = rows
        return mean, top

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad_mean: Tensor, grad_top: Tensor) -> tuple[Tensor | None, ...]:
        """Return the gradient of x: a share of the mean's for every row, and the maximum's for the first row with it."""
        from graphvid.ops import _cpu

        return _cpu.mean_max_backward(ctx.rows, grad_mean, grad_top, *ctx.saved_tensors), None, None


class Dot(torch.autograd.Function):
    """Products of the two ends of each edge, with gradients for both."""

    @staticmethod
    def forward(ctx: Any, u: Tensor, v: Tensor, adjacency: EdgeStructure, kernels: Kernels) -> Tensor:
        """Return (num_edges, num_heads) of ``u`` (num_src, num_heads, dim) and ``v`` (num_dst, num_heads, dim)."""
        ctx.save_for_backward(u, v)
        ctx.adjacency, ctx.kernels = adjacency, kernels
        return kernels.dot(adjacency.ends("src"), adjacency.ends("dst"), u, v)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        """Return the gradients of u and v: sums of the other end, weighted by ``grad``."""
        (u, v), kernels, adjacency = ctx.saved_tensors, ctx.kernels, ctx.adjacency
        grads: list[Tensor | None] = [None, None]
        for i, (side, other) in enumerate((("src", v), ("dst", u))):
            if ctx.needs_input_grad[i]:
                rows = adjacency.rows(side)
                grads[i] = kernels.spmm(rows, other, rows.take(grad.contiguous()), None, None)
        return *grads, None, None


class Gather(torch.autograd.Function):
    """Features of one end of each edge, with a gradient summed in the order of the edges."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, adjacency: EdgeStructure, kernels: Kernels, side: Side) -> Tensor:
        """Return (num_edges, num_heads, dim) in the given order."""
        ctx.adjacency, ctx.kernels, ctx.side = adjacency, kernels, side
        return x.index_select(0, adjacency.ends(side))

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        """Return the gradient of x."""
        rows = ctx.adjacency.rows(ctx.side)
        incidence = Rows(rows.indptr, rows.ids(), None)
        return ctx.kernels.spmm(incidence, grad.contiguous(), None, None, None), None, None, None


class EdgeSoftmax(torch.autograd.Function):
    """Softmax over the edges of each node, with its gradient."""

    @staticmethod
    def forward(ctx: Any, logits: Tensor, rows: Rows, kernels: Kernels) -> Tensor:
        """Return (num_edges, num_heads) in the given order."""
        result = kernels.softmax(rows, logits)
        ctx.save_for_backward(result)
        ctx.rows, ctx.kernels = rows, kernels
        return result

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        """Return the gradient of the logits."""
        (result,) = ctx.saved_tensors
        return ctx.kernels.softmax_backward(ctx.rows, result, grad), None, None
