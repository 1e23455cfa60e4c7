"""torchvision's 3D networks as backbones of clips."""

from __future__ import annotations

from typing import Literal, cast, get_args

from torch import Tensor, nn

from graphvid._checks import check_choice, check_seed
from graphvid._random import seeded
from graphvid.nn.clip_layout import check_clips

Network = Literal["r3d_18", "mc3_18", "r2plus1d_18", "s3d"]


class Torchvision3D(nn.Module):
    """A network of `torchvision.models.video` without its classifier; a `ClipBackbone`.

    Parameters
    ----------
    name : {"r3d_18", "mc3_18", "r2plus1d_18", "s3d"}, default "r3d_18"
    state : dict of str to Tensor, optional
        Weights of the whole network in torchvision's form; those of the classifier are ignored. Default: random weights;
        nothing is downloaded.
    seed : int, default 0
        Seed of random weights.

    Attributes
    ----------
    num_features : int
        Channels of the map: 512, of "s3d" 1024.
    in_channels : int
        3.

    Raises
    ------
    ImportError
        torchvision is not installed.
    ValueError
        Another name.
    RuntimeError
        Weights of another network.

    Notes
    -----
    With torchvision's weights these networks expect colours standardised by torchvision's means and deviations; the caller
    must do this.
    """

    def __init__(self, name: Network = "r3d_18", *, state: dict[str, Tensor] | None = None, seed: int = 0) -> None:
        super().__init__()
        check_choice("name", name, get_args(Network))
        try:
            from torchvision.models import video
        except ImportError as error:
            raise ImportError("Torchvision3D needs torchvision: pip install torchvision") from error
        with seeded(check_seed(seed)):
            network = getattr(video, name)(weights=None)
        if state is not None:
            network.load_state_dict(state)
        self.in_channels = 3
        self.num_features = 1024 if name == "s3d" else 512
        if name == "s3d":
            self.layers = network.features
        else:
            self.layers = nn.Sequential(network.stem, network.layer1, network.layer2, network.layer3, network.layer4)

    def forward(self, clips: Tensor) -> Tensor:
        """Return the maps of clips, float (B, 3, T, H, W): (B, num_features, T', H', W')."""
        check_clips("clips", clips, self.in_channels)
        return cast(Tensor, self.layers(clips))
