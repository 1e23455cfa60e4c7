"""The encoder that concatenates the features with the learned vector."""

from __future__ import annotations

import math
from collections.abc import Mapping

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from graphvid.nn import FeatureRows, VideoEncoder

from .raw_path import RawPath
from .skip import SkipEncoder


class FusedEncoder(nn.Module):
    r"""Concatenate the learned vector and the features with weights, so that their cosines add up.

    .. math::

       f(x) = \operatorname{normalize}\bigl[\sqrt{1 - w}\, g(x),\; \sqrt{w}\, r(x)\bigr]

    The cosine of two videos is :math:`1 - w` times that of the learned vectors plus :math:`w` times that of the features. A
    video without features has only the learned vector.

    Parameters
    ----------
    encoder : VideoEncoder or SkipEncoder
        :math:`g`.
    raw : RawPath
        :math:`r`, of the same modalities.
    weight : float
        :math:`w` in [0, 1]. 0 leaves out the features and 1 the learned vector, columns included.
    """

    def __init__(self, encoder: VideoEncoder | SkipEncoder, raw: RawPath, *, weight: float) -> None:
        super().__init__()
        self.encoder, self.raw, self.weight = encoder, raw, weight
        self.dims = encoder.dims

    def forward(self, features: Mapping[str, FeatureRows]) -> Tensor:
        """Encode a batch; see `graphvid.nn.VideoEncoder`."""
        if self.weight in (0, 1):
            only: Tensor = self.raw(features) if self.weight else self.encoder(features)
            return only
        parts = math.sqrt(1 - self.weight) * self.encoder(features), math.sqrt(self.weight) * self.raw(features)
        return F.normalize(torch.cat(parts, dim=-1), dim=-1)
