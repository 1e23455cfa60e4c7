"""Drift of items during training: the distance that their vectors move while an entry of a memory grows old."""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor, nn

from graphvid._random import seeded
from graphvid.metrics import feature_drift

_SAMPLE = 512  # items
_STREAM = 3  # of the seed


class ItemDrift(nn.Module):
    """Relative drift of a fixed sample of items over ``lag`` steps of training, measured once in ``lag`` steps.

    Parameters
    ----------
    items : Tensor of int64, shape (num_items,)
        Distinct items, in ascending order, of which at most 512 are drawn.
    dim : int
        Width of their vectors.
    lag : int
        Steps, >= 1.
    seed : int
        Of the sample; no other stream of random numbers is read.

    Attributes
    ----------
    sample : Tensor of int64, shape (min(num_items, 512),)
        The items, in ascending order.
    relative : float
        The last figure (`graphvid.metrics.feature_drift`); NaN before the first.

    Notes
    -----
    The earlier vectors, their age and the last figure are in the ``state_dict``; the sample follows from the seed.
    """

    sample: Tensor
    before: Tensor

    def __init__(self, items: Tensor, dim: int, lag: int, seed: int) -> None:
        super().__init__()
        self.lag, self.relative = lag, math.nan
        with seeded(seed, _STREAM):
            drawn = torch.randperm(len(items))[:_SAMPLE]
        self.register_buffer("sample", items[drawn.sort().values], persistent=False)
        self.register_buffer("before", torch.zeros(len(self.sample), dim))
        self._age = -1  # of the earlier vectors, in steps; -1 where there are none

    @torch.no_grad()
    def measure(self, encode: Callable[[Tensor], Tensor]) -> float | None:
        """Count a step, before the weights take it, and return the drift if it is due.

        Parameters
        ----------
        encode : callable
            From items, (num_items,), to their vectors, (num_items, dim).
        """
        if self._age >= 0:
            self._age += 1
            if self._age < self.lag:
                return None
        now, is_first = encode(self.sample), self._age < 0
        if not is_first:
            self.relative = feature_drift(now, self.before).relative
        self.before.copy_(now)
        self._age = 0
        return None if is_first else self.relative

    def forget(self) -> None:
        """Forget the earlier vectors, for instance when weights are replaced: the next step keeps new ones."""
        self._age = -1

    def get_extra_state(self) -> Tensor:
        """Return the age of the earlier vectors and the last figure, for ``state_dict``."""
        return torch.tensor([self._age, self.relative], dtype=torch.float64)

    def set_extra_state(self, state: Tensor) -> None:
        """Take what `get_extra_state` returned."""
        age, self.relative = state.tolist()
        self._age = int(age)
