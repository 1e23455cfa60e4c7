"""Learning-rate schedules: functions from the number of a step to its share of the learning rate."""

from __future__ import annotations

import math

_RISE_OF_COSINE, _RISE_OF_ONE_CYCLE = 40, 0.3


def constant(step: int) -> float:
    """Return 1 for every step."""
    return 1.0


def staircase(step: int, *, decay: float, every: int) -> float:
    """Return ``decay ** (step // every)``.

    Parameters
    ----------
    step : int
        Number of the step, from 0.
    decay : float
        Factor of every stair, > 0.
    every : int
        Steps of a stair, >= 1.

    Examples
    --------
    >>> [staircase(step, decay=0.5, every=2) for step in range(5)]
    [1.0, 1.0, 0.5, 0.5, 0.25]
    """
    return float(decay ** (step // every))


def cosine(step: int, *, num_steps: int) -> float:
    """Return half a cosine from 1 to 0, times a linear rise over the first fortieth of the steps.

    Parameters
    ----------
    step : int
        Number of the step, from 0.
    num_steps : int
        Steps of the training, >= 1.
    """
    rise = min(1.0, (step + 1) * _RISE_OF_COSINE / num_steps)
    return rise * 0.5 * (1 + math.cos(math.pi * step / num_steps))


def one_cycle(step: int, *, num_steps: int) -> float:
    """Return a linear rise to 1 over the first 30 % of the steps, then half a cosine to almost 0 with the last.

    Parameters
    ----------
    step : int
        Number of the step, from 0.
    num_steps : int
        Steps of the training, >= 1.

    References
    ----------
    Smith and Topin, "Super-convergence", 2017: one cycle, here with a linear rise and a fall by a cosine.
    """
    rise = max(1.0, _RISE_OF_ONE_CYCLE * num_steps)
    if step < rise:
        return (step + 1) / (rise + 1)
    return 0.5 * (1 + math.cos(math.pi * (step - rise) / max(num_steps - rise, 1)))
