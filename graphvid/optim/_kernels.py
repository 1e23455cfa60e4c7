"""Adam's steps on some rows of a table, each row in one pass.

Divisions follow NumPy's rules: Python's test of every divisor for zero would keep the loops from being vectorised.
"""

# mypy: allow-untyped-defs, allow-untyped-calls
from __future__ import annotations

import numpy as np

from graphvid._numba import njit


@njit(error_model="numpy")
def catch_up_rows(rows, factors, means_kept, squares_kept, epsilons, weight, mean, square):
    """Move ``rows`` by the steps they missed: ``factors`` are the learning rates of all of them together."""
    for k in range(len(rows)):
        row = rows[k]
        factor, epsilon = np.float32(factors[k]), np.float32(epsilons[k])
        mean_kept, square_kept = np.float32(means_kept[k]), np.float32(squares_kept[k])
        for c in range(weight.shape[1]):
            m, v = mean[row, c], square[row, c]
            weight[row, c] -= factor * m / (np.sqrt(v) + epsilon)
            mean[row, c] = m * mean_kept
            square[row, c] = v * square_kept


@njit(error_model="numpy")
def step_rows(rows, gradient, decay, kept, rate, root, epsilon, weight, mean, square):
    """Take one step of Adam on ``rows``; ``decay`` is each row's L2 penalty, ``kept`` both betas and both 1 - beta."""
    beta1, beta2, share1, share2 = kept
    for k in range(len(rows)):
        row = rows[k]
        penalty = np.float32(decay[k])
        for c in range(weight.shape[1]):
            g = gradient[k, c] + penalty * weight[row, c]
            m = beta1 * mean[row, c] + share1 * g
            v = beta2 * square[row, c] + share2 * g * g
            mean[row, c], square[row, c] = m, v
            weight[row, c] -= rate * m / (np.sqrt(v) / root + epsilon)
