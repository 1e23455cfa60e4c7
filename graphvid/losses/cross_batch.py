"""A memory of item vectors from recent batches: many negatives without encoding an item twice."""

from __future__ import annotations

from typing import NamedTuple

from torch import Tensor

from graphvid._checks import MOST_COLUMNS, check_count, check_room, check_tensor
from graphvid.losses._ring_buffer import RingBuffer


class MemoryEntries(NamedTuple):
    """Rows of a `CrossBatchNegatives`, the oldest entry first; no gradient goes to it.

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


class CrossBatchNegatives(RingBuffer):
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
    >>> import torch
    >>> memory = CrossBatchNegatives(capacity=3, dim=1)
    >>> for batch in ([5, 6], [7, 5]):
    ...     items = torch.tensor(batch)
    ...     memory.push(items, items[:, None].float(), torch.zeros(2))
    >>> entries = memory.read()
    >>> entries.ids.tolist(), entries.ages.tolist(), entries.vectors.squeeze(1).tolist()
    ([6, 7, 5], [2, 1, 1], [6.0, 7.0, 5.0])
    """

    vectors: Tensor
    log_q: Tensor

    def __init__(
        self,
        capacity: int,
        dim: int,
        *,
        warmup_steps: int = 0,
        max_drift: float | None = None,
        fill_during_warmup: bool = False,
    ) -> None:
        dim = check_count("dim", dim, 1, MOST_COLUMNS)
        check_room("capacity * dim", check_count("capacity", capacity, 0), dim)
        super().__init__(
            capacity, warmup_steps=warmup_steps, max_drift=max_drift, fill_during_warmup=fill_during_warmup
        )
        self.dim = dim
        self._column("vectors", self.dim)
        self._column("log_q")

    def read(self) -> MemoryEntries:
        """Return the entries, oldest first; none during the warm-up.

        Returns
        -------
        MemoryEntries
            Views that later pushes do not change.
        """
        return MemoryEntries(*self._stored("vectors", "log_q"))

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
        self._append(ids, vectors=vectors, log_q=log_q)

    def _shape(self) -> str:
        return f"dim={self.dim}"
