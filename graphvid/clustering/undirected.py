"""The input of clustering: an undirected weighted graph, each edge once, from DGL, SciPy or arrays."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from graphvid._dgl import DGLGraph
from graphvid.clustering._input_kernels import coalesce, fingerprints, first_duplicate, half_edges
from graphvid.clustering._kernels import Rows

Duplicates = Literal["error", "sum", "max"]
_DUPLICATES = ("error", "sum", "max")


@dataclass(frozen=True)
class UndirectedGraph:
    """A weighted undirected graph held as sorted rows of half edges; a weight is a similarity, larger is better.

    Made by `from_coo`, `from_sparse` or `from_dgl`. The clustering functions make it themselves from a DGLGraph or a
    SciPy sparse matrix; make it yourself to state a policy for duplicates, to use edge arrays, or to cluster one graph
    many times.

    Attributes
    ----------
    num_nodes : int
    starts, stops : int64 (num_nodes,)
        The edges of node ``u`` to larger nodes are the slots ``starts[u]`` to ``stops[u]``.
    neighbors : int32 (num_slots,)
        Larger ends, ascending in each row; int64 when there are 2**31 nodes or more.
    weights : float64 (num_slots,)
    num_self_loops, num_duplicates : int
        Self-loops left out, and edges combined with another of the same pair.

    Notes
    -----
    Memory: 12 bytes an edge and 16 a node. While it is made, about 24 bytes an edge.

    Examples
    --------
    >>> src, dst, weight = [0, 1, 2, 1], [1, 2, 2, 0], [0.5, 2.0, 9.0, 0.25]
    >>> graph = UndirectedGraph.from_coo(src, dst, weight, num_nodes=4, duplicates="sum")
    >>> graph.num_edges, graph.num_self_loops, graph.num_duplicates
    (2, 1, 1)
    >>> graph.edges()[2]
    array([0.75, 2.  ])
    """

    num_nodes: int
    starts: NDArray[np.int64]
    stops: NDArray[np.int64]
    neighbors: NDArray[Any]  # int32 or int64
    weights: NDArray[np.float64]
    num_self_loops: int = 0
    num_duplicates: int = 0

    @property
    def num_edges(self) -> int:
        """Number of undirected edges."""
        return int((self.stops - self.starts).sum())

    def edges(self) -> tuple[NDArray[Any], NDArray[Any], NDArray[np.float64]]:
        """Return (low, high, weight) of every edge, each once, sorted by (low, high)."""
        widths = self.stops - self.starts
        low = np.repeat(np.arange(self.num_nodes, dtype=self.neighbors.dtype), widths)
        slots = np.repeat(self.starts - np.concatenate([[0], np.cumsum(widths)[:-1]]), widths) + np.arange(len(low))
        return low, self.neighbors[slots], self.weights[slots]

    def rows(self) -> Rows:
        """Return the arrays in the kernels' form."""
        return Rows(self.starts, self.stops, self.neighbors, self.weights, np.empty(0, np.int64))

    @classmethod
    def from_coo(
        cls,
        src: ArrayLike,
        dst: ArrayLike,
        weight: ArrayLike | None = None,
        *,
        num_nodes: int,
        symmetric: bool = False,
        self_loops: Literal["drop", "error"] = "drop",
        duplicates: Duplicates = "error",
    ) -> UndirectedGraph:
        """Return the graph of an edge list.

        Parameters
        ----------
        src, dst : integer (num_edges,)
            Node ids, from 0 to ``num_nodes - 1``.
        weight : float (num_edges,), optional
            Similarities, finite; zero and negative ones are edges too. Default: every weight is 1.
        num_nodes : int
            Number of nodes, isolated ones included.
        symmetric : bool
            True declares that every edge is given in both directions with the same weight, which is checked; the pair
            then counts once. Default False: every edge is given once, in either direction.
        self_loops : {"drop", "error"}
            Edges from a node to itself: left out and counted (default), or an error.
        duplicates : {"error", "sum", "max"}
            What to do with a pair that is given more than once (twice in the same direction if ``symmetric``).

        Raises
        ------
        TypeError, ValueError
            For ids that are not integers, lie out of range or differ in number; weights that are NaN or infinite, or
            whose sum is; an edge without its mirror image where ``symmetric``; self-loops and duplicates under "error".
            The edge is named.
        """
        low, high, values = _check_edges(src, dst, weight, num_nodes)
        if self_loops not in ("drop", "error"):
            raise ValueError(f"self_loops must be 'drop' or 'error', got {self_loops!r}")
        if duplicates not in _DUPLICATES:
            raise ValueError(f"duplicates must be one of {_DUPLICATES}, got {duplicates!r}")
        num_loops = int(np.count_nonzero(low == high))
        if num_loops and self_loops == "error":
            e = int(np.flatnonzero(low == high)[0])
            raise ValueError(
                f"the graph must have no self-loops, got {num_loops}; the first is edge {e} of node {low[e]}"
            )
        if symmetric:
            _check_symmetric(low, high, values, num_nodes)
        empty_ids = np.empty(0, np.int32 if num_nodes < 2**31 else np.int64)
        starts, neighbors, weights = half_edges(low, high, values, num_nodes, symmetric, empty_ids)
        stops = starts[1:]
        repeated, row, place = first_duplicate(starts, neighbors)
        if repeated:
            if duplicates == "error":
                raise ValueError(
                    f"each pair of nodes must be given once{' in each direction' if symmetric else ''}, got {repeated} "
                    f"more; the first is ({row}, {neighbors[place]}). Pass duplicates='sum' or 'max' to combine them"
                    + ("" if symmetric else ", or symmetric=True if both directions are given")
                )
            stops = coalesce(starts, neighbors, weights, duplicates == "max")
        return cls(num_nodes, starts[:-1], stops, neighbors, weights, num_loops, int(repeated))

    @classmethod
    def from_sparse(
        cls,
        matrix: Any,  # any scipy.sparse matrix or array
        *,
        symmetric: bool = True,
        self_loops: Literal["drop", "error"] = "drop",
        duplicates: Duplicates = "error",
    ) -> UndirectedGraph:
        """Return the graph of a square SciPy sparse matrix of similarities; stored zeros are edges of weight 0.

        Pass ``symmetric=False`` for a triangular matrix, which holds each edge once. See `from_coo`.
        """
        if matrix.ndim != 2 or matrix.shape[0] != matrix.shape[1]:
            raise ValueError(f"matrix must be square, got shape {matrix.shape}")
        coo = matrix.tocoo()
        return cls.from_coo(
            coo.row,
            coo.col,
            coo.data,
            num_nodes=matrix.shape[0],
            symmetric=symmetric,
            self_loops=self_loops,
            duplicates=duplicates,
        )

    @classmethod
    def from_dgl(
        cls,
        graph: DGLGraph,
        *,
        etype: str | tuple[str, str, str] | None = None,
        weight: str | None = "weight",
        symmetric: bool = True,
        self_loops: Literal["drop", "error"] = "drop",
        duplicates: Duplicates = "error",
    ) -> UndirectedGraph:
        """Return the graph of one relation of a DGLGraph.

        Parameters
        ----------
        graph : DGLGraph
        etype : str or (str, str, str), optional
            The relation; it may be left out when the graph has one. Both ends must be of one node type.
        weight : str or None
            Name of the edge feature (num_edges,) that holds the similarities, default ``"weight"``, as the builders of
            `graphvid.graphs` store them. None: every weight is 1.
        symmetric, self_loops, duplicates
            See `from_coo`; DGL graphs hold undirected edges in both directions, so ``symmetric`` is True by default.
        """
        if etype is None and len(graph.canonical_etypes) != 1:
            raise ValueError(f"etype must name one of the graph's relations, {graph.canonical_etypes}, got None")
        canonical = graph.canonical_etypes[0] if etype is None else graph.to_canonical_etype(etype)
        if canonical[0] != canonical[2]:
            raise ValueError(f"etype must join nodes of one type, got {canonical}")
        values = None
        if weight is not None:
            if weight not in graph.edges[canonical].data:
                held = sorted(graph.edges[canonical].data)
                raise ValueError(f"weight must name an edge feature of {canonical}, {held}, or be None, got {weight!r}")
            values = graph.edges[canonical].data[weight].detach().cpu().numpy()
        src, dst = graph.edges(form="uv", order="eid", etype=canonical)
        return cls.from_coo(
            src.cpu().numpy(),
            dst.cpu().numpy(),
            values,
            num_nodes=graph.num_nodes(canonical[0]),
            symmetric=symmetric,
            self_loops=self_loops,
            duplicates=duplicates,
        )


GraphLike = Any  # DGLGraph, SciPy sparse matrix or array (which have no common type), or UndirectedGraph


def as_undirected(graph: GraphLike) -> UndirectedGraph:
    """Return ``graph`` as an `UndirectedGraph`; DGL graphs and SciPy matrices must hold both directions."""
    if isinstance(graph, UndirectedGraph):
        return graph
    if isinstance(graph, DGLGraph):
        return UndirectedGraph.from_dgl(graph)
    if hasattr(graph, "tocoo"):
        return UndirectedGraph.from_sparse(graph)
    raise TypeError(
        "graph must be a DGLGraph, a SciPy sparse matrix or an UndirectedGraph (UndirectedGraph.from_coo takes "
        f"arrays), got {type(graph).__name__}"
    )


def _check_edges(
    src: ArrayLike, dst: ArrayLike, weight: ArrayLike | None, num_nodes: int
) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any]]:
    """Return the edge list as checked arrays."""
    if num_nodes < 0:
        raise ValueError(f"num_nodes must be >= 0, got {num_nodes}")
    ends = []
    for name, ids in (("src", np.asarray(src)), ("dst", np.asarray(dst))):
        if ids.ndim != 1:
            raise ValueError(f"{name} must have one dimension, got shape {ids.shape}")
        if len(ids) and not np.issubdtype(ids.dtype, np.signedinteger):
            raise TypeError(f"{name} must hold signed integers, got {ids.dtype}")
        if len(ids) and not 0 <= int(ids.min()) <= int(ids.max()) < num_nodes:
            e = int(np.flatnonzero((ids < 0) | (ids >= num_nodes))[0])
            raise ValueError(f"{name} must lie in 0..{num_nodes - 1}, got {ids[e]} in edge {e}")
        ends.append(ids if len(ids) else ids.astype(np.int64))
    if len(ends[0]) != len(ends[1]):
        raise ValueError(f"src and dst must have the same length, got {len(ends[0])} and {len(ends[1])}")
    if weight is None:
        values: NDArray[Any] = np.ones(len(ends[0]), np.float32)
    else:
        values = np.asarray(weight)
        if values.dtype not in (np.float32, np.float64):
            values = values.astype(np.float64)
    if values.shape != ends[0].shape:
        raise ValueError(f"weight must have shape {ends[0].shape}, one per edge, got {values.shape}")
    finite = np.isfinite(values)
    if not finite.all():
        e = int(np.flatnonzero(~finite)[0])
        raise ValueError(f"weight must be finite, got {values[e]} for edge {e}, ({ends[0][e]}, {ends[1][e]})")
    with np.errstate(over="ignore"):
        total = np.add.reduce(np.abs(values), dtype=np.float64)
    if not np.isfinite(total):
        raise ValueError(f"weight must have a finite sum of magnitudes in float64, got {total}")
    return ends[0], ends[1], values


def _check_symmetric(src: NDArray[Any], dst: NDArray[Any], values: NDArray[Any], num_nodes: int) -> None:
    """Raise unless the edges src < dst are the mirror images of the edges src > dst."""
    bits = (values + 0.0).view(f"u{values.itemsize}")  # + 0.0: -0.0 equals 0.0
    up, down = fingerprints(src, dst, bits)
    if up == down:
        return
    low, high = np.minimum(src, dst), np.maximum(src, dst)
    order = np.lexsort((src > dst, values, high, low))
    order = order[src[order] != dst[order]]
    a, b = order[0::2], order[1::2]
    a = a[: len(b)] if len(b) < len(a) else a
    paired = (low[a] == low[b]) & (high[a] == high[b]) & (values[a] == values[b]) & (src[a] != src[b])
    e = int(a[~paired][0]) if not paired.all() else int(order[-1])
    raise ValueError(
        f"the graph is declared symmetric, but edge {e}, ({src[e]}, {dst[e]}) with weight {values[e]}, has no mirror "
        "image with the same weight; pass symmetric=False if each edge is given once"
    )
