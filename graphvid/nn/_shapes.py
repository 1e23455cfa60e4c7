"""Checks of widths and shapes that layers share."""

from __future__ import annotations

from torch import Tensor


def check_width(name: str, value: int) -> int:
    """Return ``value``; raise unless it is an integer of at least 1."""
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise ValueError(f"{name} must be an integer >= 1, got {value!r}")
    return value


def check_shape(name: str, x: Tensor, shape: tuple[int, int], meaning: str) -> None:
    """Raise unless ``x`` has the shape, whose sides ``meaning`` names."""
    if x.shape != shape:
        raise ValueError(f"{name} must have shape {meaning} = {shape}, got {tuple(x.shape)}")
