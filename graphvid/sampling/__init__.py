"""Graph and tree to batches of node ids: triplets with negatives from the cluster hierarchy."""

from __future__ import annotations

from graphvid.sampling.neighbors import neighbor_table
from graphvid.sampling.triplets import TripletBatch, TripletSampler

__all__ = ["TripletBatch", "TripletSampler", "neighbor_table"]
