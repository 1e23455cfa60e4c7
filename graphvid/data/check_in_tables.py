"""Columns of tables of check-ins, and detection of their bad rows."""

from __future__ import annotations

import warnings
from collections.abc import Mapping

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from graphvid.data._id_spelling import show
from graphvid.data.areas import distance_km

COLUMNS = ("user_id", "poi_id", "timestamp", "offset", "latitude", "longitude")
_LEAST_OFFSET, _MOST_OFFSET = -720, 840  # minutes: the zones in use
_MOST_SECONDS = 1e11  # the year 5138 in seconds, 1973 in milliseconds
_MOVED_KM = 0.1


def find_columns(present: list[str], columns: Mapping[str, str] | None, offset: int | None) -> dict[str, str]:
    """Return the name in the table of every present column; raise if a required column is absent."""
    columns = dict(columns or {})
    unknown = [name for name in columns if name not in COLUMNS]
    if unknown:
        raise ValueError(f"columns must have keys among {list(COLUMNS)}, got {unknown}")
    names = {name: columns.get(name, name) for name in COLUMNS if columns.get(name, name) in present}
    needed = [name for name in COLUMNS if name in columns or name in ("user_id", "poi_id", "timestamp")]
    absent = [columns.get(name, name) for name in needed if name not in names]
    if absent:
        raise ValueError(f"the table must have the columns {absent}, got {[str(name) for name in present]}")
    if offset is None and "offset" not in names:
        raise ValueError(
            "the minutes from UTC to local time are missing: the table must have a column 'offset', or offset must be "
            "given (0 for times that are local already)"
        )
    if offset is not None and "offset" in names:
        raise ValueError(f"offset must not be given beside the column {names['offset']!r}, got {offset}")
    if ("latitude" in names) != ("longitude" in names):
        raise ValueError("latitude and longitude must be given together, got one of the columns")
    return names


def read_numbers(
    frame: pd.DataFrame, names: Mapping[str, str], offset: int | None, milliseconds: bool
) -> dict[str, NDArray[np.float64]]:
    """Return the columns of numbers, NaN for other values, times in seconds."""
    numbers = {
        name: pd.to_numeric(frame[names[name]], errors="coerce").to_numpy(np.float64, na_value=np.nan)
        for name in COLUMNS[2:]
        if name in names
    }
    if offset is not None:
        numbers["offset"] = np.full(len(frame), float(offset))
    time = numbers["timestamp"]
    finite = np.abs(time[np.isfinite(time)])
    largest = finite.max() if finite.size else 0.0
    if not milliseconds and largest > _MOST_SECONDS:
        raise ValueError(
            f"timestamp must be in seconds, got {largest:.0f}, which looks like milliseconds; pass milliseconds=True"
        )
    if milliseconds and 0 < largest < _MOST_SECONDS:
        raise ValueError(f"timestamp must be in milliseconds, got at most {largest:.0f}, which looks like seconds")
    if milliseconds:
        numbers["timestamp"] = time / 1000
    return numbers


def find_bad(numbers: Mapping[str, NDArray[np.float64]], names: Mapping[str, str]) -> dict[str, NDArray[np.bool_]]:
    """Return the bad rows, by the text of the accepted values."""
    with np.errstate(invalid="ignore"):
        accepted = {
            "timestamp": ("a finite number of seconds >= 0", numbers["timestamp"] >= 0),
            "offset": (
                f"whole minutes from {_LEAST_OFFSET} to {_MOST_OFFSET}",
                (numbers["offset"] >= _LEAST_OFFSET)
                & (numbers["offset"] <= _MOST_OFFSET)
                & (numbers["offset"] % 1 == 0),
            ),
        }
        for name, most in (("latitude", 90), ("longitude", 180)):
            if name in numbers:
                accepted[name] = (f"in [-{most}, {most}] degrees", np.abs(numbers[name]) <= most)
    return {
        f"{names.get(name, name)} must be {text}": ~(good & np.isfinite(numbers[name]))
        for name, (text, good) in accepted.items()
    }


def drop_rows(
    bad: Mapping[str, NDArray[np.bool_]], numbers: Mapping[str, NDArray[np.float64]], count: int, strict: bool
) -> tuple[NDArray[np.int64], dict[str, int]]:
    """Return the remaining rows and the number of dropped ones by reason, or raise for the first bad row."""
    wrong, dropped = np.zeros(count, dtype=bool), {}
    for (reason, rows), values in zip(bad.items(), _in_order(numbers)):
        if strict and rows.any():
            at = int(rows.argmax())
            raise ValueError(f"{reason}, got {show(values[at])} in row {at} ({rows.sum()} such rows)")
        if (rows & ~wrong).any():
            dropped[reason.split(" must")[0]] = int((rows & ~wrong).sum())
        wrong |= rows
    if wrong.all():
        raise ValueError(f"there must be at least one proper check-in, got {count} rows that are wrong in {dropped}")
    if dropped:
        warnings.warn(f"{wrong.sum()} of {count} check-ins dropped by strict=False: {dropped}", stacklevel=4)
    return np.flatnonzero(~wrong), dropped


def _in_order(numbers: Mapping[str, NDArray[np.float64]]) -> list[NDArray[np.float64]]:
    """Return the columns of numbers in the order of their checks."""
    return [numbers[name] for name in COLUMNS[2:] if name in numbers]


def first_coordinates(
    poi: NDArray[np.int64], num_pois: int, numbers: Mapping[str, NDArray[np.float64]]
) -> dict[str, NDArray[np.float64]]:
    """Return the coordinates of every place, from its first row."""
    if "latitude" not in numbers:
        return {}
    _, first = np.unique(poi, return_index=True)
    latitude, longitude = numbers["latitude"][first], numbers["longitude"][first]
    moved = distance_km(latitude[poi], longitude[poi], numbers["latitude"], numbers["longitude"]) > _MOVED_KM
    if moved.any():
        warnings.warn(
            f"{moved.sum()} of {len(poi)} rows lie more than 100 m from the first row of their place, whose coordinates "
            "are kept",
            stacklevel=4,
        )
    return {"latitude": latitude, "longitude": longitude}
