"""Numba kernels of item negatives. Draw ``k`` of row ``i`` uses number ``i * K + k`` of a stream."""

from __future__ import annotations

from graphvid._numba import njit
from graphvid.sampling._kernels import _nth_eligible
from graphvid.sampling._stream import _below, _bits


@njit
def _draw_uniform(key, num_items, items, lo, hi, out):  # type: ignore[no-untyped-def]
    """Fill row i with items in [0, num_items) that are not in ``items[lo[i] : hi[i]]``, which ascend."""
    width = out.shape[1]
    for i in range(out.shape[0]):
        free = num_items - (hi[i] - lo[i])
        for k in range(width):
            out[i, k] = _nth_eligible(_below(_bits(key, i * width + k), free), 0, items, lo[i], hi[i])


@njit
def _draw_popular(key, owner, free_before, seen, lo, hi, out):  # type: ignore[no-untyped-def]
    """Fill row i with the items of training pairs drawn uniformly, without known items.

    ``owner`` is the item of each pair, ascending; ``seen[s]`` the number of pairs of the known items in the slots before
    ``s``, and ``free_before[s]`` the number of pairs before those of the item in slot ``s`` that the user can draw.
    """
    width = out.shape[1]
    for i in range(out.shape[0]):
        start = seen[lo[i]]
        free = owner.size - (seen[hi[i]] - start)
        for k in range(width):
            pair = _below(_bits(key, i * width + k), free)
            slot, size = lo[i], hi[i] - lo[i]
            while size > 1:  # find the first known item with more than this many pairs before it
                half = size >> 1
                slot += half * (free_before[slot + half - 1] <= pair)
                size -= half
            if size:
                slot += free_before[slot] <= pair
            out[i, k] = owner[pair + seen[slot] - start]
