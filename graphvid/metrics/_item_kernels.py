"""Numba kernel of the ranks of items: arrays and scalars only.

Counts are int32 and begin as such, so that the loops compile to SIMD code; a row has fewer than 2**31 items.
"""

from __future__ import annotations

import numpy as np

from graphvid._numba import njit


@njit
def _has_nan(row):  # type: ignore[no-untyped-def]
    count = np.int32(0)
    for i in range(row.size):
        count = np.int32(count + (row[i] != row[i]))
    return count > 0


@njit
def _num_before(row, item):  # type: ignore[no-untyped-def]
    """Return how many items stand before ``item``: those of a higher score, and of the same score and a lower id."""
    score = row[item]
    count = np.int32(0)
    lower, higher = row[:item], row[item + 1 :]  # slices: indices known not to be negative
    for i in range(lower.size):
        count = np.int32(count + (lower[i] >= score))
    for i in range(higher.size):
        count = np.int32(count + (higher[i] > score))
    return count


@njit
def rank_rows(scores, users, indptr, items, exclude_indptr, exclude_items, ranks):  # type: ignore[no-untyped-def]
    """Write the ranks of the items of ``users``, whose scores are the rows of ``scores``, from 1.

    Both lists are CSR over all users; ``ranks`` goes with ``items``. Return the first row that holds a NaN, or -1.
    """
    for r in range(users.size):
        row, user = scores[r], users[r]
        if _has_nan(row):
            return r
        for slot in range(indptr[user], indptr[user + 1]):
            item = items[slot]
            rank = 1 + _num_before(row, item)
            for other_slot in range(exclude_indptr[user], exclude_indptr[user + 1]):
                other = exclude_items[other_slot]
                if row[other] > row[item] or (row[other] == row[item] and other < item):
                    rank -= 1
            ranks[slot] = rank
    return -1
