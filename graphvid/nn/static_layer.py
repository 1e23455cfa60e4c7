"""Transforms of the static layer of a clip: the added image does not depend on time, so motion is only scaled."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Literal, NamedTuple, get_args

import torch
from torch import Tensor

from graphvid._checks import check_choice
from graphvid.nn.clip_layout import check_clips
from graphvid.nn.clip_transforms import check_fraction, check_shape, spread

MixSource = Literal["self", "batch"]


class StaticMixParams(NamedTuple):
    """Parameters of `StaticMix`.

    Parameters
    ----------
    lam : Tensor of float32, shape (B,)
        Weight of the still frame, in [0, 1).
    frame : Tensor of int64, shape (B,)
        The still frame.
    source : Tensor of int64, shape (B,)
        Row of the clip with the still frame.
    """

    lam: Tensor
    frame: Tensor
    source: Tensor


class StaticMix:
    r"""Add one still frame to every frame: :math:`y_t = (1 - \lambda) x_t + \lambda s_k`.

    Forward differences of every order are those of ``x`` times :math:`1 - \lambda`. With ``source="self"`` (Background
    Erasing, temporal consistent augmentation) frame k is a fixed point, and so is a clip without motion: under a perfectly
    still camera **the background does not change**. With ``source="batch"`` the frame is from another clip.

    Parameters
    ----------
    lam_max : float, default 0.3
        :math:`\lambda` is uniform in [0, lam_max]; in [0, 1). BE and STCR take 0.3, VTDL 0.1.
    source : {"self", "batch"}, default "self"
        Source of the frame: the clip itself, or any other clip of the batch with equal probability.
    per_sample : bool, default True
        One :math:`\lambda` for each clip. False: one for the batch, as in the released code.

    Raises
    ------
    ValueError
        ``lam_max`` outside [0, 1), clips of one frame, ``source="batch"`` with one clip.

    References
    ----------
    Wang et al., "Removing the Background by Adding the Background", CVPR 2021.

    Examples
    --------
    >>> clips = torch.arange(3.0).view(1, 1, 3, 1, 1)
    >>> params = StaticMixParams(torch.tensor([0.5]), torch.tensor([2]), torch.tensor([0]))
    >>> StaticMix()(clips, params).flatten().tolist()
    [1.0, 1.5, 2.0]
    """

    def __init__(self, lam_max: float = 0.3, *, source: MixSource = "self", per_sample: bool = True) -> None:
        self.lam_max = check_fraction("lam_max", lam_max)
        check_choice("source", source, get_args(MixSource))
        self.source = source
        self.per_sample = per_sample

    def sample(self, generator: torch.Generator, shape: Sequence[int]) -> StaticMixParams:
        """Draw weight, frame and source for each clip."""
        count, _, frames, _, _ = check_shape(shape)
        if frames < 2:
            raise ValueError(f"clips must have at least 2 frames, got {frames}")
        lam = self.lam_max * torch.rand(count if self.per_sample else 1, generator=generator)
        frame = torch.randint(frames, (count,), generator=generator)
        source = torch.arange(count) if self.source == "self" else other_rows(generator, count)
        return StaticMixParams(lam.expand(count), frame, source)

    def __call__(self, clips: Tensor, params: StaticMixParams) -> Tensor:
        """Return the mixed clips."""
        check_clips("clips", clips)
        if not bool(((params.lam >= 0) & (params.lam < 1)).all()):
            raise ValueError(f"params.lam must be in [0, 1), got {params.lam.min():g} to {params.lam.max():g}")
        still = clips[params.source.to(clips.device), :, params.frame.to(clips.device)]  # (B, C, H, W)
        return torch.lerp(clips, still[:, :, None].expand_as(clips), spread(params.lam, clips))


class StaticLayerSwapParams(NamedTuple):
    """Parameters of `StaticLayerSwap`.

    Parameters
    ----------
    source : Tensor of int64, shape (B,)
        Row of the clip with the new static layer.
    """

    source: Tensor


class StaticLayerSwap:
    r"""Replace the static layer by another clip's: :math:`y_t = x_t - \mathrm{median}_t(x) + \mathrm{median}_t(x')`.

    Differences in time do not change. Unlike `StaticMix`, it also changes a still background.

    Raises
    ------
    ValueError
        One clip only: there is no other.

    Notes
    -----
    The median of an even number of frames is the mean of the middle two, as NumPy's.
    """

    def sample(self, generator: torch.Generator, shape: Sequence[int]) -> StaticLayerSwapParams:
        """Draw another clip of the batch for each clip, with equal probability."""
        return StaticLayerSwapParams(other_rows(generator, check_shape(shape)[0]))

    def __call__(self, clips: Tensor, params: StaticLayerSwapParams) -> Tensor:
        """Return the clips with the static layers exchanged."""
        check_clips("clips", clips)
        layer = static_layer(clips)
        return clips + (layer[params.source.to(clips.device)] - layer)[:, :, None]


class TCAFit(NamedTuple):
    """Measure of the preservation of motion by a change of clips.

    Parameters
    ----------
    scale : Tensor, shape (B,)
        The factor a that fits best; NaN for a clip without motion.
    residual : Tensor, shape (B,)
        Largest ``|dy - a dx|`` over pixels and times.
    """

    scale: Tensor
    residual: Tensor


def fit_tca(function: Callable[[Tensor], Tensor], clips: Tensor) -> TCAFit:
    r"""Check the rule of temporal consistent augmentation: :math:`\partial_t^n y = a\, \partial_t^n x` for every n.

    All solutions are :math:`y_t = a x_t + c` with an image c that does not depend on t; higher differences are sums of first
    ones, so the first are enough.

    Parameters
    ----------
    function : callable
        Takes clips and returns clips, both float (B, C, T, H, W).
    clips : Tensor, float (B, C, T, H, W)
        At least two frames.

    Returns
    -------
    TCAFit
        The rule holds if ``residual`` is zero up to rounding and ``scale`` is positive.

    Raises
    ------
    ValueError
        Clips of one frame, a result of another shape.

    References
    ----------
    Wang et al., "Self-supervised Temporal Discriminative Learning for Video Representation Learning", 2020.

    Examples
    --------
    >>> fit = fit_tca(lambda x: 0.5 * x + 1, torch.rand(2, 1, 4, 3, 3, dtype=torch.float64))
    >>> fit.scale.round(decimals=9).tolist(), bool((fit.residual < 1e-12).all())
    ([0.5, 0.5], True)
    """
    check_clips("clips", clips)
    if clips.shape[2] < 2:
        raise ValueError(f"clips must have at least 2 frames, got {clips.shape[2]}")
    changed = function(clips)
    if changed.shape != clips.shape:
        raise ValueError(f"function must give clips of shape {tuple(clips.shape)}, got {tuple(changed.shape)}")
    before, after = (x.diff(dim=2).flatten(1) for x in (clips, changed))
    scale = (before * after).sum(1) / before.square().sum(1)
    return TCAFit(scale, (after - scale.nan_to_num()[:, None] * before).abs().amax(1))


def static_layer(clips: Tensor) -> Tensor:
    """Return the median over time of clips, float (B, C, T, H, W): (B, C, H, W)."""
    check_clips("clips", clips)
    frames, middle = clips.sort(dim=2).values, clips.shape[2] // 2
    return frames[:, :, middle] if clips.shape[2] % 2 else (frames[:, :, middle - 1] + frames[:, :, middle]) / 2


def other_rows(generator: torch.Generator, count: int) -> Tensor:
    """Return another row for each row, uniform over the others, shape (count,); raise if there is only one row."""
    if count < 2:
        raise ValueError(f"a batch must have at least 2 clips to take from another, got {count}")
    return (torch.arange(count) + torch.randint(1, count, (count,), generator=generator)) % count
