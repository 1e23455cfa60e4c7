"""Graphs as tensors on any device: what samplers draw from and losses mask by."""

from __future__ import annotations

from graphvid.ops.neighbors import NeighborTable

__all__ = ["NeighborTable"]
