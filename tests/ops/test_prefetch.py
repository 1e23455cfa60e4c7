import numpy as np
import pytest

from graphvid._numba import njit
from graphvid.ops.prefetch import prefetch


@njit
def total(values):
    found = 0
    flat = values.reshape(-1)
    for i in range(flat.size):
        prefetch(values, i)
        found += flat[i]
    return found


@pytest.mark.parametrize(
    "values", [np.arange(40, dtype=np.int32), np.arange(12.0).reshape(3, 4), np.zeros(0, np.int64)]
)
def test_a_loop_that_asks_ahead_gives_what_it_gives_without(values):
    before = values.copy()
    assert total(values) == values.sum()
    np.testing.assert_array_equal(values, before)
