"""Kernels of Boruvka's algorithm on lists of edges: list, select, filter. Larger weight first, then smaller slot."""

# mypy: allow-untyped-defs, allow-untyped-calls
from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from graphvid._numba import njit


class Edges(NamedTuple):
    """Edges between components, in segments that several threads filter in place; the last slot is spare."""

    low: NDArray[Any]  # (capacity + 1,) components, int32 or int64
    high: NDArray[Any]
    weight: NDArray[np.float64]
    slot: NDArray[np.int64]  # place in the input


@njit
def count_band_chunk(first, last, rows, label, least, below):
    """Count the edges with ``least <= weight < below`` that join different components."""
    starts, stops, neighbors, values, _ = rows
    count = 0
    for a in range(np.uintp(first), np.uintp(last)):
        x = label[a]
        for e in range(np.uintp(starts[a]), np.uintp(stops[a])):
            value = values[e]
            count += (value >= least) & (value < below) & (x != label[np.uintp(neighbors[e])])
    return count


@njit
def list_band_chunk(first, last, rows, label, least, below, edges, slot, end):
    """Write those edges to the segment from ``slot`` to ``end``.

    Every edge is written and then overwritten unless it counts, which spares a branch that is hard to guess.
    """
    starts, stops, neighbors, values, _ = rows
    lows, highs, weights, slots = edges
    slot, end, spare = np.uintp(slot), np.uintp(end), np.uintp(len(lows) - 1)
    for a in range(np.uintp(first), np.uintp(last)):
        x = label[a]
        for e in range(np.uintp(starts[a]), np.uintp(stops[a])):
            value = values[e]
            y = label[np.uintp(neighbors[e])]
            at = slot if slot < end else spare
            lows[at] = x
            highs[at] = y
            weights[at] = value
            slots[at] = e
            slot += np.uintp((value >= least) & (value < below) & (x != y))


@njit
def best_weights_chunk(first, last, edges, best_weight):
    """Raise ``best_weight`` (num_components,), -inf at first, of both ends of a segment's edges."""
    lows, highs, weights, _ = edges
    for e in range(np.uintp(first), np.uintp(last)):
        x, y, weight = np.uintp(lows[e]), np.uintp(highs[e]), weights[e]
        best_weight[x] = max(best_weight[x], weight)
        best_weight[y] = max(best_weight[y], weight)


@njit
def best_edges_chunk(first, last, edges, best_weight, best):
    """Find the edge of smallest slot among those of a segment that reach the best weight of an end."""
    lows, highs, weights, slots = edges
    for e in range(np.uintp(first), np.uintp(last)):
        x, y, weight = np.uintp(lows[e]), np.uintp(highs[e]), weights[e]
        if weight == best_weight[x] and (best[x] < 0 or slots[e] < slots[best[x]]):
            best[x] = e
        if weight == best_weight[y] and (best[y] < 0 or slots[e] < slots[best[y]]):
            best[y] = e


@njit
def join_edges_chunk(first, last, edges, best):
    """Join the edges found by several threads, the rows of ``best`` (num_threads, num_components), into row 0."""
    for t in range(1, best.shape[0]):
        for c in range(first, last):
            e, old = best[t, c], best[0, c]
            if e >= 0 and (old < 0 or edges.slot[e] < edges.slot[old]):
                best[0, c] = e


@njit
def choose_edges(edges, best, to, chosen, num_chosen):
    """Fill the other end of each component's best edge, -1 without one; write the edges' slots and return their number.

    ``chosen`` holds ``num_chosen`` slots so far. A mutual pair is one edge.
    """
    for c in range(len(best)):
        e = best[c]
        to[c] = -1 if e < 0 else edges.low[e] ^ edges.high[e] ^ c
    for c in range(len(best)):
        if to[c] >= 0 and (to[to[c]] != c or c < to[c]):
            chosen[num_chosen] = edges.slot[best[c]]
            num_chosen += 1
    return num_chosen


@njit
def filter_chunk(first, last, edges, label):
    """Relabel a segment's edges in place, leave out those inside a component, and return the segment's new end."""
    lows, highs, weights, slots = edges
    slot = np.uintp(first)
    for e in range(np.uintp(first), np.uintp(last)):
        x, y = label[np.uintp(lows[e])], label[np.uintp(highs[e])]
        lows[slot] = x
        highs[slot] = y
        weights[slot] = weights[e]
        slots[slot] = slots[e]
        slot += np.uintp(x != y)
    return np.int64(slot)


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
