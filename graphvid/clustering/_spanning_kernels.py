"""Kernels of Boruvka's algorithm on lists of edges: list, select, filter. Larger weight first, then smaller slot."""

# mypy: allow-untyped-defs, allow-untyped-calls
from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from graphvid._numba import njit


class Edges(NamedTuple):
    """Edges between components, in segments that several threads filter in place."""

    low: NDArray[Any]  # (capacity,) components, int32 or int64
    high: NDArray[Any]
    weight: NDArray[np.float64]
    slot: NDArray[np.int64]  # place in the input


@njit
def count_band_chunk(first, last, rows, label, least, below):
    """Count the edges with ``least <= weight < below`` that join different components."""
    count = 0
    for a in range(first, last):
        for e in range(rows.starts[a], rows.stops[a]):
            if least <= rows.values[e] < below and label[a] != label[rows.neighbors[e]]:
                count += 1
    return count


@njit
def list_band_chunk(first, last, rows, label, least, below, edges, slot):
    """Write those edges to the segment that begins at ``slot``."""
    for a in range(first, last):
        for e in range(rows.starts[a], rows.stops[a]):
            if least <= rows.values[e] < below and label[a] != label[rows.neighbors[e]]:
                edges.low[slot] = label[a]
                edges.high[slot] = label[rows.neighbors[e]]
                edges.weight[slot] = rows.values[e]
                edges.slot[slot] = e
                slot += 1


@njit
def _heavier(edges, e, other):
    if edges.weight[e] != edges.weight[other]:
        return edges.weight[e] > edges.weight[other]
    return edges.slot[e] < edges.slot[other]


@njit
def select_edges_chunk(first, last, edges, best_weight, best):
    """Offer each edge of a segment to both its components."""
    for e in range(first, last):
        weight = edges.weight[e]
        for c in (edges.low[e], edges.high[e]):
            if weight > best_weight[c] or best[c] < 0 or (weight == best_weight[c] and _heavier(edges, e, best[c])):
                best_weight[c] = weight
                best[c] = e


@njit
def join_edges_chunk(first, last, edges, best):
    """Join the best edges found by several threads, the rows of ``best`` (num_threads, num_components), into row 0."""
    for t in range(1, best.shape[0]):
        for c in range(first, last):
            if best[t, c] >= 0 and (best[0, c] < 0 or _heavier(edges, best[t, c], best[0, c])):
                best[0, c] = best[t, c]


@njit
def other_ends(edges, best):
    """Return the other end of each component's best edge, -1 without one."""
    to = np.empty(len(best), edges.low.dtype)
    for c in range(len(best)):
        e = best[c]
        to[c] = -1 if e < 0 else edges.high[e] if edges.low[e] == c else edges.low[e]
    return to


@njit
def filter_chunk(first, last, edges, label):
    """Relabel a segment's edges in place, leave out those inside a component, and return the segment's new end."""
    slot = first
    for e in range(first, last):
        x, y = label[edges.low[e]], label[edges.high[e]]
        if x != y:
            edges.low[slot] = x
            edges.high[slot] = y
            edges.weight[slot] = edges.weight[e]
            edges.slot[slot] = edges.slot[e]
            slot += 1
    return slot


@njit
def rows_of(starts, stops, slots):
    """Return the row of each slot; the slots ascend."""
    rows = np.empty(len(slots), np.int64)
    a = 0
    for i in range(len(slots)):
        while slots[i] >= stops[a] or slots[i] < starts[a]:
            a += 1
        rows[i] = a
    return rows
