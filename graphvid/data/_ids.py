"""Ids of any hashable type to contiguous integers and back."""

from __future__ import annotations

from collections.abc import Hashable, Iterable
from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

_SHOWN = 5


def show(item: Any) -> str:
    """Return an id as text, for an error message; NumPy's numbers as plain ones."""
    return repr(item.item() if isinstance(item, np.generic) else item)


def name_some(items: Iterable[Any]) -> str:
    """Return the first five items as text, for an error message, and how many more there are."""
    items = list(items)
    shown = ", ".join(show(item) for item in items[:_SHOWN])
    return shown if len(items) <= _SHOWN else f"{shown} and {len(items) - _SHOWN} more"


def to_index(values: Any, name: str) -> pd.Index:
    """Return ids as an Index that is the same under every pandas: int64 if all are integers, else Python objects.

    Whole floats become integers (a column of integers turns float in pandas when it once held a missing value).

    Raises
    ------
    ValueError
        A missing id (None, NaN, NaT), with its row.
    """
    plain = isinstance(values, (pd.Series, pd.Index)) and not isinstance(values, pd.MultiIndex)
    series = values if plain else _series(values, name)
    if isinstance(series.dtype, np.dtype) and series.dtype.kind == "i":
        return pd.Index(np.asarray(series, dtype=np.int64))
    missing = np.asarray(series.isna())
    if missing.any():
        raise ValueError(
            f"{name} must not be missing, got {missing.sum()} missing, the first in row {missing.argmax()}"
        )
    array = series.to_numpy(dtype=object)
    if pd.api.types.is_bool_dtype(series.dtype) or not _all_whole(series, array):
        return pd.Index(array, dtype=object, tupleize_cols=False)
    try:
        return pd.Index(array.astype(np.int64))
    except OverflowError:
        return pd.Index(array, dtype=object, tupleize_cols=False)


def unique_index(values: Any, name: str) -> pd.Index:
    """Return ids as in `to_index`; an id that occurs twice is a ValueError that names it."""
    index = to_index(values, name)
    repeated = index.duplicated()
    if repeated.any():
        raise ValueError(f"{name} must be unique, got more than one row for {name_some(index[repeated].unique())}")
    return index


def encode(values: Any, name: str) -> tuple[NDArray[np.int64], pd.Index]:
    """Return the code of every value and the ids in code order.

    The ids are sorted, so that the codes do not depend on the order of the rows; ids without a total order (mixed
    types, sets) are numbered by first appearance.

    Raises
    ------
    ValueError
        A missing id.
    TypeError
        An id that is not hashable.
    """
    index = to_index(values, name)
    try:
        codes, ids = pd.factorize(index)
    except TypeError:
        at, value = next((at, value) for at, value in enumerate(index) if not isinstance(value, Hashable))
        raise TypeError(f"{name} must be hashable, got {type(value).__name__} in row {at}") from None
    order = _sorted_order(ids)
    if order is not None:
        rank = np.empty(len(order), dtype=np.int64)
        rank[order] = np.arange(len(order))
        codes, ids = rank[codes], ids[order]
    return codes.astype(np.int64, copy=False), ids


def look_up(values: Any, ids: pd.Index, name: str, vocabulary: str) -> NDArray[np.int64]:
    """Return the position of every value in ``ids``; values that are not there are a ValueError that names some."""
    index = to_index(values, name)
    codes = ids.get_indexer(index)
    unknown = index[codes < 0].unique()
    if len(unknown):
        raise ValueError(f"{name} must be among the {len(ids)} of {vocabulary}, got {name_some(unknown)}")
    return codes.astype(np.int64, copy=False)


def _series(values: Any, name: str) -> pd.Series:
    """Return a Series of the values, where a tuple is one id."""
    if isinstance(values, np.ndarray):
        if values.ndim != 1:
            raise ValueError(f"{name} must be one-dimensional, got shape {values.shape}")
        return pd.Series(values)
    values = list(values)
    array = np.empty(len(values), dtype=object)
    for at, value in enumerate(values):
        array[at] = value
    return pd.Series(array, dtype=object)


def _all_whole(series: pd.Series | pd.Index, array: NDArray[np.object_]) -> bool:
    """Return whether every value is an integer, or a float that equals one."""
    if pd.api.types.is_integer_dtype(series.dtype):
        return True
    kinds = {type(value) for value in array}
    if not all(issubclass(kind, (int, float, np.integer, np.floating)) and kind is not bool for kind in kinds):
        return False
    return all(float(value).is_integer() for value in array if isinstance(value, (float, np.floating)))


def _sorted_order(ids: pd.Index) -> NDArray[np.int64] | None:
    """Return the positions that sort the ids, or None where they have no total order."""
    if ids.dtype == np.int64:
        return np.argsort(ids.to_numpy(), kind="stable")
    values = list(ids)
    try:
        order = sorted(range(len(values)), key=values.__getitem__)
        # A partial order (sets) sorts without complaint; it is total on these ids only if the result is a chain.
        total = all(values[left] < values[right] for left, right in pairwise(order))
    except (TypeError, ValueError):
        return None
    return np.asarray(order, dtype=np.int64) if total else None
