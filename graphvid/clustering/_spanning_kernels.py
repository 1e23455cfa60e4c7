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
def list_heavy_chunk(first, last, rows, least, edges, slot, end):
    """Write the edges of a range of rows with weight >= ``least`` to the slots up to ``end``.

    The ends of an edge are its components. Returns the next slot as if there were no end. The kernel writes every edge and
    overwrites it unless it counts, which avoids a branch that the processor would mispredict.
    """
    starts, stops, neighbors, values, _ = rows
    lows, highs, weights, slots = edges
    slot, end, spare = np.uintp(slot), np.uintp(end), np.uintp(len(lows) - 1)
    for a in range(np.uintp(first), np.uintp(last)):
        for e in range(np.uintp(starts[a]), np.uintp(stops[a])):
            at = slot if slot < end else spare
            lows[at] = a
            highs[at] = neighbors[e]
            weights[at] = values[e]
            slots[at] = e
            slot += np.uintp(values[e] >= least)
    return np.int64(slot)


@njit
def list_outer_chunk(first, last, rows, label, edges, slot, end):
    """Write the edges between different components as `list_heavy_chunk` writes the heavy ones."""
    starts, stops, neighbors, values, _ = rows
    lows, highs, weights, slots = edges
    slot, end, spare = np.uintp(slot), np.uintp(end), np.uintp(len(lows) - 1)
    for a in range(np.uintp(first), np.uintp(last)):
        x = label[a]
        for e in range(np.uintp(starts[a]), np.uintp(stops[a])):
            y = label[np.uintp(neighbors[e])]
            at = slot if slot < end else spare
            lows[at] = x
            highs[at] = y
            weights[at] = values[e]
            slots[at] = e
            slot += np.uintp(x != y)
    return np.int64(slot)


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
    """Find, among the edges of a segment that reach an end's best weight, the one with the smallest slot.

    ``best`` (num_components,), -1 at first, is that edge.
    """
    lows, highs, weights, slots = edges
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
            if min(e, other) >= 0:  # of equal weight, which is rare
                e = other if slots[other] < slots[e] else e
            else:
                e = max(e, other)
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
    """Relabel a segment's edges in place, remove those inside a component, and return the segment's new end."""
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
def count_roots_chunk(first, last, root):
    """Count the components that are their own roots."""
    count = 0
    for c in range(first, last):
        count += root[c] == c
    return count


@njit
def number_roots_chunk(first, last, root, count, number):
    """Fill ``number`` of the roots of a range, from ``count`` on."""
    for c in range(first, last):
        number[c] = count  # read only for roots
        count += root[c] == c


@njit
def take_chunk(first, last, values, places, taken):
    """Fill ``taken`` with ``values[places]``."""
    for i in range(first, last):
        taken[i] = values[np.uintp(places[i])]


@njit
def forest_chunk(first, last, rows, chosen, place, end, src, dst, weight):
    """Write the ends and the weights of the chosen edges of a range of rows from ``place`` to ``end``."""
    starts, stops, neighbors, values, _ = rows
    if place == end:
        return
    slots = np.empty(end - place + 1, np.int64)
    count = np.uintp(0)
    for e in range(np.uintp(starts[first]), np.uintp(stops[last - 1])):
        slots[count] = e  # overwritten unless chosen
        count += np.uintp(chosen[e])
    a = first
    for i in range(end - place):
        e = slots[i]
        while e >= stops[a]:
            a += 1
        src[place + i] = a
        dst[place + i] = neighbors[e]
        weight[place + i] = values[e]
