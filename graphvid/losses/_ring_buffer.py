"""First-in-first-out rows of recent batches: the common part of all memories of losses."""

from __future__ import annotations

from abc import ABC, abstractmethod

import torch
from torch import Tensor, nn

from graphvid._checks import check_count, check_ids, check_number, check_tensor


class RingBuffer(nn.Module, ABC):
    """Several columns of the last ``capacity`` rows pushed, a count of steps, and a warm-up before rows are used.

    Every memory has the columns ``ids`` and ``steps``. A memory of a loss registers its others with `_column`, gives
    `_stored` rows in `read` and calls `_append` in `push`. Columns are buffers of fixed shape with the rows at the end, the
    newest last; how many there are, the steps counted and whether the drift was small enough are the extra state. So all
    state is in the ``state_dict``, with shapes that do not depend on how full the memory is.

    Parameters
    ----------
    capacity : int
        Rows kept, >= 0. A batch larger than the capacity keeps its last rows.
    warmup_steps : int
        Pushes before the memory is used.
    max_drift : float, optional
        Use the memory only once `observe_drift` was told a relative drift of at most this.
    fill_during_warmup : bool, default True
        Store what is pushed during the warm-up.

    Raises
    ------
    ValueError
        When an argument is outside its range.

    Notes
    -----
    A push copies all of the memory, since the new state must not overwrite what a backward pass may still need; reading
    copies nothing.
    """

    ids: Tensor
    steps: Tensor

    def __init__(
        self, capacity: int, *, warmup_steps: int, max_drift: float | None = None, fill_during_warmup: bool = True
    ) -> None:
        super().__init__()
        self.capacity = check_count("capacity", capacity, 0)
        self.warmup_steps = check_count("warmup_steps", warmup_steps, 0)
        if max_drift is not None:
            max_drift = check_number("max_drift", max_drift, "None or a finite float >= 0", least=0)
        self.max_drift = max_drift
        self.fill_during_warmup = bool(fill_during_warmup)
        self._size, self._step, self._settled = 0, 0, max_drift is None
        for name in ("ids", "steps"):
            self._column(name, fill=-1, dtype=torch.int64)

    def _column(self, name: str, *shape: int, fill: float = 0, dtype: torch.dtype = torch.float32) -> None:
        """Register a column of rows of some shape."""
        self.register_buffer(name, torch.full((self.capacity, *shape), fill, dtype=dtype))

    def __len__(self) -> int:
        """Return the number of rows stored, also while they are not in use."""
        return self._size

    @property
    def settled(self) -> bool:
        """Whether `observe_drift` was told a drift that is small enough; always without ``max_drift``."""
        return self._settled

    @property
    def active(self) -> bool:
        """Whether the warm-up is over and the rows are in use."""
        return self._settled and self._step >= self.warmup_steps

    def _stored(self, *names: str) -> tuple[Tensor, ...]:
        """Return the ids of the rows, some columns and the ages, oldest first; none during the warm-up."""
        start = self.capacity - (self._size if self.active else 0)
        return (*(getattr(self, name)[start:] for name in ("ids", *names)), self._step - self.steps[start:])

    @torch.no_grad()
    def _append(self, ids: Tensor, **columns: Tensor) -> None:
        """Append copies of the rows of a batch, all columns but ``steps``, and count a step.

        In evaluation mode nothing happens; during the warm-up, without ``fill_during_warmup``, the step is counted.

        Raises
        ------
        TypeError
            When ids are not integers.
        """
        check_ids("ids", ids, None)
        if not self.training:
            return
        if self.active or self.fill_during_warmup:
            rows, number = {"ids": ids, **columns}, len(ids)
            kept = min(number, self.capacity)
            self._size = min(self._size + kept, self.capacity)
            for name, old in self._buffers.items():
                assert old is not None
                new = torch.full_like(old[:kept], self._step) if name == "steps" else rows[name][number - kept :]
                setattr(self, name, torch.cat([old[kept:], new.to(old.dtype)]))
        self._step += 1

    def observe_drift(self, relative: float) -> None:
        """End the warm-up, for good, if the vectors have come to rest.

        Parameters
        ----------
        relative : float
            Relative drift (`graphvid.metrics.feature_drift`) of a sample of items over ``ceil(capacity / batch)`` steps,
            the age of the oldest entry: how wrong the entries would be.

        Raises
        ------
        ValueError
            When the memory has no ``max_drift`` or the drift is negative or not a finite number.
        """
        if self.max_drift is None:
            raise ValueError("observe_drift needs a memory with max_drift, got one with max_drift=None")
        relative = check_number("relative", relative, "a finite float >= 0", least=0)
        self._settled = self._settled or relative <= self.max_drift

    def clear(self) -> None:
        """Forget all entries; a warm-up that is over stays over."""
        self._size = 0

    def get_extra_state(self) -> Tensor:
        """Return the number of entries, the steps counted and whether the drift was small enough, for ``state_dict``."""
        return torch.tensor([self._size, self._step, self._settled])

    def set_extra_state(self, state: Tensor) -> None:
        """Take what `get_extra_state` returned.

        Raises
        ------
        ValueError
            When ``state`` is something else or has more entries than the capacity.
        """
        check_tensor("state", state)
        size, step, settled = state.tolist() if state.shape == (3,) else (-1, -1, -1)
        if not 0 <= size <= self.capacity or step < 0 or settled not in (0, 1):
            raise ValueError(
                f"state must hold a number of entries in [0, {self.capacity}], of steps >= 0, and 0 or 1, got {state}"
            )
        self._size, self._step, self._settled = size, step, bool(settled)

    @abstractmethod
    def _shape(self) -> str:
        """Return the settings beside those of every memory, for ``repr``."""

    def extra_repr(self) -> str:
        """Return the settings for ``repr``."""
        return (
            f"capacity={self.capacity}, {self._shape()}, warmup_steps={self.warmup_steps}, max_drift={self.max_drift}, "
            f"fill_during_warmup={self.fill_during_warmup}"
        )
