"""A typed way to apply an autograd function of this library."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor


def apply(function: type[torch.autograd.Function], *arguments: Any) -> Tensor:
    """Return the result of ``apply`` of an autograd function; type checkers see its return type."""
    result: Tensor = function.apply(*arguments)  # type: ignore[no-untyped-call]
    return result
