"""The encoder of clips: frame differences as its input, a small 3D network, and the vectors of whole videos."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn.functional import softshrink

from graphvid.data.clips import ClipRef, ClipSource, read_clips
from graphvid.models.clips.config import ClipConfig, Inputs
from graphvid.nn import ClipBackbone, ClipEncoder, Tiny3D, clip_tensor
from graphvid.nn.clip_encoder import Pooling, pool_map

_CHUNK = 256  # clips encoded at once


class DifferenceInput(nn.Module):
    """A backbone whose input is frame differences, alone or with the frames; a `graphvid.nn.ClipBackbone`.

    Parameters
    ----------
    backbone : ClipBackbone
        It takes the channels that ``inputs`` gives: twice those of the clips with ``"both"``.
    inputs : {"frames", "differences", "both"}
        A clip of T frames has T - 1 differences; ``"both"`` adds the frames from the second on.
    noise_floor : float
        Soft threshold: smaller differences become 0, larger ones move towards 0 by this much.

    Examples
    --------
    >>> backbone = DifferenceInput(Tiny3D(2), "both", 0.1)
    >>> backbone(torch.rand(1, 1, 8, 24, 24)).shape
    torch.Size([1, 32, 4, 3, 3])
    """

    def __init__(self, backbone: ClipBackbone, inputs: Inputs, noise_floor: float = 0.0) -> None:
        super().__init__()
        self.backbone, self.inputs, self.noise_floor = backbone, inputs, noise_floor
        self.num_features = backbone.num_features

    def forward(self, clips: Tensor) -> Tensor:
        """Return the maps of clips, float (B, C, T, H, W)."""
        if self.inputs == "frames":
            return self.backbone(clips)
        seen = clips.diff(dim=2)
        if self.noise_floor:
            seen = softshrink(seen, self.noise_floor)
        if self.inputs == "both":
            seen = torch.cat([clips[:, :, 1:], seen], dim=1)
        return self.backbone(seen)


def build_clip_encoder(channels: int, config: ClipConfig) -> ClipEncoder:
    """Return an encoder with initial weights, which depend only on ``config.seed``.

    Parameters
    ----------
    channels : int
        Channels of the clips.
    config : ClipConfig

    Examples
    --------
    >>> from graphvid.models.clips import MoCoConfig
    >>> encoder = build_clip_encoder(1, MoCoConfig(dim=16))
    >>> encoder(torch.rand(2, 1, 8, 24, 24)).embedding.shape
    torch.Size([2, 16])
    """
    seen = 2 * channels if config.inputs == "both" else channels
    backbone = DifferenceInput(Tiny3D(seen, config.width, seed=config.seed % 2**32), config.inputs, config.noise_floor)
    return ClipEncoder(backbone, config.dim, seed=(config.seed + 1) % 2**32, pooling=config.pooling)


def clip_refs(video: int, num_frames: int, config: ClipConfig) -> list[ClipRef]:
    """Return the clips whose mean represents a video: ``config.num_clips``, evenly spaced from its first frame to its last.

    Examples
    --------
    >>> from graphvid.models.clips import MoCoConfig
    >>> [ref.start for ref in clip_refs(0, 16, MoCoConfig())]
    [0, 4, 8]
    """
    last = num_frames - (config.clip_length - 1) * config.stride - 1
    starts = np.rint(np.linspace(0, last, config.num_clips)).astype(int)
    return [ClipRef(video, int(start), config.stride, config.clip_length) for start in starts]


@torch.no_grad()
def encode_refs(
    encoder: ClipEncoder, source: ClipSource, refs: list[ClipRef], *, pooling: Pooling | None = None
) -> NDArray[np.float32]:
    """Encode clips in evaluation mode from the backbone's map, without the head, which only the loss uses.

    Parameters
    ----------
    encoder : ClipEncoder
    source : ClipSource
    refs : list of ClipRef
        Clips of equal length.
    pooling : {"mean", "2x2x2"}, optional
        See `graphvid.nn.ClipEncoder`. Default: the encoder's.

    Returns
    -------
    ndarray of float32, shape (num_refs, num_features)
        The pooled maps.
    """
    training, device = encoder.training, next(encoder.parameters()).device
    encoder.eval()
    found = []
    for i in range(0, len(refs), _CHUNK):
        maps = encoder(clip_tensor(read_clips(source, refs[i : i + _CHUNK]), device)).map
        found.append(pool_map(maps, encoder.pooling if pooling is None else pooling).cpu().numpy())
    encoder.train(training)
    return np.concatenate(found)


def embed_videos(
    encoder: ClipEncoder, source: ClipSource, config: ClipConfig, *, pooling: Pooling | None = None
) -> NDArray[np.float32]:
    """Return the vector of every video: the mean of the vectors of its clips.

    Parameters
    ----------
    encoder : ClipEncoder
    source : ClipSource
    config : ClipConfig
        Options that choose the clips; see `clip_refs`.
    pooling : {"mean", "2x2x2"}, optional
        Default: the encoder's.

    Raises
    ------
    ValueError
        A video is shorter than a clip; names it.
    """
    check_videos(source, config)
    refs = [ref for v, frames in enumerate(source.num_frames) for ref in clip_refs(v, int(frames), config)]
    vectors = encode_refs(encoder, source, refs, pooling=pooling)
    means: NDArray[np.float32] = vectors.reshape(len(source.ids), config.num_clips, -1).mean(axis=1)
    return means


def check_videos(source: ClipSource, config: ClipConfig, *, least: int = 1) -> None:
    """Raise unless every video has enough frames for ``least`` clips with different starts, and frames fit.

    Raises
    ------
    ValueError
        Videos are too short; names the first one and their number.
    """
    wanted = (config.clip_length - 1) * config.stride + least
    short = np.flatnonzero(source.num_frames < wanted)
    if short.size:
        why = f"a clip of {config.clip_length} frames, {config.stride} apart, "
        why += "and another segment" if least > 1 else ""
        raise ValueError(
            f"every video must have the {wanted} frames of {why.strip()}, got {source.num_frames[short[0]]} of "
            f"{source.ids[short[0]]!r} ({short.size} such videos)"
        )
