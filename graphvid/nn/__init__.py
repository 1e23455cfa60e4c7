"""Layers and encoders: tensors in, vectors out."""

from .clip_scorer import ClipScorer
from .cross_modal import CrossModalTransformer, masked_mean
from .frame_difference import FrameDifference
from .graph_conv import GraphConv
from .hetero_conv import HeteroConv
from .next_vlad import NeXtVLAD
from .sage_conv import SAGEConv
from .se_fusion import SEFusion
from .skip_heads import CompletionHead, SurvivalHead
from .standardize import Standardize
from .text_encoder import OneStreamTransformer, TextEncoder
from .user_clip_conv import UserClipConv
from .user_history import UserHistory
from .video_encoder import VideoEncoder

__all__ = [
    "ClipScorer",
    "CompletionHead",
    "CrossModalTransformer",
    "FrameDifference",
    "GraphConv",
    "HeteroConv",
    "NeXtVLAD",
    "OneStreamTransformer",
    "SAGEConv",
    "SEFusion",
    "Standardize",
    "SurvivalHead",
    "TextEncoder",
    "UserClipConv",
    "UserHistory",
    "VideoEncoder",
    "masked_mean",
]
