"""Reader of CSV and Parquet files as frames; it reports any defect in one sentence."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from graphvid._files import reading

SUFFIXES = (".csv", ".csv.gz", ".csv.zst", ".tsv", ".tsv.gz", ".tsv.zst", ".parquet")

_INTEGER = r"-?[1-9][0-9]{0,18}|0"


def read_table(
    path: Path,
    find_columns: Callable[[list[str]], dict[str, str]],
    ids: Collection[str],
    text: Collection[str] = (),
    *,
    delimiter: str | None = None,
) -> pd.DataFrame:
    """Return the columns of a CSV or Parquet file that ``find_columns`` chooses.

    Parquet columns keep their type; an index that pandas stored is an ordinary column. CSV columns of numbers
    become numbers, and an id becomes an integer if every id of its column is written as one (no leading zero, no sign
    but ``-``, within int64), and stays text otherwise. Only an empty field is a missing id.

    Parameters
    ----------
    path : pathlib.Path
        A file that ends in one of `SUFFIXES`, or a folder of such files of one kind, as Spark writes it.
    find_columns : callable
        Takes the names in the file and returns the name in the file of every requested column, by its name in graphvid;
        raises if one is absent.
    ids : collection of str
        Columns (names in graphvid) that hold ids.
    text : collection of str
        Columns that hold text, also if it looks like numbers.
    delimiter : str, optional
        Delimiter of CSV. Default: a comma, in ``.tsv`` a tab.

    Raises
    ------
    FileNotFoundError
        There is no such file.
    TypeError
        A column of ids in Parquet that holds neither integers nor text.
    ValueError
        Another suffix, or a corrupt file: rows of unequal length, text that is not UTF-8, a truncated archive. A header
        that is repeated further down.
    """
    if not path.exists():
        raise FileNotFoundError(f"{path} not found: expected a table in one of {list(SUFFIXES)}")
    if delimiter is not None and (not isinstance(delimiter, str) or len(delimiter) != 1):
        raise ValueError(f"delimiter must be one character, got {delimiter!r}")
    files = _parts(path) if path.is_dir() else [path]
    suffix = _suffix(files[0])
    if suffix == ".parquet":
        if delimiter is not None:
            raise ValueError(f"delimiter must be given with CSV only, got {delimiter!r}")
        names: dict[str, str] = {}

        def pick(present: list[str]) -> list[str]:
            names.update(find_columns(present))
            return list(names.values())

        table = read_parquet(path, pick, partitioning="hive" if path.is_dir() else None)
        for name in (names[key] for key in ids if key in names and key not in text):
            check_id_type(table.schema.field(name).type, name)
        frame: pd.DataFrame = table.to_pandas(ignore_metadata=True, integer_object_nulls=True)
    else:
        delimiter = delimiter or ("\t" if suffix.startswith(".tsv") else ",")
        parts = []
        for file in files:
            names, part = _read_csv(file, find_columns, ids, delimiter)
            parts.append(part)
        frame = parts[0] if len(parts) == 1 else pd.concat(parts, ignore_index=True)
        for name in {names[key] for key in ids if key in names and key not in text}:
            frame[name] = _as_integers(frame[name])
    _refuse_repeated_header(frame, [names[key] for key in ids if key in names and key not in text])
    return frame


def exactly(columns: Mapping[str, str] | Sequence[str]) -> Callable[[list[str]], dict[str, str]]:
    """Return a function that finds exactly these columns, and raises if one is absent or comes twice.

    ``columns`` are names in the file by name in graphvid, or names that are the same in both.
    """
    names = dict(columns) if isinstance(columns, Mapping) else {name: name for name in columns}

    def find(present: list[str]) -> dict[str, str]:
        if any(present.count(name) != 1 for name in names.values()):
            raise ValueError(f"the table must have the columns {list(names.values())}, each once, got {present}")
        return names

    return find


def read_parquet(
    path: Path, pick: Callable[[list[str]], Sequence[str]], *, partitioning: str | None = None
) -> Any:  # Any: pyarrow has no types
    """Return the columns of a Parquet file or folder that ``pick`` chooses, as a pyarrow.Table.

    The index of a pandas frame is among them. An index with equal steps is stored only in the metadata: it becomes a column
    again if it has a name.
    """
    from pyarrow import dataset

    with reading("it", "a .parquet file"):
        source = dataset.dataset(str(path), format="parquet", partitioning=partitioning)
        counting = _counting_indexes(source.schema)
    if counting and path.is_dir():
        raise ValueError(f"the index {[*counting]} of pandas must be stored as a column in a folder of files")
    names = list(pick([*source.schema.names, *counting]))
    with reading("it", "a .parquet file"):
        table = source.to_table(columns=[name for name in names if name not in counting])
        table.validate(full=True)
        rows = source.count_rows()
        for name in filter(counting.__contains__, names):
            if len(counting[name]) != rows:
                raise ValueError(f"its index {name!r} has {len(counting[name])} values in {rows} rows")
            column = np.arange(counting[name].start, counting[name].stop, counting[name].step)
            table = table.append_column(name, [column]) if len(table.columns) else _table_of(name, column)
    return table.select(names)


def _counting_indexes(schema: Any) -> dict[str, range]:
    """Return the named indexes of pandas that are stored as start, stop and step."""
    stored = (schema.pandas_metadata or {}).get("index_columns", [])
    named = [index for index in stored if isinstance(index, dict) and index["kind"] == "range"]
    found = {index["name"]: range(index["start"], index["stop"], index["step"]) for index in named if index["name"]}
    return {name: values for name, values in found.items() if name not in schema.names}


def _table_of(name: str, column: NDArray[np.int64]) -> Any:
    import pyarrow

    return pyarrow.table({name: column})


def _suffix(path: Path) -> str:
    found = next((suffix for suffix in SUFFIXES if path.name.endswith(suffix)), None)
    if found is None:
        raise ValueError(f"the suffix must be one of {list(SUFFIXES)}, got {path.name!r}")
    return found


def _parts(folder: Path) -> list[Path]:
    """Return the files of a folder that is one table, without Spark's own files, which begin with ``_`` or a dot."""
    files = sorted(file for file in folder.rglob("*") if file.is_file() and file.name[0] not in "._")
    if not files or len({_suffix(file) for file in files}) > 1:
        raise ValueError(
            f"a folder must hold files of one kind among {list(SUFFIXES)}, got {[file.name for file in files[:5]]}"
        )
    return files


def _read_csv(
    path: Path, find_columns: Callable[[list[str]], dict[str, str]], ids: Collection[str], delimiter: str
) -> tuple[dict[str, str], pd.DataFrame]:
    # Arrow's reader, because that of pandas does not report rows with too few or, for some columns, too many fields.
    import pyarrow
    from pyarrow import csv

    form = f"a {_suffix(path)} file"
    parsing = csv.ParseOptions(newlines_in_values=True, delimiter=delimiter)
    with reading("it", form), csv.open_csv(path, parse_options=parsing) as reader:
        present = reader.schema.names
    names = find_columns(present)
    as_text = {names[key]: pyarrow.string() for key in ids if key in names}

    def read(types: dict[str, Any]) -> pd.DataFrame:
        converting = csv.ConvertOptions(include_columns=list(names.values()), column_types=types)
        frame: pd.DataFrame = csv.read_csv(path, parse_options=parsing, convert_options=converting).to_pandas()
        return frame

    with reading("it", form):
        try:
            frame = read(as_text)
        except pyarrow.ArrowInvalid as error:
            if "conversion error" not in str(error):
                raise
            # Arrow infers a column's type from the first megabyte: read text, and infer from all of it.
            frame = read({name: pyarrow.string() for name in names.values()})
    absent = csv.ConvertOptions().null_values
    for name in frame.columns:
        if pd.api.types.is_string_dtype(frame[name].dtype) or pd.api.types.is_object_dtype(frame[name].dtype):
            if name in as_text:
                frame[name] = frame[name].mask(frame[name] == "", None)
            else:
                frame[name] = _as_numbers(frame[name].mask(frame[name].isin(absent), None))
    return names, frame


def _as_numbers(column: pd.Series) -> pd.Series:
    """Return a column of text as numbers if all values are numbers, otherwise unchanged."""
    numbers = pd.to_numeric(column, errors="coerce")
    return numbers if numbers.notna().equals(column.notna()) else column


def _as_integers(column: pd.Series) -> pd.Series:
    """Return a column of ids as integers if every one is the text of an int64 integer, otherwise unchanged."""
    import pyarrow

    there = column.notna()
    if not there.any() or not column[there].str.fullmatch(_INTEGER).all():
        return column
    try:
        integers = pyarrow.array(column, pyarrow.string()).cast(pyarrow.int64())
        found: pd.Series = integers.to_pandas(integer_object_nulls=True).set_axis(column.index)
        return found
    except pyarrow.ArrowInvalid:  # 19 digits beyond int64
        return column


def check_id_type(kind: Any, name: str) -> None:
    """Raise unless an Arrow type can hold ids: integers, text, or whole floats."""
    from pyarrow import types

    if types.is_dictionary(kind):
        kind = kind.value_type
    texts = (types.is_string, types.is_large_string, types.is_string_view, types.is_binary, types.is_large_binary)
    if not any(check(kind) for check in (*texts, types.is_integer, types.is_floating, types.is_null)):
        raise TypeError(f"{name} must hold integers or text, got {kind}")


def _refuse_repeated_header(frame: pd.DataFrame, ids: Sequence[str]) -> None:
    if not ids or not len(frame):
        return
    repeated = pd.concat([frame[name].astype(object) == name for name in ids], axis=1).all(axis=1).to_numpy()
    if repeated.any():
        raise ValueError(
            f"the header must stand in the first line only, got it again in row {repeated.argmax()} "
            f"({repeated.sum()} such rows)"
        )
