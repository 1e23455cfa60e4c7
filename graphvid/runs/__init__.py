"""Runs: a model trained on a source into a directory that holds everything about it, and what is asked of it later."""

from .checkpoint import SafetensorsCheckpointIO
from .directory import RunDirectory
from .frame import load_frame, train_frame
from .frame_predict import predict_frame
from .rgc import embed_new, evaluate, load_encoder, neighbors, train
from .sources import Source, VideoGraph, load
from .views import Views, ViewSource, load_views

__all__ = [
    "RunDirectory",
    "SafetensorsCheckpointIO",
    "Source",
    "VideoGraph",
    "ViewSource",
    "Views",
    "embed_new",
    "evaluate",
    "load",
    "load_encoder",
    "load_frame",
    "load_views",
    "neighbors",
    "predict_frame",
    "train",
    "train_frame",
]
