"""One file a paper: the parts of the other rooms wired into models that Lightning trains."""

from .config import RGCConfig
from .frame import FRAME
from .frame_config import FRAMEConfig
from .frame_views import SkipPrediction
from .relational_graph_clustering import RelationalGraphClustering, build_encoder, embed

__all__ = [
    "FRAME",
    "FRAMEConfig",
    "RGCConfig",
    "RelationalGraphClustering",
    "SkipPrediction",
    "build_encoder",
    "embed",
]
