"""Maximum spanning forests by Boruvka's algorithm."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from graphvid.clustering import _spanning_kernels as kernels
from graphvid.clustering._kernels import Rows, chain_roots, number_roots
from graphvid.clustering._spanning_kernels import Edges
from graphvid.clustering._threads import Threads
from graphvid.clustering.undirected import GraphLike, as_undirected

_HEAVY_PER_NODE = 3.0  # the first pass takes about this many of the heaviest edges a node
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
    over the edges. Memory beyond the graph: 24 bytes for each edge of the first pass (about three per node) and about
    40 per node and thread.

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
    components: NDArray[Any] = np.arange(len(rows.starts), dtype=rows.neighbors.dtype)
    least = _heavy_weight(rows)
    chosen = []
    for band in ((least, np.inf), (-np.inf, least)) if least > -np.inf else ((-np.inf, np.inf),):
        edges, bounds = _list_edges(rows, components, *band, threads)
        slots, label = _boruvka(edges, bounds, int(components.max(initial=-1)) + 1, threads)
        chosen.append(slots)
        components = label[components]
    slots = np.sort(np.concatenate(chosen))
    src = kernels.rows_of(rows.starts, rows.stops, slots).astype(rows.neighbors.dtype)
    return SpanningForest(src, rows.neighbors[slots], rows.values[slots], components)


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
    """Return the edges of a band of weights between components, and the bounds of their segments."""
    chunks = threads.split(rows)
    counts = threads.run(kernels.count_band_chunk, chunks, lambda t: (rows, label, least, below))
    bounds = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
    total = int(bounds[-1])
    ids = rows.neighbors.dtype
    edges = Edges(np.empty(total, ids), np.empty(total, ids), np.empty(total), np.empty(total, np.int64))
    threads.run(kernels.list_band_chunk, chunks, lambda t: (rows, label, least, below, edges, int(bounds[t])))
    return edges, bounds


def _boruvka(
    edges: Edges, bounds: NDArray[np.int64], num_components: int, threads: Threads
) -> tuple[NDArray[np.int64], NDArray[Any]]:
    """Return the input slots of the forest's edges, and the label of each component after joining them."""
    segments = np.stack([bounds[:-1], bounds[1:]], axis=1)
    labels: NDArray[Any] = np.arange(num_components, dtype=edges.low.dtype)
    chosen = [np.empty(0, np.int64)]
    while (segments[:, 1] > segments[:, 0]).any():
        best = _select(edges, segments, num_components, threads)
        to = kernels.other_ends(edges, best)
        picks = np.flatnonzero(to >= 0)
        once = (to[to[picks]] != picks) | (picks < to[picks])  # a mutual pair is one edge
        chosen.append(edges.slot[best[picks[once]]])
        label = chain_roots(to)
        num_components = number_roots(label)
        labels = label[labels]
        segments[:, 1] = _filter(edges, segments, label, threads)
    return np.concatenate(chosen), labels


def _filter(edges: Edges, segments: NDArray[np.int64], label: NDArray[Any], threads: Threads) -> list[int]:
    """Relabel the edges, leave out those inside a component, and return the segments' new ends."""
    return threads.run(kernels.filter_chunk, segments, lambda t: (edges, label))


def _select(edges: Edges, segments: NDArray[np.int64], num_components: int, threads: Threads) -> NDArray[np.int64]:
    """Return the best edge of each component, -1 without one."""
    shape = (len(segments), num_components)
    best_weight, best = np.full(shape, -np.inf), np.full(shape, -1, np.int64)
    threads.run(kernels.select_edges_chunk, segments, lambda t: (edges, best_weight[t], best[t]))
    if len(segments) > 1:
        even = threads.split_evenly(num_components, len(segments))
        threads.run(kernels.join_edges_chunk, even, lambda t: (edges, best))
    first: NDArray[np.int64] = best[0]
    return first
