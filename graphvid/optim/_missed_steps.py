"""Sums of the steps of Adam that a row without a gradient misses, from the first and the last step number."""

from __future__ import annotations

import math
from functools import lru_cache

import torch
from torch import Tensor

_HORIZON = 40.0  # decay lengths after which a power counts as zero: exp(-40) is below float64's rounding


def missed_rates(last: Tensor, missed: Tensor, beta1: float, beta2: float) -> Tensor:
    r"""Return the sums of the missed steps after ``last``, (num_rows,) float64.

    With :math:`A_s = \sum_{i \ge 1} r^i c_{s+i}`, the sum of k terms is :math:`A_s - r^k A_{s+k}`.
    """
    sums = tails(beta1, beta2).to(last.device)
    end = torch.clamp(last + missed.long(), max=len(sums) - 1)
    return sums[torch.clamp(last, max=len(sums) - 1)] - ratio(beta1, beta2) ** missed * sums[end]


def ratio(beta1: float, beta2: float) -> float:
    """Return the factor between the updates of a row in two consecutive missed steps, without the bias corrections."""
    return beta1 / math.sqrt(beta2) if beta1 else 0.0


@lru_cache
def tails(beta1: float, beta2: float) -> Tensor:
    """Return the sums over all later steps after step 0, 1, ...; the last holds for all steps beyond."""
    steps = torch.arange(1, _length(beta2) + 1, dtype=torch.float64)
    terms = torch.sqrt(1 - beta2**steps) / (1 - beta1**steps)
    r = ratio(beta1, beta2)
    sums = [r / (1 - r)]
    for term in terms.flip(0).tolist():
        sums.append(r * (term + sums[-1]))
    return torch.tensor(sums[::-1], dtype=torch.float64)


@lru_cache
def powers(beta1: float, beta2: float) -> Tensor:
    """Return the powers of the ratio of the betas, of beta1 and of beta2, from the 0th on, (3, number)."""
    bases = torch.tensor([ratio(beta1, beta2), beta1, beta2], dtype=torch.float64)
    return bases[:, None] ** torch.arange(_length(beta2), dtype=torch.float64)


def _length(beta2: float) -> int:
    return 2 + int(_HORIZON / -math.log(beta2)) if beta2 else 2
