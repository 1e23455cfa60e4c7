"""The twin tower: a model that embeds videos from frames and titles, so that cosines follow human similarity scores."""

from .config import TwinTowerConfig
from .inputs import TowerBatch, VideoInputs, texts_of
from .model import TwinTower, embed_videos, pair_cosines
from .network import VideoTower, build_text_encoder
from .optimizer import parameter_groups, rate_factor

__all__ = [
    "TowerBatch",
    "TwinTower",
    "TwinTowerConfig",
    "VideoInputs",
    "VideoTower",
    "build_text_encoder",
    "embed_videos",
    "pair_cosines",
    "parameter_groups",
    "rate_factor",
    "texts_of",
]
