"""The distinct ids of a batch, and the place of each id among them."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor

from graphvid._numba import njit

_WIDE = 32  # times as many possible ids as ids: from there a sort costs less than a mark for each possible id


def distinct(ids: Tensor) -> tuple[Tensor, Tensor]:
    """Return the distinct ids, ascending, and the place of each id among them, as `torch.unique` with ``return_inverse``.

    Parameters
    ----------
    ids : Tensor of an integer type, any shape, any device

    Returns
    -------
    tuple of Tensor
        The distinct ids, (num_distinct,), and the place of each id among them, int64 of the shape of ``ids``.

    Notes
    -----
    O(n + largest id) time and memory on the CPU where ids are dense, one sort elsewhere.

    Examples
    --------
    >>> distinct(torch.tensor([7, 3, 7]))
    (tensor([3, 7]), tensor([1, 0, 1]))
    """
    if ids.device.type == "cpu" and ids.dim() == 1 and ids.numel():
        least, most = (int(bound) for bound in torch.aminmax(ids))
        if least >= 0 and most < _WIDE * len(ids):
            found, place = _number(ids.numpy(), most + 1)
            return torch.from_numpy(found), torch.from_numpy(place)
    found, place = torch.unique(ids, return_inverse=True)
    return found, place


@njit
def _number(ids: Any, width: int) -> tuple[Any, Any]:  # Any: NumPy arrays, of Numba's types inside
    """Number the distinct ids in [0, width) in ascending order."""
    marks = np.zeros(width, dtype=np.int32)
    for i in range(ids.size):
        marks[ids[i]] = 1
    found, count = np.empty(min(width, ids.size) + 1, dtype=ids.dtype), 0
    for value in range(width):  # without a branch: what does not count is overwritten
        seen = marks[value]
        found[count], marks[value] = value, count
        count += seen
    place = np.empty(ids.size, dtype=np.int64)
    for i in range(ids.size):
        place[i] = marks[ids[i]]
    return found[:count], place
