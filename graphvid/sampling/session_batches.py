"""Rows in batches of neighbours: sessions come in an order that changes every epoch, and stay together."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor


class RowBatch(NamedTuple):
    """Rows of a table.

    Parameters
    ----------
    row : Tensor of int64, shape (batch,)
    """

    row: Tensor


class SessionBatches:
    """Give rows in batches, epoch by epoch, a group after another: a function of seed and step.

    What the rows of a group share is then computed once for all of them. A group at the border of two batches is cut.

    Parameters
    ----------
    rows : ndarray of int64, shape (num_rows,)
        What the batches are made of.
    group : ndarray of int64, shape (num_rows,)
        Group of each row, such as the session of a check-in.
    batch_size : int
        Rows a batch, >= 1; the last of an epoch may be smaller.
    num_epochs : int
        Passes over the rows, >= 1.
    seed : int
        Of the order of the groups.

    Notes
    -----
    ``state_dict`` holds the number of the next batch; a loader that took it up goes on as if it had not stopped.

    Examples
    --------
    >>> batches = SessionBatches(np.arange(5), np.array([0, 0, 0, 1, 1]), batch_size=3, num_epochs=1, seed=1)
    >>> [batch.row.tolist() for batch in batches]
    [[0, 1, 2], [3, 4]]
    """

    def __init__(
        self, rows: NDArray[np.int64], group: NDArray[np.int64], batch_size: int, num_epochs: int, seed: int
    ) -> None:
        if len(rows) == 0 or rows.shape != group.shape:
            raise ValueError(f"rows and group must be of one length >= 1, got {rows.shape} and {group.shape}")
        self.batch_size, self.seed, self.step = batch_size, seed, 0
        numbers = np.unique(group, return_inverse=True)[1]
        order = np.argsort(numbers, kind="stable")
        self._rows, self._numbers = rows[order], numbers[order]
        self.per_epoch = -(-len(rows) // batch_size)
        self.num_steps = num_epochs * self.per_epoch

    def __len__(self) -> int:
        return self.num_steps

    def __iter__(self) -> Iterator[RowBatch]:
        if self.step >= self.num_steps:  # an empty loader would let Lightning count epochs for ever
            raise RuntimeError(f"all {self.num_steps} steps are done; set num_epochs higher, or step back")
        for epoch in range(self.step // self.per_epoch, self.num_steps // self.per_epoch):
            place = np.random.default_rng((self.seed, epoch)).permutation(self._numbers[-1] + 1)
            order = torch.from_numpy(self._rows[np.argsort(place[self._numbers], kind="stable")])
            for i in range(self.step % self.per_epoch, self.per_epoch):
                self.step += 1
                yield RowBatch(order[i * self.batch_size : (i + 1) * self.batch_size])

    def state_dict(self) -> dict[str, Any]:
        """Give the number of the next batch."""
        return {"step": self.step}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Go on at the batch of ``state_dict``."""
        self.step = int(state_dict["step"])
