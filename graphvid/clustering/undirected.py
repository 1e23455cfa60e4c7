"""The input of clustering: an undirected weighted graph, each edge once, from DGL, SciPy or arrays."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from graphvid._checks import check_integer
from graphvid._dgl import DGLGraph
from graphvid.clustering import _input_kernels as kernels
from graphvid.clustering._input_checks import (
    Duplicates,
    check_compressed,
    check_facts,
    check_policies,
    check_weights,
    edge_arrays,
    id_type,
    name_unmirrored,
)
from graphvid.clustering._kernels import HalfEdges

_ARRAYS = ("num_nodes", "starts", "stops", "neighbors", "weights")


@dataclass(frozen=True)
class UndirectedGraph:
    """A weighted undirected graph as sorted rows of half edges; a weight is a similarity, larger is better.

    `from_coo`, `from_sparse` and `from_dgl` make it. The clustering functions make it themselves from a DGLGraph or a SciPy
    sparse matrix. Make it yourself to state a policy for duplicates, to use edge arrays, or to cluster one graph many
    times.

    Attributes
    ----------
    num_nodes : int
    starts, stops : int64 (num_nodes,)
        The edges of node ``u`` to larger nodes are the slots ``starts[u]`` to ``stops[u]``.
    neighbors : int32 (num_slots,)
        Larger ends, ascending in each row; int64 when there are 2**31 nodes or more.
    weights : float64 (num_slots,)
    num_self_loops, num_duplicates : int
        Self-loops that were left out, and edges that were merged into another edge of the same pair.

    Notes
    -----
    Memory: 12 bytes an edge and 16 a node beside the input, also during construction. A symmetric CSR matrix in canonical
    form (float64, sorted columns) is not copied: the graph shares its arrays, so do not change them.

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

    def __post_init__(self) -> None:
        check_integer("num_nodes", self.num_nodes, 0)
        for name, kinds in (("starts", "i"), ("stops", "i"), ("neighbors", "i"), ("weights", "f")):
            array = getattr(self, name)
            if not isinstance(array, np.ndarray) or array.ndim != 1 or array.dtype.kind != kinds:
                accepted = "signed integers" if kinds == "i" else "floats"
                got = f"{array.ndim}-D {array.dtype}" if isinstance(array, np.ndarray) else type(array).__name__
                raise TypeError(f"{name} must be a 1-D array of {accepted}, got {got}")
        for name in ("starts", "stops"):
            if len(getattr(self, name)) != self.num_nodes:
                raise ValueError(f"{name} must have shape ({self.num_nodes},), got {getattr(self, name).shape}")
            object.__setattr__(self, name, np.ascontiguousarray(getattr(self, name), np.int64))
        if len(self.neighbors) != len(self.weights):
            raise ValueError(
                f"neighbors and weights must have equal lengths, got {len(self.neighbors)} and {len(self.weights)}"
            )
        wide = np.int64 if self.neighbors.dtype == np.int64 or self.num_nodes >= 2**31 else np.int32
        object.__setattr__(self, "neighbors", np.ascontiguousarray(self.neighbors, wide))
        object.__setattr__(self, "weights", np.ascontiguousarray(self.weights, np.float64))
        row = int(kernels.first_unsound(self.starts, self.stops, self.neighbors, self.weights))
        if row >= 0:
            raise ValueError(
                f"starts, stops, neighbors and weights must hold rows one after another, each of ascending neighbors in "
                f"(row, num_nodes) with finite weights, got another in row {row}"
            )

    @classmethod
    def _made(cls, *fields: Any) -> UndirectedGraph:
        """Return the graph of arrays that need no check, because this module made and checked them."""
        graph = object.__new__(cls)
        for name, value in zip(cls.__dataclass_fields__, (*fields, 0, 0)):
            object.__setattr__(graph, name, value)
        return graph

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

    def numbered(self, number: NDArray[np.int64]) -> UndirectedGraph:
        """Return the same graph with new node numbers: node v becomes ``number[v]``, a permutation."""
        low, high, weight = self.edges()
        low, high = number[low], number[high]
        graph = UndirectedGraph.from_coo(np.minimum(low, high), np.maximum(low, high), weight, num_nodes=self.num_nodes)
        return UndirectedGraph._made(
            *(getattr(graph, name) for name in _ARRAYS), self.num_self_loops, self.num_duplicates
        )

    def rows(self) -> HalfEdges:
        """Return the arrays in the kernels' form."""
        return HalfEdges(self.starts, self.stops, self.neighbors, self.weights, np.empty(0, np.int64))

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
            True declares that every edge is given in both directions with the same weight. This is checked, and the pair
            counts once. Default False: every edge is given once, in either direction.
        self_loops : {"drop", "error"}
            Edges from a node to itself: left out and counted (default), or an error.
        duplicates : {"error", "sum", "max"}
            What to do with a pair that is given more than once (twice in the same direction if ``symmetric``).

        Raises
        ------
        TypeError, ValueError
            Ids that are not integers, lie out of range or differ in number; weights that are NaN or infinite, or whose sum
            is; with ``symmetric``, an edge without its mirror image; self-loops and duplicates under "error". The message
            names the edge.
        """
        src, dst, values = edge_arrays(src, dst, weight, num_nodes)
        check_policies(self_loops, duplicates)
        facts = kernels.edge_facts(src, dst, values, num_nodes, symmetric)
        check_facts(facts, src, dst, values, num_nodes, self_loops)
        if symmetric and not (facts.mirrored and facts.num_up == facts.num_down):
            name_unmirrored(src, dst, values)
        total = facts.num_up + (0 if symmetric else facts.num_down)
        starts = np.zeros(num_nodes + 1, np.int64)
        neighbors, weights = np.empty(total, id_type(num_nodes)), np.empty(total)
        if facts.ascending and (symmetric or facts.num_down == 0):
            kernels.copy_ascending(src, dst, values, starts, neighbors, weights)
        else:
            cursor = np.empty(num_nodes, np.int64)
            kernels.scatter_and_sort(src, dst, values, symmetric, starts, cursor, neighbors, weights)
        stops = starts[1:]
        repeated, row, slot = kernels.first_duplicate(starts, neighbors)
        if repeated:
            if duplicates == "error":
                raise ValueError(
                    f"each pair of nodes must be given once{' in each direction' if symmetric else ''}, got {repeated} "
                    f"more; the first is ({row}, {neighbors[slot]}). Pass duplicates='sum' or 'max' to combine them"
                    + ("" if symmetric else ", or symmetric=True if both directions are given")
                )
            stops = np.empty(num_nodes, np.int64)
            kernels.coalesce(starts, neighbors, weights, duplicates == "max", stops)
        num_loops = len(src) - facts.num_up - facts.num_down
        return cls._made(num_nodes, starts[:-1], stops, neighbors, weights, num_loops, int(repeated))

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
        if not (hasattr(matrix, "tocoo") and hasattr(matrix, "format")):
            raise TypeError(f"matrix must be a SciPy sparse matrix or array, got {type(matrix).__name__}")
        if matrix.ndim != 2 or matrix.shape[0] != matrix.shape[1]:
            raise ValueError(f"matrix must be square, got shape {matrix.shape}")
        check_policies(self_loops, duplicates)
        check_weights("matrix.data", np.empty(1, matrix.dtype))
        if matrix.format in ("csr", "csc", "bsr"):
            check_compressed(matrix)
        if symmetric and matrix.format in ("csr", "csc"):
            data = matrix.data.astype(np.float64) if matrix.dtype.kind == "b" else matrix.data
            graph = cls._from_sound_csr(matrix.indptr, matrix.indices, data)
            if graph is not None and not (graph.num_self_loops and self_loops == "error"):
                return graph
        coo = matrix.tocoo()  # sorts, and names what is wrong
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
    def _from_sound_csr(cls, indptr: NDArray[Any], indices: NDArray[Any], data: NDArray[Any]) -> UndirectedGraph | None:
        """Return the graph of a symmetric CSR matrix with ascending columns, None for any other."""
        num_nodes = len(indptr) - 1
        first = np.empty(num_nodes, np.int64)
        sound, num_loops, num_edges = kernels.upper_starts(indptr, indices, data, first)
        if not sound:
            return None
        if indices.dtype == id_type(num_nodes) and data.dtype == np.float64:
            return cls._made(num_nodes, first, indptr[1:].astype(np.int64), indices, data, num_loops)
        starts = np.empty(num_nodes + 1, np.int64)
        neighbors, weights = np.empty(num_edges, id_type(num_nodes)), np.empty(num_edges)
        kernels.copy_upper(indptr, indices, data, first, starts, neighbors, weights)
        return cls._made(num_nodes, starts[:-1], starts[1:], neighbors, weights, num_loops)

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
        if not isinstance(graph, DGLGraph):
            raise TypeError(f"graph must be a DGLGraph, got {type(graph).__name__}")
        if etype is None and len(graph.canonical_etypes) != 1:
            raise ValueError(f"etype must name one of the graph's relations, {graph.canonical_etypes}, got None")
        canonical = graph.canonical_etypes[0] if etype is None else graph.to_canonical_etype(etype)
        if canonical[0] != canonical[2]:
            raise ValueError(f"etype must join nodes of one type, got {canonical}")
        values = None
        if weight is not None:
            if weight not in graph.edges[canonical].data:
                held = sorted(graph.edges[canonical].data)
                raise ValueError(
                    f"weight must name an edge feature of {canonical}, {held}, or be None, got {weight!r}; "
                    "UndirectedGraph.from_dgl(graph, weight=None) makes every weight 1"
                )
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
