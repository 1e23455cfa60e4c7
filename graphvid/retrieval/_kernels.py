"""Numba kernels of searches; they take arrays and scalars.

The best items of a query so far are a binary heap in its row of ``scores`` and ``positions``, with the worst on top. The
kernels visit items by ascending position, and of two equal scores the first stays: ties go to the lower position.
"""

# mypy: allow-untyped-defs, allow-untyped-calls
from __future__ import annotations

import numpy as np

from graphvid._numba import njit

_BLOCK = 2048  # scores of items at a time; they and their codes fit into the first-level cache


@njit
def _is_worse(score, position, other_score, other_position):
    return score < other_score or (score == other_score and position > other_position)


@njit
def _sift_down(scores, positions, root, size):
    """Move the entry at ``root`` down until no entry below it is worse."""
    score, position = scores[root], positions[root]
    child = 2 * root + 1
    while child < size:
        right = child + 1
        if right < size and _is_worse(scores[right], positions[right], scores[child], positions[child]):
            child = right
        if not _is_worse(scores[child], positions[child], score, position):
            break
        scores[root], positions[root] = scores[child], positions[child]
        root, child = child, 2 * child + 1
    scores[root], positions[root] = score, position


@njit
def _sift_up(scores, positions, slot):
    """Move the entry at ``slot`` up until the entry above it is worse."""
    score, position = scores[slot], positions[slot]
    while slot > 0:
        parent = (slot - 1) // 2
        if not _is_worse(score, position, scores[parent], positions[parent]):
            break
        scores[slot], positions[slot] = scores[parent], positions[parent]
        slot = parent
    scores[slot], positions[slot] = score, position


@njit
def _keep(scores, positions, count, score, position):
    """Add an entry, or replace the worst one if the heap is full; return the number of entries."""
    if count < scores.size:
        scores[count], positions[count] = score, position
        _sift_up(scores, positions, count)
        return count + 1
    scores[0], positions[0] = score, position
    _sift_down(scores, positions, 0, count)
    return count


@njit
def sort_best(scores, positions, counts):
    """Put the entries of every row in order, the best first."""
    for r in range(len(scores)):
        for size in range(counts[r] - 1, 0, -1):
            worst, at = scores[r, 0], positions[r, 0]
            scores[r, 0], positions[r, 0] = scores[r, size], positions[r, size]
            scores[r, size], positions[r, size] = worst, at
            _sift_down(scores[r], positions[r], 0, size)


@njit
def _holds(values, wanted):
    """Return whether ascending ``values`` have ``wanted``."""
    lo, hi = 0, values.size
    while lo < hi:
        middle = (lo + hi) >> 1
        if values[middle] < wanted:
            lo = middle + 1
        else:
            hi = middle
    return lo < values.size and values[lo] == wanted


@njit
def _dot(x, y):
    """Return the dot product in float64, term after term."""
    total = 0.0
    for d in range(x.size):
        total += np.float64(x[d]) * np.float64(y[d])
    return total


@njit
def keep_best_products(
    first, last, products, start, queries, vectors, error, barred, own_indptr, own, scores, positions, counts
):
    """Add the items of one block to the heaps of the queries ``first`` to ``last``.

    ``products[q, i]`` is the product of query q and item ``start + i``, with an error of at most ``error[q]``, or NaN. An
    item that may be among the best gets a new score in float64, so that rounding decides no rank. ``barred`` and each
    ``own[own_indptr[q] : own_indptr[q + 1]]`` are ascending positions to exclude.
    """
    top_k = scores.shape[1]
    for q in range(first, last):
        row = products[q]
        own_barred = own[own_indptr[q] : own_indptr[q + 1]]
        count = counts[q]
        for i in range(row.size):
            if count == top_k and row[i] + error[q] < scores[q, 0]:
                continue
            position = start + i
            if _holds(barred, position) or _holds(own_barred, position):
                continue
            score = _dot(queries[q], vectors[i])
            if count < top_k or score > scores[q, 0]:
                count = _keep(scores[q], positions[q], count, score, position)
        counts[q] = count


@njit
def _fill_table(query, codebooks, table):
    """Write the products of the sub-vectors of a query with their codewords; ``codebooks`` is (M, dim of one, K)."""
    width = codebooks.shape[1]
    for m in range(codebooks.shape[0]):
        row = table[m]
        row[:] = 0.0
        for d in range(width):
            x, codewords = query[m * width + d], codebooks[m, d]
            for k in range(row.size):
                row[k] += x * codewords[k]


@njit
def _sum_table(table, codes, lo, sums):
    """Write the scores of the items from ``lo`` on; ``codes`` is (M, num_items)."""
    num_codebooks = codes.shape[0]
    hi = lo + sums.size
    done = num_codebooks % 4
    if done == 0:
        sums[:] = 0.0
    else:
        t, c = table[0], codes[0, lo:hi]
        for i in range(sums.size):
            sums[i] = t[c[i]]
        for m in range(1, done):
            t, c = table[m], codes[m, lo:hi]
            for i in range(sums.size):
                sums[i] += t[c[i]]
    for m in range(done, num_codebooks, 4):
        t0, t1, t2, t3 = table[m], table[m + 1], table[m + 2], table[m + 3]
        c0, c1 = codes[m, lo:hi], codes[m + 1, lo:hi]
        c2, c3 = codes[m + 2, lo:hi], codes[m + 3, lo:hi]
        for i in range(sums.size):
            sums[i] += (t0[c0[i]] + t1[c1[i]]) + (t2[c2[i]] + t3[c3[i]])


@njit
def _num_above(values, bound):
    count = np.int32(0)
    for i in range(values.size):
        count = np.int32(count + (values[i] > bound))
    return count


@njit
def keep_best_codes(first, last, queries, codebooks, codes, barred, own_indptr, own, scores, positions, counts):
    """Search all items for the queries ``first`` to ``last``; see `keep_best_products` for the exclusions."""
    num_codebooks, num_items = codes.shape
    table = np.empty((num_codebooks, codebooks.shape[2]), np.float32)
    block = np.empty(_BLOCK, np.float32)
    top_k = scores.shape[1]
    for q in range(first, last):
        _fill_table(queries[q], codebooks, table)
        own_barred = own[own_indptr[q] : own_indptr[q + 1]]
        count = 0
        for lo in range(0, num_items, _BLOCK):
            sums = block[: min(_BLOCK, num_items - lo)]
            _sum_table(table, codes, lo, sums)
            if count == top_k and _num_above(sums, scores[q, 0]) == 0:
                continue
            for i in range(sums.size):
                if count == top_k and not sums[i] > scores[q, 0]:
                    continue
                if not (_holds(barred, lo + i) or _holds(own_barred, lo + i)):
                    count = _keep(scores[q], positions[q], count, sums[i], lo + i)
        counts[q] = count


@njit
def score_codes(first, last, queries, codebooks, codes, scores):
    """Write the scores of all items for the queries ``first`` to ``last``."""
    num_items = codes.shape[1]
    table = np.empty((codes.shape[0], codebooks.shape[2]), np.float32)
    for q in range(first, last):
        _fill_table(queries[q], codebooks, table)
        for lo in range(0, num_items, _BLOCK):
            _sum_table(table, codes, lo, scores[q, lo : min(lo + _BLOCK, num_items)])


@njit
def encode(first, last, vectors, codebooks, penalty, codes):
    """Write the best codeword of every sub-vector: the highest product minus ``penalty`` (M, K), the first of equals."""
    table = np.empty((codebooks.shape[0], codebooks.shape[2]), np.float32)
    for i in range(first, last):
        _fill_table(vectors[i], codebooks, table)
        for m in range(codebooks.shape[0]):
            best = 0
            for k in range(1, codebooks.shape[2]):
                if table[m, k] - penalty[m, k] > table[m, best] - penalty[m, best]:
                    best = k
            codes[m, i] = best
