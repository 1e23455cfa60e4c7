"""Binary search in many ranges at once, by tensor operations."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

Range = tuple[Tensor, Tensor]  # first and past-the-end slot or position of each row


def first_slot(holds: Callable[[Tensor], Tensor], row: Range) -> Tensor:
    """Return the first slot of each row at which ``holds`` is true, or the row's end; before it, it must be false."""
    lo, hi = row
    if not len(lo):
        return lo
    for _ in range(int((hi - lo).max()).bit_length()):
        middle, closed = (lo + hi) >> 1, lo >= hi  # a finished row keeps its ends, which are equal
        found = holds(middle.masked_fill(closed, 0)) | closed  # slot 0 is always there
        lo, hi = torch.where(found, lo, middle + 1), torch.where(found, middle, hi)
    return lo
