"""Graph and tree to batches of node ids: triplets with negatives from the cluster hierarchy, blocks of neighbours."""

from __future__ import annotations

from graphvid.sampling.neighbor_sampler import Block, NeighborPicks, NeighborSampler, sample_neighbors, to_block
from graphvid.sampling.neighbors import neighbor_table
from graphvid.sampling.triplets import TripletBatch, TripletSampler

__all__ = [
    "Block",
    "NeighborPicks",
    "NeighborSampler",
    "TripletBatch",
    "TripletSampler",
    "neighbor_table",
    "sample_neighbors",
    "to_block",
]
