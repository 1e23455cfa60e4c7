"""CSV and Parquet files as frames, with errors in one sentence."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Collection
from pathlib import Path

import pandas as pd

_INTEGER = r"-?[1-9]\d{0,17}|0"
_CORRUPT = (pd.errors.ParserError, pd.errors.EmptyDataError, UnicodeDecodeError, EOFError, OSError, zlib.error)


def read_table(path: Path, find_columns: Callable[[list[str]], dict[str, str]], text: Collection[str]) -> pd.DataFrame:
    """Return the columns that ``find_columns`` picks out of those present; ids of a CSV as integers or text.

    ``text`` has the id columns that stay text whatever they look like.
    """
    if not path.is_file():
        raise FileNotFoundError(f"{path} not found: expected a watch log in CSV or Parquet")
    if path.name.endswith((".csv", ".csv.gz")):
        return _read_csv(path, find_columns, text)
    if path.suffix == ".parquet":
        import pyarrow
        from pyarrow import parquet

        try:
            names = find_columns(parquet.read_schema(path).names)
            return pd.read_parquet(path, columns=list(names.values()), engine="pyarrow")
        except (pyarrow.ArrowException, OSError) as error:
            raise ValueError(_reason("a Parquet file", error)) from None
    raise ValueError(f"the suffix must be .csv, .csv.gz or .parquet, got {path.name!r}")


def _read_csv(path: Path, find_columns: Callable[[list[str]], dict[str, str]], text: Collection[str]) -> pd.DataFrame:
    try:
        names = find_columns(list(pd.read_csv(path, nrows=0, index_col=False).columns))
        ids = {key: name for key, name in names.items() if key in ("user_id", "video_id")}
        frame = pd.read_csv(
            path,
            usecols=list(names.values()),
            dtype=dict.fromkeys(ids.values(), str),
            index_col=False,
            low_memory=False,
        )
    except _CORRUPT as error:
        raise ValueError(_reason("a CSV file", error)) from None
    for key, name in ids.items():
        column = frame[name]
        if key not in text and len(column) and column.str.fullmatch(_INTEGER).eq(True).all():
            frame[name] = column.astype("int64")
    return frame


def _reason(form: str, error: Exception) -> str:
    first = (str(error).splitlines() or [""])[0].rstrip(".") or type(error).__name__
    return f"it is not {form}, or it is truncated or corrupt ({first})"
