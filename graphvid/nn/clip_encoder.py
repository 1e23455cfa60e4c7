"""Encoders of clips: a backbone, pooling over time and space, and a head that gives a unit vector."""

from __future__ import annotations

from typing import Literal, NamedTuple, Protocol, cast, get_args

from torch import Tensor, nn
from torch.nn import functional as F

from graphvid._checks import check_choice, check_seed
from graphvid._random import seeded
from graphvid.nn._shapes import check_width
from graphvid.nn.clip_layout import check_clips

Head = Literal["mlp", "linear"]
Pooling = Literal["mean", "2x2x2"]


class ClipBackbone(Protocol):
    """A module from clips, float (B, C, T, H, W), to maps, float (B, num_features, T', H', W')."""

    num_features: int

    def __call__(self, clips: Tensor) -> Tensor:
        """Return the maps."""


class ClipEncoding(NamedTuple):
    """Output of an encoder for a batch of clips.

    Parameters
    ----------
    embedding : Tensor, shape (B, dim)
        Unit rows, for losses.
    features : Tensor, shape (B, num_features)
        Pooled map, for probes and `graphvid embed`.
    map : Tensor, shape (B, num_features, T', H', W')
        Last map of the backbone, for consistency losses.
    """

    embedding: Tensor
    features: Tensor
    map: Tensor


class ClipEncoder(nn.Module):
    """Backbone, pooling over time and space, head, unit norm.

    Parameters
    ----------
    backbone : ClipBackbone
        Such as `Tiny3D` or `Torchvision3D`.
    dim : int, default 64
        Columns of the embedding; the papers take 128.
    head : {"mlp", "linear"}, default "mlp"
        ``Linear(num_features, width)``, ReLU, ``Linear(width, dim)``, with ``width`` channels of the map; or one linear layer
        as in the papers.
    seed : int, default 0
        Seed of the head's weights.
    pooling : {"mean", "2x2x2"}, default "mean"
        The map's mean; or its means over two halves of time, height and width, concatenated, which keep positions.

    Attributes
    ----------
    num_features : int
        Columns of the pooled map: channels of the map, or eight times as many.

    Raises
    ------
    ValueError
        A width below 1, another head or pooling.

    Examples
    --------
    >>> import torch
    >>> encoder = ClipEncoder(Tiny3D(), dim=64)
    >>> encoding = encoder(torch.rand(2, 1, 8, 24, 24))
    >>> encoding.embedding.shape, encoding.features.shape, encoding.map.shape
    (torch.Size([2, 64]), torch.Size([2, 32]), torch.Size([2, 32, 4, 3, 3]))
    """

    def __init__(
        self, backbone: ClipBackbone, dim: int = 64, *, head: Head = "mlp", seed: int = 0, pooling: Pooling = "mean"
    ) -> None:
        super().__init__()
        check_choice("head", head, get_args(Head))
        check_choice("pooling", pooling, get_args(Pooling))
        width = check_width("backbone.num_features", backbone.num_features)
        self.dim, self.pooling = check_width("dim", dim), pooling
        self.num_features = width if pooling == "mean" else 8 * width
        self.backbone = backbone
        with seeded(check_seed(seed)):
            layers = [nn.Linear(self.num_features, width), nn.ReLU()] if head == "mlp" else []
            self.head = nn.Sequential(*layers, nn.Linear(width if layers else self.num_features, dim))

    def forward(self, clips: Tensor) -> ClipEncoding:
        """Encode a batch of clips, float (B, C, T, H, W)."""
        features_map = self.backbone(clips)
        features = pool_map(features_map, self.pooling)
        return ClipEncoding(F.normalize(self.head(features), dim=1), features, features_map)


def pool_map(maps: Tensor, pooling: Pooling) -> Tensor:
    """Return the means of maps (B, C, T, H, W): over all, (B, C); or over two halves of each axis, (B, 8 C).

    Examples
    --------
    >>> import torch
    >>> maps = torch.arange(8.0).view(1, 1, 2, 2, 2)
    >>> pool_map(maps, "mean").tolist(), pool_map(maps, "2x2x2").tolist()
    ([[3.5]], [[0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0]])
    """
    return maps.mean((2, 3, 4)) if pooling == "mean" else F.adaptive_avg_pool3d(maps, 2).flatten(1)


class Tiny3D(nn.Module):
    """Four 3D convolutions with batch norm and ReLU, small enough for a CPU; a `ClipBackbone`.

    ``3x5x5`` stride (1, 2, 2) to ``width`` channels, ``3x3x3`` stride (1, 2, 2) to ``2 width``, ``3x3x3`` stride 2 to
    ``4 width``, ``3x3x3`` to ``4 width``, each padded by half its size.

    Parameters
    ----------
    in_channels : int, default 1
        Channels of the clips.
    width : int, default 8
        Channels after the first layer.
    seed : int, default 0
        Seed of the initial weights (PyTorch's default initialisation).

    Attributes
    ----------
    num_features : int
        Channels of the map, ``4 * width``.

    Raises
    ------
    ValueError
        A number that is not an integer of at least 1.

    Notes
    -----
    3.2 million multiply-adds for a clip of 8 x 24 x 24 at the defaults.

    Examples
    --------
    >>> import torch
    >>> Tiny3D(in_channels=3)(torch.rand(2, 3, 8, 32, 32)).shape
    torch.Size([2, 32, 4, 4, 4])
    """

    def __init__(self, in_channels: int = 1, width: int = 8, *, seed: int = 0) -> None:
        super().__init__()
        self.in_channels = check_width("in_channels", in_channels)
        check_width("width", width)
        self.num_features = 4 * width
        with seeded(check_seed(seed)):
            self.layers = nn.Sequential(
                *_block(in_channels, width, (3, 5, 5), (1, 2, 2)),
                *_block(width, 2 * width, (3, 3, 3), (1, 2, 2)),
                *_block(2 * width, 4 * width, (3, 3, 3), (2, 2, 2)),
                *_block(4 * width, 4 * width, (3, 3, 3), (1, 1, 1)),
            )

    def forward(self, clips: Tensor) -> Tensor:
        """Return the maps of clips, float (B, in_channels, T, H, W): (B, 4 width, ceil(T / 2), ceil(H / 8), ceil(W / 8))."""
        check_clips("clips", clips, self.in_channels)
        return cast(Tensor, self.layers(clips))


def _block(before: int, after: int, size: tuple[int, int, int], stride: tuple[int, int, int]) -> list[nn.Module]:
    padding = (size[0] // 2, size[1] // 2, size[2] // 2)
    convolution = nn.Conv3d(before, after, size, stride, padding, bias=False)  # batch norm has the offset
    return [convolution, nn.BatchNorm3d(after), nn.ReLU()]
