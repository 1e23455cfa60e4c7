"""Runs: a model trained on a source into a directory that holds everything about it, and what is asked of it later."""

from .checkpoint import SafetensorsCheckpointIO
from .directory import RunDirectory
from .frame import load_frame, train_frame
from .frame_predict import predict_frame
from .interactions import InteractionSource, LoadedInteractions, load_interactions
from .recommender import judge_recommender, make_recommender, recommend, score_recommender, train_recommender
from .rgc import embed_new, evaluate, load_encoder, neighbors, train
from .sources import Source, VideoGraph, load
from .views import Views, ViewSource, load_views

__all__ = [
    "InteractionSource",
    "LoadedInteractions",
    "RunDirectory",
    "SafetensorsCheckpointIO",
    "Source",
    "VideoGraph",
    "ViewSource",
    "Views",
    "embed_new",
    "evaluate",
    "judge_recommender",
    "load",
    "load_encoder",
    "load_frame",
    "load_interactions",
    "load_views",
    "make_recommender",
    "neighbors",
    "predict_frame",
    "recommend",
    "score_recommender",
    "train",
    "train_frame",
    "train_recommender",
]
