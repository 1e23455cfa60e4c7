"""Weights on a grid on which every sum of them is exact, so that no order of addition can change a cluster."""

from __future__ import annotations

import math

import numpy as np

from graphvid.clustering._grid_kernels import is_on_grid, largest_weight, put_on_grid
from graphvid.clustering._kernels import MAX, Rows
from graphvid.clustering.linkage import LinkageRule

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


def sums(linkage: LinkageRule) -> bool:
    """Say whether a linkage adds weights up; the others need no grid."""
    return linkage.code != MAX


def gridded(rows: Rows, *, scaled: bool) -> tuple[Rows, int]:
    """Return the rows with their weights on the grid, and the power of two by which they were multiplied.

    The power is 0 for float64 weights, which keep their scale; weights that are on the grid already are not copied. With
    more than ``FLOAT_EDGES`` edges they are int64, unless node weights will scale them (``scaled``).
    """
    num_edges = int((rows.stops - rows.starts).sum())
    largest = float(largest_weight(rows)) if num_edges else 0.0
    if largest == 0:
        return rows, 0
    exponent = grid_exponent(largest, num_edges)
    up, down = halves(exponent), halves(-exponent)
    if is_wide(num_edges) and not scaled:
        values = np.empty(len(rows.values), np.int64)
        put_on_grid(rows, up, (1.0, 1.0), values)
        return rows._replace(values=values), exponent
    if is_on_grid(rows, up):
        return rows, 0
    values = np.empty(len(rows.values))
    put_on_grid(rows, up, down, values)
    return rows._replace(values=values), 0
