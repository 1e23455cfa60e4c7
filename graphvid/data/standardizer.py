"""Standardisation of features by the mean and deviation of the training rows."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray


@dataclass(frozen=True, eq=False)
class Standardizer:
    r"""Shift and scale every column, :math:`(x - \mu) / \sigma`, by what was seen in training rows only.

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
    def fit(cls, x: NDArray[np.floating], rows: ArrayLike) -> Standardizer:
        """Return the standardizer of some rows.

        Parameters
        ----------
        x : ndarray, shape (num_videos, dim)
            Features; sums are taken in float64 whatever the dtype.
        rows : array_like of int, shape (num_rows,)
            The training rows.

        Raises
        ------
        ValueError
            No rows, rows out of range, or ``x`` is not two-dimensional.
        """
        rows = np.asarray(rows)
        if x.ndim != 2:
            raise ValueError(f"x must have shape (num_videos, dim), got {x.shape}")
        if rows.ndim != 1 or rows.size == 0 or rows.dtype.kind not in "iu":
            raise ValueError(f"rows must be at least one integer row, got shape {rows.shape} and dtype {rows.dtype}")
        if rows.min() < 0 or rows.max() >= len(x):
            raise ValueError(f"rows must be in [0, {len(x)}), got {rows.min()} to {rows.max()}")
        seen = x[rows].astype(np.float64)
        mean = seen.mean(axis=0)
        constant = (seen == seen[0]).all(axis=0)
        # The mean of equal numbers can be off by a rounding; a constant column must become exactly 0.
        mean[constant] = seen[0, constant]
        scale = np.sqrt(np.square(seen - mean).mean(axis=0))
        scale[scale == 0] = 1.0
        return cls(mean, scale)

    def transform(self, x: NDArray[np.floating]) -> NDArray[np.float32]:
        """Return standardised float32 features, shape (num_rows, dim)."""
        if x.ndim != 2 or x.shape[1] != len(self.mean):
            raise ValueError(f"x must have shape (num_rows, {len(self.mean)}), got {x.shape}")
        return ((x - self.mean) / self.scale).astype(np.float32)
