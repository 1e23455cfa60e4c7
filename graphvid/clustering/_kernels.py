"""Kernels that select each cluster's best edge and join what the edges connect. Arrays and scalars only.

The graph has rows of half edges: ``neighbors[starts[a]:stops[a]]`` are clusters, ``values`` the raw sums (or maxima) of
the original weights. Each undirected edge is stored once, in the row of its smaller cluster, so both ends read the same
number. Sums have one fixed order: by row, then by position in the row.

Several threads run the kernels named ``..._chunk``, each on a range of rows; each writes only its own slots.
Indices are unsigned in inner loops, where Numba's test for negative ones would cost as much as the work.
"""

# mypy: allow-untyped-defs, allow-untyped-calls
from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from graphvid._numba import njit
from graphvid._splitmix import GOLDEN, mix

Array = NDArray[Any]  # ids are int32 or int64, chosen by the size of the graph

LEVEL_ONE, MAX, SUM, EXPLICIT_AVERAGE, AVERAGE, CUT_SPARSITY, MAX_DEGREE_BOUNDED = range(7)


class HalfEdges(NamedTuple):
    """Half edges of the current clusters; ``counts`` is empty unless the linkage needs the number of original edges."""

    starts: Array  # (num_clusters,) int64
    stops: Array  # (num_clusters,) int64
    neighbors: Array  # (capacity,) int32 or int64
    values: Array  # (capacity,) float64, or int64 in steps of the grid
    counts: Array  # (capacity,) or (0,) int64


@njit
def _edge_hash(low, high, seed):
    """Return the tie-break key of an edge between the nodes ``low < high``."""
    return mix(mix(seed + GOLDEN * (np.uint64(low) + np.uint64(1))) + GOLDEN * (np.uint64(high) + np.uint64(1)))


@njit
def denominator(linkage, bound, size_a, size_b):
    """Return the denominator of a linkage: it divides the summed weight between two clusters."""
    if linkage == AVERAGE:
        return size_a * size_b
    if linkage == CUT_SPARSITY:
        return min(size_a, size_b)
    if linkage == MAX_DEGREE_BOUNDED:
        return min(bound * min(size_a, size_b), size_a * size_b)
    return 1.0


@njit
def _linkage_weight(value, count, size_a, size_b, linkage, bound, threshold, max_size):
    """Return the weight between two clusters, -inf if their edge is not eligible."""
    if linkage == EXPLICIT_AVERAGE:
        value /= count
    elif linkage > EXPLICIT_AVERAGE:
        value /= denominator(linkage, bound, size_a, size_b)
    return -np.inf if value < threshold or size_a + size_b > max_size else value


@njit
def best_values_chunk(first, last, rows, linkage, bound, threshold, sizes, max_size, best_value):
    """Raise ``best_value`` (num_clusters,), -inf at first, of both ends of the eligible edges of some rows.

    A kernel apart from `best_ends_chunk`, because the maximum alone needs no branch that the processor could mispredict.
    """
    starts, stops, neighbors, values, counts = rows
    counted = linkage == EXPLICIT_AVERAGE
    sized = linkage > EXPLICIT_AVERAGE or max_size < np.inf
    for a in range(np.uintp(first), np.uintp(last)):
        best = best_value[a]
        size_a = sizes[a]
        for e in range(np.uintp(starts[a]), np.uintp(stops[a])):
            b = np.uintp(neighbors[e])
            size_b = sizes[b] if sized else 1.0
            count = counts[e] if counted else 1
            value = _linkage_weight(values[e], count, size_a, size_b, linkage, bound, threshold, max_size)
            best = max(best, value)
            best_value[b] = max(best_value[b], value)
        best_value[a] = best


@njit
def best_ends_chunk(
    first, last, rows, linkage, bound, threshold, sizes, max_size, min_size, members, hashed, seed, best_value, best_to
):
    """Find, among the edges of some rows that reach the best value of an end, the first in the order of ties.

    ``members`` (num_clusters,) is the smallest member of each cluster. Clusters above ``min_size`` start no merge.
    ``best_to`` (num_clusters,), -1 at first, is the other end.
    """
    starts, stops, neighbors, values, counts = rows
    counted = linkage == EXPLICIT_AVERAGE
    sized = linkage > EXPLICIT_AVERAGE or max_size < np.inf
    soft = min_size < np.inf
    for a in range(np.uintp(first), np.uintp(last)):
        best = best_value[a]
        size_a = sizes[a]
        for e in range(np.uintp(starts[a]), np.uintp(stops[a])):
            b = np.uintp(neighbors[e])
            size_b = sizes[b] if sized else 1.0
            count = counts[e] if counted else 1
            value = _linkage_weight(values[e], count, size_a, size_b, linkage, bound, threshold, max_size)
            if value == best and value > -np.inf and not (soft and size_a > min_size):
                old = best_to[a]
                if old < 0 or _precedes(members[a], members[b], members[old], hashed, seed):
                    best_to[a] = b
            if value == best_value[b] and value > -np.inf and not (soft and sizes[b] > min_size):
                old = best_to[b]
                if old < 0 or _precedes(members[b], members[a], members[old], hashed, seed):
                    best_to[b] = a


@njit
def _precedes(end, to, other, hashed, seed):
    """Return whether edge (end, to) comes before (end, other) of equal weight: larger hash, then smaller (low, high)."""
    low, high, other_low, other_high = min(end, to), max(end, to), min(end, other), max(end, other)
    if hashed:
        key, other_key = _edge_hash(low, high, seed), _edge_hash(other_low, other_high, seed)
        if key != other_key:
            return key > other_key
    return low < other_low or (low == other_low and high < other_high)


@njit
def join_values_chunk(first, last, best_value):
    """Join the best values found by several threads, the rows of ``best_value``, into row 0."""
    for t in range(1, best_value.shape[0]):
        for c in range(first, last):
            best_value[0, c] = max(best_value[0, c], best_value[t, c])


@njit
def join_best_chunk(first, last, best_to, members, hashed, seed):
    """Join the ends found by several threads, the rows of ``best_to`` (num_threads, num_clusters), into row 0."""
    for t in range(1, best_to.shape[0]):
        for c in range(first, last):
            to, old = best_to[t, c], best_to[0, c]
            if min(to, old) >= 0:  # of equal weight, which is rare
                if _precedes(members[c], members[to], members[old], hashed, seed):
                    best_to[0, c] = to
            else:
                best_to[0, c] = max(to, old)


@njit
def point_chunk(first, last, best_to, root):
    """Point each cluster to the end of its selected edge, or to itself if it is the end of a chain.

    Along a chain the rank of the edges never falls, so the only cycle is a mutual pair; its smaller end ends the chain.
    """
    for c in range(first, last):
        to = best_to[c]
        root[c] = c if to < 0 or (best_to[to] == c and c < to) else to


@njit
def follow_chunk(first, last, root):
    """Point each cluster of a range to the end of its chain.

    All clusters on the way point there too, also those in the ranges of other threads. This is safe: all threads write the
    same value into a slot, and a slot that is not yet written leads to it.
    """
    for c in range(first, last):
        end = c
        while root[end] != end:
            end = root[end]
        step = c
        while root[step] != end:
            onward = root[step]
            root[step] = end
            step = onward


@njit
def merge_in_order(order, best_to, sizes, max_size, prefer_size):
    """Return the roots after merging selected edges one after another, skipping those that break a size rule.

    ``order`` are the clusters that selected an edge. A merge may not exceed ``max_size``, and one of its two groups
    must be smaller than ``prefer_size`` at the time.
    """
    root = np.arange(len(best_to)).astype(best_to.dtype)
    total = sizes.copy()
    for c in order:
        x = c
        while root[x] != x:
            root[x] = root[root[x]]
            x = root[x]
        y = best_to[c]
        while root[y] != y:
            root[y] = root[root[y]]
            y = root[y]
        if x == y or total[x] + total[y] > max_size or min(total[x], total[y]) >= prefer_size:
            continue
        if total[x] < total[y]:
            x, y = y, x
        root[y] = x
        total[x] += total[y]
    for c in range(len(root)):
        while root[c] != root[root[c]]:
            root[c] = root[root[c]]
    return root


@njit
def number_roots(root):
    """Turn roots into labels 0, 1, ... in the order of the components' smallest clusters, in place; return how many."""
    label = np.full_like(root, -1)
    count = 0
    for c in range(len(root)):
        end = root[c]
        if label[end] < 0:
            label[end] = count
            count += 1
        root[c] = label[end]
    return count
