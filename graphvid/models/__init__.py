"""One file a paper: the parts of the other rooms wired into models that Lightning trains."""

from .config import RGCConfig
from .frame import FRAME
from .frame_config import FRAMEConfig
from .frame_views import SkipPrediction
from .lightgcn import LightGCN
from .matrix_factorization import MatrixFactorization
from .plateau import ReloadOnPlateau
from .recommender import EdgeBatch, Embeddings, Recommender
from .recommender_config import LightGCNConfig, MFConfig, RecommenderConfig, SimpleXConfig, TwoTowerConfig
from .relational_graph_clustering import RelationalGraphClustering, build_encoder, embed
from .simplex import SimpleX
from .two_tower import TwoTower

__all__ = [
    "FRAME",
    "EdgeBatch",
    "Embeddings",
    "FRAMEConfig",
    "LightGCN",
    "LightGCNConfig",
    "MFConfig",
    "MatrixFactorization",
    "RGCConfig",
    "Recommender",
    "RecommenderConfig",
    "RelationalGraphClustering",
    "ReloadOnPlateau",
    "SimpleX",
    "SimpleXConfig",
    "SkipPrediction",
    "TwoTower",
    "TwoTowerConfig",
    "build_encoder",
    "embed",
]
