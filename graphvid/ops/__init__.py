"""Message passing on any device: relations as tensors, with kernels for the CPU, for CUDA, and in PyTorch for the rest."""

from __future__ import annotations

from graphvid.ops.adjacency import Adjacency
from graphvid.ops.backends import available_backends, use_backend
from graphvid.ops.neighbors import NeighborTable
from graphvid.ops.relations import Relations
from graphvid.ops.segment import MeanMaxima, segment_logsumexp, segment_mean_max, segment_reduce

__all__ = [
    "Adjacency",
    "MeanMaxima",
    "NeighborTable",
    "Relations",
    "available_backends",
    "segment_logsumexp",
    "segment_mean_max",
    "segment_reduce",
    "use_backend",
]
