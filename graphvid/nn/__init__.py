"""Layers and encoders: tensors in, vectors out."""

from .clip_scorer import ClipScorer
from .coherence import MentionRelations, PairCoherence, with_dummies
from .context_attention import ContextAttention
from .context_embedding import ContextEmbedding
from .graph_conv import GraphConv
from .hetero_conv import HeteroConv
from .local_score import LocalScore
from .max_product import AssignmentLayout, max_product
from .sage_conv import SAGEConv
from .skip_heads import CompletionHead, SurvivalHead
from .standardize import Standardize
from .user_clip_conv import UserClipConv
from .user_history import UserHistory
from .video_encoder import VideoEncoder

__all__ = [
    "AssignmentLayout",
    "ClipScorer",
    "CompletionHead",
    "ContextAttention",
    "ContextEmbedding",
    "GraphConv",
    "HeteroConv",
    "LocalScore",
    "MentionRelations",
    "PairCoherence",
    "SAGEConv",
    "Standardize",
    "SurvivalHead",
    "UserClipConv",
    "UserHistory",
    "VideoEncoder",
    "max_product",
    "with_dummies",
]
