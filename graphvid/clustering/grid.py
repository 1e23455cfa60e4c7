"""Weights on a grid on which every sum of them is exact, so that no order of addition can change a cluster."""

from __future__ import annotations

import math

import numpy as np

FLOAT_BITS, INTEGER_BITS = 52, 62  # of the largest possible sum
FLOAT_EDGES = 2**28  # with more, 52 bits for the sum leave an edge fewer than the 24 bits of float32


def grid_exponent(largest: float, num_edges: int) -> int:
    """Return e such that the weights times 2**e, rounded to integers, have sums of at most 2**52 (2**62: see `is_wide`).

    ``largest`` is the largest magnitude, > 0. Neither it nor ``num_edges``, > 0, depends on an order.
    """
    mantissa, power = math.frexp(largest)
    bits = INTEGER_BITS if is_wide(num_edges) else FLOAT_BITS
    return bits - (power - (mantissa == 0.5)) - (num_edges - 1).bit_length()


def is_wide(num_edges: int) -> bool:
    """Say whether sums are int64, because float64 would leave an edge less than float32 holds."""
    return num_edges > FLOAT_EDGES


def halves(exponent: int) -> tuple[float, float]:
    """Return two powers of two whose product is 2**exponent, which float64 may not hold."""
    return math.ldexp(1.0, exponent // 2), math.ldexp(1.0, exponent - exponent // 2)


def in_steps(thresholds: list[float], power: int) -> list[float]:
    """Return thresholds times 2**power; beyond float64 they are infinite, as they are beyond every weight."""
    with np.errstate(over="ignore"):
        return [float(np.ldexp(threshold, power)) for threshold in thresholds]
