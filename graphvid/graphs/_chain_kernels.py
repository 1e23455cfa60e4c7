"""Numba kernel that links each check-in to the last earlier one with the same key."""

from __future__ import annotations

import numpy as np

from graphvid._numba import njit


@njit
def link_back(indptr, key, num_keys):  # type: ignore[no-untyped-def]
    """Return for every row the last earlier row of its user with the same key, -1 for none; keys below 0 match nothing."""
    last = np.full(num_keys, -1, dtype=np.int64)
    back = np.full(key.size, -1, dtype=np.int64)
    for user in range(indptr.size - 1):
        first = indptr[user]
        for row in range(first, indptr[user + 1]):
            k = key[row]
            if k >= 0:
                if last[k] >= first:  # otherwise it belongs to an earlier user
                    back[row] = last[k]
                last[k] = row
    return back
