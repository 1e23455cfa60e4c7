"""Writer and reader of the ids of an index in a Parquet file, in order: integers as int64, text as text."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from graphvid._files import reading
from graphvid.retrieval._ids import Ids, as_ids

COLUMN = "video_id"


def write_ids(path: Path, ids: Ids) -> None:
    """Write one column."""
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
    """Read a file of `write_ids`; raise a ValueError for another file."""
    from pyarrow import parquet, types

    with reading(path, "a Parquet file of ids"):
        column = parquet.read_table(path).column(COLUMN)
    if column.null_count or not (types.is_int64(column.type) or types.is_string(column.type)):
        raise ValueError(f"{path} must hold ids of int64 or text without a missing one, got {column.type}")
    if types.is_int64(column.type):
        return column.to_numpy().astype(np.int64)  # type: ignore[no-any-return] # pyarrow has no hints
    return as_ids("ids", np.array(column.to_pylist(), dtype=np.str_))
