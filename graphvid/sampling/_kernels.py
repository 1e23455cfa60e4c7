"""Numba kernels of triplet sampling: arrays and scalars only."""

from __future__ import annotations

import numpy as np

from graphvid._numba import njit
from graphvid.sampling._stream import _below, _bits, _unit

DRAWS = 32  # random numbers reserved for a row, in this order:
ANCHOR, LEVEL, POSITIVE, MEMBER, CLUSTER = 0, 1, 2, 3, 4  # CLUSTER + TRIES is the draw of the exact enumeration
TRIES = 16


@njit
def _draw_triplets(tables, key, exclude_neighbors, anchor, positive, negative, drawn, used):  # type: ignore[no-untyped-def]
    """Fill row i of the outputs from draws ``DRAWS * i`` onwards of the stream ``key``."""
    anchors, level_cdf, position, order = tables.anchors, tables.level_cdf, tables.position, tables.order
    indptr, neighbors = tables.indptr, tables.excluded
    partner = np.empty(1, dtype=position.dtype)  # stands for the neighbours when only the positive is excluded
    last = level_cdf.size - 1
    for i in range(anchor.size):
        counter = DRAWS * i
        a = anchors[_below(_bits(key, counter + ANCHOR), anchors.size)]
        p = _draw_positive(tables, a, _bits(key, counter + POSITIVE))
        level = 0
        u = _unit(_bits(key, counter + LEVEL))
        while level_cdf[level] <= u:
            level += 1
        anchor[i], positive[i], drawn[i] = a, p, level
        if exclude_neighbors:
            place, used[i] = _draw_negative(tables, key, counter, a, level, last, neighbors, indptr[a], indptr[a + 1])
        else:
            partner[0] = position[p]
            place, used[i] = _draw_negative(tables, key, counter, a, level, last, partner, 0, 1)
        negative[i] = order[place]


@njit(inline="always")
def _draw_positive(tables, a, bits):  # type: ignore[no-untyped-def]
    """Return a neighbour, uniform or by weight when there are cumulative weights."""
    cumulative, lo, hi = tables.cumulative, tables.positive_indptr[a], tables.positive_indptr[a + 1]
    if not cumulative.size:
        return tables.positive_indices[lo + _below(bits, hi - lo)]
    target = _unit(bits) * cumulative[hi - 1]
    while lo < hi:
        middle = (lo + hi) >> 1
        if cumulative[middle] <= target:
            lo = middle + 1
        else:
            hi = middle
    return tables.positive_indices[lo]


@njit
def _draw_negative(tables, key, counter, a, level, last, excluded, lo, hi):  # type: ignore[no-untyped-def]
    """Return the position of an eligible video of the level, or of the first level above that has one, and that level.

    A pool is the outer slice without the inner one, that is a left and a right range, without the excluded positions.
    """
    bounds, outer, inner = tables.bounds, tables.outer, tables.inner
    while True:
        start, stop = bounds[a, outer[level], 0], bounds[a, outer[level], 1]
        hole_start, hole_stop = bounds[a, inner[level], 0], bounds[a, inner[level], 1]
        left, left_slot = _eligible(start, hole_start, excluded, lo, hi)
        right, right_slot = _eligible(hole_stop, stop, excluded, lo, hi)
        if left + right or level == last:
            break
        level += 1
    if tables.child[level]:
        start, stop = _draw_cluster(tables, key, counter, a, level, excluded, lo, hi)
        own = tables.position[a]
        hole_start = own if start <= own < stop else start
        hole_stop = hole_start + (start <= own < stop)
        left, left_slot = _eligible(start, hole_start, excluded, lo, hi)
        right, right_slot = _eligible(hole_stop, stop, excluded, lo, hi)
    rank = _below(_bits(key, counter + MEMBER), left + right)
    if rank < left:
        return _nth_eligible(rank, start, excluded, left_slot, hi), level
    return _nth_eligible(rank - left, hole_stop, excluded, right_slot, hi), level


@njit(inline="always")
def _lower_bound(values, lo, hi, x):  # type: ignore[no-untyped-def]
    """Return the first slot in [lo, hi) whose value is at least ``x``, or hi."""
    while lo < hi:
        middle = (lo + hi) >> 1
        if values[middle] < x:
            lo = middle + 1
        else:
            hi = middle
    return lo


@njit(inline="always")
def _eligible(start, stop, excluded, lo, hi):  # type: ignore[no-untyped-def]
    """Return how many positions in [start, stop) are not excluded, and the slot of the first excluded one."""
    first = _lower_bound(excluded, lo, hi, start)
    return stop - start - (_lower_bound(excluded, first, hi, stop) - first), first


@njit(inline="always")
def _nth_eligible(rank, start, excluded, lo, hi):  # type: ignore[no-untyped-def]
    """Return the position at or after ``start`` that has ``rank`` eligible positions between; ``lo`` is start's slot."""
    first = lo
    while lo < hi:  # excluded[slot] - start - (slot - first) eligible positions lie before an excluded one
        middle = (lo + hi) >> 1
        if excluded[middle] - start - (middle - first) <= rank:
            lo = middle + 1
        else:
            hi = middle
    return start + rank + (lo - first)


@njit
def _draw_cluster(tables, key, counter, a, level, excluded, lo, hi):  # type: ignore[no-untyped-def]
    """Return the slice of a child cluster with an eligible video, uniform among those of the pool."""
    child, own = tables.child[level], tables.position[a]
    ranks, starts = tables.ranks[child], tables.starts[child]
    around = tables.inner[level] == child  # the pool lies around this child cluster of its outer slice
    first = ranks[tables.bounds[a, tables.outer[level], 0]]
    number = ranks[tables.bounds[a, tables.outer[level], 1] - 1] + 1 - first - around
    skip = ranks[own] if around else np.int64(1) << 40
    for attempt in range(TRIES):
        pick = first + _below(_bits(key, counter + CLUSTER + attempt), number)
        pick += pick >= skip
        if _members(starts, pick, own, excluded, lo, hi):
            return starts[pick], starts[pick + 1]
    alive = 0
    for pick in range(first, first + number):
        alive += _members(starts, pick + (pick >= skip), own, excluded, lo, hi) > 0
    rank = _below(_bits(key, counter + CLUSTER + TRIES), alive)
    pick = first - 1
    while rank >= 0:
        pick += 1
        rank -= _members(starts, pick + (pick >= skip), own, excluded, lo, hi) > 0
    pick += pick >= skip
    return starts[pick], starts[pick + 1]


@njit(inline="always")
def _members(starts, cluster, own, excluded, lo, hi):  # type: ignore[no-untyped-def]
    """Return the number of eligible videos of a cluster."""
    start, stop = starts[cluster], starts[cluster + 1]
    number, _ = _eligible(start, stop, excluded, lo, hi)
    return number - (start <= own < stop)
