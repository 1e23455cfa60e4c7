"""A random order of rows that keeps the rows of a group together."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray


def group_order(group: ArrayLike, *, seed: int | np.random.Generator = 0) -> NDArray[np.int64]:
    """Return the rows group by group: the groups in random order, the rows of a group in their order.

    In batches of this order (``order`` of `ShuffledBatches`) a model computes shared values once for all rows of a group. A
    group at the border of two batches is cut.

    Parameters
    ----------
    group : array_like of int, shape (num_rows,)
        Group of each row, such as the session of a check-in.
    seed : int or Generator, default 0
        Seed of the order of the groups.

    Returns
    -------
    ndarray of int64, shape (num_rows,)

    Raises
    ------
    ValueError
        Groups that are no integers in one dimension.

    Notes
    -----
    O(num_rows log num_rows) time.

    Examples
    --------
    >>> group_order([7, 7, 3, 7, 3], seed=1)
    array([2, 4, 0, 1, 3])
    """
    group = np.asarray(group)
    if group.ndim != 1 or group.dtype.kind not in "iu":
        raise ValueError(f"group must be integers of shape (num_rows,), got {group.dtype} of shape {group.shape}")
    names, numbers = np.unique(group, return_inverse=True)
    return np.argsort(np.random.default_rng(seed).permutation(len(names))[numbers], kind="stable")
