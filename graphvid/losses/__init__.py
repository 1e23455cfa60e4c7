"""What happens on sampled edges: losses and miners over embeddings and video ids, without files, frames or graphs."""

from __future__ import annotations

from graphvid.losses.in_batch_softmax import InBatchSoftmaxLoss
from graphvid.losses.neighbor_softmax import NeighborSoftmaxLoss
from graphvid.losses.semi_hard import MinedTriplets, SemiHardMiner
from graphvid.losses.skips import clip_order_loss, completion_loss, cross_view_loss, observed_clip_loss
from graphvid.losses.triplet import TripletLoss, squared_distance

__all__ = [
    "InBatchSoftmaxLoss",
    "MinedTriplets",
    "NeighborSoftmaxLoss",
    "SemiHardMiner",
    "TripletLoss",
    "clip_order_loss",
    "completion_loss",
    "cross_view_loss",
    "observed_clip_loss",
    "squared_distance",
]
