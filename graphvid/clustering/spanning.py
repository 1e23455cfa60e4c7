"""Maximum spanning forests by Boruvka's algorithm."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from graphvid.clustering import _spanning_kernels as kernels
from graphvid.clustering._kernels import HalfEdges, join_values_chunk, number_roots
from graphvid.clustering._levels import chain_roots
from graphvid.clustering._spanning_kernels import Edges
from graphvid.clustering._threads import EDGES_PER_THREAD, Threads, pairs
from graphvid.clustering.undirected import GraphLike, as_undirected

_HEAVY_PER_NODE = 2.0  # heaviest edges per node in the first pass, about; from 1.5 to 3 the time differs by a fifth
_MARGIN = 1.25  # room for this multiple of the expected number of heaviest edges
_SAMPLE = 1 << 12
_RANGES = 4  # per thread


class SpanningForest(NamedTuple):
    """The edges of a spanning forest, sorted by ``(src, dst)``, and the components they span."""

    src: NDArray[Any]  # (num_nodes - num_components,) smaller ends
    dst: NDArray[Any]  # larger ends
    weight: NDArray[np.float64]
    components: NDArray[Any]  # (num_nodes,) numbered by smallest member


def maximum_spanning_forest(graph: GraphLike, *, num_threads: int | None = None) -> SpanningForest:
    """Return the spanning forest of largest total weight, to which affinity clustering with ``max`` linkage converges.

    Among edges of equal weight the lexicographically smallest (src, dst) goes first, so the forest is unique. Zero and
    negative weights are edges like all others.

    Parameters
    ----------
    graph : DGLGraph, SciPy sparse matrix or UndirectedGraph
        See `affinity_clustering`. For a minimum spanning forest negate the weights.
    num_threads : int, optional
        Default: Numba's, as ``NUMBA_NUM_THREADS`` sets it. The result does not depend on it.

    Returns
    -------
    SpanningForest

    Raises
    ------
    TypeError, ValueError
        See `UndirectedGraph`.

    Notes
    -----
    With many more edges than nodes, the first pass joins the heaviest few edges per node. Then most other edges lie
    inside one component, and one pass removes them. Time O(num_edges log num_nodes), in practice about two passes over the
    edges. Memory beyond the graph: one byte per edge, 20 for each edge of the first pass (about 2.5 per node) and about 40
    per node and thread.

    Examples
    --------
    >>> from graphvid.clustering import UndirectedGraph
    >>> triangle = UndirectedGraph.from_coo([0, 1, 0], [1, 2, 2], [3.0, 1.0, 2.0], num_nodes=4)
    >>> forest = maximum_spanning_forest(triangle)
    >>> list(zip(forest.src.tolist(), forest.dst.tolist())), forest.components
    ([(0, 1), (0, 2)], array([0, 0, 0, 1], dtype=int32))
    """
    threads = Threads(num_threads)
    rows = as_undirected(graph).rows()
    num_nodes, ids = len(rows.starts), rows.neighbors.dtype
    chunks = threads.split(rows, _RANGES)
    widths = np.array([rows.stops[a:b].sum() - rows.starts[a:b].sum() for a, b in chunks])
    chosen = np.zeros(len(rows.neighbors), np.bool_)
    share = _HEAVY_PER_NODE * num_nodes / max(1, widths.sum())
    least = _heavy_weight(rows, share) if 0 < share < 0.5 else -np.inf
    split = least > -np.inf
    room = _room(np.ceil(_MARGIN * share * widths).astype(np.int64) if split else widths, rows)
    listed = _list_edges(kernels.list_heavy_chunk, rows, least, chunks, room, threads)
    components, count = _boruvka(*listed, num_nodes, chosen, threads)
    if split:
        listed = _list_edges(kernels.list_outer_chunk, rows, components, chunks, room, threads)
        label, _ = _boruvka(*listed, count, chosen, threads)
        components = _take(label, components, threads)
    number_roots(components)
    bounds = np.concatenate([[0], rows.starts[chunks[1:, 0]], [len(chosen)]])
    ends = np.cumsum([0, *(np.count_nonzero(chosen[a:b]) for a, b in pairs(bounds))]).tolist()
    src, dst, weight = np.empty(ends[-1], ids), np.empty(ends[-1], ids), np.empty(ends[-1])
    threads.run(kernels.forest_chunk, chunks, lambda t: (rows, chosen, *ends[t : t + 2], src, dst, weight))
    return SpanningForest(src, dst, weight, components)


def _heavy_weight(rows: HalfEdges, share: float) -> float:
    """Return the weight that about ``share`` of the edges reach, estimated from a sample."""
    places = np.linspace(rows.starts[0], rows.stops[-1] - 1, _SAMPLE).astype(np.int64)
    return float(np.quantile(rows.values[places], 1 - share))


def _room(widths: NDArray[np.int64], rows: HalfEdges) -> tuple[Edges, NDArray[np.int64]]:
    """Return room for segments of edges, and the segments."""
    bounds = np.concatenate([[0], np.cumsum(widths)])
    capacity, ids = int(bounds[-1]) + 1, rows.neighbors.dtype
    slot_type = np.int32 if len(rows.neighbors) < 2**31 else np.int64
    edges = Edges(np.empty(capacity, ids), np.empty(capacity, ids), np.empty(capacity), np.empty(capacity, slot_type))
    return edges, pairs(bounds)


def _list_edges(
    kernel: Callable[..., int],
    rows: HalfEdges,
    which: float | NDArray[Any],
    chunks: NDArray[np.int64],
    room: tuple[Edges, NDArray[np.int64]],
    threads: Threads,
) -> tuple[Edges, NDArray[np.int64]]:
    """Return the edges that the kernel selects and their segments, in ``room`` or, if that is too small, in new room."""
    edges, segments = room
    where = segments.tolist()
    ends = threads.run(kernel, chunks, lambda t: (rows, which, edges, *where[t]))
    if (ends > segments[:, 1]).any():
        return _list_edges(kernel, rows, which, chunks, _room(ends - segments[:, 0], rows), threads)
    return edges, np.stack([segments[:, 0], ends], axis=1)


def _boruvka(
    edges: Edges, segments: NDArray[np.int64], num_components: int, chosen: NDArray[np.bool_], threads: Threads
) -> tuple[NDArray[Any], int]:
    """Join components until no edge connects two; mark the edges' slots; return the labels and their number."""
    labels: list[NDArray[Any]] = []
    capacity = min(threads.num_threads, len(segments)) * num_components
    room = np.empty(capacity), np.empty(capacity, edges.slot.dtype)
    while num_edges := int((segments[:, 1] - segments[:, 0]).sum()):
        if num_edges < EDGES_PER_THREAD and len(segments) > 1:
            places = np.concatenate([np.arange(a, b) for a, b in segments] + [[0]])  # and the spare one
            edges, segments = Edges(*(x[places] for x in edges)), np.array([[0, num_edges]])
        to = _select(edges, segments, num_components, room, chosen, threads)
        label, num_components = _number(chain_roots(to, threads), threads)
        labels.append(label)
        segments[:, 1] = _filter(edges, segments, label, threads)
    final = labels.pop() if labels else np.arange(num_components, dtype=edges.low.dtype)
    while labels:
        final = _take(final, labels.pop(), threads)
    return final, num_components


def _filter(edges: Edges, segments: NDArray[np.int64], label: NDArray[Any], threads: Threads) -> list[int]:
    """Relabel the edges, remove those inside a component, and return the segments' new ends."""
    return threads.run(kernels.filter_chunk, segments, lambda t: (edges, label))


def _number(root: NDArray[Any], threads: Threads) -> tuple[NDArray[Any], int]:
    """Return the labels 0, 1, ... of the components, in the order of their roots, and their number."""
    ranges = threads.split_evenly(len(root))
    ends = np.cumsum([0, *threads.run(kernels.count_roots_chunk, ranges, lambda t: (root,))]).tolist()
    number = np.empty_like(root)
    threads.run(kernels.number_roots_chunk, ranges, lambda t: (root, ends[t], number))
    return _take(number, root, threads), ends[-1]


def _take(values: NDArray[Any], places: NDArray[Any], threads: Threads) -> NDArray[Any]:
    """Return ``values[places]``."""
    taken = np.empty_like(places)
    threads.run(kernels.take_chunk, threads.split_evenly(len(places)), lambda t: (values, places, taken))
    return taken


def _select(
    edges: Edges,
    segments: NDArray[np.int64],
    num_components: int,
    room: tuple[NDArray[Any], NDArray[Any]],
    chosen: NDArray[np.bool_],
    threads: Threads,
) -> NDArray[Any]:
    """Return the other end of each component's best edge, -1 without one, and mark the edges' slots.

    ``room`` is for a table of weights and one of edges per thread.
    """
    tables = min(threads.num_threads, len(segments))
    best_weight, best = (x[: tables * num_components].reshape(tables, -1) for x in room)
    to = np.empty(num_components, edges.low.dtype)
    ranges = threads.split_evenly(num_components)
    threads.run(kernels.best_weights_chunk, segments, lambda t: (edges,), best_weight, -np.inf)
    threads.run(join_values_chunk, ranges, lambda t: (best_weight,))
    threads.run(kernels.best_edges_chunk, segments, lambda t: (edges, best_weight[0]), best, -1)
    threads.run(kernels.ends_chunk, ranges, lambda t: (edges, best, to))
    threads.run(kernels.choose_chunk, ranges, lambda t: (edges, best[0], to, chosen))
    return to
