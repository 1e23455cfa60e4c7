"""Feature vectors of videos, one table a modality."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from graphvid._checks import node_ids
from graphvid._files import atomic_path, read_npy, read_npz
from graphvid.data._files import as_path, with_path
from graphvid.data._ids import from_stored, look_up, show, to_stored, unique_index
from graphvid.data._tables import check_id_type, read_parquet

_ROW_NUMBER = re.compile(r"__index_level_[0-9]+__|Unnamed: [0-9]+")  # a pandas index that became a column, no feature
_RESERVED = frozenset({"ids", "file", "allow_pickle"})  # "ids" is ours in the file, the others are arguments of savez


@dataclass(frozen=True, eq=False)
class Features:
    """Feature vectors of videos in one or several modalities.

    Parameters
    ----------
    ids : pandas.Index, shape (num_videos,)
        Original id of every row; anything iterable is taken.
    modalities : dict of str to ndarray, shape (num_videos, dim)
        Numbers of any real dtype, stored as float32. float16 is cast before anything is computed from it, since sums
        overflow there at 65504.

    Raises
    ------
    TypeError
        A dtype that is not real numbers, ``modalities`` that are not a mapping of names to tables.
    ValueError
        Duplicate ids, an id in two spellings, no row, no modality, a table that is not two-dimensional or whose number
        of rows is not that of the ids, and a value that is NaN, infinite or too large for float32 (with id, modality and
        column).

    Examples
    --------
    >>> import numpy as np
    >>> features = Features(["a", "b"], {"audio": np.ones((2, 3)), "image": np.zeros((2, 1))})
    >>> features.dims, features.concatenate().shape
    ({'audio': 3, 'image': 1}, (2, 4))
    """

    ids: pd.Index
    modalities: dict[str, NDArray[np.float32]]

    def __post_init__(self) -> None:
        object.__setattr__(self, "ids", unique_index(self.ids, "ids"))
        if not isinstance(self.modalities, Mapping) or not all(isinstance(name, str) for name in self.modalities):
            raise TypeError(f"modalities must be a mapping of names to tables, got {type(self.modalities).__name__}")
        if not self.modalities:
            raise ValueError("modalities must have at least one table, got none")
        if not len(self.ids):
            raise ValueError("the features must have at least one row, got none")
        tables = {name: _as_float32(table, name, self.ids) for name, table in self.modalities.items()}
        object.__setattr__(self, "modalities", tables)

    @property
    def num_videos(self) -> int:
        """Number of rows."""
        return len(self.ids)

    @property
    def dims(self) -> dict[str, int]:
        """Number of columns of every modality."""
        return {name: table.shape[1] for name, table in self.modalities.items()}

    def align(self, ids: Iterable[Any]) -> Features:
        """Return the features with one row for every id given, in that order: ``features.align(log.video_ids)``.

        Integers equal the text that spells them; see the page "Ids".

        Raises
        ------
        ValueError
            Ids without features; counts them and names some.
        """
        index = unique_index(ids, "ids")
        rows = look_up(index, self.ids, "ids", "the features")
        return Features(index, {name: table[rows] for name, table in self.modalities.items()})

    def take(self, rows: ArrayLike) -> Features:
        """Return the features of some videos, with their ids.

        Parameters
        ----------
        rows : array_like of int, shape (num_rows,)
            Distinct rows in [0, num_videos), in the wished order.

        Raises
        ------
        TypeError, ValueError
            Rows that are not integers, are out of range, given twice or none.

        Examples
        --------
        >>> Features(["a", "b", "c"], {"x": np.eye(3)}).take([2, 0]).ids.tolist()
        ['c', 'a']
        """
        chosen = node_ids("rows", rows, self.num_videos, "(num_rows,)")
        return Features(self.ids[chosen], {name: table[chosen] for name, table in self.modalities.items()})

    def concatenate(self) -> NDArray[np.float32]:
        """Return all modalities side by side, in their order, shape (num_videos, sum of dims)."""
        return np.concatenate(list(self.modalities.values()), axis=1)

    def save(self, path: str | Path) -> None:
        """Write an .npz file that `load_features` reads, without pickle, complete or not at all.

        Raises
        ------
        TypeError
            Ids that are neither all integers nor all text.
        ValueError
            The suffix is not .npz, or a modality is called "ids", "file" or "allow_pickle".
        """
        path = as_path(path)
        if path.suffix != ".npz":
            raise ValueError(f"path must end in .npz, got {path.name!r}")
        reserved = _RESERVED.intersection(self.modalities)
        if reserved:
            raise ValueError(
                f"a modality to be saved must not be called any of {sorted(_RESERVED)}, got {sorted(reserved)}"
            )
        ids = to_stored(self.ids)
        with atomic_path(path) as temporary:
            np.savez(temporary, ids=ids, **self.modalities)  # type: ignore[arg-type] # no modality is called allow_pickle


def load_features(path: str | Path, *, ids: Iterable[Any] | None = None) -> Features:
    """Return the features in a file.

    Parameters
    ----------
    path : str or pathlib.Path
        - ``.npy``: one array of shape (num_videos, dim), the modality "features";
        - ``.npz``: one such array a modality, by name, and optionally ``ids`` of shape (num_videos,);
        - ``.parquet``: a column ``video_id``; every list column is a modality (all lists of one length), all numeric
          columns together are the modality "features". What pandas stored as an index is a column like any other, but
          for row numbers (``__index_level_0__``, ``Unnamed: 0``), which are no features. A folder of such files, as
          Spark writes it, is one table.
    ids : iterable of ids, optional
        Id of every row, where the file has none. Default: 0 to num_videos - 1.

    Returns
    -------
    Features
        float32.

    Raises
    ------
    FileNotFoundError
        There is no such file.
    TypeError, ValueError
        A corrupt file, arrays of Python objects (never unpickled), ids both in the file and given, ids that are neither
        integers nor text, and all that `Features` refuses; names the file.
    """
    path = as_path(path)
    readers = {".npy": _read_npy, ".npz": read_npz, ".parquet": _read_parquet}
    if path.suffix not in readers:
        raise ValueError(f"path must end in one of {list(readers)}, got {path.name!r}")
    if not path.exists():
        raise FileNotFoundError(f"{path} not found: expected features in .npy, .npz or .parquet")
    tables: dict[str, Any] = dict(readers[path.suffix](path))
    inside = tables.pop("ids" if path.suffix == ".npz" else "video_id", None)
    if inside is not None and ids is not None:
        raise ValueError(f"ids must not be given for {path}, which has its own")
    try:
        if isinstance(inside, np.ndarray):
            inside = from_stored(inside)
        if inside is None and ids is None:
            shapes = [_check_shape(table, name) for name, table in tables.items() if table.ndim]
            ids = pd.RangeIndex(max((rows for rows, _ in shapes), default=0))
        return Features(inside if inside is not None else ids, tables)  # type: ignore[arg-type] # made an Index there
    except (TypeError, ValueError) as error:
        raise with_path(error, path) from None


def _as_float32(table: Any, name: str, ids: pd.Index) -> NDArray[np.float32]:
    table = np.asarray(table)
    if table.dtype.kind not in "biuf":
        raise TypeError(f"modality {name!r} must have a real dtype (float, int or bool), got {table.dtype}")
    _check_shape(table, name)
    if len(table) != len(ids):
        raise ValueError(f"modality {name!r} must have one row for each of the {len(ids)} ids, got {len(table)} rows")
    with np.errstate(over="ignore"):
        cast = np.ascontiguousarray(table, dtype=np.float32)
    wrong = ~np.isfinite(cast)
    if wrong.any():
        row, column = np.argwhere(wrong)[0]
        raise ValueError(
            f"modality {name!r} must be finite in float32, got {table[row, column]} for id {show(ids[row])} in column "
            f"{column} ({wrong.any(axis=1).sum()} such rows)"
        )
    return cast


def _check_shape(table: NDArray[Any], name: str) -> tuple[int, ...]:
    if table.ndim != 2 or table.shape[1] == 0:
        raise ValueError(f"modality {name!r} must have shape (num_videos, dim) with dim >= 1, got {table.shape}")
    return table.shape


def _read_npy(path: Path) -> dict[str, NDArray[np.generic]]:
    return {"features": read_npy(path)}


def _read_parquet(path: Path) -> Mapping[str, Any]:
    from pyarrow import types

    def pick(present: list[str]) -> list[str]:
        repeated = {name for name in present if present.count(name) > 1}
        if "video_id" not in present or repeated:
            raise ValueError(f"the table must have a column 'video_id' and no name twice, got {present}")
        return [name for name in present if not _ROW_NUMBER.fullmatch(name)]

    try:
        table = read_parquet(path, pick)
        check_id_type(table.schema.field("video_id").type, "video_id")
    except (TypeError, ValueError) as error:
        raise with_path(error, path) from None
    arrays: dict[str, Any] = {"video_id": table.column("video_id").to_pandas(integer_object_nulls=True)}
    scalars: list[NDArray[np.floating]] = []
    for name, kind in zip(table.column_names, table.schema.types):
        if name == "video_id":
            continue
        is_list = any(check(kind) for check in (types.is_list, types.is_large_list, types.is_fixed_size_list))
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


def _stack_lists(column: Any, name: str, ids: pd.Series, path: Path) -> NDArray[np.generic]:
    """Return a list column as one table; a missing list, or one of another length, is an error that names the id."""
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
