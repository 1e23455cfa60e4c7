"""Leading right singular vectors of features and the projection on them: latent semantic analysis in bounded memory."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import linalg, sparse
from scipy.sparse.linalg import LinearOperator, eigsh

from graphvid._checks import check_integer, node_ids
from graphvid.data.feature_tables import Table, as_dense, row_blocks, unit_rows

_GRAM_COLUMNS = 1024  # sparse tables up to this width are decomposed by the matrix of all pairs of columns


class SingularVectors(NamedTuple):
    """Leading right singular vectors of a table.

    Parameters
    ----------
    vectors : ndarray of float32, shape (dim, num)
        One a column, of length 1, the largest singular value first. The entry of largest magnitude is positive.
    values : ndarray of float64, shape (num,)
        The singular values.
    """

    vectors: NDArray[np.float32]
    values: NDArray[np.float64]


def right_singular_vectors(
    table: Table, num: int, *, rows: ArrayLike | None = None, unit: bool = True
) -> SingularVectors:
    """Return the leading right singular vectors of features, dense, memory-mapped or sparse.

    Parameters
    ----------
    table : ndarray, csr_array, MappedTable or JoinedTable, shape (num_videos, dim)
        Finite features; ``features.joined()``.
    num : int
        How many, in [1, min(dim, number of rows)].
    rows : array_like of int, shape (num_rows,), optional
        Rows in [0, num_videos) that count, such as those of the training videos. Default: all.
    unit : bool, default True
        Scale every row to length 1 first, so that products are cosines.

    Returns
    -------
    SingularVectors
        The same on every call.

    Raises
    ------
    TypeError, ValueError
        ``num`` out of range, rows that are not integers or out of range.

    Notes
    -----
    Dense tables, and sparse ones of up to 1,024 columns: one pass that adds up the (dim, dim) products of columns in
    float64, O(num_rows dim^2) time and O(dim^2) memory. Wider sparse tables: Lanczos iterations (ARPACK) from a fixed
    start, each O(stored values), O(dim num + num_rows) memory. Vectors of equal singular values are any basis of their space.

    Examples
    --------
    >>> found = right_singular_vectors(np.array([[3.0, 0.0], [0.0, 2.0]]), 1, unit=False)
    >>> found.vectors.ravel().tolist(), found.values.round(6).tolist()
    ([1.0, 0.0], [3.0])
    """
    chosen = None if rows is None else node_ids("rows", rows, table.shape[0], "(num_rows,)")
    count, dim = table.shape[0] if chosen is None else len(chosen), table.shape[1]
    check_integer("num", num, 1, min(count, dim))
    wide = sparse.issparse(table[:1]) and dim > _GRAM_COLUMNS and num < dim // 2
    values, vectors = _by_lanczos(table, num, chosen, unit) if wide else _by_gram(table, num, chosen, unit)
    order = np.argsort(-values, kind="stable")
    vectors = vectors[:, order]
    largest = np.take_along_axis(vectors, np.abs(vectors).argmax(axis=0)[None], axis=0)
    signed = np.ascontiguousarray(vectors * np.where(largest < 0, -1.0, 1.0), dtype=np.float32)
    return SingularVectors(signed, np.sqrt(values[order].clip(min=0)))


def project(
    table: Table, vectors: NDArray[np.floating], *, rows: ArrayLike | None = None, unit: bool = True
) -> NDArray[np.float32]:
    """Return the products of features with vectors, a block of rows at a time.

    Parameters
    ----------
    table : ndarray, csr_array, MappedTable or JoinedTable, shape (num_videos, dim)
        Features.
    vectors : ndarray, shape (dim, num)
        Such as those of `right_singular_vectors`.
    rows : array_like of int, shape (num_rows,), optional
        Which rows, in [0, num_videos). Default: all.
    unit : bool, default True
        Scale every row to length 1 first.

    Returns
    -------
    ndarray of float32, shape (num_rows, num)

    Raises
    ------
    TypeError, ValueError
        Vectors of another shape, rows that are not integers or out of range.
    """
    if vectors.ndim != 2 or len(vectors) != table.shape[1]:
        raise ValueError(f"vectors must have shape ({table.shape[1]}, num), got {vectors.shape}")
    chosen = None if rows is None else node_ids("rows", rows, table.shape[0], "(num_rows,)")
    out = np.empty((table.shape[0] if chosen is None else len(chosen), vectors.shape[1]), np.float32)
    for at, block in row_blocks(table, chosen):
        out[at] = (unit_rows(block) if unit else block) @ vectors
    return out


def _by_gram(table: Table, num: int, rows: NDArray[np.int64] | None, unit: bool) -> tuple[Any, Any]:
    """Return eigenvalues and eigenvectors of the products of all pairs of columns."""
    dim = table.shape[1]
    gram = np.zeros((dim, dim))
    for _, block in row_blocks(table, rows):
        x = unit_rows(block) if unit else block
        gram += as_dense(x.T @ x) if sparse.issparse(x) else x.T @ x
    return linalg.eigh(gram, subset_by_index=(dim - num, dim - 1), overwrite_a=True)  # type: ignore[no-any-return]


def _by_lanczos(table: Table, num: int, rows: NDArray[np.int64] | None, unit: bool) -> tuple[Any, Any]:
    """Return the same of a table with sparse rows, without any product of columns."""
    dim = table.shape[1]
    weight = np.ones(
        table.shape[0]
    )  # of a row in the sum of its products: 1 over its squared length, 0 if it does not count
    if unit:
        squares = np.concatenate(
            [np.asarray(block.astype(np.float64).power(2).sum(axis=1)) for _, block in row_blocks(table)]
        )
        weight = np.where(squares > 0, 1 / np.where(squares > 0, squares, 1), 0)
    if rows is not None:
        weight *= np.bincount(rows, minlength=len(weight))

    def product(vector: NDArray[np.float64]) -> NDArray[np.float64]:
        out = np.zeros(dim)
        for at, block in row_blocks(table):
            out += block.T @ (weight[at] * (block @ vector))
        return out

    start = np.random.default_rng(0).standard_normal(dim)
    return eigsh(LinearOperator((dim, dim), matvec=product, dtype=np.float64), k=num, v0=start)  # type: ignore[no-any-return]
