"""Checks of columns of logged rows: labels, numbers, and the ids of users and items."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from graphvid._checks import check_number


def labels(values: ArrayLike) -> NDArray[np.bool_]:
    """Return ``label`` as bool, or raise unless it is one-dimensional, not empty, and holds only 0 and 1."""
    label = np.asarray(values)
    if label.ndim != 1 or not label.size:
        raise ValueError(f"label must be one-dimensional and not empty, got shape {label.shape}")
    if label.dtype.kind not in "biuf":
        raise TypeError(f"label must hold 0 and 1, got dtype {label.dtype}")
    _check("label", label, (label == 0) | (label == 1), "0 or 1")
    return label.astype(np.bool_)


def numbers(
    name: str, values: ArrayLike, num_rows: int | None = None, *, least: float = -np.inf, most: float = np.inf
) -> NDArray[np.float64]:
    """Return a column as float64, or raise unless its numbers are finite and in ``[least, most]``."""
    column = np.asarray(values)
    if column.dtype.kind not in "biuf":
        raise TypeError(f"{name} must hold real numbers, got dtype {column.dtype}")
    check_rows(name, column, num_rows)
    column = column.astype(np.float64)
    check_range(name, column, least, most)
    return column


def check_range(name: str, values: NDArray[np.float64], least: float, most: float) -> None:
    """Raise unless ``values`` are finite and in ``[least, most]``."""
    bounds = {(True, True): f" in [{least:g}, {most:g}]", (True, False): f" >= {least:g}", (False, False): ""}
    accepted = f"a finite number{bounds[bool(np.isfinite(least)), bool(np.isfinite(most))]}"
    _check(name, values, np.isfinite(values) & (values >= least) & (values <= most), accepted)


def codes(name: str, values: ArrayLike, num_rows: int) -> tuple[NDArray[Any], NDArray[np.int64]]:
    """Return the distinct ids of a column, ascending, and the place of each row's id among them."""
    unique, inverse = np.unique(check_kind(name, values, num_rows), return_inverse=True)
    return unique, inverse.astype(np.int64)


def grouped(
    name: str, values: ArrayLike, num_rows: int
) -> tuple[NDArray[Any], NDArray[np.int64], NDArray[np.int64] | None]:
    """Return the distinct ids of a column, ascending, the start of the rows of each with the end of the last, and an order.

    The order groups the rows by id; it is None if the ids ascend already.
    """
    ids, order = check_kind(name, values, num_rows), None
    if not bool((ids[1:] >= ids[:-1]).all()):
        order = np.argsort(ids, kind="stable")
        ids = ids[order]
    starts = np.flatnonzero(np.r_[True, ids[1:] != ids[:-1]])
    return ids[starts], np.r_[starts, num_rows], order


def check_kind(name: str, values: ArrayLike, num_rows: int) -> NDArray[Any]:
    """Return a column of ids, or raise unless they are integers or strings, one for each row."""
    ids = np.asarray(values)
    if ids.dtype.kind == "O" and all(isinstance(value, str) for value in ids.flat):
        ids = ids.astype(np.str_)
    if ids.dtype.kind not in "iuU":
        raise TypeError(f"{name} must hold integers or strings, got dtype {ids.dtype}")
    check_rows(name, ids, num_rows)
    return ids


def check_rows(name: str, column: NDArray[Any], num_rows: int | None) -> None:
    """Raise unless ``column`` has one value for each row; without ``num_rows``, at least one."""
    if num_rows is None:
        if column.ndim != 1 or not column.size:
            raise ValueError(f"{name} must be one-dimensional and not empty, got shape {column.shape}")
    elif column.shape != (num_rows,):
        raise ValueError(f"{name} must have shape ({num_rows},), one value a row, got {column.shape}")


def check_fraction(name: str, value: float, least: float, most: float, *, zero: bool = False) -> None:
    """Raise unless ``least < value < most``; ``zero`` allows ``least`` itself."""
    accepted = f"in {'[' if zero else '('}{least:g}, {most:g})"
    number = check_number(name, value, accepted)
    if not (least < number < most or (zero and number == least)):
        raise ValueError(f"{name} must be {accepted}, got {value!r}")


def _check(name: str, values: NDArray[Any], good: NDArray[np.bool_], accepted: str) -> None:
    if not good.all():
        place = np.argwhere(~good)[0]
        at = f"row {place[0]}" + (f", clip {place[1]}" if len(place) > 1 else "")
        raise ValueError(f"{name} must be {accepted} in every row, got {values[tuple(place)]} in {at}")
