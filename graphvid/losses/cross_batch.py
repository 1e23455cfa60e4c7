"""A memory of item vectors from recent batches: many negatives without encoding an item twice."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn

from graphvid._checks import MOST_COLUMNS, check_count, check_ids, check_number, check_room, check_tensor


class MemoryEntries(NamedTuple):
    """What a `CrossBatchNegatives` holds, the oldest entry first; no gradient goes to it.

    Parameters
    ----------
    ids : Tensor, shape (num_entries,), int64
        Items, to mask known positives; an item that came several times is there several times.
    vectors : Tensor, shape (num_entries, dim), float32
        Their vectors at the time.
    log_q : Tensor, shape (num_entries,), float32
        Logarithms of their sampling probabilities, in nats.
    ages : Tensor, shape (num_entries,), int64
        Steps since each entry was pushed; 1 for the batch before this one.
    """

    ids: Tensor
    vectors: Tensor
    log_q: Tensor
    ages: Tensor


class CrossBatchNegatives(nn.Module):
    """First-in-first-out memory of the item vectors of recent batches, to be used as further negatives.

    At each training step: `read` the memory, compute the loss with the batch's own items and the entries as negatives,
    and `push` the batch's items. In this order a batch is never its own negative. Entries are detached copies: they
    push the users but are not pushed themselves.

    Parameters
    ----------
    capacity : int
        Entries kept, >= 0; 0 is in-batch training. A batch larger than the capacity keeps its last rows.
    dim : int
        Width of the vectors, >= 1.
    warmup_steps : int, default 0
        Steps before the memory is used, while the vectors still change fast; pushes count them. The published value is
        40,000. It depends on data and learning rate, so the default is none.
    max_drift : float, optional
        Use the memory only once `observe_drift` was told a relative drift of at most this, for instance .05; beside
        ``warmup_steps``. By default only steps count.
    fill_during_warmup : bool, default False
        Store what is pushed during the warm-up, so that the memory is full when it comes into use. The published method
        starts with an empty one.

    Raises
    ------
    ValueError
        When an argument is outside its range.

    Notes
    -----
    Memory ``capacity * (dim + 1)`` float32 and ``capacity * 2`` int64 numbers, twice that during a push, which copies
    all of it, since the new state does not overwrite what a backward pass may still need. Reading copies nothing.

    While the memory fills, and when it comes into use, the level of a softmax loss rises, by up to
    ``log((batch + capacity) / batch)`` for equal scores: that is no divergence.

    In evaluation mode `push` changes nothing. All state is in the ``state_dict``, with shapes that do not depend on how
    full the memory is. Call `clear` when the learning rate rises. Push vectors as the loss uses them: normalised, if it
    takes cosines; dropout in the item tower stays in the entries as noise. Under data-parallel training each process
    keeps a memory of its own batches.

    `SampledSoftmaxLoss` needs no other correction for the entries than for a batch: each is one draw.
    With `CosineContrastiveLoss`, which has no ``log_q``, popular items are over-represented; push zeros.

    References
    ----------
    Wang et al., Cross-Batch Negative Sampling for Training Two-Tower Recommenders, SIGIR 2021. Ids, ages, `observe_drift`
    and ``fill_during_warmup`` are additions.

    Examples
    --------
    >>> memory = CrossBatchNegatives(capacity=3, dim=1)
    >>> for batch in ([5, 6], [7, 5]):
    ...     items = torch.tensor(batch)
    ...     memory.push(items, items[:, None].float(), torch.zeros(2))
    >>> entries = memory.read()
    >>> entries.ids.tolist(), entries.ages.tolist(), entries.vectors.squeeze(1).tolist()
    ([6, 7, 5], [2, 1, 1], [6.0, 7.0, 5.0])
    """

    ids: Tensor
    vectors: Tensor
    log_q: Tensor
    steps: Tensor

    def __init__(
        self,
        capacity: int,
        dim: int,
        *,
        warmup_steps: int = 0,
        max_drift: float | None = None,
        fill_during_warmup: bool = False,
    ) -> None:
        super().__init__()
        self.capacity, self.dim = check_count("capacity", capacity, 0), check_count("dim", dim, 1, MOST_COLUMNS)
        check_room("capacity * dim", self.capacity, self.dim)
        self.warmup_steps = check_count("warmup_steps", warmup_steps, 0)
        if max_drift is not None:
            max_drift = check_number("max_drift", max_drift, "None or a finite float >= 0", least=0)
        self.max_drift = max_drift
        self.fill_during_warmup = bool(fill_during_warmup)
        self._size, self._step, self._settled = 0, 0, max_drift is None
        self.register_buffer("ids", torch.full((self.capacity,), -1))  # all buffers: entries at the end, newest last
        self.register_buffer("vectors", torch.zeros(self.capacity, self.dim))
        self.register_buffer("log_q", torch.zeros(self.capacity))
        self.register_buffer("steps", torch.full((self.capacity,), -1))

    def __len__(self) -> int:
        """Return the number of entries stored, also while they are not in use."""
        return self._size

    @property
    def active(self) -> bool:
        """Whether the warm-up is over and the entries are in use."""
        return self._settled and self._step >= self.warmup_steps

    def read(self) -> MemoryEntries:
        """Return the entries, oldest first; none during the warm-up.

        Returns
        -------
        MemoryEntries
            Views that later pushes do not change.
        """
        start = self.capacity - (self._size if self.active else 0)
        ages = self._step - self.steps[start:]
        return MemoryEntries(self.ids[start:], self.vectors[start:], self.log_q[start:], ages)

    @torch.no_grad()
    def push(self, ids: Tensor, vectors: Tensor, log_q: Tensor) -> None:
        """Append copies of the batch's items, drop the oldest entries beyond the capacity, and count a step.

        In evaluation mode nothing happens; during the warm-up, without ``fill_during_warmup``, the step is counted.

        Parameters
        ----------
        ids : Tensor, shape (batch,), integer
            Items of the batch.
        vectors : Tensor, shape (batch, dim)
            Their vectors, stored as float32.
        log_q : Tensor, shape (batch,)
            Logarithms of their sampling probabilities, in nats.

        Raises
        ------
        ValueError
            When a shape is wrong.
        TypeError
            When ids are not integers.
        """
        for name, x in (("ids", ids), ("vectors", vectors), ("log_q", log_q)):
            check_tensor(name, x, floating=name != "ids")
        if ids.dim() != 1 or vectors.shape != (len(ids), self.dim) or log_q.shape != ids.shape:
            raise ValueError(
                f"ids, vectors and log_q must have shapes (batch,), (batch, {self.dim}) and (batch,), got "
                f"{tuple(ids.shape)}, {tuple(vectors.shape)} and {tuple(log_q.shape)}"
            )
        check_ids("ids", ids, None)
        if not self.training:
            return
        if self.active or self.fill_during_warmup:
            number = min(len(ids), self.capacity)
            self._size = min(self._size + number, self.capacity)
            batch = {"ids": ids, "vectors": vectors, "log_q": log_q, "steps": torch.full_like(ids, self._step)}
            for name, rows in batch.items():
                old = getattr(self, name)
                setattr(self, name, torch.cat([old[number:], rows[len(ids) - number :].to(old.dtype)]))
        self._step += 1

    def observe_drift(self, relative: float) -> None:
        """End the warm-up, for good, if the item vectors have come to rest.

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

    def extra_repr(self) -> str:
        """Return the settings for ``repr``."""
        return (
            f"capacity={self.capacity}, dim={self.dim}, warmup_steps={self.warmup_steps}, max_drift={self.max_drift}, "
            f"fill_during_warmup={self.fill_during_warmup}"
        )
