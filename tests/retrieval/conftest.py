"""Shared parts of the tests of searches: text ids out of order, Numba's threads."""

from __future__ import annotations

import numba
import numpy as np
import pytest


@pytest.fixture
def threads():
    """Set the number of Numba's threads, and give the former one back."""
    before = numba.get_num_threads()
    yield numba.set_num_threads
    numba.set_num_threads(before)


@pytest.fixture
def text_ids():
    """Return ``n`` distinct text ids in random order."""

    def make(n: int, seed: int = 0):
        return [f"v{number}" for number in np.random.default_rng(seed).permutation(3 * n)[:n].tolist()]

    return make
