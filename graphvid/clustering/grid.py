"""The grid of weights on which every sum is exact, so that no order of addition can change a cluster."""

from __future__ import annotations

import math

import numpy as np

FLOAT_BITS, INTEGER_BITS = 52, 62  # bits of the largest possible sum
FLOAT_EDGES = 2**28  # with more, 52 bits for the sum leave an edge fewer than the 24 bits of float32


def grid_exponent(largest: float, num_edges: int) -> int:
    """Return e: the weights times 2**e, rounded to integers, have sums of at most 2**52 (2**62 if `is_wide`).

    ``largest`` > 0 is the largest magnitude, ``num_edges`` > 0. Neither depends on the order of the edges.
    """
    mantissa, power = math.frexp(largest)
    bits = INTEGER_BITS if is_wide(num_edges) else FLOAT_BITS
    return bits - (power - (mantissa == 0.5)) - (num_edges - 1).bit_length()


def is_wide(num_edges: int) -> bool:
    """Return whether sums are int64: with so many edges, float64 would leave an edge fewer bits than float32 has."""
    return num_edges > FLOAT_EDGES


def halves(exponent: int) -> tuple[float, float]:
    """Return two powers of two whose product is 2**exponent, because float64 may not hold the product."""
    return math.ldexp(1.0, exponent // 2), math.ldexp(1.0, exponent - exponent // 2)


def in_steps(thresholds: list[float], power: int) -> list[float]:
    """Return thresholds times 2**power; beyond the range of float64, thus beyond every weight, they are infinite."""
    with np.errstate(over="ignore"):
        return [float(np.ldexp(threshold, power)) for threshold in thresholds]
