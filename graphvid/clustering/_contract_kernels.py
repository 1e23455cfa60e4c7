"""Kernels that contract the graph of clusters in four steps (count, place, scatter, combine), and sum weights of clusters.

`graphvid.clustering._kernels` describes the form of the graph.
"""

# mypy: allow-untyped-defs, allow-untyped-calls
from __future__ import annotations

import numpy as np

from graphvid._numba import njit
from graphvid.clustering._kernels import denominator


@njit
def join_members(label, sizes, members, new_sizes, new_members):
    """Add up the sizes (``new_sizes`` is 0 at first) and find the smallest members of the clusters of new labels."""
    count = 0
    for c in range(len(label)):
        x = label[c]
        new_sizes[x] += sizes[c]
        if x == count:  # a label's number follows its smallest cluster
            new_members[x] = members[c]
            count += 1
        else:
            new_members[x] = min(new_members[x], members[c])


@njit
def count_chunk(first, last, rows, label, count):
    """Count the remaining edges per new row; ``label`` -1 removes a cluster's edges from the graph."""
    starts, stops, neighbors, _, _ = rows
    for a in range(np.uintp(first), np.uintp(last)):
        x = label[a]
        if x < 0:
            continue
        own = 0
        for e in range(np.uintp(starts[a]), np.uintp(stops[a])):
            y = label[np.uintp(neighbors[e])]
            if y < 0:
                continue
            own += y > x
            count[np.uintp(y)] += y < x
        count[x] += own


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
def scatter_chunk(first, last, rows, label, cursor, linkage, bound, weights, new):
    """Copy the remaining edges to their rows of ``new``, in their order.

    ``weights`` is empty, or holds the node weights that scale the original edges on their first contraction.
    """
    starts, stops, neighbors, values, counts = rows
    _, _, new_neighbors, new_values, new_counts = new
    scaled, counted = len(weights) > 0, len(new_counts) > 0
    for a in range(np.uintp(first), np.uintp(last)):
        x = label[a]
        if x < 0:
            continue
        for e in range(np.uintp(starts[a]), np.uintp(stops[a])):
            b = np.uintp(neighbors[e])
            y = label[b]
            if y == x or y < 0:
                continue
            low = np.uintp(min(x, y))
            slot = np.uintp(cursor[low])
            cursor[low] = slot + np.uintp(1)
            new_neighbors[slot] = max(x, y)
            if scaled:
                new_values[slot] = values[e] * denominator(linkage, bound, weights[a], weights[b])
            else:
                new_values[slot] = values[e]  # no conversion to float: int64 sums stay exact
            if counted:
                new_counts[slot] = counts[e] if len(counts) > 0 else 1


@njit
def combine_chunk(first, last, rows, largest, seen):
    """Combine parallel edges of rows ``first`` to ``last`` in place, in their order.

    ``seen`` (num_clusters,) int64, -1 at first, is this thread's table of the slot that holds a neighbour. An entry counts
    for the current row only if it is not before the row's start, so the table is never cleared. ``largest`` takes maxima,
    otherwise sums.
    """
    starts, stops, neighbors, values, counts = rows
    counted = len(counts) > 0
    for a in range(np.uintp(first), np.uintp(last)):
        start = starts[a]
        slot = start
        for e in range(np.uintp(start), np.uintp(stops[a])):
            b = neighbors[e]
            value = values[e]
            at = seen[np.uintp(b)]
            if at < start:
                seen[np.uintp(b)] = slot
                neighbors[np.uintp(slot)] = b
                values[np.uintp(slot)] = value
                if counted:
                    counts[np.uintp(slot)] = counts[e]
                slot += 1
            else:
                old = values[np.uintp(at)]
                values[np.uintp(at)] = max(old, value) if largest else old + value
                if counted:
                    counts[np.uintp(at)] += counts[e]
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
