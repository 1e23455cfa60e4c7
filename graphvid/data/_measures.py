"""Reader of columns of times: it returns seconds >= 0, and counts the bad rows by reason.

A ``timestamp`` may also be a date, or text in ISO 8601, from 1970 on; without a time zone it is UTC.
"""

from __future__ import annotations

import datetime
import decimal
import re
from collections.abc import Collection, Mapping
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

_DATE = re.compile(r"\s*[0-9]{4}-[0-9]{2}-[0-9]{2}")
_NUMBERS = (str, int, float, np.integer, np.floating, decimal.Decimal)
MEASURES = ("watch_time", "duration", "timestamp")


class Measures(NamedTuple):
    """Seconds of every measure, the bad rows, and their number for each reason."""

    seconds: dict[str, NDArray[np.float64]]
    bad: NDArray[np.bool_]
    counts: dict[str, int]


def read_measures(columns: Mapping[str, pd.Series], milliseconds: Collection[str], strict: bool) -> Measures:
    """Return the measures; a value that is not a finite number >= 0 raises if ``strict``, else its row is bad.

    Messages number rows by the index of the column. Without ``strict`` a duration of 0 is bad too, and text that spells a
    number becomes this number. A bad row counts once, under its first column and reason.

    Raises
    ------
    ValueError
        A value that is not a finite number >= 0 (``strict``).
    TypeError
        Text that is a number (``strict``), or a column whose dtype holds neither numbers nor text.
    """
    seconds: dict[str, NDArray[np.float64]] = {}
    reasons: dict[str, NDArray[np.bool_]] = {}
    for name, series in columns.items():
        accepted = f"{series.name} must hold finite numbers >= 0 ({'milli' * (name in milliseconds)}seconds)"
        if name == "timestamp":
            dated, series = series, _dates_as_seconds(series)
            if series is not dated and name in milliseconds:
                raise ValueError(f"milliseconds must not name a column of dates, got {dated.name!r}")
        values, text = as_numbers(series, accepted)
        if strict:
            _refuse(series, values, text, accepted)
        else:
            found = _find_bad(series, values, text, name)
            reasons.update({f"{name} {reason}": rows for reason, rows in found.items()})
        seconds[name] = values / 1000 if name in milliseconds else values
    return Measures(seconds, *count_first(reasons, max(map(len, columns.values()), default=0)))


def count_first(reasons: Mapping[str, NDArray[np.bool_]], num_rows: int) -> tuple[NDArray[np.bool_], dict[str, int]]:
    """Return the rows with any reason, and the number of rows for each first reason; reasons without rows are left out."""
    bad, counts = np.zeros(num_rows, dtype=bool), {}
    for reason, rows in reasons.items():
        if (rows & ~bad).any():
            counts[reason] = int((rows & ~bad).sum())
        bad |= rows
    return bad, counts


def _dates_as_seconds(series: pd.Series) -> pd.Series:
    """Return a column with dates as seconds since 1970 in UTC; without dates the same object."""
    kinds = pd.api.types
    if kinds.is_datetime64_any_dtype(series.dtype):
        return _seconds_since_1970(series)
    if not (kinds.is_object_dtype(series.dtype) or kinds.is_string_dtype(series.dtype)):
        return series
    is_date = series.map(lambda value: isinstance(value, (datetime.date, np.datetime64)) or _is_iso(value))
    is_date &= series.notna()
    if not is_date.any():
        return series
    parsed = pd.to_datetime(series[is_date].astype(str), utc=True, format="ISO8601", errors="coerce")
    mixed = series.astype(object)
    mixed[parsed.index[parsed.notna()]] = _seconds_since_1970(parsed.dropna())
    return mixed


def _is_iso(value: object) -> bool:
    return isinstance(value, str) and _DATE.match(value) is not None


def _seconds_since_1970(dates: pd.Series) -> pd.Series:
    utc = dates.dt.tz_localize("UTC") if dates.dt.tz is None else dates.dt.tz_convert("UTC")
    seconds: pd.Series = (utc - pd.Timestamp(0, tz="UTC")) / pd.Timedelta(seconds=1)
    return seconds


def as_numbers(series: pd.Series, accepted: str) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Return the values, NaN for other things than numbers, and a mask of the values that are text.

    Raises
    ------
    TypeError
        A dtype that holds neither real numbers nor text nor objects; the message states ``accepted``.
    """
    kinds = pd.api.types
    real = kinds.is_numeric_dtype(series.dtype) and not kinds.is_complex_dtype(series.dtype)
    mixed = kinds.is_object_dtype(series.dtype) or kinds.is_string_dtype(series.dtype)
    if kinds.is_bool_dtype(series.dtype) or not (real or mixed):
        raise TypeError(f"{accepted}, got dtype {series.dtype}")
    # Other objects (dates, lists, complex numbers) are not numbers; pandas would convert some of them.
    numbers = series
    if mixed:
        plain = [value if isinstance(value, _NUMBERS) and not isinstance(value, bool) else None for value in series]
        numbers = pd.to_numeric(pd.Series(plain, dtype=object), errors="coerce")
    text = [isinstance(value, str) for value in series] if mixed else np.zeros(len(series), dtype=bool)
    return numbers.to_numpy(dtype=np.float64, na_value=np.nan), np.asarray(text, dtype=bool)


def _refuse(series: pd.Series, values: NDArray[np.float64], text: NDArray[np.bool_], accepted: str) -> None:
    wrong = ~(np.isfinite(values) & (values >= 0))
    if wrong.any():
        row = int(wrong.argmax())
        value = series.iloc[row]
        shown = repr(value) if isinstance(value, str) else str(value)
        raise ValueError(f"{accepted}, got {shown} in row {series.index[row]} ({wrong.sum()} such rows)")
    if text.any():
        raise TypeError(f"{accepted}, got text that looks like numbers")


def _find_bad(
    series: pd.Series, values: NDArray[np.float64], text: NDArray[np.bool_], name: str
) -> dict[str, NDArray[np.bool_]]:
    """Return the bad rows by reason; a row can have several."""
    return {
        "text": text & np.isnan(values),
        "missing": np.asarray(series.isna()),
        "not finite": ~np.isfinite(values),
        "negative": values < 0,
        "zero": (values == 0) & (name == "duration"),
    }
