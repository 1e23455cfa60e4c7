"""Numba kernel that lists the histories of users; it takes arrays and scalars."""

from __future__ import annotations

import numpy as np

from graphvid._numba import njit


@njit
def list_histories(indptr, indices, users, left_out):  # type: ignore[no-untyped-def]
    """Return the slots of each user's items except ``left_out[r]``, row after row, the items, and the rows' starts."""
    most = 0
    for user in users:
        most += indptr[user + 1] - indptr[user]
    slots, items = np.empty(most + 1, dtype=np.int64), np.empty(most + 1, dtype=indices.dtype)
    starts, count = np.zeros(users.size + 1, dtype=np.int64), 0
    for r in range(users.size):
        for slot in range(indptr[users[r]], indptr[users[r] + 1]):
            slots[count], items[count] = slot, indices[slot]
            count += indices[slot] != left_out[r]
        starts[r + 1] = count
    return slots[:count], items[:count], starts
