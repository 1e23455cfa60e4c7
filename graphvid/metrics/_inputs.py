"""Checks of the inputs of metrics: ragged arrays of ranks, neighbour lists, cut-offs."""

from __future__ import annotations

from typing import Any, Protocol, TypeAlias

import numpy as np
import torch
from numpy.typing import ArrayLike
from torch import Tensor

ArrayOrTensor: TypeAlias = ArrayLike | Tensor


class VectorTable(Protocol):
    """Protocol of vectors with access by row number, such as a sparse matrix of SciPy or a table on disk."""

    @property
    def shape(self) -> tuple[int, ...]:
        """Number of rows and of columns."""

    def __getitem__(self, rows: Any, /) -> Any:  # Any: int64 arrays to an array, or to a sparse matrix
        """Return rows."""


def as_tensor(values: ArrayOrTensor) -> Tensor:
    """Return a tensor, sharing memory where it can."""
    if isinstance(values, Tensor):
        return values
    array = np.require(values, requirements=["C", "W"])
    try:
        return torch.from_numpy(array)
    except TypeError:
        raise TypeError(f"values must be numbers, got an array of dtype {array.dtype}") from None


def integers(name: str, values: ArrayOrTensor) -> Tensor:
    """Return a one-dimensional int64 tensor, or raise."""
    tensor = as_tensor(values)
    if tensor.numel() and (tensor.is_floating_point() or tensor.is_complex() or tensor.dtype == torch.bool):
        raise TypeError(f"{name} must hold integers, got dtype {tensor.dtype}")
    if tensor.dim() != 1:
        raise ValueError(f"{name} must be one-dimensional, got shape {tuple(tensor.shape)}")
    return tensor.long()


def check_indptr(indptr: ArrayOrTensor, values: Tensor) -> Tensor:
    """Return ``indptr`` as int64 on the device of ``values``, or raise unless it cuts ``values`` into rows."""
    starts = integers("indptr", indptr).to(values.device)
    ends = (int(starts[0]), int(starts[-1])) if starts.numel() else (-1, -1)
    if ends != (0, values.numel()) or bool((torch.diff(starts) < 0).any()):
        raise ValueError(
            f"indptr must rise from 0 to the number of items, {values.numel()}, got {starts.numel()} values "
            f"from {ends[0]} to {ends[1]}"
        )
    return starts


def rows_of(indptr: Tensor) -> Tensor:
    """Return the row of each item."""
    return torch.repeat_interleave(torch.arange(indptr.numel() - 1, device=indptr.device), torch.diff(indptr))
