"""An embedding table of which a training step reads and updates only some rows."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from graphvid._checks import check_ids, check_integer, check_number, check_room
from graphvid.nn._shapes import check_width
from graphvid.ops.distinct import distinct
from graphvid.optim import DeferredAdam


class RowTable(nn.Module):
    """A table of vectors; with a `DeferredAdam`, a step costs time for the rows that it reads, not for the table.

    Parameters
    ----------
    num_rows : int
        Number of vectors, at least 1.
    dim : int
        Their columns, at least 1.
    std : float, default 1e-4
        Standard deviation of the normal start, from PyTorch's global generator. If the score is a cosine, small vectors rotate
        by large angles in the first steps of Adam; the published results of SimpleX depend on this.

    Attributes
    ----------
    weight : Parameter of shape (num_rows, dim)

    Examples
    --------
    >>> table = RowTable(3, 2)
    >>> table(torch.tensor([2, 0])).shape
    torch.Size([2, 2])
    """

    def __init__(self, num_rows: int, dim: int, std: float = 1e-4) -> None:
        super().__init__()
        check_integer("num_rows", num_rows, 1)
        check_width("dim", dim)
        check_room("num_rows * dim", num_rows, dim)
        check_number("std", std, "a finite float >= 0", least=0)
        self.weight = nn.Parameter(torch.empty(num_rows, dim).normal_(std=std))
        self._optimizer: DeferredAdam | None = None

    def defer(self, optimizer: DeferredAdam | None) -> None:
        """Let ``optimizer`` update rows when they are read; from then on gradients are sparse."""
        self._optimizer = optimizer

    def forward(self, rows: Tensor) -> Tensor:
        """Return the vectors of distinct rows, (num_rows, dim)."""
        if self._optimizer is not None and self.training:
            self._optimizer.catch_up(self.weight, rows)
        return nn.functional.embedding(rows, self.weight, sparse=self._optimizer is not None)

    def catch_up(self) -> None:
        """Update all rows before the whole table is read; does nothing without a `DeferredAdam`."""
        if self._optimizer is not None:
            self._optimizer.catch_up(self.weight, torch.arange(len(self.weight), device=self.weight.device))

    def of(self, rows: Tensor) -> Tensor:
        """Return the vectors of rows that may repeat, (num_rows, dim)."""
        check_ids("rows", rows, len(self.weight))
        ids, place = distinct(rows)
        return self.forward(ids)[place]
