"""Transforms of clips: they draw their parameters separately from applying them; any callable can be a transform.

A transform is sampled once for a batch and then applied, so that its parameters can be logged, replayed and tested:

>>> transform, clips = CropJitter(), torch.rand(2, 1, 8, 24, 24)
>>> params = transform.sample(torch.Generator().manual_seed(0), clips.shape)
>>> transform(clips, params).shape
torch.Size([2, 1, 8, 24, 24])

Parameters are NamedTuples of tensors with a row for each clip, on the CPU. Clips are float (B, C, T, H, W). No transform
writes into its input, and none clips values to [0, 1], which would break the rule of `fit_tca`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, Protocol

import torch
from torch import Tensor

from graphvid._checks import check_count, check_number, check_tensor
from graphvid._random import seeded
from graphvid.nn.clip_layout import check_clips


class ClipTransform(Protocol):
    """Protocol of a transform of clips in two steps: `sample`, then the call."""

    def sample(self, generator: torch.Generator, shape: Sequence[int]) -> Any:  # Any: each transform has its own tuple
        """Draw parameters for clips of ``shape`` = (B, C, T, H, W), one row for each clip."""

    def __call__(self, clips: Tensor, params: Any) -> Tensor:  # Any: what `sample` gave
        """Return the changed clips, float (B, C, T, H, W), new."""


class AppearanceParams(NamedTuple):
    """Seeds of `Appearance`.

    Parameters
    ----------
    seed : Tensor of int64, shape (B,)
    """

    seed: Tensor


class Appearance:
    """A transform from any function of one clip of shape (T, C, H, W), such as those of torchvision's v2 or kornia.

    Parameters
    ----------
    function : callable
        Takes a float tensor (T, C, H, W) and returns one of the same shape. Its draws from PyTorch's global generator use, for
        each clip, the seed of `sample`, so that they can be replayed.

    Raises
    ------
    TypeError
        ``function`` is not callable.

    Examples
    --------
    >>> darker = Appearance(lambda frames: frames * (0.5 + 0.5 * torch.rand(1)))
    >>> params, clips = darker.sample(torch.Generator().manual_seed(0), (3, 1, 4, 8, 8)), torch.ones(3, 1, 4, 8, 8)
    >>> bool(torch.equal(darker(clips, params), darker(clips, params)))
    True
    """

    def __init__(self, function: Callable[[Tensor], Tensor]) -> None:
        if not callable(function):
            raise TypeError(f"function must be a callable from (T, C, H, W) to the same, got {type(function).__name__}")
        self.function = function

    def sample(self, generator: torch.Generator, shape: Sequence[int]) -> AppearanceParams:
        """Draw a seed for each clip."""
        return AppearanceParams(torch.randint(0, 2**62, (check_shape(shape)[0],), generator=generator))

    def __call__(self, clips: Tensor, params: AppearanceParams) -> Tensor:
        """Return the result of the function for every clip.

        Raises
        ------
        ValueError
            The function returns another shape.
        """
        check_clips("clips", clips)
        changed = []
        for clip, seed in zip(clips, params.seed.tolist(), strict=True):
            frames = clip.transpose(0, 1)
            with seeded(seed):
                result = self.function(frames.clone())
            if not isinstance(result, Tensor) or result.shape != frames.shape:
                got = tuple(result.shape) if isinstance(result, Tensor) else type(result).__name__
                raise ValueError(f"function must give a tensor of shape {tuple(frames.shape)}, got {got}")
            changed.append(result.transpose(0, 1))
        return torch.stack(changed)


class CropJitterParams(NamedTuple):
    """Parameters of `CropJitter`.

    Parameters
    ----------
    shift : Tensor of int64, shape (B, 2)
        Movement of the window in rows and columns.
    contrast, brightness : Tensor of float32, shape (B,)
    """

    shift: Tensor
    contrast: Tensor
    brightness: Tensor


class CropJitter:
    """Move the window of every frame by the same few pixels, reflected at the border; then ``contrast * x + brightness``.

    Parameters
    ----------
    shift : int, default 3
        Largest move in pixels, in either direction along each axis; smaller than the frame's sides.
    contrast : float, default 0.4
        The factor is uniform in [1 - contrast, 1 + contrast]; in [0, 1).
    brightness : float, default 0.2
        The added value is uniform in [-brightness, brightness]; >= 0.

    Raises
    ------
    ValueError
        A number out of its range; frames not larger than the shift.
    """

    def __init__(self, shift: int = 3, contrast: float = 0.4, brightness: float = 0.2) -> None:
        self.shift = check_count("shift", shift, 0)
        self.contrast = check_fraction("contrast", contrast)
        self.brightness = check_number("brightness", brightness, "a finite number >= 0", least=0)

    def sample(self, generator: torch.Generator, shape: Sequence[int]) -> CropJitterParams:
        """Draw one movement, one contrast and one brightness for each clip."""
        size = check_shape(shape)
        if self.shift >= min(size[3:]):
            raise ValueError(f"shift must be below the frame's sides {tuple(size[3:])}, got {self.shift}")
        shift = torch.randint(-self.shift, self.shift + 1, (size[0], 2), generator=generator)
        spread = 2 * torch.rand(2, size[0], generator=generator) - 1
        return CropJitterParams(shift, 1 + self.contrast * spread[0], self.brightness * spread[1])

    def __call__(self, clips: Tensor, params: CropJitterParams) -> Tensor:
        """Return the moved and brightened clips."""
        check_clips("clips", clips)
        rows, columns = (
            _reflected(params.shift[:, axis, None] + torch.arange(side), side - 1)
            for axis, side in enumerate(clips.shape[3:])
        )
        place = (rows[:, :, None] * clips.shape[4] + columns[:, None, :]).flatten(1).to(clips.device)
        pixels = clips.flatten(3)
        moved = pixels.gather(3, place[:, None, None].expand_as(pixels)).view_as(clips)
        return moved * spread(params.contrast, clips) + spread(params.brightness, clips)


def _reflected(place: Tensor, last: int) -> Tensor:
    """Reflect places beyond 0 and ``last`` back inside; the edge itself is not repeated."""
    return last - (last - place.abs()).abs()


def check_shape(shape: Sequence[int]) -> tuple[int, int, int, int, int]:
    """Return the shape of a batch of clips; raise unless it is (B, C, T, H, W) of integers of at least 1."""
    if len(shape) != 5 or min(shape) < 1:
        raise ValueError(f"shape must be (B, C, T, H, W), each at least 1, got {tuple(shape)}")
    return int(shape[0]), int(shape[1]), int(shape[2]), int(shape[3]), int(shape[4])


def check_fraction(name: str, value: float) -> float:
    """Return ``value``; raise unless it is a number in [0, 1)."""
    if check_number(name, value, "in [0, 1)", least=0, most=1) == 1:
        raise ValueError(f"{name} must be in [0, 1), got {value}")
    return float(value)


def spread(values: Tensor, clips: Tensor) -> Tensor:
    """Return one value for each clip as (B, 1, 1, 1, 1), of the clips' dtype and device."""
    check_tensor("values", values)
    return values.to(clips).view(-1, 1, 1, 1, 1)
