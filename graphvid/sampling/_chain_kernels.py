"""Numba kernels of walks along chains of check-ins; they take arrays and scalars."""

from __future__ import annotations

import numpy as np

from graphvid._numba import njit


@njit
def chain_heads(back, member):  # type: ignore[no-untyped-def]
    """Return the first row of each row's chain; -1 for a row without a chain."""
    head = np.full(back.size, -1, dtype=np.int64)
    for row in range(back.size):
        if member[row]:
            head[row] = row if back[row] < 0 else head[back[row]]
    return head


@njit
def find_slices(user, keys, end, length, chain_indptr, chain_key, starts, order, begin, stop):  # type: ignore[no-untyped-def]
    """Write the slices of ``order`` with the newest ``length`` rows before ``end[i]`` on each chain of request i."""
    total = 0
    for i in range(user.size):
        here = 0
        for j in range(keys.shape[1]):
            begin[i, j] = stop[i, j] = 0
            key = keys[i, j]
            low, high = chain_indptr[user[i]], chain_indptr[user[i] + 1]
            last = high
            while low < high:
                middle = (low + high) // 2
                if chain_key[middle] < key:
                    low = middle + 1
                else:
                    high = middle
            if key < 0 or low == last or chain_key[low] != key:
                continue
            first, high = starts[low], starts[low + 1]
            low = first
            while low < high:
                middle = (low + high) // 2
                if order[middle] < end[i]:
                    low = middle + 1
                else:
                    high = middle
            begin[i, j], stop[i, j] = max(first, low - length), low
            here += stop[i, j] - begin[i, j]
        total += min(here, length)
    return total


@njit
def copy_rows(begin, stop, length, order, indptr, rows):  # type: ignore[no-untyped-def]
    """Write the newest ``length`` rows of the slices of every request, oldest first, and the start of each list."""
    num_chains = begin.shape[1]
    for i in range(begin.shape[0]):
        count = 0
        for j in range(num_chains):
            count += stop[i, j] - begin[i, j]
        count = min(count, length)
        at = indptr[i] + count
        indptr[i + 1] = at
        if num_chains == 1:
            for k in range(count):
                rows[indptr[i] + k] = order[stop[i, 0] - count + k]
            continue
        for _ in range(count):  # next comes the newest row among the ends of all slices
            best = -1
            for j in range(num_chains):
                if stop[i, j] > begin[i, j] and (best < 0 or order[stop[i, j] - 1] > order[stop[i, best] - 1]):
                    best = j
            at -= 1
            stop[i, best] -= 1
            rows[at] = order[stop[i, best]]
