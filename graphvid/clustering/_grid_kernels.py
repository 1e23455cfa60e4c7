"""Kernels that round weights to multiples of a power of two. They read and write only slots inside the rows."""

# mypy: allow-untyped-defs, allow-untyped-calls
from __future__ import annotations

import numpy as np

from graphvid._numba import njit


@njit
def largest_weight(rows):
    """Return the largest magnitude of a weight."""
    largest = 0.0
    for a in range(len(rows.starts)):
        for e in range(rows.starts[a], rows.stops[a]):
            largest = max(largest, abs(rows.values[e]))
    return largest


@njit
def is_on_grid(rows, up):
    """Return whether all weights times ``up[0] * up[1]`` are integers."""
    for a in range(len(rows.starts)):
        for e in range(rows.starts[a], rows.stops[a]):
            steps = rows.values[e] * up[0] * up[1]
            if steps != np.rint(steps):
                return False
    return True


@njit
def put_on_grid(rows, up, down, values):
    """Fill ``values`` with the weights in whole steps of the grid, times ``down[0] * down[1]``."""
    for a in range(len(rows.starts)):
        for e in range(rows.starts[a], rows.stops[a]):
            values[e] = np.rint(rows.values[e] * up[0] * up[1]) * down[0] * down[1]
