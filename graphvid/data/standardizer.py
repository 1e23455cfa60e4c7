"""Standardisation of features by the mean and deviation of the training rows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import sparse

from graphvid.data.feature_tables import BLOCK_VALUES, Table, as_dense, row_blocks


@dataclass(frozen=True, eq=False)
class Standardizer:
    r"""Shift and scale every column, :math:`(x - \mu) / \sigma`, by the statistics of only the training rows.

    Parameters
    ----------
    mean : ndarray of float64, shape (dim,)
        :math:`\mu`.
    scale : ndarray of float64, shape (dim,)
        :math:`\sigma`, population standard deviation; 1 for a constant column, which becomes 0.

    Examples
    --------
    >>> import numpy as np
    >>> x = np.array([[0.0, 5.0], [2.0, 5.0], [9.0, 6.0]], dtype=np.float32)
    >>> Standardizer.fit(x, rows=[0, 1]).transform(x)
    array([[-1.,  0.],
           [ 1.,  0.],
           [ 8.,  1.]], dtype=float32)
    """

    mean: NDArray[np.float64]
    scale: NDArray[np.float64]

    @classmethod
    def fit(cls, x: Table, rows: ArrayLike) -> Standardizer:
        """Return the standardizer of some rows.

        Parameters
        ----------
        x : ndarray, csr_array, MappedTable or JoinedTable, shape (num_videos, dim)
            Features; sums are in float64 for every dtype. Zeros that a sparse table does not store count.
        rows : array_like of int, shape (num_rows,)
            The training rows.

        Raises
        ------
        ValueError
            No rows, rows out of range, or ``x`` is not two-dimensional.

        Notes
        -----
        Two passes over the rows, a block at a time: O(dim) memory beside the table, and O(num_rows dim) time; for a sparse
        table the time is proportional to its stored values.
        """
        rows = np.asarray(rows)
        if len(x.shape) != 2:
            raise ValueError(f"x must have shape (num_videos, dim), got {x.shape}")
        if rows.ndim != 1 or rows.size == 0 or rows.dtype.kind not in "iu":
            raise ValueError(f"rows must be at least one integer row, got shape {rows.shape} and dtype {rows.dtype}")
        if rows.min() < 0 or rows.max() >= x.shape[0]:
            raise ValueError(f"rows must be in [0, {x.shape[0]}), got {rows.min()} to {rows.max()}")
        count, dim = len(rows), x.shape[1]
        total, least, most = np.zeros(dim), np.full(dim, np.inf), np.full(dim, -np.inf)
        for _, block in row_blocks(x, rows):
            if sparse.issparse(block):  # SciPy would sum float32 in float32
                total += np.bincount(block.indices, block.data, minlength=dim)
            else:
                total += block.sum(axis=0, dtype=np.float64)
            least = np.minimum(least, _bound(block.min(axis=0)))
            most = np.maximum(most, _bound(block.max(axis=0)))
        # The mean of equal numbers can be off by a rounding; a constant column must become exactly 0.
        mean = np.where(least == most, least, total / count)
        squares, stored = np.zeros(dim), np.full(dim, count if not sparse.issparse(x[:1]) else 0)
        for _, block in row_blocks(x, rows):
            if sparse.issparse(block):
                distance = np.square(block.data.astype(np.float64) - mean[block.indices])
                squares += np.bincount(block.indices, distance, minlength=dim)
                stored += np.bincount(block.indices, minlength=dim)
            else:
                squares += np.square(block.astype(np.float64) - mean).sum(axis=0)
        scale = np.sqrt((squares + (count - stored) * np.square(mean)) / count)
        return cls(mean, np.where(scale == 0, 1.0, scale))

    def transform(self, x: NDArray[np.floating] | sparse.csr_array) -> NDArray[np.float32]:
        """Return standardised float32 features, (num_rows, dim); sparse rows become dense, because zeros change."""
        if x.ndim != 2 or x.shape[1] != len(self.mean):
            raise ValueError(f"x must have shape (num_rows, {len(self.mean)}), got {x.shape}")
        out = np.empty(x.shape, np.float32)
        step = max(1, BLOCK_VALUES // x.shape[1])
        for start in range(0, x.shape[0], step):
            out[start : start + step] = (as_dense(x[start : start + step]) - self.mean) / self.scale
        return out


class UnitFactors(NamedTuple):
    """Factors of unit rows: the cosine of rows i and j is ``scaled[i] @ scaled[j] + left[i] @ right[j]``.

    Parameters
    ----------
    scaled : csr_array of float64, shape (num_rows, dim)
    left, right : ndarray of float64, shape (num_rows, 2)
    """

    scaled: sparse.csr_array
    left: NDArray[np.float64]
    right: NDArray[np.float64]


class StandardizedTable:
    """A table that standardises rows on access: dense float32 blocks of any table.

    Parameters
    ----------
    table : Table
        Features.
    standardizer : Standardizer
        Standardizer with the same number of columns.
    """

    def __init__(self, table: Table, standardizer: Standardizer) -> None:
        self.table = table
        self.standardizer = standardizer

    @property
    def shape(self) -> tuple[int, ...]:
        """Number of rows and of columns."""
        return self.table.shape

    def __getitem__(self, rows: slice | NDArray[np.integer]) -> NDArray[np.float32]:
        return self.standardizer.transform(self.table[rows])

    def unit_factors(self, rows: NDArray[np.integer]) -> UnitFactors | None:
        """Return factors of the unit rows, whose products are cosines; None if the table is not sparse.

        With :math:`a = x / \\sigma` and :math:`m = \\mu / \\sigma`, the product of two standardised rows is
        :math:`a_i^\\top a_j + (m^\\top m - a_i^\\top m) - a_j^\\top m`: sparse but for two columns.
        """
        if not sparse.issparse(self.table):
            return None
        block: Any = self.table[rows]
        centre = self.standardizer.mean / self.standardizer.scale
        in_row = np.repeat(np.arange(len(rows)), np.diff(block.indptr))
        values = block.data / self.standardizer.scale[block.indices]
        along = np.bincount(in_row, values * centre[block.indices], len(rows))
        squares = np.bincount(in_row, np.square(values), len(rows)) + centre @ centre
        distance = squares - 2 * along
        is_zero = distance <= 1e-14 * squares  # equal to the mean up to rounding
        unit = np.where(is_zero, 0, 1 / np.sqrt(np.where(is_zero, 1, distance)))
        scaled = sparse.csr_array((values * unit[in_row], block.indices, block.indptr), shape=block.shape)
        left = np.stack([unit * (centre @ centre - along), unit], axis=1)
        return UnitFactors(scaled, left, np.stack([unit, -unit * along], axis=1))


def _bound(values: Any) -> NDArray[np.float64]:  # Any: an array, or SciPy's sparse row
    dense = values.toarray() if sparse.issparse(values) else values
    return np.asarray(dense, dtype=np.float64).ravel()
