"""Recommenders: vectors of users and items whose products say what to show to whom, and the options of their training."""

from .base import EdgeBatch, Embeddings, Recommender
from .candidates import Candidates, DrawnItems
from .config import LightGCNConfig, MFConfig, RecommenderConfig, SimpleXConfig, TwoTowerConfig
from .lightgcn import LightGCN
from .losses import BCE, BPR, CCL, Softmax
from .matrix_factorization import MatrixFactorization
from .negatives import CrossBatch, InBatch, Mixed, PerEdge, Shared
from .simplex import SimpleX
from .two_tower import TwoTower, embed_items

__all__ = [
    "BCE",
    "BPR",
    "CCL",
    "Candidates",
    "CrossBatch",
    "DrawnItems",
    "EdgeBatch",
    "Embeddings",
    "InBatch",
    "LightGCN",
    "LightGCNConfig",
    "MFConfig",
    "MatrixFactorization",
    "Mixed",
    "PerEdge",
    "Recommender",
    "RecommenderConfig",
    "Shared",
    "SimpleX",
    "SimpleXConfig",
    "Softmax",
    "TwoTower",
    "TwoTowerConfig",
    "embed_items",
]
