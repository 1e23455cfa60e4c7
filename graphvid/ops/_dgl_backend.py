"""Message passing by DGL's own kernels and gradients, on the graph of a relation."""

from __future__ import annotations

from torch import Tensor

from graphvid._dgl import dgl
from graphvid.ops._edges import EdgeStructure


def spmm(relation: EdgeStructure, x: Tensor, weights: Tensor | None, reduce: str) -> Tensor:
    """Return (num_dst, num_heads, dim); ``weights`` (num_edges, num_heads) are in the given order."""
    src_scale, dst_scale = relation.scales(x.dtype, mean=False)
    x = x if src_scale is None else x * src_scale[:, None, None]
    op, edges = ("copy_lhs", None) if weights is None else ("mul", weights[:, :, None])
    out: Tensor = dgl.ops.gspmm(relation.dgl_graph(), op, reduce, lhs_data=x, rhs_data=edges)
    if reduce == "max":  # DGL leaves -inf where no edge ends
        out = out.masked_fill((relation.degrees("dst") == 0)[:, None, None], 0)
    return out if dst_scale is None else out * dst_scale[:, None, None]


def dot(relation: EdgeStructure, u: Tensor, v: Tensor) -> Tensor:
    """Return (num_edges, num_heads) in the given order."""
    out: Tensor = dgl.ops.gsddmm(relation.dgl_graph(), "dot", u, v, lhs_target="u", rhs_target="v")
    return out.squeeze(-1)


def gather(relation: EdgeStructure, x: Tensor, side: str) -> Tensor:
    """Return (num_edges, num_heads, dim) in the given order."""
    graph = relation.dgl_graph()
    out: Tensor = dgl.ops.copy_u(graph, x) if side == "src" else dgl.ops.copy_v(graph, x)
    return out


def softmax(relation: EdgeStructure, logits: Tensor, side: str) -> Tensor:
    """Return (num_edges, num_heads) in the given order."""
    out: Tensor = dgl.ops.edge_softmax(relation.dgl_graph(), logits, norm_by=side)
    return out
