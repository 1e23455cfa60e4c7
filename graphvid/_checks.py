"""The one set of argument checks: each error names the argument, what is accepted, and what came."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

if TYPE_CHECKING:  # only the checks of tensors import torch: those of data do not need it
    from torch import Tensor

MOST_NODES = 2**36
"""Largest number of nodes, items or rows: with more, the ids alone would take half a terabyte."""
MOST_COLUMNS = 2**20
"""Largest width of a vector or layer."""

MOST_VALUES = 2**34
"""Largest number of values of one table, 64 GiB in float32."""


def check_integer(name: str, value: Any, least: int, most: int | None = None, *, none: bool = False) -> None:
    """Raise unless ``value`` is an integer >= ``least`` and <= ``most``, or None where ``none`` allows it."""
    if none and value is None:
        return
    accepted = f"{'None or ' if none else ''}an integer"
    if isinstance(value, bool) or not isinstance(value, (int, np.integer)) or value < least:
        raise ValueError(f"{name} must be {accepted} >= {least}, got {shown(value)}")
    most = MOST_NODES if most is None else most
    if value > most:
        raise ValueError(f"{name} must be {accepted} in [{least}, {most}], got {shown(value)}")


def check_count(name: str, value: Any, least: int = 1, most: int | None = None) -> int:
    """Return ``value`` as an int; raise as `check_integer` does."""
    check_integer(name, value, least, most)
    return int(value)


def check_seed(seed: Any, name: str = "seed") -> int:
    """Return ``seed`` as an int; raise unless it is an integer in [0, 2**64)."""
    return check_count(name, seed, 0, 2**64 - 1)


def check_room(name: str, *sizes: int) -> None:
    """Raise unless a table with these sides has at most 2**34 values, 64 GiB; ``name`` is the product in words."""
    if math.prod(sizes) > MOST_VALUES:
        raise ValueError(f"{name} must be at most {MOST_VALUES}, got {math.prod(sizes)}")


def check_number(name: str, value: Any, accepted: str, *, least: float = -math.inf, most: float = math.inf) -> float:
    """Return ``value`` as a float; raise unless it is a finite number in [least, most]. ``accepted`` is the range in words."""
    real = isinstance(value, (int, float, np.integer, np.floating)) and not isinstance(value, bool)
    if not real or not _finite(value) or not least <= value <= most:
        raise ValueError(f"{name} must be {accepted}, got {shown(value)}")
    return float(value)


def check_choice(name: str, value: Any, choices: Iterable[str]) -> None:
    """Raise unless ``value`` is one of some words."""
    accepted = list(choices)
    if not isinstance(value, str) or value not in accepted:
        raise ValueError(f"{name} must be one of {accepted}, got {shown(value)}")


def check_tensor(name: str, value: Any, *, floating: bool = False) -> None:
    """Raise unless ``value`` is a tensor; on request, one of a floating-point type."""
    from torch import Tensor

    if not isinstance(value, Tensor):
        raise TypeError(f"{name} must be a Tensor, got {type(value).__name__}")
    if floating and not value.is_floating_point():
        raise TypeError(f"{name} must be floating point, got dtype {value.dtype}")


def check_mapping(name: str, value: Any) -> None:
    """Raise unless ``value`` is a mapping."""
    if not isinstance(value, Mapping):
        raise TypeError(f"{name} must be a mapping, got {type(value).__name__}")


def check_ids(name: str, ids: Tensor, size: int | None) -> None:
    """Raise unless ``ids`` is a tensor of integers; with ``size``, they must be in ``[0, size)``."""
    import torch

    check_tensor(name, ids)
    if ids.dtype not in (torch.int64, torch.int32, torch.int16, torch.int8, torch.uint8):
        raise TypeError(f"{name} must be an integer tensor, got dtype {ids.dtype}")
    if size is not None and ids.numel():
        low, high = (int(bound) for bound in torch.aminmax(ids))
        if low < 0 or high >= size:
            raise ValueError(f"{name} must lie in [0, {size}), got {low} to {high}")


def check_indptr(name: str, indptr: Tensor | NDArray[Any], size: int) -> None:
    """Raise unless ``indptr``, a tensor or an array, is 1-D, of integers, and rises from 0 to ``size``."""
    if not isinstance(indptr, np.ndarray):
        check_ids(name, indptr, None)
    elif indptr.dtype.kind not in "iu":
        raise TypeError(f"{name} must be an array of integers, got dtype {indptr.dtype}")
    if indptr.ndim != 1 or not len(indptr):
        raise ValueError(f"{name} must be 1-D with at least one value, got shape {tuple(indptr.shape)}")
    if int(indptr[0]) != 0 or int(indptr[-1]) != size:
        raise ValueError(f"{name} must run from 0 to {size}, got {int(indptr[0])} to {int(indptr[-1])}")
    falls = indptr[1:] < indptr[:-1]
    if bool(falls.any()):
        row = int(falls.nonzero()[0][0])
        raise ValueError(f"{name} must not fall, got {int(indptr[row])} before {int(indptr[row + 1])} at {row}")


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


def shown(value: Any) -> str:
    """Return the text of a value in an error message: its shortened repr; for an array its shape."""
    if isinstance(value, int) and abs(value) >= 10**40:
        return f"an integer of {value.bit_length()} bits"
    if type(value).__name__ in ("Tensor", "ndarray") and value.ndim:
        return f"{type(value).__name__} of shape {tuple(value.shape)}"
    text = repr(value)
    return text if len(text) <= 200 else f"{text[:200]}..."


def _finite(value: Any) -> bool:
    try:
        return math.isfinite(value)
    except OverflowError:  # an integer beyond float64
        return False
