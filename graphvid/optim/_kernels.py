"""Numba kernels of Adam's steps on some rows of a table, each row in one pass.

Divisions follow NumPy's rules, because Python's test of every divisor for zero would prevent vectorised loops.
"""

# mypy: allow-untyped-defs, allow-untyped-calls
from __future__ import annotations

import numpy as np

from graphvid._numba import njit


@njit(inline="always")
def _power(powers, base, k):
    """Return ``base**k``, from a table where it has it."""
    return powers[k] if k < len(powers) else base**k


@njit(error_model="numpy")
def catch_up_rows(rows, now, rate, bases, powers, tails, epsilon, caught_up, weight, mean, square):
    """Apply to ``rows`` the steps from ``caught_up`` to ``now`` that they missed.

    ``bases`` are the ratio of the betas, beta1 and beta2, ``powers`` their powers, and ``tails[s]`` the sum of the
    learning rates of all steps after s without a gradient.
    """
    ratio, beta1, beta2 = bases
    end = len(tails) - 1
    for k in range(len(rows)):
        row = rows[k]
        last = caught_up[row]
        missed = now - last
        if missed <= 0:
            continue
        rest = _power(powers[0], ratio, missed) * tails[min(now, end)]
        factor = np.float32(rate * (tails[min(last, end)] - rest))
        mean_kept = np.float32(_power(powers[1], beta1, missed))
        square_kept = np.float32(_power(powers[2], beta2, missed))
        shift = np.float32(epsilon * np.sqrt(1 - _power(powers[2], beta2, last + 1)))
        for c in range(weight.shape[1]):
            m, v = mean[row, c], square[row, c]
            weight[row, c] -= factor * m / (np.sqrt(v) + shift)
            mean[row, c] = m * mean_kept
            square[row, c] = v * square_kept
        caught_up[row] = now


@njit(error_model="numpy")
def step_rows(rows, gradient, now, l2, kept, rate, root, epsilon, caught_up, penalised, weight, mean, square):
    """Take one step of Adam on ``rows`` and return -1; if a row is not up to date, return it and move none.

    ``l2`` is the penalty a step, ``kept`` both betas and both 1 - beta.
    """
    for row in rows:
        if caught_up[row] != now - 1:
            return row
    beta1, beta2, share1, share2 = kept
    for k in range(len(rows)):
        row = rows[k]
        penalty = np.float32(l2 * (now - penalised[row]))
        for c in range(weight.shape[1]):
            g = gradient[k, c] + penalty * weight[row, c]
            m = beta1 * mean[row, c] + share1 * g
            v = beta2 * square[row, c] + share2 * g * g
            mean[row, c], square[row, c] = m, v
            weight[row, c] -= rate * m / (np.sqrt(v) / root + epsilon)
        caught_up[row] = penalised[row] = now
    return -1
