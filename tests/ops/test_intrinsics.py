import ctypes
import mmap

import numpy as np
import pytest
from numba import TypingError

from graphvid._numba import njit
from graphvid.ops.intrinsics import LANES, count_below


@njit
def counted(values, place, size, bound, slope):
    return count_below(values, place, size, bound, slope)


@pytest.mark.parametrize("dtype", [np.int32, np.int64])
@pytest.mark.parametrize("slope", [0, 1, -3])
def test_count_below_equals_numpy(slope, dtype):
    rng = np.random.default_rng(0)
    values = rng.integers(-50, 50, size=40).astype(dtype)
    for place in range(len(values)):
        for size in range(len(values) - place + 1):
            bound, lane = int(rng.integers(-60, 60)), np.arange(min(size, LANES))
            expected = (values[place : place + len(lane)] < bound + slope * lane).sum()
            assert counted(values, place, size, bound, slope) == expected


@pytest.mark.parametrize("dtype", [np.int32, np.int64])
def test_count_below_compares_up_to_the_ends_of_the_type(dtype):
    least, most = np.iinfo(dtype).min, np.iinfo(dtype).max
    values = np.array([least, -1, 0, most], dtype=dtype)
    assert [counted(values, 0, 4, bound, 0) for bound in (least, least + 1, 0, most)] == [0, 1, 2, 3]


def test_count_below_reads_nothing_behind_the_entries():
    """The array ends where its page does, and the next page is barred: a read there ends the process."""
    pages = mmap.mmap(-1, 2 * mmap.PAGESIZE)
    values = np.frombuffer(pages, dtype=np.int32, count=mmap.PAGESIZE // 4)
    if ctypes.CDLL(None).mprotect(ctypes.c_void_p(values.ctypes.data + mmap.PAGESIZE), mmap.PAGESIZE, 0):
        pytest.skip("the system does not let a page be barred")
    assert counted(values, len(values) - 3, 3, 1, 0) == 3


@pytest.mark.parametrize("values", [np.zeros(4), np.zeros(8, dtype=np.int32)[::2], np.zeros(4, dtype=np.int16)])
def test_count_below_takes_contiguous_int32_and_int64_only(values):
    with pytest.raises(TypingError):
        counted(values, 0, 4, 1, 0)
