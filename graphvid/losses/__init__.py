"""Losses and miners on sampled edges; they take embeddings and video ids, but no files, frames or graphs."""

from __future__ import annotations

from graphvid.losses.binary_cross_entropy import BCELoss
from graphvid.losses.bpr import BPRLoss
from graphvid.losses.candidate_ranking import CandidateRankingLoss
from graphvid.losses.code_memory import CodeEntries, CodeMemory
from graphvid.losses.codewords import assignment_entropy, codeword_diversity
from graphvid.losses.cosine_contrastive import CosineContrastiveLoss
from graphvid.losses.cross_batch import CrossBatchNegatives, MemoryEntries
from graphvid.losses.debiased_contrastive import AnchorLosses, DebiasedContrastiveLoss
from graphvid.losses.edge_contrast import EdgeInfoNCE, EdgeMargin
from graphvid.losses.in_batch_softmax import InBatchSoftmaxLoss
from graphvid.losses.known_positives import known_positive_mask, own_item_mask
from graphvid.losses.map_agreement import flip_consistency, map_consistency
from graphvid.losses.neighbor_softmax import NeighborSoftmaxLoss
from graphvid.losses.pair_regression import PairRegressionLoss
from graphvid.losses.sampled_softmax import SampledSoftmaxLoss
from graphvid.losses.semi_hard import MinedTriplets, SemiHardMiner
from graphvid.losses.skips import clip_order_loss, completion_loss, cross_view_loss, observed_clip_loss
from graphvid.losses.tags import AsymmetricTagLoss, TagBCELoss
from graphvid.losses.triplet import TripletLoss, squared_distance

__all__ = [
    "AnchorLosses",
    "AsymmetricTagLoss",
    "BCELoss",
    "BPRLoss",
    "CandidateRankingLoss",
    "CodeEntries",
    "CodeMemory",
    "CosineContrastiveLoss",
    "CrossBatchNegatives",
    "DebiasedContrastiveLoss",
    "EdgeInfoNCE",
    "EdgeMargin",
    "InBatchSoftmaxLoss",
    "MemoryEntries",
    "MinedTriplets",
    "NeighborSoftmaxLoss",
    "PairRegressionLoss",
    "SampledSoftmaxLoss",
    "SemiHardMiner",
    "TagBCELoss",
    "TripletLoss",
    "assignment_entropy",
    "clip_order_loss",
    "codeword_diversity",
    "completion_loss",
    "cross_view_loss",
    "flip_consistency",
    "known_positive_mask",
    "map_consistency",
    "observed_clip_loss",
    "own_item_mask",
    "squared_distance",
]
