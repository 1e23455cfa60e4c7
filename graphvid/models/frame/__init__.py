"""FRAME: a graph network over users and clips that predicts who finishes a video, and at which clip the others leave."""

from .config import FRAMEConfig
from .model import FRAME
from .views import SkipPrediction, ViewBatch

__all__ = ["FRAME", "FRAMEConfig", "SkipPrediction", "ViewBatch"]
