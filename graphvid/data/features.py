"""Feature vectors of videos, one table for each modality."""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy import sparse

from graphvid._checks import node_ids
from graphvid._files import atomic_path
from graphvid.data._files import as_path
from graphvid.data._id_spelling import show
from graphvid.data._ids import look_up, to_stored, unique_index
from graphvid.data.feature_tables import JoinedTable, MappedTable, Table, as_dense, row_blocks
from graphvid.data.sparse_features import canonical_csr, check_finite_csr, csr_arrays

_RESERVED = frozenset({"ids", "file", "allow_pickle"})  # "ids" is the array of ids, the others are arguments of savez


@dataclass(frozen=True, eq=False)
class Features:
    """Feature vectors of videos in one or several modalities.

    Parameters
    ----------
    ids : pandas.Index, shape (num_videos,)
        Original id of every row; anything iterable is taken.
    modalities : dict of str to ndarray, MappedTable or sparse matrix of SciPy, shape (num_videos, dim)
        Numbers of any real dtype. Arrays become float32; float16 is cast before any computation, because its sums overflow at
        65504. A `MappedTable` stays on disk and gives float32 rows. A sparse matrix of any format becomes a canonical
        `scipy.sparse.csr_array` of float32: columns ascend, values of one place are added, zeros are not stored.

    Raises
    ------
    TypeError
        A dtype that is not real numbers, ``modalities`` that are not a mapping of names to tables.
    ValueError
        Duplicate ids, an id in two spellings, no row, no modality, a table that is not two-dimensional or has another number
        of rows than ids, or a value that is NaN, infinite or too large for float32 (with id, modality and column).

    Examples
    --------
    >>> import numpy as np
    >>> features = Features(["a", "b"], {"audio": np.ones((2, 3)), "image": np.zeros((2, 1))})
    >>> features.dims, features.concatenate().shape
    ({'audio': 3, 'image': 1}, (2, 4))
    """

    ids: pd.Index
    modalities: dict[str, Any]  # Any: an ndarray, a MappedTable or a csr_array, which has no types

    def __post_init__(self) -> None:
        object.__setattr__(self, "ids", unique_index(self.ids, "ids"))
        if not isinstance(self.modalities, Mapping) or not all(isinstance(name, str) for name in self.modalities):
            raise TypeError(f"modalities must be a mapping of names to tables, got {type(self.modalities).__name__}")
        if not self.modalities:
            raise ValueError("modalities must have at least one table, got none")
        if not len(self.ids):
            raise ValueError("the features must have at least one row, got none")
        tables = {name: _checked(table, name, self.ids) for name, table in self.modalities.items()}
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
            Distinct rows in [0, num_videos), in the order of the result.

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

    def joined(self) -> Table:
        """Return all modalities, concatenated in their order, as one table without a copy.

        ``features.joined()[rows]`` gives float32 rows, in a `scipy.sparse.csr_array` if a modality is sparse.
        """
        tables = list(self.modalities.values())
        return tables[0] if len(tables) == 1 else JoinedTable(tables)

    def dense(self) -> Features:
        """Return the features with every modality as an array in memory: 4 num_videos dim bytes each."""
        return Features(self.ids, {name: as_dense(table) for name, table in self.modalities.items()})

    def concatenate(self) -> NDArray[np.float32]:
        """Return all modalities, concatenated in their order, as one array in memory, shape (num_videos, sum of dims)."""
        return np.concatenate([as_dense(table) for table in self.modalities.values()], axis=1)

    def checksum(self, start: int = 0) -> int:
        """Return a CRC-32 of the values, continued from ``start``: equal for a table in memory and on disk."""
        crc = start
        for table in self.modalities.values():
            if sparse.issparse(table):
                for array in (table.indptr, table.indices, table.data):
                    crc = zlib.crc32(array.data, crc)
            else:
                for _, block in row_blocks(table):
                    crc = zlib.crc32(block.data, crc)
        return crc

    def save(self, path: str | Path) -> None:
        """Write an .npz file for `load_features`, without pickle, completely or not at all.

        A sparse modality is written as `scipy.sparse.save_npz` would, with ``ids`` beside its arrays.

        Raises
        ------
        TypeError
            Ids that are neither all integers nor all text.
        ValueError
            The suffix is not .npz, a modality is called "ids", "file" or "allow_pickle", or a sparse one is not alone.
        """
        path = as_path(path)
        if path.suffix != ".npz":
            raise ValueError(f"path must end in .npz, got {path.name!r}")
        reserved = _RESERVED.intersection(self.modalities)
        if reserved:
            raise ValueError(
                f"a modality to be saved must not be called any of {sorted(_RESERVED)}, got {sorted(reserved)}"
            )
        is_sparse = [name for name, table in self.modalities.items() if sparse.issparse(table)]
        if is_sparse and (len(self.modalities) > 1 or is_sparse != ["features"]):
            raise ValueError(
                f"a sparse modality must be called 'features' and be the only one to be saved, got {list(self.modalities)}"
            )
        arrays = csr_arrays(self.modalities["features"]) if is_sparse else self.modalities
        ids = to_stored(self.ids)
        with atomic_path(path) as temporary:
            np.savez(temporary, ids=ids, **arrays)


def _checked(table: Any, name: str, ids: pd.Index) -> Any:  # Any: as in Features.modalities
    """Return a table in one of the three forms, or raise an error about its defect."""
    if not isinstance(table, MappedTable) and not sparse.issparse(table):
        table = np.asarray(table)
        if table.dtype.kind not in "biuf":
            raise TypeError(f"modality {name!r} must have a real dtype (float, int or bool), got {table.dtype}")
    check_table_shape(table, name)
    if table.shape[0] != len(ids):
        raise ValueError(
            f"modality {name!r} must have one row for each of the {len(ids)} ids, got {table.shape[0]} rows"
        )
    if sparse.issparse(table):
        try:
            csr = canonical_csr(table)
        except (TypeError, ValueError) as error:
            raise type(error)(f"modality {name!r}: {error}") from None
        check_finite_csr(csr, name, ids)
        return csr
    with np.errstate(over="ignore"):
        cast = table if isinstance(table, MappedTable) else np.ascontiguousarray(table, dtype=np.float32)
        _check_finite(cast, table, name, ids)
    return cast


def _check_finite(cast: Table, given: Table, name: str, ids: pd.Index) -> None:
    """Raise if a value is not finite; reads a block at a time."""
    first, count = None, 0
    for at, block in row_blocks(cast):
        wrong = ~np.isfinite(block)
        if wrong.any():
            count += int(wrong.any(axis=1).sum())
            if first is None:
                row, column = np.argwhere(wrong)[0]
                first = at.start + row, column, given[at][row, column]
    if first is not None:
        raise ValueError(
            f"modality {name!r} must be finite in float32, got {first[2]} for id {show(ids[first[0]])} in column {first[1]} "
            f"({count} such rows)"
        )


def check_table_shape(table: Any, name: str) -> tuple[int, ...]:  # Any: arrays of any dtype, SciPy's matrices
    """Return the shape of a table; raise unless it has two dimensions and a column."""
    shape: tuple[int, ...] = table.shape
    if len(shape) != 2 or shape[1] == 0:
        raise ValueError(f"modality {name!r} must have shape (num_videos, dim) with dim >= 1, got {shape}")
    return shape
