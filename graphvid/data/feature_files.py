"""Reader of files of features: dense, memory-mapped and sparse; the content of a file determines its form."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from graphvid._checks import check_integer
from graphvid._files import read_npy, read_npz
from graphvid.data._files import as_path, with_path
from graphvid.data._id_spelling import show
from graphvid.data._ids import from_stored
from graphvid.data._tables import check_id_type, read_parquet
from graphvid.data.feature_tables import MappedTable
from graphvid.data.features import Features, check_table_shape
from graphvid.data.sparse_features import csr_of_entries, csr_of_file, is_csr_file, number_ids

_ROW_NUMBER = re.compile(r"__index_level_[0-9]+__|Unnamed: [0-9]+")  # a pandas index stored as a column, no feature
_LONG, _LISTS = {"video_id", "column", "weight"}, {"video_id", "columns", "weights"}
_IDS = "ids.npy"
_SUFFIXES = (".npy", ".npz", ".parquet")


def load_features(
    path: str | Path, *, ids: Iterable[Any] | None = None, mmap: bool = False, num_columns: int | None = None
) -> Features:
    """Return the features in a file.

    Parameters
    ----------
    path : str or pathlib.Path
        - ``.npy``: one array of shape (num_videos, dim), the modality "features";
        - a folder of such files: its shards, concatenated in the order of their names, with numbers in names by value
          (``part-2`` before ``part-10``); an optional file ``ids.npy`` has the ids;
        - ``.npz``: one such array for each modality, by name, and optionally ``ids`` of shape (num_videos,);
        - ``.npz`` of a CSR matrix as `scipy.sparse.save_npz` writes it: the sparse modality "features", and optionally
          ``ids`` beside its arrays (`Features.save` writes them);
        - ``.parquet``: a column ``video_id``; every list column is a modality (all lists of one length), and all numeric
          columns together are the modality "features". An index that pandas stored is an ordinary column, except row
          numbers (``__index_level_0__``, ``Unnamed: 0``), which are no features. A folder of such files, as Spark writes
          it, is one table;
        - ``.parquet`` with the columns ``video_id``, ``column`` and ``weight``, one row for each value, or ``video_id``,
          ``columns`` and ``weights``, two lists of equal length for each video: the sparse modality "features". Columns
          count from 0. Videos keep the order of their first row; a video without values has a weight of 0, or empty lists.
    ids : iterable of ids, optional
        Id of every row, if the file has none. Default: 0 to num_videos - 1.
    mmap : bool, default False
        Leave ``.npy`` on disk and read its rows on demand; see `MappedTable`. Without effect on other files.
    num_columns : int, optional
        Required number of columns of the modality "features". Default: the number in the file. A sparse ``.parquet`` has
        none, and the default is one more than the largest column; so pass the number for new videos of a model.

    Returns
    -------
    Features
        float32; sparse modalities are canonical `scipy.sparse.csr_array`, never dense in between: columns ascend, values of
        one place are added, zeros are not stored.

    Raises
    ------
    FileNotFoundError
        There is no such file.
    TypeError, ValueError
        A corrupt file, arrays of Python objects (never unpickled), ids both in the file and given, ids that are neither
        integers nor text, a sparse matrix of another format than CSR, a column out of range, another number of columns than
        ``num_columns``, and as `Features` raises; names the file.
    """
    path = as_path(path)
    check_integer("num_columns", num_columns, 1, none=True)
    folder = path.is_dir() and path.suffix != ".parquet"
    if not folder and path.suffix not in _SUFFIXES:
        raise ValueError(
            f"path must end in one of {list(_SUFFIXES)}, got {path.name!r}; a folder of .npy files is taken too"
        )
    if not path.exists():
        raise FileNotFoundError(f"{path} not found: expected features in .npy, .npz or .parquet")
    tables: dict[str, Any]
    if folder:
        tables = _read_shards(path, mmap)
    elif path.suffix == ".npy":
        tables = _read_npy(path, mmap)
    elif path.suffix == ".npz":
        tables = dict(read_npz(path))
    else:
        tables = dict(_read_parquet(path, num_columns))
    inside = tables.pop("video_id" if path.suffix == ".parquet" else "ids", None)
    if inside is not None and ids is not None:
        raise ValueError(f"ids must not be given for {path}, which has its own")
    try:
        if isinstance(inside, np.ndarray):
            inside = from_stored(inside)
        if path.suffix == ".npz" and is_csr_file(tables):
            tables = {"features": csr_of_file(tables)}
        if inside is None and ids is None:
            shapes = [check_table_shape(table, name) for name, table in tables.items() if table.ndim]
            ids = pd.RangeIndex(max((rows for rows, _ in shapes), default=0))
        found = Features(inside if inside is not None else ids, tables)  # type: ignore[arg-type] # made an Index there
        if num_columns is not None and found.dims.get("features", num_columns) != num_columns:
            raise ValueError(f"modality 'features' must have {num_columns} columns, got {found.dims['features']}")
    except (TypeError, ValueError) as error:
        raise with_path(error, path) from None
    return found


def _read_npy(path: Path, mmap: bool) -> dict[str, Any]:
    array = read_npy(path, mmap=mmap)
    return {"features": _mapped([array], path) if mmap else array}


def _read_shards(folder: Path, mmap: bool) -> dict[str, Any]:
    files = sorted((file for file in folder.glob("*.npy") if file.name != _IDS), key=_by_number)
    if not files:
        raise ValueError(f"{folder} must hold features in .npy files, got none")
    tables: dict[str, Any] = {"features": _mapped([read_npy(file, mmap=True) for file in files], folder)}
    if not mmap:
        tables["features"] = tables["features"][:]
    if (folder / _IDS).exists():
        tables["ids"] = read_npy(folder / _IDS)
    return tables


def _mapped(arrays: list[NDArray[Any]], path: Path) -> MappedTable:
    try:
        for array in arrays:
            check_table_shape(array, "features")
        return MappedTable(arrays)
    except (TypeError, ValueError) as error:
        raise with_path(error, path) from None


def _by_number(file: Path) -> list[tuple[bool, int, str]]:
    """Return a key that sorts the numbers in names by value."""
    parts = re.split(r"([0-9]+)", file.name)
    return [(number := at % 2 == 1, int(part) if number else 0, part) for at, part in enumerate(parts)]


def _read_parquet(path: Path, num_columns: int | None) -> Mapping[str, Any]:
    from pyarrow import types

    def pick(present: list[str]) -> list[str]:
        repeated = {name for name in present if present.count(name) > 1}
        if "video_id" not in present or repeated:
            raise ValueError(f"the table must have a column 'video_id' and no name twice, got {present}")
        return [name for name in present if not _ROW_NUMBER.fullmatch(name)]

    try:
        table = read_parquet(path, pick)
        check_id_type(table.schema.field("video_id").type, "video_id")
        ids = table.column("video_id").to_pandas(integer_object_nulls=True)
        if set(table.column_names) == _LONG:
            return _of_long_table(table, ids, num_columns)
        if set(table.column_names) == _LISTS and all(
            _is_list(table.schema.field(name).type) for name in _LISTS - _LONG
        ):
            return _of_lists(table, ids, num_columns)
    except (TypeError, ValueError) as error:
        raise with_path(error, path) from None
    arrays: dict[str, Any] = {"video_id": ids}
    scalars: list[NDArray[np.floating]] = []
    for name, kind in zip(table.column_names, table.schema.types):
        if name == "video_id":
            continue
        is_list = _is_list(kind)
        number = kind.value_type if is_list else kind
        if not (types.is_integer(number) or types.is_floating(number) or types.is_boolean(number)):
            raise TypeError(f"{path}: column {name!r} must hold numbers or lists of numbers, got {kind}")
        if is_list:
            arrays[name] = _stack_lists(table.column(name), name, arrays["video_id"], path)
        else:
            scalars.append(table.column(name).to_pandas().to_numpy(dtype=np.float64, na_value=np.nan))
    if scalars:
        if "features" in arrays:
            raise ValueError(f"{path}: the list column 'features' must be the only one where there are scalar columns")
        arrays["features"] = np.stack(scalars, axis=1)
    return arrays


def _is_list(kind: Any) -> bool:
    from pyarrow import types

    return any(check(kind) for check in (types.is_list, types.is_large_list, types.is_fixed_size_list))


def _of_long_table(table: Any, ids: pd.Series, num_columns: int | None) -> dict[str, Any]:
    """Return the sparse table from a long table, in which every row has one value."""
    row, videos = number_ids(ids)
    column, weight = (_without_nulls(table.column(name), name, videos, row) for name in ("column", "weight"))
    return {"video_id": videos, "features": csr_of_entries(row, column, weight, videos, num_columns)}


def _of_lists(table: Any, ids: pd.Series, num_columns: int | None) -> dict[str, Any]:
    """Return the sparse table from a table in which every row has the values of one video as lists."""
    from pyarrow import compute

    lengths = {name: compute.list_value_length(table.column(name)).to_numpy() for name in ("columns", "weights")}
    wrong = ~(lengths["columns"] == lengths["weights"])  # NaN where there is no list
    if wrong.any():
        at = int(wrong.argmax())
        raise ValueError(
            f"columns and weights must be lists of one length, got {lengths['columns'][at]} and {lengths['weights'][at]} "
            f"for id {show(ids[at])}"
        )
    row = np.repeat(np.arange(len(ids)), lengths["columns"].astype(np.int64))
    parts = {name: compute.list_flatten(table.column(name)) for name in lengths}
    column, weight = (_without_nulls(parts[name], name, ids, row) for name in ("columns", "weights"))
    return {"video_id": ids, "features": csr_of_entries(row, column, weight, pd.Index(ids), num_columns)}


def _without_nulls(column: Any, name: str, ids: pd.Series | pd.Index, row: NDArray[np.int64]) -> NDArray[Any]:
    """Return the values of the entries of rows; raise with the id of the first missing one."""
    if column.null_count:
        first = row[int(np.argmax(column.is_null().to_numpy(zero_copy_only=False)))]
        raise ValueError(
            f"{name} must not be missing, got {column.null_count} missing, the first for id {show(ids[first])}"
        )
    return np.asarray(column.to_numpy())


def _stack_lists(column: Any, name: str, ids: pd.Series, path: Path) -> NDArray[np.generic]:
    """Return a list column as one table; raise with the id of a missing list, or one of another length."""
    from pyarrow import compute

    lengths = compute.list_value_length(column).to_numpy().astype(np.float64)  # NaN where there is no list
    wrong = lengths != (lengths[0] if len(lengths) else 0)
    if wrong.any():
        at = int(wrong.argmax())
        got = "no list" if np.isnan(lengths[at]) else f"{lengths[at]:.0f}"
        raise ValueError(
            f"{path}: column {name!r} must hold lists of one length, got {got} for id {show(ids[at])} "
            f"and {lengths[0]:.0f} for the first row"
        )
    return np.asarray(compute.list_flatten(column).to_numpy()).reshape(len(lengths), -1)
