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
    slot: NDArray[Any]  # place in the input, int32 or int64


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
    """Fill ``best_weight`` (num_components,) from a segment's edges, -inf without one."""
    lows, highs, weights, _ = edges
    best_weight[:] = -np.inf
    for e in range(np.uintp(first), np.uintp(last)):
        x, y, weight = np.uintp(lows[e]), np.uintp(highs[e]), weights[e]
        best_weight[x] = max(best_weight[x], weight)
        best_weight[y] = max(best_weight[y], weight)


@njit
def join_weights_chunk(first, last, best_weight):
    """Join the best weights found by several threads, the rows of ``best_weight``, into row 0."""
    for t in range(1, best_weight.shape[0]):
        for c in range(first, last):
            best_weight[0, c] = max(best_weight[0, c], best_weight[t, c])


@njit
def best_edges_chunk(first, last, edges, best_weight, best):
    """Fill ``best`` with the edge of smallest slot among those of a segment that reach an end's best weight, or -1."""
    lows, highs, weights, slots = edges
    best[:] = -1
    for e in range(np.uintp(first), np.uintp(last)):
        x, y, weight = np.uintp(lows[e]), np.uintp(highs[e]), weights[e]
        if weight == best_weight[x] and (best[x] < 0 or slots[e] < slots[best[x]]):
            best[x] = e
        if weight == best_weight[y] and (best[y] < 0 or slots[e] < slots[best[y]]):
            best[y] = e


@njit
def ends_chunk(first, last, edges, best, to):
    """Join the edges found by several threads, the rows of ``best``, into row 0, and fill their other ends.

    ``best`` is (num_threads, num_components), ``to`` (num_components,), -1 without an edge.
    """
    lows, highs, _, slots = edges
    for c in range(first, last):
        e = best[0, c]
        for t in range(1, best.shape[0]):
            other = best[t, c]
            if other >= 0 and (e < 0 or slots[other] < slots[e]):
                e = other
        best[0, c] = e
        to[c] = -1 if e < 0 else lows[e] ^ highs[e] ^ c


@njit
def choose_chunk(first, last, edges, best, to, chosen):
    """Mark the slots of a range's best edges in ``chosen``; a mutual pair is one edge, marked for its larger end."""
    slots = edges.slot
    for c in range(first, last):
        if to[c] >= 0 and (to[to[c]] != c or c > to[c]):
            chosen[slots[best[c]]] = True


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
def forest_chunk(first, last, rows, slots, src, dst, weight):
    """Fill the ends and the weights of a range of ascending slots."""
    _, stops, neighbors, values, _ = rows
    if first == last:
        return
    a = np.searchsorted(stops, slots[first], side="right")  # the first row that ends behind the slot
    for i in range(first, last):
        e = slots[i]
        while e >= stops[a]:
            a += 1
        src[i] = a
        dst[i] = neighbors[e]
        weight[i] = values[e]
