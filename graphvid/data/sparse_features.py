"""Sparse tables of features: their canonical form, and conversion from SciPy's files and from tables of entries."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import sparse

from graphvid._checks import check_indptr
from graphvid.data._id_spelling import show
from graphvid.data._ids import unique_index

CSR_ARRAYS = ("format", "shape", "data", "indices", "indptr")
"""Arrays in the file that `scipy.sparse.save_npz` writes for a CSR matrix."""
_MARK = "_is_array"  # SciPy's mark of a csr_array in contrast to a csr_matrix
_MOST_COLUMNS = 2**31


def canonical_csr(matrix: Any, *, owned: bool = False) -> sparse.csr_array:  # Any: SciPy's matrices have no types
    """Return a sparse matrix as float32 rows with ascending distinct columns and without stored zeros.

    Parameters
    ----------
    matrix : sparse matrix or array of SciPy, shape (num_videos, dim)
        Any format and real dtype. Values of one place are added.
    owned : bool, default False
        Whether the function may change the matrix. If False, it does not change it; the result may share its memory.

    Raises
    ------
    TypeError
        A dtype that is not real numbers.
    ValueError
        Not two-dimensional, or a column or row out of range.
    """
    if matrix.dtype.kind not in "biuf":
        raise TypeError(f"a sparse matrix must have a real dtype (float, int or bool), got {matrix.dtype}")
    if matrix.ndim != 2:
        raise ValueError(f"a sparse matrix must have shape (num_videos, dim), got {matrix.shape}")
    if matrix.dtype.kind != "f" and matrix.format != "csr":
        matrix = matrix.astype(np.float64)  # sums of small integers could overflow on the way to CSR
    found = sparse.csr_array(matrix)
    check_indptr("indptr", found.indptr, len(found.indices))
    if found.nnz and not 0 <= found.indices.min() <= found.indices.max() < found.shape[1]:
        raise ValueError(
            f"a sparse matrix must have columns in [0, {found.shape[1]}), got {found.indices.min()} to {found.indices.max()}"
        )
    # A new object, because SciPy caches on the object whether it is sorted and canonical.
    short = max(found.nnz, *found.shape) < 2**31
    places = [x.astype(np.int32 if short else np.int64, copy=False) for x in (found.indices, found.indptr)]
    found = sparse.csr_array((found.data, *places), shape=found.shape)
    if not found.has_canonical_format:
        found, owned = found if owned else found.copy(), True
        if found.dtype.kind != "f":
            found.data = found.data.astype(np.float64)  # sums of small integers could overflow
        found.sum_duplicates()
    with np.errstate(over="ignore"):
        data = found.data.astype(np.float32, copy=False)
    found = sparse.csr_array((data, found.indices, found.indptr), shape=found.shape)
    if (data == 0).any():
        found = found if owned else found.copy()
        found.eliminate_zeros()
    return found


def check_finite_csr(csr: sparse.csr_array, name: str, ids: pd.Index) -> None:
    """Raise if a value is NaN or infinite; names modality, id and column."""
    wrong = np.flatnonzero(~np.isfinite(csr.data))
    if wrong.size:
        rows = np.searchsorted(csr.indptr, wrong, side="right") - 1
        raise ValueError(
            f"modality {name!r} must be finite in float32, got {csr.data[wrong[0]]} for id {show(ids[rows[0]])} in column "
            f"{csr.indices[wrong[0]]} ({len(np.unique(rows))} such rows)"
        )


def is_csr_file(arrays: Mapping[str, NDArray[Any]]) -> bool:
    """Return whether these are the arrays of a file of `scipy.sparse.save_npz`, of any format."""
    return "format" in arrays and arrays["format"].ndim == 0 and "shape" in arrays


def csr_of_file(arrays: Mapping[str, NDArray[Any]]) -> sparse.csr_array:
    """Return the canonical matrix from the arrays of a file that `scipy.sparse.save_npz` wrote.

    Raises
    ------
    TypeError
        Values that are not real numbers.
    ValueError
        Another format than CSR, a missing or unknown array, sizes that do not fit, a column out of range.
    """
    stored = arrays["format"].item()
    form = stored.decode("ascii", "replace") if isinstance(stored, bytes) else str(stored)
    if form != "csr":
        raise ValueError(f"a sparse matrix must be in the format 'csr', got {form!r}; save matrix.tocsr()")
    if set(CSR_ARRAYS) != set(arrays) - {_MARK}:
        raise ValueError(
            f"a sparse matrix must have the arrays {list(CSR_ARRAYS)} and perhaps 'ids', got {sorted(arrays)}"
        )
    shape, data, indices, indptr = (arrays[name] for name in CSR_ARRAYS[1:])
    if shape.shape != (2,) or shape.dtype.kind not in "iu" or not 1 <= int(shape[1]) <= _MOST_COLUMNS:
        raise ValueError(f"shape must be two integers, of columns 1 to {_MOST_COLUMNS}, got {shape.tolist()!r:.60}")
    if indices.dtype.kind not in "iu" or indices.ndim != 1 or data.shape != indices.shape:
        raise ValueError(
            f"indices must be integers and as many as data, got {indices.dtype} {indices.shape} and {data.shape} of data"
        )
    if len(np.atleast_1d(indptr)) != int(shape[0]) + 1:
        raise ValueError(f"indptr must have {int(shape[0]) + 1} values, one more than rows, got shape {indptr.shape}")
    check_indptr("indptr", indptr, len(indices))
    if indices.size and not 0 <= int(indices.min()) <= int(indices.max()) < int(shape[1]):
        raise ValueError(f"indices must be in [0, {int(shape[1])}), got {indices.min()} to {indices.max()}")
    if data.dtype.kind not in "biuf":
        raise TypeError(f"data must have a real dtype (float, int or bool), got {data.dtype}")
    # SciPy cannot compute in float16 or in the byte order of another machine.
    kind = np.float32 if data.dtype == np.float16 else data.dtype.newbyteorder("=")
    parts = [
        data.astype(kind, copy=False),
        *(x.astype(x.dtype.newbyteorder("="), copy=False) for x in (indices, indptr)),
    ]
    return canonical_csr(sparse.csr_array(tuple(parts), shape=(int(shape[0]), int(shape[1]))), owned=True)


def csr_arrays(csr: sparse.csr_array) -> dict[str, NDArray[Any]]:
    """Return the arrays of the file that SciPy would write for a matrix."""
    parts = {"format": np.array(b"csr"), "shape": np.array(csr.shape), _MARK: np.array(True)}
    return {**parts, "data": csr.data, "indices": csr.indices, "indptr": csr.indptr}


def csr_of_entries(
    row: NDArray[np.integer], column: NDArray[Any], weight: NDArray[Any], ids: pd.Index, num_columns: int | None
) -> sparse.csr_array:
    """Return the canonical matrix with given values at given places.

    Parameters
    ----------
    row : ndarray of int, shape (num_entries,)
        Row of every entry, in [0, len(ids)).
    column, weight : ndarray of numbers, shape (num_entries,)
        Values of one place are added.
    ids : Index, shape (num_videos,)
        For errors.
    num_columns : int or None
        None: one more than the largest column.

    Raises
    ------
    TypeError
        Columns that are not integers, weights that are not real numbers.
    ValueError
        A column below 0, at ``num_columns`` or beyond, or at 2**31 or beyond; names the id.
    """
    if column.dtype.kind not in "iu":
        raise TypeError(f"column must hold integers, got {column.dtype}")
    if weight.dtype.kind not in "biuf":
        raise TypeError(f"weight must hold real numbers, got {weight.dtype}")
    most = _MOST_COLUMNS if num_columns is None else num_columns
    wrong = np.flatnonzero((column < 0) | (column >= most))
    if wrong.size:
        at = wrong[0]
        raise ValueError(
            f"column must be in [0, {most}), got {column[at]} for id {show(ids[row[at]])} ({wrong.size} such)"
        )
    width = num_columns if num_columns is not None else int(column.max()) + 1 if column.size else 1
    entries = sparse.coo_array((weight.astype(np.float64), (row, column)), shape=(len(ids), width))
    return canonical_csr(entries, owned=True)


def number_ids(values: pd.Series) -> tuple[NDArray[np.int64], pd.Index]:
    """Return the number of every entry's id, in order of first appearance, and the ids."""
    from graphvid.data._ids import to_index

    codes, found = pd.factorize(to_index(values, "video_id"))
    return codes.astype(np.int64, copy=False), unique_index(found, "video_id")
