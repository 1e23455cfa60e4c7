"""Checks and scaling of vectors: finite float32 rows for searches, and rows of length 1."""

from __future__ import annotations

from typing import Any, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray

Float = TypeVar("Float", bound=np.floating[Any])

_ROWS = 1 << 14  # handled at a time, so that no second copy of all vectors is made


def as_array(values: Any) -> Any:  # Any: arrays and tensors become arrays, all else is left as it is
    """Return a tensor as an array on the CPU."""
    return values.detach().cpu().numpy() if isinstance(values, torch.Tensor) else values


def as_vectors(name: str, values: Any, dim: int | None = None) -> NDArray[np.float32]:  # Any: array_like or Tensor
    """Return float32 vectors, one in each row.

    Raises
    ------
    TypeError
        A dtype that is not real numbers.
    ValueError
        Another shape than (number, dim), a value that is not finite in float32 (with row and column).
    """
    table = np.asarray(as_array(values))
    if table.dtype.kind not in "iuf":
        raise TypeError(f"{name} must hold real numbers, got dtype {table.dtype}")
    wanted = "dim" if dim is None else dim
    if table.ndim != 2 or table.shape[1] == 0 or (dim is not None and table.shape[1] != dim):
        raise ValueError(f"{name} must have shape (number, {wanted}), got {table.shape}")
    with np.errstate(over="ignore"):
        vectors = np.ascontiguousarray(table, dtype=np.float32)
    for start in range(0, len(vectors), _ROWS):
        wrong = ~np.isfinite(vectors[start : start + _ROWS])
        if wrong.any():
            row, column = np.argwhere(wrong)[0]
            value = table[start + row, column]
            raise ValueError(f"{name} must be finite in float32, got {value} in row {start + row}, column {column}")
    return vectors


def unit_rows(vectors: NDArray[Float]) -> NDArray[Float]:
    """Return the rows at length 1, in their own precision; rows of zeros stay."""
    scaled = np.empty_like(vectors)
    for start in range(0, len(vectors), _ROWS):
        rows = vectors[start : start + _ROWS].astype(np.float64)
        norms = np.linalg.norm(rows, axis=1, keepdims=True)
        scaled[start : start + _ROWS] = rows / np.where(norms > 0, norms, 1)
    return scaled


def largest_norm(vectors: NDArray[np.float32]) -> float:
    """Return the length of the longest row; 0 without rows."""
    squares = (float((rows.astype(np.float64) ** 2).sum(axis=1).max()) for rows in _parts(vectors))
    return float(np.sqrt(max(squares, default=0.0)))


def _parts(vectors: NDArray[np.float32]) -> list[NDArray[np.float32]]:
    return [vectors[start : start + _ROWS] for start in range(0, len(vectors), _ROWS)]
