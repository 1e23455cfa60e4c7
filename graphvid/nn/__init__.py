"""Layers and encoders: tensors in, vectors out."""

from .clip_scorer import ClipScorer
from .cosine_classifier import CosineClassifier
from .graph_conv import GraphConv
from .graph_depth import GraphDepth
from .hetero_conv import HeteroConv
from .hybrid_pooling import HybridPooling, PyramidHybridPooling, time_levels
from .kmeans import kmeans_codebooks
from .product_quantizer import ProductQuantizer, Quantized
from .sage_conv import SAGEConv
from .skip_heads import CompletionHead, SurvivalHead
from .standardize import Standardize
from .user_clip_conv import UserClipConv
from .user_history import UserHistory
from .video_encoder import VideoEncoder

__all__ = [
    "ClipScorer",
    "CompletionHead",
    "CosineClassifier",
    "GraphConv",
    "GraphDepth",
    "HeteroConv",
    "HybridPooling",
    "ProductQuantizer",
    "PyramidHybridPooling",
    "Quantized",
    "SAGEConv",
    "Standardize",
    "SurvivalHead",
    "UserClipConv",
    "UserHistory",
    "VideoEncoder",
    "kmeans_codebooks",
    "time_levels",
]
