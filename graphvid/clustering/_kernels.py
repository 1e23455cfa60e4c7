"""Kernels of affinity clustering: one level is select, resolve, contract. Arrays and scalars only.

The graph is held as rows of half edges: ``neighbors[starts[a]:stops[a]]`` are clusters, ``values`` the raw sums (or maxima)
of the original weights. Each undirected edge is stored once, in the row of its smaller cluster, so both ends see one and the
same number, and sums are made in one fixed order: by row, then by position in the row.

Kernels named ``..._chunk`` work on a range of rows and are run by several threads; each writes only its own slots.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from graphvid._numba import njit

Array = NDArray[Any]  # ids are int32 or int64, chosen by the size of the graph

LEVEL_ONE, MAX, SUM, AVERAGE, EXPLICIT_AVERAGE, CUT_SPARSITY, MAX_DEGREE_BOUNDED = range(7)


class Rows(NamedTuple):
    """Half edges of the current clusters; ``counts`` is empty unless the linkage needs the number of original edges."""

    starts: Array  # (num_clusters,) int64
    stops: Array  # (num_clusters,) int64
    neighbors: Array  # (capacity,) int32 or int64
    values: Array  # (capacity,) float64
    counts: Array  # (capacity,) or (0,) int64


@njit
def _mix(x: np.uint64) -> np.uint64:
    """Mix 64 bits (the finaliser of splitmix64; Steele, Lea and Flood 2014)."""
    x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return x ^ (x >> np.uint64(31))


@njit
def _edge_hash(low: int, high: int, seed: np.uint64) -> np.uint64:
    """Return the tie-break key of an edge between the nodes ``low < high``."""
    golden = np.uint64(0x9E3779B97F4A7C15)
    return _mix(_mix(seed + golden * (np.uint64(low) + np.uint64(1))) + golden * (np.uint64(high) + np.uint64(1)))


@njit
def _denominator(linkage: int, bound: float, size_a: float, size_b: float) -> float:
    if linkage == AVERAGE:
        return size_a * size_b
    if linkage == CUT_SPARSITY:
        return min(size_a, size_b)
    if linkage == MAX_DEGREE_BOUNDED:
        return min(bound * min(size_a, size_b), size_a * size_b)
    return 1.0


@njit
def _better(value, key, low, high, best_value, best_key, best_low, best_high):  # type: ignore[no-untyped-def]
    """Say whether one edge precedes another: weight, then hash, then the smaller (low, high)."""
    if value != best_value:
        return value > best_value
    if key != best_key:
        return key > best_key
    return low < best_low or (low == best_low and high < best_high)


@njit
def _offer(c, to, value, key, best_value, best_key, best_to):  # type: ignore[no-untyped-def]
    """Give cluster ``c`` the edge to ``to`` if it is better than the one it has."""
    old = best_to[c]
    if old < 0 or _better(value, key, min(c, to), max(c, to), best_value[c], best_key[c], min(c, old), max(c, old)):
        best_value[c] = value
        best_key[c] = key
        best_to[c] = to


@njit
def select_chunk(
    first, last, rows, linkage, bound, threshold, sizes, max_size, min_size, members, hashed, seed,
    best_value, best_key, best_to,
):  # type: ignore[no-untyped-def]  # fmt: skip
    """Offer the eligible edges of rows ``first`` to ``last`` to both their ends.

    ``members`` (num_clusters,) is the smallest member of each cluster. Clusters larger than ``min_size`` start no merge.
    """
    starts, stops, neighbors, values, counts = rows
    for a in range(first, last):
        size_a = sizes[a]
        for e in range(starts[a], stops[a]):
            b = neighbors[e]
            size_b = sizes[b]
            if linkage <= SUM:
                value = values[e]
            elif linkage == EXPLICIT_AVERAGE:
                value = values[e] / counts[e]
            else:
                value = values[e] / _denominator(linkage, bound, size_a, size_b)
            if value < threshold or (value < best_value[a] and value < best_value[b]) or size_a + size_b > max_size:
                continue
            key = np.uint64(0)
            if hashed:
                key = _edge_hash(members[a], members[b], seed)
            if size_a <= min_size:
                _offer(a, b, value, key, best_value, best_key, best_to)
            if size_b <= min_size:
                _offer(b, a, value, key, best_value, best_key, best_to)


@njit
def join_best_chunk(first, last, best_value, best_key, best_to):  # type: ignore[no-untyped-def]
    """Join the best edges found by several threads, the rows of the (num_threads, num_clusters) arrays, into row 0."""
    for t in range(1, best_to.shape[0]):
        for c in range(first, last):
            if best_to[t, c] >= 0:
                _offer(c, best_to[t, c], best_value[t, c], best_key[t, c], best_value[0], best_key[0], best_to[0])


@njit
def resolve(best_to):  # type: ignore[no-untyped-def]
    """Return the dense label of each cluster's component of selected edges, and the number of components.

    Following best edges, weights never fall, so the only cycle is a mutual pair; its smaller end is the root. Components are
    numbered by their smallest cluster.
    """
    n = len(best_to)
    root = np.empty_like(best_to)
    for c in range(n):
        to = best_to[c]
        root[c] = c if to < 0 or (best_to[to] == c and c < to) else to
    for c in range(n):
        end = c
        while root[end] != end:
            end = root[end]
        step = c
        while root[step] != end:
            onward = root[step]
            root[step] = end
            step = onward
    label = np.full_like(best_to, -1)
    count = 0
    for c in range(n):
        if label[root[c]] < 0:
            label[root[c]] = count
            count += 1
    for c in range(n):  # root becomes the label: the roots' own labels are read, never written over
        root[c] = label[root[c]]
    return root, count


@njit
def count_chunk(first, last, rows, label, count):  # type: ignore[no-untyped-def]
    """Count the edges that stay, per new row; ``label`` -1 takes a cluster's edges out of the graph."""
    starts, stops, neighbors, _, _ = rows
    for a in range(first, last):
        x = label[a]
        if x < 0:
            continue
        for e in range(starts[a], stops[a]):
            y = label[neighbors[e]]
            if y != x and y >= 0:
                count[min(x, y)] += 1


@njit
def place_rows(count):  # type: ignore[no-untyped-def]
    """Turn the counts (num_threads, num_rows) into each thread's first slot per row; return the rows' starts and stops."""
    num_threads, num_rows = count.shape
    starts = np.empty(num_rows, np.int64)
    stops = np.empty(num_rows, np.int64)
    slot = 0
    for c in range(num_rows):
        starts[c] = slot
        for t in range(num_threads):
            width = count[t, c]
            count[t, c] = slot
            slot += width
        stops[c] = slot
    return starts, stops


@njit
def scatter_chunk(first, last, rows, label, cursor, linkage, bound, weights, neighbors, values, counts):  # type: ignore[no-untyped-def]
    """Move the edges that stay to their new rows, in the order in which they stand.

    ``weights`` is empty, or holds the node weights by which the original edges are multiplied on their first contraction.
    """
    starts, stops, old_neighbors, old_values, old_counts = rows
    for a in range(first, last):
        x = label[a]
        if x < 0:
            continue
        for e in range(starts[a], stops[a]):
            b = old_neighbors[e]
            y = label[b]
            if y == x or y < 0:
                continue
            low = min(x, y)
            slot = cursor[low]
            cursor[low] = slot + 1
            neighbors[slot] = max(x, y)
            value = old_values[e]
            if len(weights) > 0:
                value *= _denominator(linkage, bound, weights[a], weights[b])
            values[slot] = value
            if len(counts) > 0:
                counts[slot] = old_counts[e] if len(old_counts) > 0 else 1


@njit
def combine_chunk(first, last, rows, largest, seen):  # type: ignore[no-untyped-def]
    """Combine parallel edges of rows ``first`` to ``last`` in place, in the order in which they stand.

    ``seen`` (num_clusters,) int64, -1 at first, is this thread's table of the slot that holds a neighbour: it speaks of the
    present row when it is not before the row's start, so it is never cleared. ``largest`` takes maxima, else sums.
    """
    starts, stops, neighbors, values, counts = rows
    for a in range(first, last):
        start = starts[a]
        slot = start
        for e in range(start, stops[a]):
            b = neighbors[e]
            at = seen[b]
            if at < start:
                seen[b] = slot
                neighbors[slot] = b
                values[slot] = values[e]
                if len(counts) > 0:
                    counts[slot] = counts[e]
                slot += 1
            else:
                values[at] = max(values[at], values[e]) if largest else values[at] + values[e]
                if len(counts) > 0:
                    counts[at] += counts[e]
        stops[a] = slot
