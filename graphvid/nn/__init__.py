"""Layers and encoders: tensors in, vectors out."""

from .check_in_embedding import CheckInEmbedding
from .clip_scorer import ClipScorer
from .graph_conv import GraphConv
from .hetero_conv import HeteroConv
from .interest_attention import Attended, InterestAttention
from .ragged_gru import RaggedGRU
from .sage_conv import SAGEConv
from .skip_heads import CompletionHead, SurvivalHead
from .standardize import Standardize
from .user_clip_conv import UserClipConv
from .user_history import UserHistory
from .video_encoder import VideoEncoder

__all__ = [
    "Attended",
    "CheckInEmbedding",
    "ClipScorer",
    "CompletionHead",
    "GraphConv",
    "HeteroConv",
    "InterestAttention",
    "RaggedGRU",
    "SAGEConv",
    "Standardize",
    "SurvivalHead",
    "UserClipConv",
    "UserHistory",
    "VideoEncoder",
]
