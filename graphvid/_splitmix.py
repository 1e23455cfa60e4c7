"""The finaliser of SplitMix64, which mixes 64 bits, for kernels.

`graphvid.sql.hashes` has it again for arrays: engines send that file alone to their workers.
"""

from __future__ import annotations

import numpy as np

from graphvid._numba import njit

GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_FIRST, _SECOND = np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB)
_U27, _U30, _U31 = np.uint64(27), np.uint64(30), np.uint64(31)


@njit(inline="always")
def mix(z):  # type: ignore[no-untyped-def]
    """Mix 64 bits (Steele, Lea and Flood, "Fast Splittable Pseudorandom Number Generators", OOPSLA 2014)."""
    z = (z ^ (z >> _U30)) * _FIRST
    z = (z ^ (z >> _U27)) * _SECOND
    return z ^ (z >> _U31)
