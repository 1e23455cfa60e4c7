"""Layers and encoders: they map tensors to vectors."""

from .check_in_embedding import CheckInEmbedding
from .clip_encoder import ClipBackbone, ClipEncoder, ClipEncoding, Tiny3D
from .clip_layout import clip_frames, clip_tensor
from .clip_scorer import ClipScorer
from .clip_transforms import Appearance, AppearanceParams, ClipTransform, CropJitter, CropJitterParams
from .coherence import MentionRelations, PairCoherence, with_dummies
from .context_attention import ContextAttention
from .context_embedding import ContextEmbedding
from .cosine_classifier import CosineClassifier
from .cross_modal import CrossModalTransformer, masked_mean
from .feature_rows import FeatureRows, standardized_linear
from .frame_difference import FrameDifference
from .frame_order import (
    FrameEdit,
    FrameOrder,
    FrameReordering,
    FrameShuffle,
    Reverse,
    SegmentShuffle,
    order_similarity,
)
from .graph_conv import GraphConv
from .graph_depth import GraphDepth
from .hetero_conv import HeteroConv
from .hybrid_pooling import HybridPooling
from .interest_attention import Attended, InterestAttention
from .kmeans import kmeans_codebooks
from .local_score import LocalScore
from .max_product import AssignmentLayout, max_product
from .momentum_pair import MomentumPair
from .next_vlad import NeXtVLAD
from .other_segment import OtherSegment, SegmentPair, count_starts, sample_starts
from .product_quantizer import ProductQuantizer, Quantized
from .pyramid_pooling import PyramidHybridPooling, time_levels
from .ragged_gru import RaggedGRU
from .sage_conv import SAGEConv
from .se_fusion import SEFusion
from .skip_heads import CompletionHead, SurvivalHead
from .spatial_warp import RadialPush, RadialPushParams, SmoothWarp, SmoothWarpParams
from .square_transform import SquareParams, SquareTransform
from .standardize import Standardize
from .static_layer import (
    StaticLayerSwap,
    StaticLayerSwapParams,
    StaticMix,
    StaticMixParams,
    TCAFit,
    fit_tca,
    static_layer,
)
from .text_encoder import OneStreamTransformer, TextEncoder
from .torchvision3d import Torchvision3D
from .user_clip_conv import UserClipConv
from .user_history import UserHistory
from .video_encoder import VideoEncoder

__all__ = [
    "Appearance",
    "AppearanceParams",
    "AssignmentLayout",
    "Attended",
    "CheckInEmbedding",
    "ClipBackbone",
    "ClipEncoder",
    "ClipEncoding",
    "ClipScorer",
    "ClipTransform",
    "CompletionHead",
    "ContextAttention",
    "ContextEmbedding",
    "CosineClassifier",
    "CropJitter",
    "CropJitterParams",
    "CrossModalTransformer",
    "FeatureRows",
    "FrameDifference",
    "FrameEdit",
    "FrameOrder",
    "FrameReordering",
    "FrameShuffle",
    "GraphConv",
    "GraphDepth",
    "HeteroConv",
    "HybridPooling",
    "InterestAttention",
    "LocalScore",
    "MentionRelations",
    "MomentumPair",
    "NeXtVLAD",
    "OneStreamTransformer",
    "OtherSegment",
    "PairCoherence",
    "ProductQuantizer",
    "PyramidHybridPooling",
    "Quantized",
    "RadialPush",
    "RadialPushParams",
    "RaggedGRU",
    "Reverse",
    "SAGEConv",
    "SEFusion",
    "SegmentPair",
    "SegmentShuffle",
    "SmoothWarp",
    "SmoothWarpParams",
    "SquareParams",
    "SquareTransform",
    "Standardize",
    "StaticLayerSwap",
    "StaticLayerSwapParams",
    "StaticMix",
    "StaticMixParams",
    "SurvivalHead",
    "TCAFit",
    "TextEncoder",
    "Tiny3D",
    "Torchvision3D",
    "UserClipConv",
    "UserHistory",
    "VideoEncoder",
    "clip_frames",
    "clip_tensor",
    "count_starts",
    "fit_tca",
    "kmeans_codebooks",
    "masked_mean",
    "max_product",
    "order_similarity",
    "sample_starts",
    "standardized_linear",
    "static_layer",
    "time_levels",
    "with_dummies",
]
