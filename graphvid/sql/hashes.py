"""Hashes in NumPy, equal to those of the Numba kernels, that order equal weights and choose videos of heavy users.

They need neither DGL nor PyTorch, so that the workers of an engine can run them. An unsigned hash is returned as the int64
with the same order, with the highest bit inverted.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

Integers = NDArray[np.int64]

_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_FIRST, _SECOND = np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB)
_U27, _U30, _U31, _U32 = (np.uint64(bits) for bits in (27, 30, 31, 32))
_HIGHEST = np.uint64(1 << 63)
_LOW_HALF = np.uint64(2**32 - 1)
_CHECK_BITS = np.uint64(2**24 - 1)  # sums of this many bits stay within int64 for 10**11 edges


def video_keys(ids: NDArray[Any], seed: int) -> Integers:
    """Return the bits of a key of each video: a seeded hash of its id, an int64 or text."""
    values = ids.astype(np.int64) if ids.dtype.kind in "iu" else ids.astype(object)
    hashes = np.asarray(pd.util.hash_array(values), np.uint64)
    salt = _mix(np.array([seed], np.uint64) + _GOLDEN)
    return _mix(hashes ^ salt).view(np.int64)


def low_halves(keys: Integers) -> Integers:
    """Return the lower 32 bits of the mixed keys, whose sums do not overflow."""
    return (_mix(_bits(keys)) & _LOW_HALF).view(np.int64)


def high_halves(keys: Integers) -> Integers:
    """Return the upper 32 bits of the mixed keys."""
    return (_mix(_bits(keys)) >> _U32).view(np.int64)


def view_ranks(low: Integers, high: Integers, keys: Integers) -> Integers:
    """Return the order in which the views of a user are kept, from the user's summed halves and the video's key."""
    return _sortable(_mix((_bits(low) + (_bits(high) << _U32)) ^ _bits(keys)))


def pair_ranks(keys: Integers, others: Integers) -> Integers:
    """Return the order of equally heavy co-watches, from the keys of both videos; the smallest goes first."""
    one, other = _bits(keys), _bits(others)
    return _sortable(_mix(np.minimum(one, other) + _mix(np.maximum(one, other))))


def edge_ranks(low: Integers, high: Integers, seed: int) -> Integers:
    """Return the order of equally heavy edges in clustering, from the nodes ``low < high``; the largest goes first."""
    return _sortable(_edge_hash(low, high, seed))


def edge_checks(low: Integers, high: Integers, weight: NDArray[np.float64]) -> Integers:
    """Return 24 bits of each edge with its weight; their sum is a checksum of the graph."""
    return (_mix(_edge_hash(low, high, 0) ^ (weight + 0.0).view(np.uint64)) & _CHECK_BITS).view(np.int64)


def _edge_hash(low: Integers, high: Integers, seed: int) -> NDArray[np.uint64]:
    one = np.uint64(1)
    first = _mix(np.array([seed % 2**64], np.uint64) + _GOLDEN * (_bits(low) + one))
    return _mix(first + _GOLDEN * (_bits(high) + one))


def _mix(z: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Mix 64 bits (the finaliser of splitmix64; Steele, Lea and Flood 2014)."""
    z = (z ^ (z >> _U30)) * _FIRST
    z = (z ^ (z >> _U27)) * _SECOND
    return z ^ (z >> _U31)


def _bits(values: Integers) -> NDArray[np.uint64]:
    return np.ascontiguousarray(values, np.int64).view(np.uint64)


def _sortable(hashes: NDArray[np.uint64]) -> Integers:
    return (hashes ^ _HIGHEST).view(np.int64)
