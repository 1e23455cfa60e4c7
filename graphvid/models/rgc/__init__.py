"""Relational graph clustering: an encoder of features, trained on triplets of a co-watch graph and its clusters."""

from .config import RGCConfig
from .fused import FusedEncoder, RawPath
from .model import RelationalGraphClustering, build_encoder, embed

__all__ = ["FusedEncoder", "RGCConfig", "RawPath", "RelationalGraphClustering", "build_encoder", "embed"]
