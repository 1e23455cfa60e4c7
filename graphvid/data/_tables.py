"""CSV and Parquet files as frames, with errors in one sentence."""

from __future__ import annotations

from collections.abc import Callable, Collection
from pathlib import Path
from typing import Any

import pandas as pd

_INTEGER = r"-?[1-9]\d{0,17}|0"


def read_table(
    path: Path,
    find_columns: Callable[[list[str]], dict[str, str]],
    ids: Collection[str],
    text: Collection[str] = (),
) -> pd.DataFrame:
    """Return the columns of a CSV or Parquet file that ``find_columns`` picks out of those present.

    Parquet columns keep their type. CSV columns of numbers become numbers; an id becomes an integer if every id of its
    column is written as one (no leading zero, no sign but ``-``, at most 18 digits), and stays text otherwise.

    Parameters
    ----------
    path : pathlib.Path
        ``.csv``, ``.csv.gz`` or ``.parquet``.
    find_columns : callable
        From the names present to the name in the file of every column wished, by its name in graphvid; raises where
        one is absent.
    ids : collection of str
        Which of the columns (names in graphvid) hold ids.
    text : collection of str
        Which of these stay text whatever they look like.

    Raises
    ------
    FileNotFoundError
        There is no such file.
    ValueError
        Another suffix, or a corrupt file: rows of unequal length, text that is not UTF-8, a truncated archive.
    """
    import pyarrow

    if not path.is_file():
        raise FileNotFoundError(f"{path} not found: expected a table in .csv, .csv.gz or .parquet")
    readers = {".csv": _read_csv, ".csv.gz": _read_csv, ".parquet": _read_parquet}
    suffix = next((suffix for suffix in readers if path.name.endswith(suffix)), None)
    if suffix is None:
        raise ValueError(f"the suffix must be one of {list(readers)}, got {path.name!r}")
    try:
        return readers[suffix](path, find_columns, ids, text)
    except (pyarrow.ArrowException, OSError) as error:
        reason = (str(error).splitlines() or [""])[0].rstrip(".") or type(error).__name__
        raise ValueError(f"it is not a {suffix} file, or it is truncated or corrupt ({reason})") from None


def _read_parquet(path: Path, find_columns: Any, ids: Collection[str], text: Collection[str]) -> pd.DataFrame:
    from pyarrow import parquet

    names = find_columns(parquet.read_schema(path).names)
    return pd.read_parquet(path, columns=list(names.values()), engine="pyarrow")


def _read_csv(path: Path, find_columns: Any, ids: Collection[str], text: Collection[str]) -> pd.DataFrame:
    # Arrow's reader and not pandas': the latter says nothing of rows with too few or, of some columns, too many fields.
    import pyarrow
    from pyarrow import csv

    parsing = csv.ParseOptions(newlines_in_values=True)
    with csv.open_csv(path, parse_options=parsing) as reader:
        names = find_columns(reader.schema.names)
    converting = csv.ConvertOptions(
        include_columns=list(names.values()),
        column_types={names[key]: pyarrow.string() for key in ids if key in names},
        strings_can_be_null=True,
    )
    frame: pd.DataFrame = csv.read_csv(path, parse_options=parsing, convert_options=converting).to_pandas()
    for key in ids:
        column = frame[names[key]]
        if key not in text and len(column) and column.str.fullmatch(_INTEGER).eq(True).all():
            frame[names[key]] = column.astype("int64")
    return frame
