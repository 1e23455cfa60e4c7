"""Checks of widths and shapes that layers share."""

from __future__ import annotations

import torch
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


def check_frames(frames: Tensor, mask: Tensor, dim: int) -> None:
    """Raise unless ``frames`` are padded frames of ``dim`` columns and ``mask`` says where they are."""
    if frames.dim() != 3 or frames.shape[2] != dim:
        raise ValueError(f"frames must have shape (num_videos, num_frames, {dim}), got {tuple(frames.shape)}")
    if mask.shape != frames.shape[:2] or mask.dtype != torch.bool:
        raise ValueError(
            f"mask must be bool of shape {tuple(frames.shape[:2])}, got {mask.dtype} of {tuple(mask.shape)}"
        )
