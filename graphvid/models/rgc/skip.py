"""The encoder with a linear layer beside its network; both read the features and are trained together."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from graphvid.nn import FeatureRows, VideoEncoder
from graphvid.nn.feature_rows import dropout_rows

from .raw_path import RawPath


class SkipEncoder(nn.Module):
    r"""Add the output of a linear layer to that of a network; both read the features.

    .. math::

       f(x) = \operatorname{normalize}\bigl[\operatorname{normalize}(h(x) V) + a\, g(x)\bigr]

    Both terms are unit rows. :math:`V` and the gate :math:`a` are trained with the network :math:`g`. At first :math:`V` has
    the leading right singular vectors of the training videos, and :math:`a` is 1.

    Parameters
    ----------
    encoder : VideoEncoder
        :math:`g`.
    raw : RawPath
        :math:`h` and :math:`V`, trained, of the same modalities and with as many columns as ``encoder`` gives.
    dropout : float
        Share of the features that the linear layer sets to zero in training, in [0, 1); for sparse rows, the share of the
        stored values.
    """

    def __init__(self, encoder: VideoEncoder, raw: RawPath, *, dropout: float) -> None:
        super().__init__()
        self.encoder, self.raw, self.dropout = encoder, raw, dropout
        self.dims = encoder.dims
        self.gate = nn.Parameter(torch.ones(()))

    @property
    def standardize(self) -> nn.ModuleDict:
        """Standardisation of the network's input, by modality."""
        return self.encoder.standardize

    def forward(self, features: Mapping[str, FeatureRows]) -> Tensor:
        """Encode a batch; see `graphvid.nn.VideoEncoder`."""
        network = self.encoder(features)
        seen = {name: dropout_rows(x, self.dropout, training=self.training) for name, x in features.items()}
        return F.normalize(self.raw(seen) + self.gate * network, dim=-1)
