"""One relation of a graph as tensors, with message passing on any device."""

from __future__ import annotations

from math import prod
from typing import Literal, get_args

import torch
from torch import Tensor

from graphvid._autograd import apply
from graphvid._checks import check_choice
from graphvid._precision import HALF
from graphvid.ops._edge_input import MadeEdges
from graphvid.ops._edges import Side
from graphvid.ops._functions import Dot, EdgeSoftmax, Gather, SpMM
from graphvid.ops.backends import backend_for, kernels_of

Reduce = Literal["sum", "mean", "max"]
EdgeOp = Literal["dot", "add", "sub", "mul", "copy"]


class Adjacency(MadeEdges):
    """A bipartite relation, edge ``e`` from ``src[e]`` to ``dst[e]``, that passes messages on any device with gradients.

    An edge sends :math:`a_e x_{src(e)}` with :math:`a_e = w_e \\, d_{out}(src)^{-p} \\, d_{in}(dst)^{-q}`: ``w`` are the
    edge weights, or 1, and (p, q) is (0, 0), (1, 0), (0, 1) or (1/2, 1/2) for ``norm`` ``"none"``, ``"left"``,
    ``"right"`` and ``"both"``. Degrees count edges without their weights, as in `dgl.nn.GraphConv`. `from_dgl`,
    `from_block`, `from_coo` and `from_rows` make it; it does not change afterwards.

    Values of edges (weights, logits, results of `sddmm`) are in the given order of the edges; for a DGLGraph that is the
    order of the edge ids.

    Attributes
    ----------
    num_src, num_dst, num_edges : int
        Numbers of source nodes, destination nodes and edges.
    weight : Tensor or None
        Edge weights, (num_edges,) or (num_edges, num_heads).

    Notes
    -----
    The edges are two int32 arrays if the numbers of edges and nodes are below 2**31, otherwise int64. The first operation
    groups by destination, and the first that needs it (`t` or a gradient) groups by source, each once: O(num_edges) time on
    the CPU and, with both groupings, 28 bytes an edge with int32.

    Every result has a fixed order of summation on the backends ``"numba"`` and ``"triton"``: the same bits on every
    call and for any number of threads. float16 and bfloat16 are summed in float32.

    Examples
    --------
    >>> adjacency = Adjacency.from_coo(torch.tensor([0, 1, 1]), torch.tensor([0, 0, 2]), num_src=2, num_dst=3)
    >>> adjacency.spmm(torch.tensor([[1.0], [10.0]])).tolist()
    [[11.0], [0.0], [10.0]]
    """

    __slots__ = ()

    def spmm(self, x: Tensor, weight: Tensor | None = None, *, reduce: Reduce = "sum", relu: bool = False) -> Tensor:
        """Return the sum, the mean or the maximum of the messages at every destination; zeros without messages.

        .. math:: y_v = \\operatorname{reduce}_{e: dst(e) = v} a_e x_{src(e)}

        Parameters
        ----------
        x : Tensor, shape (num_src, dim) or (num_src, num_heads, dim)
            Features of the sources: float32, float64, float16 or bfloat16.
        weight : Tensor, shape (num_edges,) or (num_edges, num_heads), optional
            Weights in place of those of the adjacency, such as attention; of the dtype of ``x``, to which both kinds
            are cast under `torch.autocast`.
        reduce : {"sum", "mean", "max"}
            The mean is over the in-edges. The maximum is taken entry by entry, and its gradient goes to the first edge
            that reaches it (on the backend ``"dgl"`` to any such edge).
        relu : bool
            Replace negative results by zero, in the same pass on ``"numba"`` and ``"triton"`` unless ``reduce`` is
            ``"max"``.

        Returns
        -------
        Tensor, shape (num_dst, dim) or (num_dst, num_heads, dim)

        Raises
        ------
        TypeError, ValueError
            Shape, dtype or device do not fit, or ``reduce`` is unknown.

        Notes
        -----
        O(num_edges * dim) time, no memory beyond the result; on the backend ``"torch"``, ``"max"`` also holds the
        messages of up to 2**24 entries.
        """
        check_choice("reduce", reduce, get_args(Reduce))
        self.check_features("x", x, "src", (2, 3))
        weight = self.weight if weight is None else weight
        if weight is not None:
            self._check_weight(weight)
            if torch.is_autocast_enabled(x.device.type):  # it made x short, and cannot know of weights
                weight = weight.to(x.dtype)
            if weight.dtype != x.dtype:
                raise TypeError(f"weight and x must have one dtype, got {weight.dtype} and {x.dtype}")
            if weight.dim() == 2 and (x.dim() != 3 or x.shape[1] != weight.shape[1]):
                raise ValueError(
                    f"x must have the {weight.shape[1]} heads of weight, shape (num_src, {weight.shape[1]}, dim), "
                    f"got shape {tuple(x.shape)}"
                )
        backend = backend_for(self.device)
        heads = 1 if weight is None or weight.dim() == 1 else weight.shape[1]
        work = _working_dtype(x.dtype, backend)
        features = x.to(work).reshape(self.num_src, heads, prod(x.shape[1:]) // max(heads, 1))
        values = None if weight is None else weight.to(work).reshape(self.num_edges, heads)
        if backend == "dgl" and self.num_edges:
            from graphvid.ops import _dgl_backend

            out = _dgl_backend.spmm(self, features, values, reduce)
            out = torch.relu(out) if relu else out
        else:
            out = apply(SpMM, features, values, self, kernels_of(backend), reduce, relu)
        return out.reshape(self.num_dst, *x.shape[1:]).to(x.dtype)

    def sddmm(self, u: Tensor, v: Tensor | None = None, *, op: EdgeOp = "dot") -> Tensor:
        """Return one value for every edge from its two ends.

        Parameters
        ----------
        u : Tensor, shape (num_src, dim) or (num_src, num_heads, dim)
            Features of the sources, floating.
        v : Tensor, shape (num_dst, ...), optional
            Features of the destinations, of the same other dimensions, dtype and device; not for ``"copy"``.
        op : {"dot", "add", "sub", "mul", "copy"}
            ``"dot"`` multiplies and sums over the last dimension; ``"copy"`` returns ``u`` of each edge, and
            ``adjacency.t().sddmm(v, op="copy")`` the other end.

        Returns
        -------
        Tensor
            (num_edges,) or (num_edges, num_heads) for ``"dot"``, else (num_edges, ...); weights and norm do not count.

        Raises
        ------
        TypeError, ValueError
            Shape, dtype or device do not fit, or ``op`` is unknown.
        """
        check_choice("op", op, get_args(EdgeOp))
        if (v is None) != (op == "copy"):
            raise ValueError(f'v must be left out for op="copy" and given for the others, got op={op!r}')
        self.check_features("u", u, "src", (2, 3))
        if v is None:
            return self._gather(u, "src")
        self.check_features("v", v, "dst", (2, 3))
        if u.shape[1:] != v.shape[1:] or u.dtype != v.dtype:
            raise ValueError(
                f"u and v must agree beyond the first dimension and in dtype, got {tuple(u.shape)} {u.dtype} and "
                f"{tuple(v.shape)} {v.dtype}"
            )
        if op == "add":
            return self._gather(u, "src") + self._gather(v, "dst")
        if op == "sub":
            return self._gather(u, "src") - self._gather(v, "dst")
        if op == "mul":
            return self._gather(u, "src") * self._gather(v, "dst")
        backend = backend_for(self.device)
        work = _working_dtype(u.dtype, backend)
        ends = [t.to(work) if t.dim() == 3 else t.to(work)[:, None] for t in (u, v)]
        if backend == "dgl" and self.num_edges:
            from graphvid.ops import _dgl_backend

            out = _dgl_backend.dot(self, *ends)
        else:
            out = apply(Dot, *ends, self, kernels_of(backend))
        return (out if u.dim() == 3 else out[:, 0]).to(u.dtype)

    def _gather(self, x: Tensor, side: Side) -> Tensor:
        backend = backend_for(self.device)
        if backend == "dgl" and self.num_edges:
            from graphvid.ops import _dgl_backend

            work = _working_dtype(x.dtype, backend)
            return _dgl_backend.gather(self, x.to(work), side).to(x.dtype)
        work = _working_dtype(x.dtype, backend)
        out = apply(Gather, x.to(work).flatten(1)[:, None], self, kernels_of(backend), side)
        return out.reshape(self.num_edges, *x.shape[1:]).to(x.dtype)

    def edge_softmax(self, logits: Tensor, *, by: Side = "dst") -> Tensor:
        """Return the softmax of the logits over the in-edges of each destination, or the out-edges of each source.

        Parameters
        ----------
        logits : Tensor, shape (num_edges,) or (num_edges, num_heads)
            Floating; -inf leaves an edge out unless all edges of a node have it.
        by : {"dst", "src"}
            The end whose edges sum to 1.

        Returns
        -------
        Tensor, of the shape and dtype of logits

        Raises
        ------
        TypeError, ValueError
            Shape, dtype or device do not fit, or ``by`` is unknown.
        """
        check_choice("by", by, get_args(Side))
        self._check_weight(logits, "logits")
        backend = backend_for(self.device)
        values = logits.to(_working_dtype(logits.dtype, backend))
        values = values[:, None] if logits.dim() == 1 else values
        if backend == "dgl" and self.num_edges:
            from graphvid.ops import _dgl_backend

            out = _dgl_backend.softmax(self, values, by)
        else:
            out = apply(EdgeSoftmax, values, self.rows(by), kernels_of(backend))
        return (out[:, 0] if logits.dim() == 1 else out).to(logits.dtype)


def _working_dtype(dtype: torch.dtype, backend: str) -> torch.dtype:
    """Return the dtype in which a backend computes: Triton sums halves in float32 itself."""
    return torch.float32 if dtype in HALF and backend != "triton" else dtype
