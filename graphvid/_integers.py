"""Checks of integer arguments."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray


def check_integer(name: str, value: Any, least: int, *, none: bool = False) -> None:
    """Raise unless ``value`` is an integer >= ``least``, or None where ``none`` allows it."""
    if none and value is None:
        return
    if isinstance(value, bool) or not isinstance(value, (int, np.integer)) or value < least:
        raise ValueError(f"{name} must be {'None or ' if none else ''}an integer >= {least}, got {value!r}")


def as_integer(name: str, value: Any, least: int) -> int:
    """Return ``value`` as an int; raise unless it is an integer >= ``least``."""
    check_integer(name, value, least)
    return int(value)


def node_ids(name: str, values: ArrayLike, num_nodes: int, shape: str) -> NDArray[np.int64]:
    """Return ``values`` as int64, or raise unless they are one-dimensional integers in ``[0, num_nodes)``."""
    ids = np.asarray(values)
    if ids.ndim != 1:
        raise ValueError(f"{name} must have shape {shape}, got {ids.shape}")
    if ids.size and not np.issubdtype(ids.dtype, np.integer):
        raise TypeError(f"{name} must hold integers, got dtype {ids.dtype}")
    outside = np.flatnonzero((ids < 0) | (ids >= num_nodes))
    if outside.size:
        raise ValueError(f"{name} must be in [0, {num_nodes}), got {ids[outside[0]]} in row {outside[0]}")
    return ids.astype(np.int64)
