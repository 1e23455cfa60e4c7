"""Numba kernels of masks, of semi-hard mining and of hinges on shared negatives; they take arrays and scalars."""

from __future__ import annotations

import numpy as np

from graphvid._numba import njit

_CHUNK = (
    512  # columns of a chunk: the kernel finds the largest value of each chunk, and its place only in the best chunk
)
_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_SIGN, _REST, _LOWEST = np.int32(31), np.int32(0x7FFFFFFF), np.int32(-0x80000000)


@njit
def _place_ids(ids, bits):  # type: ignore[no-untyped-def]
    """Return a hash table of the places of ids: the first place in each of ``2**bits`` buckets, and the next of each place."""
    first = np.full(1 << bits, -1, dtype=np.int32)
    following = np.empty(ids.size, dtype=np.int32)
    shift = np.uint64(64 - bits)
    for place in range(ids.size - 1, -1, -1):
        bucket = (np.uint64(ids[place]) * _GOLDEN) >> shift
        following[place] = first[bucket]
        first[bucket] = place
    return first, following, shift


@njit(inline="always")
def _exclude(row, value, video, ids, first, following, shift):  # type: ignore[no-untyped-def]
    """Set the entry of every candidate of this video to ``value``."""
    place = first[(np.uint64(video) * _GOLDEN) >> shift]
    while place >= 0:
        if ids[place] == video:
            row[place] = value
        place = following[place]


@njit
def mark_listed(mask, nodes, indptr, indices, ids, bits):  # type: ignore[no-untyped-def]
    """Set the entries of the candidates ``ids`` that are neighbours of each row's node to True."""
    first, following, shift = _place_ids(ids, bits)
    for r in range(nodes.size):
        for slot in range(indptr[nodes[r]], indptr[nodes[r] + 1]):
            _exclude(mask[r], True, indices[slot], ids, first, following, shift)


@njit(inline="always")
def _ordered(bits):  # type: ignore[no-untyped-def]
    """Return integers with the order of the float32 numbers of these bits, because loops over them compile to SIMD code."""
    return bits ^ ((bits >> _SIGN) & _REST)


@njit
def _choose(  # type: ignore[no-untyped-def]
    cosine, upper, lower, anchor_ids, positive_ids, indptr, indices, ids, first, following, shift, farthest, chosen
):
    """Choose for each row of a block the largest cosine in [lower, upper), the first among equals.

    ``chosen[0, r]`` is its place or -1. If it is -1 and ``farthest``, ``chosen[1, r]`` is the place of the smallest cosine.
    First, excluded candidates (the row's own videos and its neighbours) are set to infinity.
    """
    num_columns = cosine.shape[1]
    bits, upper_bits = cosine.view(np.int32), upper.view(np.int32)
    for r in range(cosine.shape[0]):
        _exclude(cosine[r], np.inf, anchor_ids[r], ids, first, following, shift)
        _exclude(cosine[r], np.inf, positive_ids[r], ids, first, following, shift)
        if indices.size:
            for slot in range(indptr[anchor_ids[r]], indptr[anchor_ids[r] + 1]):
                _exclude(cosine[r], np.inf, indices[slot], ids, first, following, shift)
        row, bound = bits[r], _ordered(upper_bits[r])
        best, place = _LOWEST, -1
        for chunk in range(0, num_columns, _CHUNK):
            part, largest = row[chunk : chunk + _CHUNK], _LOWEST  # a slice: indices known not to be negative
            for j in range(part.size):
                x = _ordered(part[j])
                largest = max(largest, x if x < bound else _LOWEST)
            if largest > best:
                best, place = largest, chunk
        if place >= 0:
            while _ordered(row[place]) != best:
                place += 1
            if cosine[r, place] < lower[r]:
                place = -1
        chosen[0, r], chosen[1, r] = place, -1
        if farthest and place < 0:
            least = np.inf
            for j in range(num_columns):
                if cosine[r, j] < least:
                    least, chosen[1, r] = cosine[r, j], j
