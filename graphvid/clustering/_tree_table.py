"""Reader of clusters in Parquet, one row for each node, as `graphvid.duckdb` and `graphvid.spark` write them."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from graphvid._files import StrPath, reading
from graphvid.clustering._nesting import parents_of_labels
from graphvid.data import match_ids


def read_levels(path: StrPath, ids: ArrayLike | None) -> tuple[int, list[NDArray[np.int64]], int]:
    """Return the number of nodes, the parents of every level, and the last level at which something merged."""
    columns = _read(path)
    node = columns["node"]
    num_nodes = len(node)
    if not np.array_equal(np.sort(node), np.arange(num_nodes)):
        raise ValueError(f"node must hold 0 to {num_nodes - 1}, each once")
    order = np.argsort(node)
    names = [f"level_{k}" for k in range(1, len(columns)) if f"level_{k}" in columns]
    labels = [columns[name][order] for name in names]
    if ids is not None:
        if "video_id" not in columns:
            raise ValueError(f"the table must have the column 'video_id' where ids are given, got {list(columns)}")
        labels = _of_ids(labels, columns["video_id"][order], ids)
        num_nodes = len(np.asarray(ids))
    parents = parents_of_labels(labels)
    counts = [num_nodes, *(int(parent.max()) + 1 if len(parent) else 0 for parent in parents)]
    merged = [level for level, (below, above) in enumerate(pairwise(counts), start=1) if above < below]
    return num_nodes, parents, max(merged, default=0)


def _read(path: StrPath) -> dict[str, NDArray[Any]]:
    from pyarrow import dataset, types

    with reading(path, "a .parquet file"):
        table = dataset.dataset(str(path), format="parquet").to_table()
        table.validate(full=True)
    names = [name for name in table.column_names if name != "video_id"]
    levels = [f"level_{k}" for k in range(1, len(names))]
    if sorted(names) != sorted(["node", *levels]) or not all(
        types.is_integer(table.field(name).type) for name in names
    ):
        raise ValueError(f"the table must have the columns of integers 'node', 'level_1', 'level_2', ..., got {names}")
    if any(table.column(name).null_count for name in table.column_names):
        raise ValueError("the table must hold no missing values")
    return {name: table.column(name).to_numpy() for name in table.column_names}


def _of_ids(labels: list[NDArray[Any]], stored: NDArray[Any], ids: ArrayLike) -> list[NDArray[np.int64]]:
    """Return the labels of the nodes with these ids; an id that is not in the table is a cluster of its own."""
    place = match_ids(ids, stored)
    known = place >= 0
    if known.sum() < len(stored):
        absent = np.setdiff1d(np.arange(len(stored)), place[known])
        raise ValueError(
            f"ids must hold every video_id of the table, got none of {stored[absent[0]]!r} and {len(absent) - 1} more"
        )
    own = len(stored) + np.arange(len(place))
    return [np.where(known, label[place], own) for label in labels]
