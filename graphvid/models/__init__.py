"""Models that Lightning trains, one folder for each family; they combine graphs, samplers, networks and losses."""

from .frame import FRAME, FRAMEConfig, SkipPrediction
from .quantizers import (
    ContrastiveQuantization,
    ContrastiveQuantizationConfig,
    PyramidHybridPoolingQuantization,
    PyramidQuantizationConfig,
)
from .recommenders import (
    EdgeBatch,
    Embeddings,
    LightGCN,
    LightGCNConfig,
    MatrixFactorization,
    MFConfig,
    Recommender,
    RecommenderConfig,
    SimpleX,
    SimpleXConfig,
    TwoTower,
    TwoTowerConfig,
)
from .rgc import FusedEncoder, RawPath, RelationalGraphClustering, RGCConfig, SkipEncoder, build_encoder, embed
from .towers import TwinTower, TwinTowerConfig, VideoInputs, VideoTower

__all__ = [
    "FRAME",
    "ContrastiveQuantization",
    "ContrastiveQuantizationConfig",
    "EdgeBatch",
    "Embeddings",
    "FRAMEConfig",
    "FusedEncoder",
    "LightGCN",
    "LightGCNConfig",
    "MFConfig",
    "MatrixFactorization",
    "PyramidHybridPoolingQuantization",
    "PyramidQuantizationConfig",
    "RGCConfig",
    "RawPath",
    "Recommender",
    "RecommenderConfig",
    "RelationalGraphClustering",
    "SimpleX",
    "SimpleXConfig",
    "SkipEncoder",
    "SkipPrediction",
    "TwinTower",
    "TwinTowerConfig",
    "TwoTower",
    "TwoTowerConfig",
    "VideoInputs",
    "VideoTower",
    "build_encoder",
    "embed",
]
