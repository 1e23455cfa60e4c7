"""The verdict on a run: a comparison of its model with the best of its baselines."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass

import numpy as np
from numpy.typing import ArrayLike

from .directory import Json

SURE = 1.96  # standard errors: two equal methods differ by more in 5 % of the cases


@dataclass(frozen=True)
class Verdict:
    """A comparison of a model with the best of its baselines.

    Parameters
    ----------
    figure : str
        Name of the figure, such as ``"NDCG@60"``.
    model, baseline : str
        Names of the model and of the baseline.
    value, best : float
        Their figures.
    error : float
        Standard error of the difference, over queries, users or views.
    larger_is_better : bool
        Whether a larger figure is better.
    """

    figure: str
    model: str
    baseline: str
    value: float
    best: float
    error: float
    larger_is_better: bool = True

    @property
    def word(self) -> str:
        """``"beats"``, ``"loses to"``, or ``"is level with"`` if the difference is within 1.96 standard errors."""
        gain = (self.value - self.best) * (1 if self.larger_is_better else -1)
        if abs(gain) <= SURE * self.error:
            return "is level with"
        return "beats" if gain > 0 else "loses to"

    def to_text(self) -> str:
        """Return the verdict as a sentence."""
        return (
            f"{self.model} {self.word} the best baseline, {self.baseline}: {self.figure} {self.value:.4f} against "
            f"{self.best:.4f}, a difference of {self.value - self.best:+.4f} ± {SURE * self.error:.4f}."
        )

    def to_dict(self) -> Json:
        """Return the fields and the word, for ``metrics.json``."""
        return {**asdict(self), "verdict": self.word}


def judge(figure: str, model: str, values: Mapping[str, ArrayLike], *, larger_is_better: bool = True) -> Verdict:
    """Compare a model with the best of the baselines by their values for the same queries.

    Parameters
    ----------
    figure : str
        Name of the figure.
    model : str
        Name of the model in ``values``.
    values : mapping of str to array_like of float, each of shape (num_queries,)
        The figure of each query by method; NaN if undefined, for the same queries in all methods. All other methods are
        baselines, so leave out an oracle.
    larger_is_better : bool, default True
        Whether a larger figure is better.

    Returns
    -------
    Verdict
        The error is that of the mean of paired differences.
    """
    arrays = {name: np.asarray(column, dtype=np.float64) for name, column in values.items()}
    defined = ~np.isnan(arrays[model])
    means = {name: float(column[defined].mean()) for name, column in arrays.items()}
    others = [name for name in arrays if name != model]
    best = max(others, key=lambda name: means[name] if larger_is_better else -means[name])
    difference = (arrays[model] - arrays[best])[defined]
    error = float(difference.std(ddof=1) / np.sqrt(len(difference))) if len(difference) > 1 else float("inf")
    return Verdict(figure, model, best, means[model], means[best], error, larger_is_better)


def read_verdict(stored: Json) -> Verdict:
    """Return the verdict stored in ``metrics.json``."""
    return Verdict(**{name: value for name, value in stored.items() if name != "verdict"})
