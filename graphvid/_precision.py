"""Float32 where half precision is too coarse: for values, and for products under automatic mixed precision."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext

import torch
from torch import Tensor

HALF = (torch.float16, torch.bfloat16)


def at_least_float32(values: Tensor) -> Tensor:
    """Return half precision as float32, and other types as they are."""
    return values.float() if values.dtype in HALF else values


def no_autocast(values: Tensor) -> AbstractContextManager[object]:
    """Return a context without automatic mixed precision, so that products of float32 stay in float32."""
    kind = values.device.type
    return torch.autocast(kind, enabled=False) if torch.is_autocast_enabled(kind) else nullcontext()
