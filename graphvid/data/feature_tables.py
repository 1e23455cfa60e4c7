"""Tables of features in memory, sparse or on disk, with access to rows by number and in blocks."""

from __future__ import annotations

import mmap
from collections.abc import Iterator, Sequence
from typing import Any, Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

BLOCK_VALUES = 2**20
"""Values in memory at once, 4 MiB of float32."""

_ROWS_MAPPED = 128  # rows read before their pages are released: the system maps about 64 KiB around each

Block: TypeAlias = NDArray[np.float32] | sparse.csr_array
"""Some rows of a table: dense, or in SciPy's compressed sparse rows."""


class Table(Protocol):
    """A table with a shape and rows by number: an ndarray, a csr_array, a `MappedTable` or a `JoinedTable`."""

    @property
    def shape(self) -> tuple[int, ...]:
        """Number of rows and of columns."""

    def __getitem__(self, rows: Any, /) -> Any:  # Any: slices or int64 arrays to a `Block`; ndarray takes more
        """Return rows, as a `Block`."""


class MappedTable:
    """Rows of one or several ``.npy`` files, read on demand and not kept: the table may be larger than the memory.

    Parameters
    ----------
    parts : sequence of ndarray, each of shape (num_rows, dim)
        Memory-mapped arrays of real numbers, concatenated by rows; see `numpy.load` with ``mmap_mode``.

    Raises
    ------
    TypeError
        A dtype that is not real numbers.
    ValueError
        No part, one that is not two-dimensional, other numbers of columns.

    Notes
    -----
    ``table[rows]``, with a slice or int64 row numbers in [0, num_rows), gives a new float32 array. Afterwards the process
    releases the pages that it read; the system may keep them in its cache.

    Examples
    --------
    >>> table = MappedTable([np.zeros((2, 3)), np.ones((1, 3))])
    >>> table.shape, table[np.array([2, 0])].sum(axis=1)
    ((3, 3), array([3., 0.], dtype=float32))
    """

    dtype = np.dtype(np.float32)

    def __init__(self, parts: Sequence[NDArray[Any]]) -> None:
        if not parts:
            raise ValueError("parts must be at least one array, got none")
        for part in parts:
            if part.dtype.kind not in "biuf":
                raise TypeError(f"parts must have a real dtype (float, int or bool), got {part.dtype}")
            if part.ndim != 2 or part.shape[1] != parts[0].shape[-1]:
                raise ValueError(
                    f"parts must have shape (num_rows, dim) with one dim, got {parts[0].shape} and {part.shape}"
                )
        self._parts = list(parts)
        self._starts = np.cumsum([0, *map(len, parts)])

    @property
    def shape(self) -> tuple[int, int]:
        """Number of rows and of columns."""
        return int(self._starts[-1]), self._parts[0].shape[1]

    @property
    def ndim(self) -> int:
        """Two."""
        return 2

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, rows: slice | NDArray[np.integer]) -> NDArray[np.float32]:
        if isinstance(rows, slice) and rows.step in (None, 1):
            return self._slice(*rows.indices(len(self))[:2])
        wanted = np.arange(len(self))[rows] if isinstance(rows, slice) else np.asarray(rows)
        if wanted.ndim != 1 or wanted.dtype.kind not in "iu":
            raise TypeError(f"rows must be a slice or integers of shape (num_rows,), got {wanted.dtype} {wanted.shape}")
        if wanted.size and (wanted.min() < 0 or wanted.max() >= len(self)):
            raise IndexError(f"rows must be in [0, {len(self)}), got {wanted.min()} to {wanted.max()}")
        out = np.empty((len(wanted), self.shape[1]), np.float32)
        of = np.searchsorted(self._starts, wanted, side="right") - 1
        for number in np.unique(of):
            here = np.flatnonzero(of == number)
            for few in np.split(here, range(_ROWS_MAPPED, len(here), _ROWS_MAPPED)):
                out[few] = self._parts[number][wanted[few] - self._starts[number]]
                _release(self._parts[number])
        return out

    def _slice(self, start: int, stop: int) -> NDArray[np.float32]:
        out = np.empty((max(stop - start, 0), self.shape[1]), np.float32)
        for part, first in zip(self._parts, self._starts):
            low, high = max(start, first), min(stop, first + len(part))
            if low < high:
                out[low - start : high - start] = part[low - first : high - first]
                _release(part)
        return out

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> NDArray[Any]:
        if copy is False:
            raise ValueError("copy must not be False: the rows are on disk")
        return self[:] if dtype is None else self[:].astype(dtype, copy=False)


class JoinedTable:
    """Tables with the same number of rows, concatenated by columns; the rows are joined on access.

    Parameters
    ----------
    tables : sequence of Table
        At least one.

    Examples
    --------
    >>> JoinedTable([np.eye(2), np.zeros((2, 1))])[np.array([1])]
    array([[0., 1., 0.]])
    """

    def __init__(self, tables: Sequence[Table]) -> None:
        self.tables = list(tables)

    @property
    def shape(self) -> tuple[int, int]:
        """Number of rows and of columns."""
        return self.tables[0].shape[0], sum(table.shape[1] for table in self.tables)

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, rows: slice | NDArray[np.integer]) -> Block:
        blocks = [table[rows] for table in self.tables]
        if any(sparse.issparse(block) for block in blocks):
            return sparse.csr_array(sparse.hstack([sparse.csr_array(block) for block in blocks], format="csr"))
        return np.concatenate(blocks, axis=1)


def row_blocks(
    table: Table, rows: NDArray[np.integer] | None = None, *, num_values: int = BLOCK_VALUES
) -> Iterator[tuple[slice, Any]]:  # Any: a Block, or what an ndarray of another dtype holds
    """Yield the rows of a table in order, a block at a time.

    Parameters
    ----------
    table : Table
        Of shape (num_rows, dim).
    rows : ndarray of int, shape (num_wanted,), optional
        Rows to read. Default: all.
    num_values : int
        Approximate number of values in a block (of stored values in a sparse table); a block has at least one row.

    Yields
    ------
    slice
        Places of the block among the rows.
    Block
        Their values.
    """
    count = table.shape[0] if rows is None else len(rows)
    step = max(1, int(num_values / max(values_per_row(table), 1)))
    for start in range(0, count, step):
        at = slice(start, min(start + step, count))
        yield at, table[at if rows is None else rows[at]]


def values_per_row(table: Any) -> float:  # Any: a Table, of which SciPy's have no types
    """Return the number of values of a row; for a sparse table the mean number of stored values."""
    if isinstance(table, JoinedTable):
        return sum(values_per_row(part) for part in table.tables)
    return float(table.nnz / max(table.shape[0], 1) if sparse.issparse(table) else table.shape[1])


def as_dense(block: Any) -> NDArray[np.float32]:  # Any: a table or a block
    """Return a table or a block as an array in memory."""
    return np.asarray(block.toarray() if sparse.issparse(block) else block, dtype=np.float32)


def unit_rows(block: Block) -> Block:
    """Return rows scaled to length 1; dense rows stay dense, sparse rows sparse, and a row of zeros stays.

    Examples
    --------
    >>> unit_rows(np.array([[3.0, 4.0], [0.0, 0.0]], dtype=np.float32))
    array([[0.6, 0.8],
           [0. , 0. ]], dtype=float32)
    """
    if not sparse.issparse(block):
        length = np.sqrt(np.square(block, dtype=np.float64).sum(axis=1))[:, None]
        return (block / np.where(length > 0, length, 1)).astype(np.float32)
    stored: Any = block
    in_row = np.repeat(np.arange(stored.shape[0]), np.diff(stored.indptr))
    values = stored.data.astype(np.float64)
    length = np.sqrt(np.bincount(in_row, np.square(values), stored.shape[0]))
    unit = (values / np.where(length > 0, length, 1)[in_row]).astype(np.float32)
    return sparse.csr_array((unit, stored.indices, stored.indptr), shape=stored.shape)


def mapping_of(array: NDArray[Any]) -> mmap.mmap | None:
    """Return the memory map of a file that holds an array, or None."""
    base: Any = array
    while isinstance(base, np.ndarray):
        base = base.base
    return base if isinstance(base, mmap.mmap) else None


def _release(part: NDArray[Any]) -> None:
    """Release the pages of a map from the memory of the process."""
    mapping = mapping_of(part)
    if mapping is not None and hasattr(mmap, "MADV_DONTNEED"):
        mapping.madvise(mmap.MADV_DONTNEED)
