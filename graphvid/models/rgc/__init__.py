"""Relational graph clustering: an encoder of features, trained on triplets of a co-watch graph and its clusters."""

from .config import RGCConfig
from .encoders import Encoder, build_encoder, embed
from .fused import FusedEncoder
from .model import RelationalGraphClustering
from .raw_path import RawPath
from .skip import SkipEncoder

__all__ = [
    "Encoder",
    "FusedEncoder",
    "RGCConfig",
    "RawPath",
    "RelationalGraphClustering",
    "SkipEncoder",
    "build_encoder",
    "embed",
]
