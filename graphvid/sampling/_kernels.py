"""Numba kernels of triplet sampling; they take arrays and scalars."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from graphvid._numba import njit
from graphvid.ops.prefetch import prefetch
from graphvid.sampling._stream import _below, _bits, _unit

DRAWS = 32  # random numbers reserved for a row, in this order:
ANCHOR, LEVEL, POSITIVE, MEMBER, CLUSTER = 0, 1, 2, 3, 4  # CLUSTER + TRIES is the draw of the exact enumeration
TRIES = 16
_BLOCK = 128  # rows per block: each step of a draw runs for a whole block, so that cache misses overlap


def draw(tables: Any, key: int, batch_size: int, exclude_neighbors: bool) -> tuple[NDArray[np.int64], ...]:
    """Return anchors, positives, negatives, levels drawn and levels used, each of shape (batch_size,).

    ``tables`` is a `graphvid.sampling.triplet_tables.Tables` of arrays, ``key`` the state of the random stream of the step.
    """
    anchor, positive = np.empty(batch_size, dtype=np.int64), np.empty(batch_size, dtype=np.int64)
    _draw_pairs(tables, np.uint64(key), anchor, positive)
    return anchor, positive, *draw_negatives(tables, key, anchor, positive, exclude_neighbors)


def draw_negatives(
    tables: Any, key: int, anchor: NDArray[np.int64], positive: NDArray[np.int64], exclude_neighbors: bool
) -> tuple[NDArray[np.int64], ...]:
    """Return negatives of given pairs, levels drawn and levels used, each of shape (batch_size,); see `draw`."""
    batch_size = len(anchor)
    negative, drawn, used = (np.empty(batch_size, dtype=np.int64) for _ in range(3))
    if exclude_neighbors:
        excluded, row_lo, row_hi = tables.neighbors, tables.indptr[anchor], tables.indptr[anchor + 1]
    else:
        excluded, row_lo, row_hi = tables.position[positive], np.arange(batch_size), np.arange(1, batch_size + 1)
    _draw_negatives(tables, np.uint64(key), excluded, row_lo, row_hi, anchor, negative, drawn, used)
    return negative, drawn, used


@njit
def _draw_pairs(tables, key, anchor, positive):  # type: ignore[no-untyped-def]
    """Fill row i from draws ``DRAWS * i`` onwards of the stream ``key``: a uniform anchor and a neighbour of it."""
    anchors, order, neighbors, cumulative = tables.anchors, tables.order, tables.neighbors, tables.cumulative
    for i in range(anchor.size):
        anchor[i] = anchors[_below(_bits(key, DRAWS * i + ANCHOR), anchors.size)]
    for i in range(anchor.size):
        lo, hi = tables.positive_lo[anchor[i]], tables.positive_hi[anchor[i]]
        bits = _bits(key, DRAWS * i + POSITIVE)
        if cumulative.size:
            target = _unit(bits) * cumulative[hi - 1]
            while lo < hi:  # the first slot whose running weight is above the target
                middle = (lo + hi) >> 1
                if cumulative[middle] <= target:
                    lo = middle + 1
                else:
                    hi = middle
        else:
            lo += _below(bits, hi - lo)
        positive[i] = lo
    for i in range(anchor.size):  # separate loops, so that the cache misses of many rows overlap
        positive[i] = neighbors[positive[i]]
    for i in range(anchor.size):
        positive[i] = order[positive[i]]


@njit
def _draw_negatives(tables, key, excluded, row_lo, row_hi, anchor, negative, drawn, used):  # type: ignore[no-untyped-def]
    """Fill row i of ``negative``, of the level drawn and of the level used.

    The pool of a level is the outer slice of the anchor without the inner one: a left and a right range of positions. The
    positions ``excluded[row_lo[i] : row_hi[i]]``, which ascend, are not in it.
    """
    bounds, outer, inner, order, level_cdf = tables.bounds, tables.outer, tables.inner, tables.order, tables.level_cdf
    last, child, width = level_cdf.size - 1, tables.child, bounds.shape[1] * bounds.shape[2]
    cluster = np.empty((_BLOCK, 2), dtype=np.int64)  # start and stop of the first slice to try
    box = np.empty((_BLOCK, 4), dtype=np.int64)  # start, hole start, hole stop, stop; later rank, start, lo, hi
    for block in range(0, anchor.size, _BLOCK):
        size = min(_BLOCK, anchor.size - block)
        for i in range(block, block + size):
            prefetch(bounds, anchor[i] * width)
            prefetch(excluded, row_lo[i])
            prefetch(excluded, row_hi[i])
        for r in range(size):
            i = block + r
            u = _unit(_bits(key, DRAWS * i + LEVEL))
            level = 0
            for k in range(last):
                level += level_cdf[k] <= u
            drawn[i] = level
            box[r, 0], box[r, 3] = bounds[anchor[i], outer[level], 0], bounds[anchor[i], outer[level], 1]
            box[r, 1], box[r, 2] = bounds[anchor[i], inner[level], 0], bounds[anchor[i], inner[level], 1]
        if tables.ranks.size:
            _try_clusters(tables, key, block, anchor[block : block + size], drawn, box, cluster)
        for r in range(size):
            i = block + r
            lo, hi, level = row_lo[i], row_hi[i], drawn[i]
            own, found = np.int64(bounds[anchor[i], 0, 0]), False
            if child[level]:
                start, stop = cluster[r, 0], cluster[r, 1]
                s0, s3 = _two_slots(excluded, lo, hi, start, stop)
                found = _eligible(start, stop, s0, s3, own) > 0
            if not found:
                start, hole_start, hole_stop, stop = box[r, 0], box[r, 1], box[r, 2], box[r, 3]
                s0, s1, s2, s3 = _four_slots(excluded, lo, hi, start, hole_start, hole_stop, stop)
                left, right = hole_start - start - (s1 - s0), stop - hole_stop - (s3 - s2)
                while left + right == 0 and level < last:
                    level += 1
                    start = np.int64(bounds[anchor[i], outer[level], 0])
                    stop = np.int64(bounds[anchor[i], outer[level], 1])
                    hole_start = np.int64(bounds[anchor[i], inner[level], 0])
                    hole_stop = np.int64(bounds[anchor[i], inner[level], 1])
                    s0, s1, s2, s3 = _four_slots(excluded, lo, hi, start, hole_start, hole_stop, stop)
                    left, right = hole_start - start - (s1 - s0), stop - hole_stop - (s3 - s2)
                if child[level]:
                    start, stop, s0, s3 = _draw_cluster(tables, key, DRAWS * i, anchor[i], level, excluded, lo, hi)
                    found = True
            used[i] = level
            if found:
                hole_start = hole_stop = start
                s1 = s2 = s0
                if start <= own < stop:  # leave out the anchor; it is no neighbour of itself
                    hole_start, hole_stop = own, own + 1
                    s1, s2 = _two_slots(excluded, s0, s3, own, own + 1)
                left, right = hole_start - start - (s1 - s0), stop - hole_stop - (s3 - s2)
            rank = _below(_bits(key, DRAWS * i + MEMBER), left + right)
            in_right = np.int64(rank >= left)  # no branch, because the processor would mispredict it every second time
            box[r, 0], box[r, 1] = rank - left * in_right, start + (hole_stop - start) * in_right
            box[r, 2], box[r, 3] = s0 + (s2 - s0) * in_right, s1 + (s3 - s1) * in_right
        for r in range(size):
            negative[block + r] = _nth_eligible(box[r, 0], box[r, 1], excluded, box[r, 2], box[r, 3])
            prefetch(order, negative[block + r])
        for i in range(block, block + size):
            negative[i] = order[negative[i]]


@njit(inline="always")
def _four_slots(values, lo, hi, a, b, c, d):  # type: ignore[no-untyped-def]
    """Return the first slots in [lo, hi) with values >= a, b, c, d, or hi: four interleaved searches."""
    i = j = k = m = lo
    size = hi - lo
    while size > 0:
        half = (size + 1) >> 1
        i += half * (values[i + half - 1] < a)
        j += half * (values[j + half - 1] < b)
        k += half * (values[k + half - 1] < c)
        m += half * (values[m + half - 1] < d)
        size -= half
    return i, j, k, m


@njit(inline="always")
def _nth_eligible(rank, start, excluded, lo, hi):  # type: ignore[no-untyped-def]
    """Return the position from ``start`` on with ``rank`` eligible positions before it; [lo, hi) are the range's slots.

    ``excluded[slot] - start - (slot - lo)`` eligible positions lie before ``excluded[slot]``; this number ascends.
    """
    slot, size, beyond = lo, hi - lo, rank + start - lo + 1
    while size > 0:
        half = (size + 1) >> 1
        slot += half * (excluded[slot + half - 1] - (slot + half - 1) < beyond)
        size -= half
    return start + rank + (slot - lo)


@njit
def _try_clusters(tables, key, block, anchor, drawn, box, cluster):  # type: ignore[no-untyped-def]
    """Fill ``cluster`` with the slices that `_draw_cluster` tries first for a block of rows; empty ones without any.

    Step by step for all rows, so that their cache misses overlap. ``box`` holds start and stop of the outer slices.
    """
    ranks, starts, inner, bounds = tables.ranks, tables.starts, tables.inner, tables.bounds
    for r in range(anchor.size):
        row = tables.child[drawn[block + r]] * ranks.shape[1]
        prefetch(ranks, row + box[r, 0])
        prefetch(ranks, row + bounds[anchor[r], 0, 0])
    for r in range(anchor.size):
        child = tables.child[drawn[block + r]]
        cluster[r, 0], cluster[r, 1] = ranks[child, box[r, 0]], ranks[child, box[r, 3] - 1]
    for r in range(anchor.size):
        level = drawn[block + r]
        child, first = tables.child[level], cluster[r, 0]
        around = inner[level] == child
        number = cluster[r, 1] + 1 - first - around
        pick = first + _below(_bits(key, DRAWS * (block + r) + CLUSTER), number)
        pick += around & (pick >= ranks[child, bounds[anchor[r], 0, 0]])
        cluster[r, 0], cluster[r, 1] = pick if number else first, number
        prefetch(starts, child * starts.shape[1] + cluster[r, 0])
    for r in range(anchor.size):
        child, pick = tables.child[drawn[block + r]], cluster[r, 0]
        cluster[r, 0] = starts[child, pick]
        cluster[r, 1] = starts[child, pick + 1] if cluster[r, 1] else cluster[r, 0]


@njit
def _draw_cluster(tables, key, counter, a, level, excluded, lo, hi):  # type: ignore[no-untyped-def]
    """Return the slice of a child cluster with an eligible video, uniform among those of the pool, and its slots.

    First come random tries, then an enumeration of the clusters, so that the draw is exact and ends. The slots are those of
    the excluded positions in the slice.
    """
    child, own = tables.child[level], tables.position[a]
    ranks, starts = tables.ranks, tables.starts
    around = tables.inner[level] == child  # the pool lies around this child cluster of its outer slice
    first = np.int64(ranks[child, tables.bounds[a, tables.outer[level], 0]])
    number = ranks[child, tables.bounds[a, tables.outer[level], 1] - 1] + 1 - first - around
    skip = np.int64(ranks[child, own]) if around else np.int64(starts.shape[1])
    for attempt in range(TRIES):
        pick = first + _below(_bits(key, counter + CLUSTER + attempt), number)
        start, stop, s0, s1 = _slice(starts, child, pick + (pick >= skip), excluded, lo, hi)
        if _eligible(start, stop, s0, s1, own):
            return start, stop, s0, s1
    alive = 0
    for c in range(first, first + number):
        start, stop, s0, s1 = _slice(starts, child, c + (c >= skip), excluded, lo, hi)
        alive += _eligible(start, stop, s0, s1, own) > 0
    rank = _below(_bits(key, counter + CLUSTER + TRIES), alive)
    pick = first - 1
    while rank >= 0:
        pick += 1
        start, stop, s0, s1 = _slice(starts, child, pick + (pick >= skip), excluded, lo, hi)
        rank -= _eligible(start, stop, s0, s1, own) > 0
    return start, stop, s0, s1


@njit(inline="always")
def _slice(starts, child, cluster, excluded, lo, hi):  # type: ignore[no-untyped-def]
    """Return start and stop of a cluster, and the slots of the excluded positions in between."""
    start, stop = np.int64(starts[child, cluster]), np.int64(starts[child, cluster + 1])
    first, last = _two_slots(excluded, lo, hi, start, stop)
    return start, stop, first, last


@njit(inline="always")
def _two_slots(values, lo, hi, a, b):  # type: ignore[no-untyped-def]
    """Return the first slots in [lo, hi) with values >= a and b, or hi: as `_four_slots`."""
    i = j = lo
    size = hi - lo
    while size > 0:
        half = (size + 1) >> 1
        i += half * (values[i + half - 1] < a)
        j += half * (values[j + half - 1] < b)
        size -= half
    return i, j


@njit(inline="always")
def _eligible(start, stop, first, last, own):  # type: ignore[no-untyped-def]
    """Return the number of eligible videos of a slice with the excluded slots ``first`` to ``last``."""
    return stop - start - (last - first) - (start <= own < stop)
