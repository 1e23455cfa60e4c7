"""Ids in files: those of an index in a Parquet file, and lists that people write."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np

from graphvid._files import reading
from graphvid.retrieval._ids import Ids, as_ids

COLUMN = "video_id"


def write_ids(path: Path, ids: Ids) -> None:
    """Write one column, in order: integers as int64, text as text."""
    import pyarrow
    from pyarrow import parquet

    parquet.write_table(pyarrow.table({COLUMN: to_arrow(ids)}), path)


def to_arrow(ids: Ids):  # type: ignore[no-untyped-def] # pyarrow has no hints
    """Return ids as a column."""
    import pyarrow

    return pyarrow.array(
        ids.tolist() if ids.dtype.kind == "U" else ids, pyarrow.string() if ids.dtype.kind == "U" else None
    )


def read_ids(path: Path) -> Ids:
    """Read what `write_ids` wrote; another file is a ValueError."""
    from pyarrow import parquet, types

    with reading(path, "a Parquet file of ids"):
        column = parquet.read_table(path).column(COLUMN)
    if column.null_count or not (types.is_int64(column.type) or types.is_string(column.type)):
        raise ValueError(f"{path} must hold ids of int64 or text without a missing one, got {column.type}")
    if types.is_int64(column.type):
        return column.to_numpy().astype(np.int64)  # type: ignore[no-any-return] # pyarrow has no hints
    return as_ids("ids", np.array(column.to_pylist(), dtype=np.str_))


def read_id_list(path: str | os.PathLike[str]) -> list[str]:
    """Return the ids of a list as text: a line each, or the column ``video_id`` of a ``.csv`` or ``.parquet`` file.

    Raises
    ------
    FileNotFoundError
        There is no such file.
    ValueError
        A file that cannot be read, has no such column, or a missing id.
    """
    import pandas as pd

    file = Path(path)
    with reading(file, "a list of ids"):
        if file.suffix == ".parquet":
            table = pd.read_parquet(file)
        elif file.suffix == ".csv":
            table = pd.read_csv(file, dtype=str, keep_default_na=False)
        else:
            lines = file.read_text(encoding="utf-8").splitlines()
            return [line.strip() for line in lines if line.strip()]
    if COLUMN not in table.columns:
        raise ValueError(f"{file} must have a column {COLUMN!r}, got {list(table.columns)}")
    if table[COLUMN].isna().any():
        raise ValueError(f"{file} must have an id in every row, got {int(table[COLUMN].isna().sum())} without")
    return [str(value) for value in table[COLUMN]]
