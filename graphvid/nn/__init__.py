"""Layers and encoders: tensors in, vectors out."""

from .check_in_embedding import CheckInEmbedding
from .clip_scorer import ClipScorer
from .coherence import MentionRelations, PairCoherence, with_dummies
from .context_attention import ContextAttention
from .context_embedding import ContextEmbedding
from .cosine_classifier import CosineClassifier
from .cross_modal import CrossModalTransformer, masked_mean
from .frame_difference import FrameDifference
from .graph_conv import GraphConv
from .graph_depth import GraphDepth
from .hetero_conv import HeteroConv
from .hybrid_pooling import HybridPooling
from .interest_attention import Attended, InterestAttention
from .kmeans import kmeans_codebooks
from .local_score import LocalScore
from .max_product import AssignmentLayout, max_product
from .next_vlad import NeXtVLAD
from .product_quantizer import ProductQuantizer, Quantized
from .pyramid_pooling import PyramidHybridPooling, time_levels
from .ragged_gru import RaggedGRU
from .sage_conv import SAGEConv
from .se_fusion import SEFusion
from .skip_heads import CompletionHead, SurvivalHead
from .standardize import Standardize
from .text_encoder import OneStreamTransformer, TextEncoder
from .user_clip_conv import UserClipConv
from .user_history import UserHistory
from .video_encoder import VideoEncoder

__all__ = [
    "AssignmentLayout",
    "Attended",
    "CheckInEmbedding",
    "ClipScorer",
    "CompletionHead",
    "ContextAttention",
    "ContextEmbedding",
    "CosineClassifier",
    "CrossModalTransformer",
    "FrameDifference",
    "GraphConv",
    "GraphDepth",
    "HeteroConv",
    "HybridPooling",
    "InterestAttention",
    "LocalScore",
    "MentionRelations",
    "NeXtVLAD",
    "OneStreamTransformer",
    "PairCoherence",
    "ProductQuantizer",
    "PyramidHybridPooling",
    "Quantized",
    "RaggedGRU",
    "SAGEConv",
    "SEFusion",
    "Standardize",
    "SurvivalHead",
    "TextEncoder",
    "UserClipConv",
    "UserHistory",
    "VideoEncoder",
    "kmeans_codebooks",
    "masked_mean",
    "max_product",
    "time_levels",
    "with_dummies",
]
