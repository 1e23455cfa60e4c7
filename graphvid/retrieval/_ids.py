"""Ids of items, all integers or all text, in ascending order, so that an item's position is the rank of its id."""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from graphvid.retrieval._vectors import as_array

Ids: TypeAlias = NDArray[Any]  # Any: int64 or text

_SHOWN = 5


def as_ids(name: str, values: Any) -> Ids:  # Any: whatever holds ids, such as a list, an array or a pandas Index
    """Return ids as an array of int64 or of text; integers never pass through floats.

    Raises
    ------
    TypeError
        Ids that are neither all integers nor all text; a missing one is neither.
    ValueError
        Another shape than one dimension, an integer outside int64.
    """
    values = as_array(values)
    array = np.asarray(values) if hasattr(values, "dtype") else None  # of NumPy or pandas; a list may turn into floats
    if array is None or array.dtype.kind not in "iuU":
        array = _gather(name, list(values))
    if array.ndim != 1:
        raise ValueError(f"{name} must be one-dimensional, got shape {array.shape}")
    if array.dtype.kind == "U":
        return np.ascontiguousarray(array)
    if array.dtype.kind == "u" and array.size and int(array.max()) > np.iinfo(np.int64).max:
        raise ValueError(f"{name} must fit into int64, got {int(array.max())}")
    return np.ascontiguousarray(array, dtype=np.int64)


def as_kind_of(name: str, texts: list[str], ids: Ids) -> Ids:
    """Return ids given as text as integers if ``ids`` are integers; raise a ValueError for other text."""
    if ids.dtype.kind == "U":
        return np.array(texts, dtype=np.str_)
    wrong = [text for text in texts if not text.removeprefix("-").isdecimal()]
    if wrong:
        raise ValueError(f"{name} must hold integers like the ids of the index, got {wrong[0]!r}")
    return as_ids(name, [int(text) for text in texts])


def order_of(name: str, ids: Ids) -> NDArray[np.int64] | None:
    """Return the order that sorts the ids, or None if they are sorted; raise a ValueError for an id that occurs twice."""
    if (ids[1:] > ids[:-1]).all():
        return None
    order = np.argsort(ids, kind="stable")
    ordered = ids[order]
    twice = np.flatnonzero(ordered[1:] == ordered[:-1])
    if twice.size:
        raise ValueError(f"{name} must be unique, got more than one of {name_some(np.unique(ordered[twice]))}")
    return order


def find(name: str, wanted: Any, ids: Ids) -> NDArray[np.int64]:
    """Return the position of each id in ascending ``ids``; -1 if it is absent.

    Raises
    ------
    TypeError, ValueError
        As `as_ids`; text looked for among integers, or the reverse.
    """
    values = as_ids(name, wanted)
    if not values.size or not ids.size:
        return np.full(values.size, -1, np.int64)
    if (values.dtype.kind == "U") != (ids.dtype.kind == "U"):
        raise TypeError(f"{name} must be {_kind(ids)} like the ids of the index, got {_kind(values)}")
    at = np.searchsorted(ids, values)
    return np.where(ids[np.minimum(at, ids.size - 1)] == values, at, -1)


def find_all(name: str, wanted: Any, ids: Ids) -> NDArray[np.int64]:
    """Return the position of each id; raise a KeyError that names the absent ones."""
    values = as_ids(name, wanted)
    positions = find(name, values, ids)
    if (positions < 0).any():
        raise KeyError(
            f"{name} must be among the {ids.size:,} ids of the index, got {name_some(values[positions < 0])}"
        )
    return positions


def name_some(ids: Ids) -> str:
    """Return the first five ids as text, for an error message, and the number of further ones."""
    shown = ", ".join(repr(value) for value in ids[:_SHOWN].tolist())
    return shown if len(ids) <= _SHOWN else f"{shown} and {len(ids) - _SHOWN:,} more"


def _gather(name: str, values: list[Any]) -> NDArray[Any]:  # Any: int64 or text
    if all(isinstance(value, (int, np.integer)) and not isinstance(value, bool) for value in values):
        try:
            return np.array(values, dtype=np.int64)
        except OverflowError:
            raise ValueError(f"{name} must fit into int64, got {max(values, key=abs)}") from None
    if all(isinstance(value, str) for value in values):
        return np.array(values, dtype=np.str_)
    kinds = sorted({type(value).__name__ for value in values})
    raise TypeError(f"{name} must be all int or all str, got {kinds}")


def _kind(ids: Ids) -> str:
    return "str" if ids.dtype.kind == "U" else "int"
