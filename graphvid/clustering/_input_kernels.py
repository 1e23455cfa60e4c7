"""Kernels that check edge lists and turn them into sorted rows of half edges."""

# mypy: allow-untyped-defs, allow-untyped-calls
from __future__ import annotations

from typing import NamedTuple

import numpy as np

from graphvid._numba import njit


class EdgeFacts(NamedTuple):
    """Facts from one pass over an edge list; places are -1 where there is none."""

    bad_id: int  # first edge with an id out of range
    bad_weight: int  # first edge with a weight that is not finite
    magnitude: float  # sum of |weight|
    num_up: int  # edges with src < dst
    num_down: int  # edges with src > dst
    first_loop: int
    ascending: bool  # the edges with src < dst are sorted by (src, dst)
    mirrored: bool  # as multisets, the edges with src > dst are those with src < dst turned round


@njit
def _edge_bits(low, high, weight):
    """Return 64 mixed bits of an edge and its weight."""
    x = (np.uint64(low) << np.uint64(32)) ^ np.uint64(high) ^ (np.uint64(low) >> np.uint64(32))
    x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    x ^= np.float64(weight + 0.0).view(np.uint64) * np.uint64(0x9E3779B97F4A7C15)  # + 0.0: -0.0 is 0.0
    x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    x = (x ^ (x >> np.uint64(31))) * np.uint64(0xD6E8FEB86659FD93)
    return x ^ (x >> np.uint64(32))


@njit
def edge_facts(src, dst, weight, num_nodes, symmetric):
    """Return the `EdgeFacts` of an edge list; ``mirrored`` is meaningful only if ``symmetric``.

    The test for ``mirrored`` compares sums of 64-bit hashes. It is wrong with probability about 2**-64.
    """
    magnitude = 0.0
    num_up, num_down, first_loop = 0, 0, -1
    ascending = True
    last_u, last_v = -1, -1
    up, down = np.uint64(0), np.uint64(0)
    for e in range(len(src)):
        u, v, w = src[e], dst[e], weight[e]
        if u < 0 or v < 0 or u >= num_nodes or v >= num_nodes:
            return EdgeFacts(e, -1, magnitude, num_up, num_down, first_loop, ascending, up == down)
        if not np.isfinite(w):
            return EdgeFacts(-1, e, magnitude, num_up, num_down, first_loop, ascending, up == down)
        magnitude += abs(w)
        if u < v:
            num_up += 1
            if symmetric:
                up += _edge_bits(u, v, w)
            ascending &= u > last_u or (u == last_u and v >= last_v)
            last_u, last_v = u, v
        elif u > v:
            num_down += 1
            if symmetric:
                down += _edge_bits(v, u, w)
        elif first_loop < 0:
            first_loop = e
    return EdgeFacts(-1, -1, magnitude, num_up, num_down, first_loop, ascending, up == down)


@njit
def copy_ascending(src, dst, weight, starts, neighbors, weights):
    """Fill sorted rows from the edges with src < dst, which are sorted; ``starts`` (num_nodes + 1,) is zero."""
    slot = 0
    for e in range(len(src)):
        u, v = src[e], dst[e]
        if u < v:
            starts[np.uintp(u) + np.uintp(1)] += 1
            neighbors[np.uintp(slot)] = v
            weights[np.uintp(slot)] = weight[e]
            slot += 1
    for c in range(len(starts) - 1):
        starts[c + 1] += starts[c]


@njit
def scatter_and_sort(src, dst, weight, upper_only, starts, cursor, neighbors, weights):
    """Fill sorted rows from edges in any order: a counting sort by row, then a comparison sort in each row.

    ``upper_only`` leaves out edges with src > dst. ``starts`` (num_nodes + 1,) is zero, ``cursor`` (num_nodes,).
    """
    for e in range(len(src)):
        u, v = src[e], dst[e]
        starts[np.uintp(min(u, v)) + np.uintp(1)] += u < v or (u > v and not upper_only)
    for c in range(len(cursor)):
        starts[c + 1] += starts[c]
        cursor[c] = starts[c]
    for e in range(len(src)):
        u, v = src[e], dst[e]
        if u < v or (u > v and not upper_only):
            low = np.uintp(min(u, v))
            slot = np.uintp(cursor[low])
            cursor[low] = slot + np.uintp(1)
            neighbors[slot] = max(u, v)
            weights[slot] = weight[e]
    for c in range(len(cursor)):
        sort_row(starts[c], starts[c + 1], neighbors, weights)


@njit
def sort_row(start, stop, neighbors, weights):
    """Sort the slots of a row by neighbour: Shell's sort, which is insertion sort for short rows."""
    gap = 1
    while gap < (stop - start) // 9:
        gap = 3 * gap + 1
    while gap > 0:
        for i in range(start + gap, stop):
            neighbor, weight = neighbors[i], weights[i]
            j = i
            while j >= start + gap and neighbors[j - gap] > neighbor:
                neighbors[j] = neighbors[j - gap]
                weights[j] = weights[j - gap]
                j -= gap
            neighbors[j] = neighbor
            weights[j] = weight
        gap //= 3


@njit
def first_duplicate(starts, neighbors):
    """Return (number of repeated edges, row of the first one, its slot), for sorted rows."""
    count = 0
    row = -1
    slot = -1
    for a in range(len(starts) - 1):
        for e in range(starts[a] + 1, starts[a + 1]):
            if neighbors[e] == neighbors[e - 1]:
                if count == 0:
                    row, slot = a, e
                count += 1
    return count, row, slot


@njit
def coalesce(starts, neighbors, weights, largest, stops):
    """Combine repeated edges of sorted rows in place, summing in ascending order of weight; fill the rows' stops."""
    for a in range(len(stops)):
        slot = starts[a]
        e = starts[a]
        while e < starts[a + 1]:
            end = e + 1
            while end < starts[a + 1] and neighbors[end] == neighbors[e]:
                end += 1
            total = weights[e]
            if end > e + 1:
                group = np.sort(weights[e:end])
                total = group[-1] if largest else _sum(group)
            neighbors[slot] = neighbors[e]
            weights[slot] = total
            slot += 1
            e = end
        stops[a] = slot


@njit
def _sum(values):
    total = 0.0
    for value in values:
        total += value
    return total


@njit
def upper_starts(indptr, indices, data, starts):
    """Fill the slot from which the columns of each row of a CSR matrix exceed the row.

    Returns (sound, num_self_loops, num_edges): sound when columns ascend strictly, weights are finite, their sum too,
    and the matrix is symmetric (see `edge_facts`).
    """
    magnitude = 0.0
    num_edges = 0
    loops = 0
    up, down = np.uint64(0), np.uint64(0)
    for u in range(len(starts)):
        last = -1
        start = indptr[u + 1]
        for e in range(np.uintp(indptr[u]), np.uintp(indptr[u + 1])):
            v, w = indices[e], data[e]
            if v <= last or v >= len(starts):
                return False, loops, num_edges
            last = v
            magnitude += abs(w)
            if v > u:
                start = min(start, np.int64(e))
                num_edges += 1
                up += _edge_bits(u, v, w)
            elif v < u:
                down += _edge_bits(v, u, w)
            else:
                loops += 1
        starts[u] = start
    return up == down and np.isfinite(magnitude), loops, num_edges


@njit
def copy_upper(indptr, indices, data, first, starts, neighbors, weights):
    """Fill rows from the slots ``first[u]`` on of each row of a CSR matrix; ``starts`` (num_nodes + 1,)."""
    slot = 0
    for u in range(len(first)):
        starts[u] = slot
        for e in range(first[u], indptr[u + 1]):
            neighbors[slot] = indices[e]
            weights[slot] = data[e]
            slot += 1
    starts[len(first)] = slot


@njit
def first_unsound(starts, stops, neighbors, weights):
    """Return the first row whose slots or entries break a rule of `UndirectedGraph`; -1 if there is none."""
    last = 0
    for row in range(len(starts)):
        start, stop = starts[row], stops[row]
        if start < last or stop < start or stop > len(neighbors):
            return row
        last = stop
        before = row
        for e in range(start, stop):
            if neighbors[e] <= before or neighbors[e] >= len(starts) or not np.isfinite(weights[e]):
                return row
            before = neighbors[e]
    return -1
