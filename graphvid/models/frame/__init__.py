"""FRAME: a graph of users and clips that says who finishes which video, and at which clip the others leave."""

from .config import FRAMEConfig
from .model import FRAME
from .views import SkipPrediction, ViewBatch

__all__ = ["FRAME", "FRAMEConfig", "SkipPrediction", "ViewBatch"]
