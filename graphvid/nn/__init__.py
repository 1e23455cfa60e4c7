"""Layers and encoders: tensors in, vectors out."""

from .standardize import Standardize
from .video_encoder import VideoEncoder

__all__ = ["Standardize", "VideoEncoder"]
