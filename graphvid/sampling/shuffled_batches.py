"""Batches of the rows of some columns; each epoch has its own random order."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Generic, NamedTuple, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from graphvid._checks import check_count, check_integer, check_seed, check_tensor, shown

Columns = TypeVar("Columns", bound=tuple[Tensor, ...])


class RowBatch(NamedTuple):
    """Row numbers of a table, for batches without other columns.

    Parameters
    ----------
    row : Tensor of int64, shape (batch,)
    """

    row: Tensor


class ShuffledBatches(Generic[Columns]):
    """Yield the rows of some columns in batches, epoch by epoch; a batch depends only on the seed and its number.

    Parameters
    ----------
    columns : NamedTuple of Tensor, each of shape (num_rows, ...)
        The columns; a batch is of the same type.
    batch_size : int
        Rows a batch, >= 1. The last batch of an epoch may be smaller.
    num_epochs : int
        Passes over the rows, >= 1.
    seed : int
        Seed of the order of the rows.
    step : int, default 0
        Number of the first batch.
    order : callable, optional
        Takes the number of an epoch and returns the order of its rows, for example by `group_order` or `local_pair_order`.
        Default: a random order.

    Attributes
    ----------
    step : int
        Number of the next batch. `state_dict` returns it, so that Lightning resumes training at this batch.

    Notes
    -----
    One permutation an epoch: O(num_rows) time and 8 bytes a row.

    Examples
    --------
    >>> from typing import NamedTuple
    >>> class Edges(NamedTuple):
    ...     src: Tensor
    ...     dst: Tensor
    >>> edges = Edges(torch.arange(5), torch.arange(5) + 10)
    >>> batches = ShuffledBatches(edges, batch_size=3, num_epochs=2, seed=0)
    >>> [len(batch.src) for batch in batches]
    [3, 2, 3, 2]
    """

    def __init__(
        self,
        columns: Columns,
        batch_size: int,
        num_epochs: int,
        seed: int,
        step: int = 0,
        order: Callable[[int], NDArray[np.int64]] | None = None,
    ) -> None:
        if not isinstance(columns, tuple) or not columns:
            raise TypeError(f"columns must be a tuple of at least one Tensor, got {shown(columns)}")
        for i, ids in enumerate(columns):
            check_tensor(f"columns[{i}]", ids)
        shapes = [tuple(ids.shape) for ids in columns]
        if len({shape[:1] for shape in shapes}) > 1 or not shapes[0] or not shapes[0][0]:
            raise ValueError(f"columns must have equally many rows, at least one, got shapes {shapes}")
        self.columns, self.batch_size = columns, check_count("batch_size", batch_size, 1)
        self.seed, self.step = check_seed(seed), check_count("step", step, 0)
        check_integer("num_epochs", num_epochs, 0)
        self._order = self._shuffle if order is None else order
        self.per_epoch = -(-len(columns[0]) // batch_size)
        self.num_steps = num_epochs * self.per_epoch

    def __len__(self) -> int:
        return self.num_steps

    def state_dict(self) -> dict[str, int]:
        """Return the number of the next batch."""
        return {"step": self.step}

    def load_state_dict(self, state: Mapping[str, int]) -> None:
        """Continue from ``state``.

        Raises
        ------
        ValueError
            Its step is not the number of a batch.
        """
        step = check_count("state['step']", state["step"], 0)
        if step > self.num_steps:
            raise ValueError(f"state['step'] must be at most {self.num_steps}, got {step}")
        self.step = step

    def __iter__(self) -> Iterator[Columns]:
        if self.step >= self.num_steps:  # with an empty loader Lightning would count epochs forever
            raise RuntimeError(f"all {self.num_steps} steps are done; set num_epochs higher, or step back")
        for epoch in range(self.step // self.per_epoch, self.num_steps // self.per_epoch):
            order = torch.from_numpy(self._order(epoch))
            for i in range(self.step % self.per_epoch, self.per_epoch):
                rows = order[i * self.batch_size : (i + 1) * self.batch_size]
                self.step += 1
                yield type(self.columns)(*(ids[rows] for ids in self.columns))

    def _shuffle(self, epoch: int) -> NDArray[np.int64]:
        return np.random.default_rng((self.seed, epoch)).permutation(len(self.columns[0]))
