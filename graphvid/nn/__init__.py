"""Layers and encoders: tensors in, vectors out."""

from .check_in_embedding import CheckInEmbedding
from .clip_scorer import ClipScorer
from .cosine_classifier import CosineClassifier
from .coherence import MentionRelations, PairCoherence, with_dummies
from .context_attention import ContextAttention
from .context_embedding import ContextEmbedding
from .graph_conv import GraphConv
from .graph_depth import GraphDepth
from .hetero_conv import HeteroConv
from .hybrid_pooling import HybridPooling, PyramidHybridPooling, time_levels
from .kmeans import kmeans_codebooks
from .product_quantizer import ProductQuantizer, Quantized
from .interest_attention import Attended, InterestAttention
from .ragged_gru import RaggedGRU
from .local_score import LocalScore
from .max_product import AssignmentLayout, max_product
from .sage_conv import SAGEConv
from .skip_heads import CompletionHead, SurvivalHead
from .standardize import Standardize
from .user_clip_conv import UserClipConv
from .user_history import UserHistory
from .video_encoder import VideoEncoder

__all__ = [
    "Attended",
    "CheckInEmbedding",
    "AssignmentLayout",
    "ClipScorer",
    "CompletionHead",
    "ContextAttention",
    "ContextEmbedding",
    "GraphConv",
    "CosineClassifier",
    "GraphConv",
    "GraphDepth",
    "HeteroConv",
    "HybridPooling",
    "ProductQuantizer",
    "PyramidHybridPooling",
    "Quantized",
    "InterestAttention",
    "RaggedGRU",
    "LocalScore",
    "MentionRelations",
    "PairCoherence",
    "SAGEConv",
    "Standardize",
    "SurvivalHead",
    "UserClipConv",
    "UserHistory",
    "VideoEncoder",
    "kmeans_codebooks",
    "time_levels",
    "max_product",
    "with_dummies",
]
