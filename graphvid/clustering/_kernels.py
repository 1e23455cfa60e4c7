"""Kernels of affinity clustering: one level is select, resolve, contract. Arrays and scalars only.

The graph is held as rows of half edges: ``neighbors[starts[a]:stops[a]]`` are clusters, ``values`` the raw sums (or
maxima) of the original weights. Each undirected edge is stored once, in the row of its smaller cluster, so both ends
see one and the same number, and sums are made in one fixed order: by row, then by position in the row.

Kernels named ``..._chunk`` work on a range of rows and are run by several threads; each writes only its own slots.
"""

# mypy: allow-untyped-defs, allow-untyped-calls
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
def _mix(x):
    """Mix 64 bits (the finaliser of splitmix64; Steele, Lea and Flood 2014)."""
    x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return x ^ (x >> np.uint64(31))


@njit
def _edge_hash(low, high, seed):
    """Return the tie-break key of an edge between the nodes ``low < high``."""
    golden = np.uint64(0x9E3779B97F4A7C15)
    return _mix(_mix(seed + golden * (np.uint64(low) + np.uint64(1))) + golden * (np.uint64(high) + np.uint64(1)))


@njit
def _denominator(linkage, bound, size_a, size_b):
    if linkage == AVERAGE:
        return size_a * size_b
    if linkage == CUT_SPARSITY:
        return min(size_a, size_b)
    if linkage == MAX_DEGREE_BOUNDED:
        return min(bound * min(size_a, size_b), size_a * size_b)
    return 1.0


@njit
def _better(value, key, low, high, best_value, best_key, best_low, best_high):
    """Say whether one edge precedes another: weight, then hash, then the smaller (low, high)."""
    if value != best_value:
        return value > best_value
    if key != best_key:
        return key > best_key
    return low < best_low or (low == best_low and high < best_high)


@njit
def _offer(c, to, value, key, best_value, best_key, best_to):
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
):  # fmt: skip
    """Offer the eligible edges of rows ``first`` to ``last`` to both their ends.

    ``members`` (num_clusters,) is the smallest member of each cluster. Clusters above ``min_size`` start no merge.
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
def join_best_chunk(first, last, best_value, best_key, best_to):
    """Join the best edges found by several threads, the rows of the (num_threads, num_clusters) arrays, into row 0."""
    for t in range(1, best_to.shape[0]):
        for c in range(first, last):
            if best_to[t, c] >= 0:
                _offer(c, best_to[t, c], best_value[t, c], best_key[t, c], best_value[0], best_key[0], best_to[0])


@njit
def chain_roots(best_to):
    """Return the cluster at which each chain of selected edges ends.

    Along a chain the edges' order never falls, so the only cycle is a mutual pair; its smaller end is the root.
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
    return root


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


@njit
def count_chunk(first, last, rows, label, count):
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
def place_rows(count):
    """Turn counts (num_threads, num_rows) into each thread's first slot per row; return the rows' starts and stops."""
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
def scatter_chunk(first, last, rows, label, cursor, linkage, bound, weights, neighbors, values, counts):
    """Move the edges that stay to their new rows, in the order in which they stand.

    ``weights`` is empty, or holds the node weights that scale the original edges on their first contraction.
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
def combine_chunk(first, last, rows, largest, seen):
    """Combine parallel edges of rows ``first`` to ``last`` in place, in the order in which they stand.

    ``seen`` (num_clusters,) int64, -1 at first, is this thread's table of the slot that holds a neighbour: it speaks of
    the present row when it is not before the row's start, so it is never cleared. ``largest`` takes maxima, else sums.
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


@njit
def percentile_chunk(first, last, rows, q, min_count, stops, neighbors, values):
    """Write one edge per neighbour of rows ``first`` to ``last``: the percentile of the weights of its parallel edges.

    The results lie at the same starts as ``rows``; ``stops``, ``neighbors`` and ``values`` are filled.
    """
    for a in range(first, last):
        start, stop = rows.starts[a], rows.stops[a]
        order = np.argsort(rows.neighbors[start:stop])
        slot = start
        i = 0
        while i < len(order):
            b = rows.neighbors[start + order[i]]
            end = i
            while end < len(order) and rows.neighbors[start + order[end]] == b:
                end += 1
            group = np.sort(rows.values[start:stop][order[i:end]])
            neighbors[slot] = b
            values[slot] = group[-1] if len(group) < min_count else group[int(np.floor(q * (len(group) - 1)))]
            slot += 1
            i = end
        stops[a] = slot


@njit
def cluster_weights(rows, label, num_clusters):
    """Return, per cluster, the sum of weights inside, the sum of weighted degrees, and the number of nodes."""
    inside = np.zeros(num_clusters)
    volume = np.zeros(num_clusters)
    num_members = np.zeros(num_clusters, np.int64)
    for a in range(len(rows.starts)):
        x = label[a]
        num_members[x] += 1
        for e in range(rows.starts[a], rows.stops[a]):
            y = label[rows.neighbors[e]]
            value = rows.values[e]
            volume[x] += value
            volume[y] += value
            if x == y:
                inside[x] += value
    return inside, volume, num_members
