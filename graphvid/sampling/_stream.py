"""Counter-based random numbers: draw ``counter`` of step ``step`` is a hash of only (seed, step, counter).

The hash is SplitMix64 (Steele, Lea and Flood, OOPSLA 2014): the state of the stream of a step is itself a hash of seed
and step, and draw ``c`` is the finaliser of ``state + (c + 1) * golden``. So any draw needs no earlier ones. Each function
exists twice, for Numba scalars and for int64 tensors, with the same bits.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from graphvid._numba import njit

_MASK = (1 << 64) - 1
_GOLDEN, _FIRST, _SECOND = 0x9E3779B97F4A7C15, 0xBF58476D1CE4E5B9, 0x94D049BB133111EB
_U_GOLDEN, _U_FIRST, _U_SECOND = np.uint64(_GOLDEN), np.uint64(_FIRST), np.uint64(_SECOND)
_U1, _U11, _U27, _U30, _U31, _U32 = (np.uint64(k) for k in (1, 11, 27, 30, 31, 32))
_U_LOW = np.uint64(0xFFFFFFFF)


def stream_key(seed: int, step: int) -> int:
    """Return the 64-bit state of the stream of ``step``."""
    return _mix((_mix((seed + _GOLDEN) & _MASK) + (step + 1) * _GOLDEN) & _MASK)


def _mix(z: int) -> int:
    z = ((z ^ (z >> 30)) * _FIRST) & _MASK
    z = ((z ^ (z >> 27)) * _SECOND) & _MASK
    return z ^ (z >> 31)


@njit(inline="always")
def _bits(key, counter):  # type: ignore[no-untyped-def]
    """Return 64 random bits as uint64."""
    z = key + (np.uint64(counter) + _U1) * _U_GOLDEN
    z = (z ^ (z >> _U30)) * _U_FIRST
    z = (z ^ (z >> _U27)) * _U_SECOND
    return z ^ (z >> _U31)


@njit(inline="always")
def _below(bits, n):  # type: ignore[no-untyped-def]
    """Return the high word of ``bits * n``: an integer in [0, n), each with probability 1/n up to n / 2**64."""
    m = np.uint64(n)
    return np.int64(((bits >> _U32) * m + (((bits & _U_LOW) * m) >> _U32)) >> _U32)


@njit(inline="always")
def _unit(bits):  # type: ignore[no-untyped-def]
    """Return a float64 in [0, 1), a multiple of 2**-53."""
    return np.float64(bits >> _U11) * 2.0**-53


def bits_tensor(key: int, counter: Tensor) -> Tensor:
    """Return 64 random bits for each counter, as int64."""
    z = (counter + 1).mul_(_signed(_GOLDEN)).add_(_signed(key))
    z ^= _shift(z, 30)
    z *= _signed(_FIRST)
    z ^= _shift(z, 27)
    z *= _signed(_SECOND)
    z ^= _shift(z, 31)
    return z


def below_tensor(bits: Tensor, n: Tensor | int) -> Tensor:
    """Return integers in [0, n), n < 2**31."""
    high = _shift(bits, 32).mul_(n)
    high += (bits & 0xFFFFFFFF).mul_(n) >> 32
    return high.bitwise_right_shift_(32)


def unit_tensor(bits: Tensor) -> Tensor:
    """Return float64 in [0, 1)."""
    return _shift(bits, 11).to(torch.float64).mul_(2.0**-53)


def _shift(z: Tensor, k: int) -> Tensor:
    """Shift right with zeros, as for unsigned integers."""
    return (z >> k).bitwise_and_((1 << (64 - k)) - 1)


def _signed(x: int) -> int:
    """Return the signed 64-bit integer with the bits of ``x``."""
    return x - (1 << 64) if x >> 63 else x
