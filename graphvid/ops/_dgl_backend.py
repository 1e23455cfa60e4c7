"""Message passing by DGL's own kernels and gradients, on a graph made from an adjacency's edges."""

from __future__ import annotations

from typing import TYPE_CHECKING

from torch import Tensor

from graphvid._dgl import DGLGraph, dgl

if TYPE_CHECKING:
    from graphvid.ops.adjacency import Adjacency


def make_graph(adjacency: Adjacency) -> DGLGraph:
    """Return the relation as a graph with its edges in the given order."""
    nodes = {"src": adjacency.num_src, "dst": adjacency.num_dst}
    return dgl.heterograph({("src", "to", "dst"): (adjacency.ends("src"), adjacency.ends("dst"))}, num_nodes_dict=nodes)


def spmm(adjacency: Adjacency, x: Tensor, weights: Tensor | None, reduce: str) -> Tensor:
    """Return (num_dst, num_heads, dim); ``weights`` (num_edges, num_heads) are in the given order."""
    src_scale, dst_scale = adjacency.scales(x.dtype, mean=False)
    x = x if src_scale is None else x * src_scale[:, None, None]
    op, edges = ("copy_lhs", None) if weights is None else ("mul", weights[:, :, None])
    out: Tensor = dgl.ops.gspmm(adjacency.dgl_graph(), op, reduce, lhs_data=x, rhs_data=edges)
    if reduce == "max":  # DGL leaves -inf where no edge ends
        out = out.masked_fill((adjacency.degrees("dst") == 0)[:, None, None], 0)
    return out if dst_scale is None else out * dst_scale[:, None, None]


def dot(adjacency: Adjacency, u: Tensor, v: Tensor) -> Tensor:
    """Return (num_edges, num_heads) in the given order."""
    out: Tensor = dgl.ops.gsddmm(adjacency.dgl_graph(), "dot", u, v, lhs_target="u", rhs_target="v")
    return out.squeeze(-1)


def gather(adjacency: Adjacency, x: Tensor, side: str) -> Tensor:
    """Return (num_edges, num_heads, dim) in the given order."""
    graph = adjacency.dgl_graph()
    out: Tensor = dgl.ops.copy_u(graph, x) if side == "src" else dgl.ops.copy_v(graph, x)
    return out


def softmax(adjacency: Adjacency, logits: Tensor, side: str) -> Tensor:
    """Return (num_edges, num_heads) in the given order."""
    out: Tensor = dgl.ops.edge_softmax(adjacency.dgl_graph(), logits, norm_by=side)
    return out
