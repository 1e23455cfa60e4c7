"""Runs: a model trained on a source into a directory that holds everything about it, and what is asked of it later."""

from .checkpoint import SafetensorsCheckpointIO
from .directory import RunDirectory
from .rgc import embed_new, evaluate, load_encoder, neighbors, train
from .sources import Source, VideoGraph, load

__all__ = [
    "RunDirectory",
    "SafetensorsCheckpointIO",
    "Source",
    "VideoGraph",
    "embed_new",
    "evaluate",
    "load",
    "load_encoder",
    "neighbors",
    "train",
]
