"""Thresholds of clustering: the smallest weight that may merge, for each level."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from graphvid._checks import check_choice, check_integer, check_number


@dataclass(frozen=True)
class ThresholdSchedule:
    """Thresholds that change from ``upper`` at the first level to ``lower`` at the last.

    Parameters
    ----------
    upper, lower : float
        Finite; both positive for "exponential"; equal when there is one level. Thresholds usually fall, like the weights
        between clusters; with ``upper < lower`` they rise, which the published implementation accepts too.
    kind : {"linear", "exponential"}
        ``upper - (upper - lower) i / (L - 1)`` (default) or ``upper (lower / upper)^(i / (L - 1))`` at level ``i`` of
        ``0 .. L - 1``.

    Examples
    --------
    >>> ThresholdSchedule(0.75, 0.25).values(3)
    [0.75, 0.5, 0.25]
    >>> ThresholdSchedule(0.8, 0.2, "exponential").values(3)
    [0.8, 0.4, 0.2]
    """

    upper: float
    lower: float
    kind: Literal["linear", "exponential"] = "linear"

    def __post_init__(self) -> None:
        check_choice("kind", self.kind, ("linear", "exponential"))
        for name in ("upper", "lower"):
            check_number(name, getattr(self, name), "a finite number")
        if self.kind == "exponential" and min(self.lower, self.upper) <= 0:
            raise ValueError(
                f"upper and lower must be > 0 for an exponential schedule, got {self.upper} and {self.lower}"
            )

    def values(self, num_levels: int) -> list[float]:
        """Return the thresholds of ``num_levels`` levels; first and last are ``upper`` and ``lower`` exactly."""
        check_integer("num_levels", num_levels, 0)
        if num_levels == 1 and self.upper != self.lower:
            raise ValueError(f"upper must equal lower when num_levels is 1, got {self.upper} and {self.lower}")
        up, low = float(self.upper), float(self.lower)
        values = []
        for i in range(num_levels):
            part = i / max(num_levels - 1, 1)
            step = up - (up - low) * part if self.kind == "linear" else up * (low / up) ** part
            values.append(low if i == num_levels - 1 else step)
        return values


Threshold = float | Sequence[float] | ThresholdSchedule | None


def threshold_list(threshold: Threshold, num_levels: int | None) -> list[float]:
    """Return the checked thresholds; the last holds for all further levels. An empty list means 0, as in the published code."""
    if threshold is None:
        return [-math.inf]
    if isinstance(threshold, ThresholdSchedule):
        if num_levels is None:
            raise ValueError("num_levels must be a number when threshold is a ThresholdSchedule, got None")
        return threshold.values(num_levels) or [-math.inf]
    accepted = "threshold must be None, a number, one number per level or a ThresholdSchedule"
    try:
        values = [float(x) for x in np.atleast_1d(np.asarray(threshold, dtype=np.float64))]
    except (TypeError, ValueError) as error:
        raise TypeError(f"{accepted}, got {threshold!r}") from error
    if not values:
        return [0.0]
    if any(math.isnan(x) for x in values):
        raise ValueError(f"{accepted}, none of them NaN, got {threshold!r}")
    if len(values) > 1 and num_levels is not None and len(values) > num_levels:
        raise ValueError(f"threshold must hold at most num_levels={num_levels} numbers, got {len(values)}")
    return values
