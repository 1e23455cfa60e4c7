"""Layers and encoders: tensors in, vectors out."""

from .graph_conv import GraphConv
from .hetero_conv import HeteroConv
from .sage_conv import SAGEConv
from .standardize import Standardize
from .video_encoder import VideoEncoder

__all__ = ["GraphConv", "HeteroConv", "SAGEConv", "Standardize", "VideoEncoder"]
