import ctypes
import mmap

import numpy as np
import pytest
from numba import TypingError

from graphvid._numba import njit
from graphvid.ops._intrinsics import LANES, count_below


@njit
def counted(values, place, size, bound, slope):
    return count_below(values, place, size, bound, slope)


@pytest.mark.parametrize("slope", [0, 1, -3])
def test_count_below_equals_numpy(slope):
    rng = np.random.default_rng(0)
    values = rng.integers(-50, 50, size=40).astype(np.int32)
    for place in range(len(values)):
        for size in range(len(values) - place + 1):
            bound, lane = int(rng.integers(-60, 60)), np.arange(min(size, LANES))
            expected = (values[place : place + len(lane)] < bound + slope * lane).sum()
            assert counted(values, place, size, bound, slope) == expected


def test_count_below_compares_up_to_the_ends_of_int32():
    least, most = np.iinfo(np.int32).min, np.iinfo(np.int32).max
    values = np.array([least, -1, 0, most], dtype=np.int32)
    assert [counted(values, 0, 4, bound, 0) for bound in (least, least + 1, 0, most)] == [0, 1, 2, 3]


def test_count_below_reads_nothing_behind_the_entries():
    """The array ends where its page does, and the next page is barred: a read there ends the process."""
    pages = mmap.mmap(-1, 2 * mmap.PAGESIZE)
    values = np.frombuffer(pages, dtype=np.int32, count=mmap.PAGESIZE // 4)
    if ctypes.CDLL(None).mprotect(ctypes.c_void_p(values.ctypes.data + mmap.PAGESIZE), mmap.PAGESIZE, 0):
        pytest.skip("the system does not let a page be barred")
    assert counted(values, len(values) - 3, 3, 1, 0) == 3


def test_count_below_takes_int32_only():
    with pytest.raises(TypingError):
        counted(np.zeros(4, dtype=np.int64), 0, 4, 1, 0)
