"""Kernels that turn edge lists into sorted rows of half edges, checking symmetry on the way."""

# mypy: allow-untyped-defs, allow-untyped-calls
from __future__ import annotations

import numpy as np

from graphvid._numba import njit
from graphvid.clustering._kernels import _mix


@njit
def fingerprints(src, dst, bits):
    """Return a 64-bit sum over the edges src < dst and one over src > dst; they agree for mirrored edge lists.

    ``bits`` are the weights' bits (num_edges,) uint64. Two different lists agree with probability about 2**-64.
    """
    up = np.uint64(0)
    down = np.uint64(0)
    golden = np.uint64(0x9E3779B97F4A7C15)
    for e in range(len(src)):
        u, v = src[e], dst[e]
        low = np.uint64(min(u, v))
        high = np.uint64(max(u, v))
        key = _mix(_mix(_mix(low + golden) + high * golden) ^ bits[e])
        if u < v:
            up += key
        elif u > v:
            down += key
    return up, down


@njit
def half_edges(src, dst, weight, num_nodes, upper_only, ids):
    """Return (starts, neighbors, weights) of the half edges sorted by (smaller end, larger end), without self-loops.

    A radix sort: counting by the larger end, then by the smaller one. Equal pairs keep the input's order. With
    ``upper_only`` edges with src > dst are left out. ``ids`` is an empty array of the id type.
    """
    by_high = np.zeros(num_nodes + 1, np.int64)
    starts = np.zeros(num_nodes + 1, np.int64)
    for e in range(len(src)):
        u, v = src[e], dst[e]
        if u < v or (u > v and not upper_only):
            by_high[max(u, v) + 1] += 1
            starts[min(u, v) + 1] += 1
    for c in range(num_nodes):
        by_high[c + 1] += by_high[c]
        starts[c + 1] += starts[c]
    total = starts[num_nodes]
    order_low = np.empty(total, ids.dtype)
    order_weight = np.empty(total, np.float64)
    ends = by_high.copy()
    for e in range(len(src)):
        u, v = src[e], dst[e]
        if u < v or (u > v and not upper_only):
            high = max(u, v)
            slot = by_high[high]
            by_high[high] = slot + 1
            order_low[slot] = min(u, v)
            order_weight[slot] = weight[e]
    neighbors = np.empty(total, ids.dtype)
    weights = np.empty(total, np.float64)
    cursor = starts.copy()
    for high in range(num_nodes):
        for e in range(ends[high], by_high[high]):
            low = order_low[e]
            slot = cursor[low]
            cursor[low] = slot + 1
            neighbors[slot] = high
            weights[slot] = order_weight[e]
    return starts, neighbors, weights


@njit
def first_duplicate(starts, neighbors):
    """Return (number of repeated edges, row of the first one, its place), for sorted rows."""
    count = 0
    row = -1
    place = -1
    for a in range(len(starts) - 1):
        for e in range(starts[a] + 1, starts[a + 1]):
            if neighbors[e] == neighbors[e - 1]:
                if count == 0:
                    row, place = a, e
                count += 1
    return count, row, place


@njit
def coalesce(starts, neighbors, weights, largest):
    """Combine repeated edges of sorted rows in place, summing in ascending order of weight; return the rows' stops."""
    num_nodes = len(starts) - 1
    stops = np.empty(num_nodes, np.int64)
    for a in range(num_nodes):
        slot = starts[a]
        e = starts[a]
        while e < starts[a + 1]:
            end = e + 1
            while end < starts[a + 1] and neighbors[end] == neighbors[e]:
                end += 1
            group = np.sort(weights[e:end])
            neighbors[slot] = neighbors[e]
            total = group[0]
            for value in group[1:]:
                total += value
            weights[slot] = group[-1] if largest else total
            slot += 1
            e = end
        stops[a] = slot
    return stops
