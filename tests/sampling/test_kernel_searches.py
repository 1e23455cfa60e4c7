"""The searches of the draw, on rows longer than those of the other tests, against NumPy."""

import numpy as np
import pytest

from graphvid._numba import njit
from graphvid.sampling import _kernels


@njit
def slots(values, lo, hi, a, b, c, d):
    return _kernels._four_slots(values, lo, hi, a, b, c, d), _kernels._two_slots(values, lo, hi, a, b)


@njit
def nth(rank, start, excluded, lo, hi):
    return _kernels._nth_eligible(rank, start, excluded, lo, hi)


SIZES = (0, 1, 15, 16, 17, 63, 64, 65, 127, 128, 129, 500, 3001)


@pytest.mark.parametrize("size", SIZES)
def test_slots_are_those_of_searchsorted(size):
    rng = np.random.default_rng(size)
    lo, hi = 7, 7 + size
    values = rng.integers(-9, 10, size=hi + 20).astype(np.int32)  # neither end of the row is an end of the order
    values[lo:hi] = np.sort(rng.choice(4 * size + 1, size, replace=False))
    for _ in range(50):
        bounds = np.sort(rng.integers(-1, 4 * size + 3, size=4))
        expected = lo + np.searchsorted(values[lo:hi], bounds)
        four, two = slots(values, lo, hi, *bounds)
        assert list(four) == list(expected)
        assert list(two) == list(expected[:2])


@pytest.mark.parametrize("dtype", [np.int32, np.int64])  # of the triplets' tables, and of the items of users
@pytest.mark.parametrize("size", SIZES)
def test_nth_eligible_counts_what_is_not_excluded(size, dtype):
    rng = np.random.default_rng(size)
    lo, start = 5, 11
    places = np.arange(start, start + 2 * size + 10)
    row = np.sort(rng.choice(places, size, replace=False))
    excluded = np.concatenate([np.zeros(lo), row, np.zeros(20)]).astype(dtype)
    eligible = np.setdiff1d(places, row)
    assert [nth(rank, start, excluded, lo, lo + size) for rank in range(len(eligible))] == eligible.tolist()
