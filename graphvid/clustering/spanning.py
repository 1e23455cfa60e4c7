"""Maximum spanning forests by Boruvka's algorithm."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from graphvid.clustering import _spanning_kernels as kernels
from graphvid.clustering._kernels import Rows, number_roots
from graphvid.clustering._levels import chain_roots
from graphvid.clustering._spanning_kernels import Edges
from graphvid.clustering._threads import Threads
from graphvid.clustering.undirected import GraphLike, as_undirected

_HEAVY_PER_NODE = 2.0  # heaviest edges per node in the first pass, about; from 1.5 to 3 the time differs by a fifth
_SAMPLE = 1 << 14


class SpanningForest(NamedTuple):
    """The edges of a spanning forest, sorted by ``(src, dst)``, and the components they span."""

    src: NDArray[Any]  # (num_nodes - num_components,) smaller ends
    dst: NDArray[Any]  # larger ends
    weight: NDArray[np.float64]
    components: NDArray[Any]  # (num_nodes,) numbered by smallest member


def maximum_spanning_forest(graph: GraphLike, *, num_threads: int | None = None) -> SpanningForest:
    """Return the spanning forest of largest total weight: what affinity clustering with ``max`` linkage converges to.

    Among edges of equal weight the lexicographically smallest (src, dst) goes first, so the forest is unique. Zero and
    negative weights are edges like all others.

    Parameters
    ----------
    graph : DGLGraph, SciPy sparse matrix or UndirectedGraph
        See `affinity_clustering`. For a minimum spanning forest negate the weights.
    num_threads : int, optional
        Default: Numba's number of threads. The result does not depend on it.

    Returns
    -------
    SpanningForest

    Raises
    ------
    TypeError, ValueError
        See `UndirectedGraph`.

    Notes
    -----
    When there are many more edges than nodes, the heaviest few per node are solved first; most other edges then lie
    inside one component and are left out in one pass. Time O(num_edges log num_nodes), in practice about two passes
    over the edges. Memory beyond the graph: one byte per edge, 20 for each edge of the first pass (about two per node)
    and about 40 per node and thread.

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
    components: NDArray[Any] = np.arange(num_nodes, dtype=ids)
    chosen = np.zeros(len(rows.neighbors), np.bool_)
    least = _heavy_weight(rows)
    count = num_nodes
    for band in ((least, np.inf), (-np.inf, least)) if least > -np.inf else ((-np.inf, np.inf),):
        edges, segments = _list_edges(rows, components, *band, threads)
        label, count = _boruvka(edges, segments, count, chosen, threads)
        components = label[components]
    slots = np.flatnonzero(chosen)
    src, dst, weight = np.empty(len(slots), ids), np.empty(len(slots), ids), np.empty(len(slots))
    threads.run(kernels.forest_chunk, threads.split_evenly(len(slots)), lambda t: (rows, slots, src, dst, weight))
    return SpanningForest(src, dst, weight, components)


def _heavy_weight(rows: Rows) -> float:
    """Return a weight that about ``_HEAVY_PER_NODE`` edges per node reach, or -inf if there are few edges."""
    widths = rows.stops - rows.starts
    num_edges = int(widths.sum())
    if num_edges <= 2 * _HEAVY_PER_NODE * len(widths):
        return -np.inf
    places = np.linspace(0, num_edges - 1, _SAMPLE).astype(np.int64)
    ends = np.cumsum(widths)
    owner = np.searchsorted(ends, places, side="right")
    sample = rows.values[rows.starts[owner] + places - (ends[owner] - widths[owner])]
    return float(np.quantile(sample, 1 - _HEAVY_PER_NODE * len(widths) / num_edges))


def _list_edges(
    rows: Rows, label: NDArray[Any], least: float, below: float, threads: Threads
) -> tuple[Edges, NDArray[np.int64]]:
    """Return the edges of a band of weights between components, and their segments."""
    chunks = threads.split(rows)
    counts = threads.run(kernels.count_band_chunk, chunks, lambda t: (rows, label, least, below))
    bounds = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
    capacity, ids = int(bounds[-1]) + 1, rows.neighbors.dtype
    slot_type = np.int32 if len(rows.neighbors) < 2**31 else np.int64
    edges = Edges(np.empty(capacity, ids), np.empty(capacity, ids), np.empty(capacity), np.empty(capacity, slot_type))
    segments = np.stack([bounds[:-1], bounds[1:]], axis=1)
    where = segments.tolist()
    threads.run(kernels.list_band_chunk, chunks, lambda t: (rows, label, least, below, edges, *where[t]))
    return edges, segments


def _boruvka(
    edges: Edges, segments: NDArray[np.int64], num_components: int, chosen: NDArray[np.bool_], threads: Threads
) -> tuple[NDArray[Any], int]:
    """Join components until no edge is left between two, mark the edges' slots; return the labels and their number."""
    labels: list[NDArray[Any]] = [np.arange(num_components, dtype=edges.low.dtype)]
    room = np.empty(len(segments) * num_components), np.empty(len(segments) * num_components, edges.slot.dtype)
    while (segments[:, 1] > segments[:, 0]).any():
        best_weight, best = (x[: len(segments) * num_components].reshape(len(segments), -1) for x in room)
        to = _select(edges, segments, best_weight, best, chosen, threads)
        label = chain_roots(to, threads)
        num_components = number_roots(label)
        labels.append(label)
        segments[:, 1] = _filter(edges, segments, label, threads)
    final = labels.pop()
    while labels:
        final = final[labels.pop()]
    return final, num_components


def _filter(edges: Edges, segments: NDArray[np.int64], label: NDArray[Any], threads: Threads) -> list[int]:
    """Relabel the edges, leave out those inside a component, and return the segments' new ends."""
    return threads.run(kernels.filter_chunk, segments, lambda t: (edges, label))


def _select(
    edges: Edges, segments: NDArray[np.int64], best_weight: NDArray[np.float64], best: NDArray[Any],
    chosen: NDArray[np.bool_], threads: Threads,
) -> NDArray[Any]:  # fmt: skip
    """Return the other end of each component's best edge, -1 without one, and mark the edges' slots.

    ``best_weight`` and ``best`` are room to work in, (num_segments, num_components).
    """
    to = np.empty(best.shape[1], edges.low.dtype)
    ranges = threads.split_evenly(len(to))
    threads.run(kernels.best_weights_chunk, segments, lambda t: (edges, best_weight[t]))
    threads.run(kernels.join_weights_chunk, ranges, lambda t: (best_weight,))
    threads.run(kernels.best_edges_chunk, segments, lambda t: (edges, best_weight[0], best[t]))
    threads.run(kernels.ends_chunk, ranges, lambda t: (edges, best, to))
    threads.run(kernels.choose_chunk, ranges, lambda t: (edges, best[0], to, chosen))
    return to
