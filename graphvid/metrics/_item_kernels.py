"""Numba kernels of the ranks of items; they take arrays and scalars.

Counts are int32 and begin as such, so that the loops compile to SIMD code; a row has fewer than 2**31 items.
"""

from __future__ import annotations

import numpy as np

from graphvid._numba import njit

_FEW = 64  # positives of a group for which counting costs less than a sort
_CHUNK = 256  # scores that are skipped together if none is among the best


@njit
def _has_nan(row):  # type: ignore[no-untyped-def]
    count = np.int32(0)
    for i in range(row.size):
        count = np.int32(count + (row[i] != row[i]))
    return count > 0


@njit
def _num_before(row, item):  # type: ignore[no-untyped-def]
    """Return the number of items before ``item``: those with a higher score, or the same score and a lower id."""
    score = row[item]
    count = np.int32(0)
    lower, higher = row[:item], row[item + 1 :]  # slices: indices known not to be negative
    for i in range(lower.size):
        count = np.int32(count + (lower[i] >= score))
    for i in range(higher.size):
        count = np.int32(count + (higher[i] > score))
    return count


@njit
def _num_above(row, score):  # type: ignore[no-untyped-def]
    """Return the number of higher scores, and the number of scores at least as high."""
    higher, as_high = np.int32(0), np.int32(0)
    for i in range(row.size):
        higher = np.int32(higher + (row[i] > score))
        as_high = np.int32(as_high + (row[i] >= score))
    return higher, as_high


@njit
def rank_rows(scores, users, indptr, items, exclude_indptr, exclude_items, ranks):  # type: ignore[no-untyped-def]
    """Write the ranks of the items of ``users``, whose scores are the rows of ``scores``, from 1.

    Both lists are CSR over all users. ``ranks`` goes with ``items``: (num_relevant, 2) for the first and the last place
    of the items of equal score, (num_relevant, 1) for the rank in which they go by id. Return the first row that holds
    a NaN, or -1.
    """
    by_id = ranks.shape[1] == 1
    for r in range(users.size):
        row, user = scores[r], users[r]
        if _has_nan(row):
            return r
        for slot in range(indptr[user], indptr[user + 1]):
            item = items[slot]
            score = row[item]
            if by_id:
                rank = 1 + _num_before(row, item)
                for other_slot in range(exclude_indptr[user], exclude_indptr[user + 1]):
                    other = exclude_items[other_slot]
                    if row[other] > score or (row[other] == score and other < item):
                        rank -= 1
                ranks[slot, 0] = rank
            else:
                higher, as_high = _num_above(row, score)
                for other_slot in range(exclude_indptr[user], exclude_indptr[user + 1]):
                    other = row[exclude_items[other_slot]]
                    higher -= other > score
                    as_high -= other >= score
                ranks[slot, 0], ranks[slot, 1] = higher + 1, as_high
    return -1


@njit
def rank_shown(scores, is_positive, bounds, ranks, work):  # type: ignore[no-untyped-def]
    """Write first and last place of the scores equal to each positive's among the rows of its group.

    Group g is ``bounds[g]`` to ``bounds[g + 1]``; ``ranks`` (num_positives, 2) is filled in the order of the rows. Few
    positives are counted by reading the group once for each, many by sorting it in ``work`` first.
    """
    slot = 0
    for g in range(bounds.size - 1):
        group, positive = scores[bounds[g] : bounds[g + 1]], is_positive[bounds[g] : bounds[g + 1]]
        count = 0
        for i in range(group.size):
            count += positive[i]
        ordered = work[: group.size]
        if count > _FEW:
            ordered[:] = group
            ordered.sort()
        for i in range(group.size):
            if positive[i]:
                if count > _FEW:
                    ranks[slot, 0] = group.size - np.searchsorted(ordered, group[i], side="right") + 1
                    ranks[slot, 1] = group.size - np.searchsorted(ordered, group[i], side="left")
                else:
                    higher, as_high = _num_above(group, group[i])
                    ranks[slot, 0], ranks[slot, 1] = higher + 1, as_high
                slot += 1


@njit(inline="always")
def _worse(score, item, other_score, other):  # type: ignore[no-untyped-def]
    """Return whether an item comes after another: a lower score, or the same score and a higher id."""
    return score < other_score or (score == other_score and item > other)


@njit
def _sink(items, scores, size):  # type: ignore[no-untyped-def]
    """Restore the heap of the first ``size`` items, whose first is the worst, after the first was replaced."""
    place, item, score = 0, items[0], scores[0]
    while True:
        child = 2 * place + 1
        if child >= size:
            break
        if child + 1 < size and _worse(scores[child + 1], items[child + 1], scores[child], items[child]):
            child += 1
        if not _worse(scores[child], items[child], score, item):
            break
        items[place], scores[place] = items[child], scores[child]
        place = child
    items[place], scores[place] = item, score


@njit
def _rise(items, scores, place):  # type: ignore[no-untyped-def]
    """Restore the heap after an item was put at ``place``, its end."""
    item, score = items[place], scores[place]
    while place > 0:
        parent = (place - 1) >> 1
        if not _worse(score, item, scores[parent], items[parent]):
            break
        items[place], scores[place] = items[parent], scores[parent]
        place = parent
    items[place], scores[place] = item, score


@njit
def _is_listed(items, start, stop, item):  # type: ignore[no-untyped-def]
    """Return whether an item is among ascending ones."""
    place = start + np.searchsorted(items[start:stop], item)
    return place < stop and items[place] == item


@njit
def top_rows(scores, users, indptr, excluded, top, best):  # type: ignore[no-untyped-def]
    """Write the items of the highest scores that are not excluded, the best first, and their scores.

    ``excluded`` (CSR over all users) ascends for each. ``top`` and ``best`` are (num_users, k), and every user has as
    many items. Return the first row that holds a NaN, or -1. A chunk of scores that are all below the worst of the best so
    far is skipped.
    """
    num_items, k = scores.shape[1], top.shape[1]
    for r in range(users.size):
        row, items, values = scores[r], top[r], best[r]
        start, stop = np.int64(0), np.int64(0)
        if indptr.size:
            start, stop = indptr[users[r]], indptr[users[r] + 1]
        size, chunk = 0, 0
        while chunk < num_items:
            part = row[chunk : chunk + _CHUNK]
            if size == k:
                least, count = values[0], np.int32(0)
                for i in range(part.size):
                    count = np.int32(count + (not part[i] <= least))  # NaN too
                if count == 0:
                    chunk += _CHUNK
                    continue
            for i in range(part.size):
                score, item = part[i], chunk + i
                if score != score:
                    return r
                if size == k and score <= values[0]:  # of equal scores the lower ids are better
                    continue
                if stop > start and _is_listed(excluded, start, stop, item):
                    continue
                if size < k:
                    items[size], values[size] = item, score
                    _rise(items, values, size)
                    size += 1
                else:
                    items[0], values[0] = item, score
                    _sink(items, values, k)
            chunk += _CHUNK
        for end in range(k - 1, 0, -1):  # the worst goes to the end
            item, score = items[0], values[0]
            items[0], values[0] = items[end], values[end]
            _sink(items, values, end)
            items[end], values[end] = item, score
    return -1
