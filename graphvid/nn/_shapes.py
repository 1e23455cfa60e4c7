"""Checks of widths and shapes that layers share."""

from __future__ import annotations

import torch
from torch import Tensor

from graphvid._checks import MOST_COLUMNS, check_count, check_tensor
from graphvid.ops import Adjacency


def check_width(name: str, value: int) -> int:
    """Return ``value``; raise unless it is an integer in [1, 2**20]."""
    return check_count(name, value, 1, MOST_COLUMNS)


def check_shape(name: str, x: Tensor, shape: tuple[int, int], meaning: str) -> None:
    """Raise unless ``x`` has the shape, whose sides ``meaning`` names."""
    check_tensor(name, x, floating=True)
    if x.shape != shape:
        raise ValueError(f"{name} must have shape {meaning} = {shape}, got {tuple(x.shape)}")


def check_frames(frames: Tensor, mask: Tensor, dim: int) -> None:
    """Raise unless ``frames`` are padded frames of ``dim`` columns and ``mask`` is their mask."""
    if frames.dim() != 3 or frames.shape[2] != dim:
        raise ValueError(f"frames must have shape (num_videos, num_frames, {dim}), got {tuple(frames.shape)}")
    if mask.shape != frames.shape[:2] or mask.dtype != torch.bool:
        raise ValueError(
            f"mask must be bool of shape {tuple(frames.shape[:2])}, got {mask.dtype} of {tuple(mask.shape)}"
        )


def check_adjacency(name: str, adjacency: Adjacency) -> None:
    """Raise unless ``adjacency`` is an `Adjacency`."""
    if not isinstance(adjacency, Adjacency):
        raise TypeError(f"{name} must be an Adjacency, got {type(adjacency).__name__}")
