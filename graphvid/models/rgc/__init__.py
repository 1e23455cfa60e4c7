"""Relational graph clustering: an encoder of features, trained on triplets of a co-watch graph and its clusters."""

from .config import RGCConfig
from .model import RelationalGraphClustering, build_encoder, embed

__all__ = ["RGCConfig", "RelationalGraphClustering", "build_encoder", "embed"]
