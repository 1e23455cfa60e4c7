"""Ids of users and videos: one rule for all files and tables, and the contiguous integers that encode them.

The spelling of an id identifies it. Ids are integers if all of them are, and otherwise text. So 5 and "5" are the same id
from every source, and "05", "5.0" and " 5" are other ids. The page "Ids" of the documentation has the details.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from graphvid.data._id_spelling import INTEGER, refuse_spellings, show, spell, spelling_hint

_SHOWN = 5


def name_some(items: Iterable[Any]) -> str:
    """Return the first five items as text, for an error message, and the number of further ones."""
    items = list(items)
    shown = ", ".join(show(item) for item in items[:_SHOWN])
    return shown if len(items) <= _SHOWN else f"{shown} and {len(items) - _SHOWN} more"


def to_index(values: Any, name: str) -> pd.Index:
    """Return ids as an Index that is the same in every version of pandas: int64 if all are integers, else objects.

    Whole floats become integers (pandas turns a column of integers into floats if it holds a missing value); bytes become
    text. A mixture of integers and text becomes text. Integers beyond int64 are Python integers.

    Raises
    ------
    ValueError
        A missing id (None, NaN, NaT), a float too large to tell neighbouring integers apart, bytes that are not UTF-8;
        with its row.
    """
    plain = isinstance(values, (pd.Series, pd.Index)) and not isinstance(values, pd.MultiIndex)
    series = values if plain else _series(values, name)
    if isinstance(series.dtype, np.dtype) and series.dtype.kind in "iu":
        whole = np.asarray(series)
        if not whole.size or whole.dtype != np.uint64 or whole.max() < 2**63:
            return pd.Index(whole.astype(np.int64))
    missing = np.asarray(series.isna())
    if missing.any():
        raise ValueError(
            f"{name} must not be missing, got {missing.sum()} missing, the first in row {missing.argmax()}"
        )
    if isinstance(series.dtype, np.dtype) and series.dtype.kind == "f":
        array = np.asarray(series)
        if np.equal(np.trunc(array), array).all() and np.isfinite(array).all():
            _refuse_inexact(array, name)
            return pd.Index(array.astype(np.int64))
    array = series.to_numpy(dtype=object)
    kind = pd.api.types.infer_dtype(array, skipna=False)
    if kind == "bytes" or kind.startswith("mixed"):
        array = _decode(array, name)
        kind = pd.api.types.infer_dtype(array, skipna=False)
    if kind in ("floating", "mixed-integer-float") and all(float(value).is_integer() for value in array):
        _refuse_inexact(array, name)
        array, kind = np.array([int(value) for value in array], dtype=object), "integer"
    if kind == "mixed-integer" and {type(value) for value in array} <= {str, int, np.int64}:
        array = spell(pd.Index(array, dtype=object, tupleize_cols=False)).to_numpy()
    if kind == "string":
        _refuse_broken_text(array, name)
    if kind == "integer":
        try:
            return pd.Index(array.astype(np.int64))
        except OverflowError:
            array = np.array([int(value) for value in array], dtype=object)
    return pd.Index(array, dtype=object, tupleize_cols=False)


def unique_index(values: Any, name: str) -> pd.Index:
    """Return ids as in `to_index`; raise a ValueError that names an id that occurs twice or in two spellings."""
    index = to_index(values, name)
    _require_hashable(index, name)
    repeated = index.duplicated()
    if repeated.any():
        raise ValueError(f"{name} must be unique, got more than one row for {name_some(index[repeated].unique())}")
    refuse_spellings(index, name)
    return index


def encode(values: Any, name: str) -> tuple[NDArray[np.int64], pd.Index]:
    """Return the code of every value and the ids in code order.

    The codes follow the sorted ids and do not depend on the order of the rows. Ids without a total order (mixed types,
    sets) are numbered by first appearance.

    Raises
    ------
    ValueError
        A missing id, or one in two spellings.
    TypeError
        An id that is not hashable.
    """
    index = to_index(values, name)
    _require_hashable(index, name)
    codes, ids = pd.factorize(index)
    refuse_spellings(ids, name)
    order = _sorted_order(ids)
    if order is not None:
        rank = np.empty(len(order), dtype=np.int64)
        rank[order] = np.arange(len(order))
        codes, ids = rank[codes], ids[order]
    return codes.astype(np.int64, copy=False), ids


def match_ids(values: Any, ids: Any) -> NDArray[np.int64]:
    """Return the position of every value among distinct ids; -1 if it is absent.

    All comparisons of ids of two sources use this function: an integer equals the text that spells it.

    Parameters
    ----------
    values, ids : array_like, shape (num_values,) and (num_ids,)
        Ids of any kind that a log or features may have; ``ids`` are distinct.

    Returns
    -------
    ndarray of int64, shape (num_values,)

    Raises
    ------
    ValueError
        A missing id, or one of ``ids`` twice.

    Notes
    -----
    O(num_values + num_ids) time and memory.

    Examples
    --------
    >>> match_ids(["7", "x", "07"], [3, 7])
    array([ 1, -1, -1])
    """
    index, vocabulary = to_index(values, "values"), unique_index(ids, "ids")
    return _positions(index, vocabulary)


def look_up(values: Any, ids: pd.Index, name: str, vocabulary: str) -> NDArray[np.int64]:
    """Return the position of every value in ``ids``; raise a ValueError that counts the absent values."""
    index = to_index(values, name)
    _require_hashable(index, name)
    codes = _positions(index, ids)
    absent = codes < 0
    if absent.any():
        unknown = index[absent].unique()
        counts = f"{len(unknown)} of {index.nunique()} ids, {absent.sum()} of {len(index)} rows"
        hint = spelling_hint(unknown, ids)
        raise ValueError(
            f"{name} must be among the {len(ids)} of {vocabulary}, got {name_some(unknown)} ({counts}){hint}"
        )
    return codes


def hash_ids(ids: Any) -> NDArray[np.int64]:
    """Return a hash of every id, equal for an integer and the text that spells it.

    A graph carries them in ``ndata["id_hash"]``, and subgraphs keep them; `graphvid.graphs.check_alignment` compares them.

    Parameters
    ----------
    ids : array_like, shape (num_ids,)
        Ids of any kind that a log or features may have.

    Returns
    -------
    ndarray of int64, shape (num_ids,)
        The same on every machine and in every process.

    Examples
    --------
    >>> bool((hash_ids(["7", "30"]) == hash_ids([7, 30])).all())
    True
    """
    index = to_index(ids, "ids")
    if index.dtype == np.int64:
        return pd.util.hash_array(index.to_numpy()).view(np.int64)
    texts = [value if isinstance(value, str) else str(value) for value in index]
    hashes = pd.util.hash_array(np.array(texts, dtype=object), categorize=False)
    whole = [(at, int(text)) for at, text in enumerate(texts) if INTEGER.fullmatch(text)]
    numbers = [(at, number) for at, number in whole if -(2**63) <= number < 2**63]
    if numbers:
        rows, values = zip(*numbers)
        hashes[list(rows)] = pd.util.hash_array(np.array(values, dtype=np.int64))
    return hashes.view(np.int64)


def from_stored(array: NDArray[Any]) -> pd.Index:
    """Return the ids of a file; raise a TypeError if they are neither integers nor text."""
    if array.dtype.kind not in "iufSU":
        raise TypeError(f"ids must hold integers or text, got dtype {array.dtype}")
    index = to_index(array, "ids")
    if array.dtype.kind == "f" and index.dtype != np.int64:
        raise TypeError(f"ids must hold integers or text, got {array.dtype} with fractions")
    return index


def to_stored(ids: pd.Index) -> NDArray[Any]:
    """Return ids as an array for a file without pickle: int64, or text.

    Raises
    ------
    TypeError
        Ids that are neither all integers nor all text.
    ValueError
        Text that ends in a null character, which NumPy would drop.
    """
    if ids.dtype == np.int64:
        return ids.to_numpy()
    kinds = sorted({"str" if isinstance(value, np.str_) else type(value).__name__ for value in ids})
    if kinds not in (["str"], ["int"]):
        raise TypeError(f"ids must be all int or all str to be saved, got {kinds}")
    stored = np.array(spell(ids).to_numpy(), dtype=np.str_)
    ended = next((value for value in ids if isinstance(value, str) and value.endswith("\0")), None)
    if ended is not None:
        raise ValueError(f"ids must not end in a null character to be saved, got {ended!r}")
    return stored


def _positions(index: pd.Index, ids: pd.Index) -> NDArray[np.int64]:
    """Return the position of every id in ``ids``, -1 where it is absent."""
    if not (index.dtype == np.int64 and ids.dtype == np.int64):
        index, ids = spell(index), spell(ids)
    return np.asarray(ids.get_indexer(index), dtype=np.int64)


def _series(values: Any, name: str) -> pd.Series:
    """Return a Series of the values; a tuple is one id."""
    if isinstance(values, np.ndarray):
        if values.ndim != 1:
            raise ValueError(f"{name} must be one-dimensional, got shape {values.shape}")
        return pd.Series(values.astype(object), dtype=object) if values.dtype.kind in "SU" else pd.Series(values)
    if isinstance(values, (str, bytes)) or not isinstance(values, Iterable):
        raise TypeError(f"{name} must be a sequence of ids, got {values!r}")
    values = list(values)
    array = np.empty(len(values), dtype=object)
    for at, value in enumerate(values):
        array[at] = value
    return pd.Series(array, dtype=object)


def _require_hashable(index: pd.Index, name: str) -> None:
    if index.dtype != np.int64 and pd.api.types.infer_dtype(index, skipna=False) != "string":
        for row, value in enumerate(index):
            try:
                hash(value)
            except TypeError:
                raise TypeError(f"{name} must be hashable, got {type(value).__name__} in row {row}") from None


def _refuse_inexact(array: NDArray[Any], name: str) -> None:
    """Raise if a whole float is so large that it may represent several integers."""
    for row, value in enumerate(array if array.dtype == object else ()):
        if isinstance(value, (float, np.floating)):
            _refuse_inexact_of(np.array([value]), name, row)
    if array.dtype != object:
        _refuse_inexact_of(array, name, 0)


def _refuse_inexact_of(array: NDArray[np.floating], name: str, first: int) -> None:
    digits = np.finfo(array.dtype).nmant + 1
    inexact = np.abs(array) >= 2.0**digits
    if inexact.any():
        row = int(inexact.argmax())
        raise ValueError(
            f"{name} must hold integers or text, got the {array.dtype} {array[row]:.0f} in row {first + row}, where "
            f"{array.dtype} cannot tell integers from 2**{digits} on apart; read the ids as integers or as text"
        )


def _decode(array: NDArray[Any], name: str) -> NDArray[Any]:
    """Return objects with bytes as text."""
    decoded = array.copy()
    for row, value in enumerate(array):
        if isinstance(value, bytes):
            try:
                decoded[row] = value.decode()
            except UnicodeDecodeError:
                raise ValueError(f"{name} must be text in UTF-8, got {bytes(value)!r} in row {row}") from None
    return decoded


def _refuse_broken_text(array: NDArray[Any], name: str) -> None:
    """Raise if text holds half a character (a lone surrogate), which no file and no hash accepts."""
    try:
        "".join(array).encode()
    except UnicodeEncodeError:
        row = next(row for row, value in enumerate(array) if any("\ud800" <= char <= "\udfff" for char in value))
        raise ValueError(f"{name} must be text in UTF-8, got {array[row]!r} in row {row}") from None


def _sorted_order(ids: pd.Index) -> NDArray[np.int64] | None:
    """Return the positions that sort the ids, or None without a total order."""
    if ids.dtype == np.int64:
        return np.argsort(ids.to_numpy(), kind="stable")
    values = list(ids)
    try:
        order = sorted(range(len(values)), key=values.__getitem__)
        # A partial order (sets) sorts without an error; it is total on these ids only if the result is a chain.
        total = all(values[left] < values[right] for left, right in pairwise(order))
    except (TypeError, ValueError):
        return None
    return np.asarray(order, dtype=np.int64) if total else None
