"""Conversion of stored frames to tensors of clips and back, with the order of the axes."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from graphvid._checks import check_tensor


def clip_tensor(frames: NDArray[np.uint8] | Tensor, device: torch.device | str | None = None) -> Tensor:
    """Return stored frames, uint8 (B, T, H, W, C), as a batch of clips, float32 (B, C, T, H, W) in [0, 1].

    This is the layout of every layer and transform of clips. Values are not clipped later: a transform may leave [0, 1].

    Parameters
    ----------
    frames : ndarray or Tensor of uint8, shape (..., num_frames, height, width, channels)
        Any leading axes; also none, for one clip.
    device : torch.device or str, optional
        Device for the clips; they move as uint8 before they become floats. Default: their device.

    Raises
    ------
    TypeError
        Another dtype.
    ValueError
        Fewer than four axes.

    Examples
    --------
    >>> clip_tensor(np.full((2, 8, 24, 24, 1), 255, np.uint8)).shape
    torch.Size([2, 1, 8, 24, 24])
    """
    tensor = torch.as_tensor(frames)
    if tensor.dtype != torch.uint8:
        raise TypeError(f"frames must be uint8, got {tensor.dtype}")
    if tensor.dim() < 4:
        raise ValueError(f"frames must have shape (..., T, H, W, C), got {tuple(tensor.shape)}")
    return tensor.to(device).movedim(-1, -4).to(torch.float32).div_(255)


def clip_frames(clips: Tensor) -> NDArray[np.uint8]:
    """Return clips, float (B, C, T, H, W), as frames, uint8 (B, T, H, W, C); the inverse of `clip_tensor`.

    Values outside [0, 1], which transforms may give, are clipped.

    Raises
    ------
    TypeError
        No floating-point tensor.
    ValueError
        Fewer than four axes.
    """
    check_tensor("clips", clips, floating=True)
    if clips.dim() < 4:
        raise ValueError(f"clips must have shape (..., C, T, H, W), got {tuple(clips.shape)}")
    frames: NDArray[np.uint8] = (
        clips.detach().mul(255).round().clamp(0, 255).to(torch.uint8).movedim(-4, -1).cpu().numpy()
    )
    return frames


def check_clips(name: str, clips: Any, channels: int | None = None) -> None:
    """Raise unless ``clips`` is a float tensor of shape (B, C, T, H, W) without an empty axis."""
    check_tensor(name, clips, floating=True)
    if clips.dim() != 5 or not clips.numel() or channels not in (None, clips.shape[1]):
        wanted = "C" if channels is None else channels
        raise ValueError(f"{name} must have shape (B, {wanted}, T, H, W), none of them 0, got {tuple(clips.shape)}")
