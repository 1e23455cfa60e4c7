"""Objective of a batch of triplets: the loss of `RelationalGraphClustering` and the statistics to log."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn

from graphvid.losses import (
    InBatchSoftmaxLoss,
    MinedTriplets,
    NeighborSoftmaxLoss,
    SemiHardMiner,
    TripletLoss,
    squared_distance,
)
from graphvid.ops import NeighborTable
from graphvid.sampling import TripletBatch

from .config import RGCConfig

Encode = Callable[[Tensor], Tensor]
Vectors = tuple[Tensor, Tensor, Tensor]  # of anchors, positives and negatives


class Objective(nn.Module):
    """The loss of a batch of triplets, with statistics of its negatives.

    Every loss mines the batch, because the share of rows that keep their own negative shows how hard the drawn negatives
    are. The loss uses the mined negatives only with ``config.mining``.

    Parameters
    ----------
    config : RGCConfig
        The loss and the options of the miner.
    """

    def __init__(self, config: RGCConfig) -> None:
        super().__init__()
        self.mining = config.mining
        self.miner = SemiHardMiner(config.margin, config.candidates, config.fallback)
        self.triplet = TripletLoss(config.margin)
        self.softmax = InBatchSoftmaxLoss(config.temperature)
        self.neighbor_softmax = NeighborSoftmaxLoss(config.temperature)
        self.kind = config.loss

    def forward(
        self, batch: TripletBatch, encode: Encode, neighbors: NeighborTable
    ) -> tuple[Tensor, dict[str, float | Tensor]]:
        """Return the loss and the statistics of one batch.

        Parameters
        ----------
        batch : TripletBatch
            Ids of shape ``(batch,)``.
        encode : callable
            From ids ``(n,)`` to unit rows ``(n, dim)``; called once, with every video of the batch once.
        neighbors : NeighborTable
            True neighbours of all videos.

        Returns
        -------
        loss : Tensor
            A scalar.
        statistics : dict
            The entries of `MinedTriplets.statistics`, ``distance_positive`` and ``distance_negative`` (mean squared
            distances in [0, 4] of the triplets of the loss), ``active_hinge_share``, ``distinct_videos``.
        """
        distinct, rows = torch.unique(torch.cat(batch), return_inverse=True)
        encoded = encode(distinct)
        anchor, positive, negative = (encoded[part] for part in rows.split(len(batch.anchor)))
        mined: MinedTriplets = self.miner(anchor, positive, negative, *batch, neighbors)
        triplets = self._harder((anchor, positive, negative), mined) if self.mining else (anchor, positive, negative)
        loss: Tensor
        if self.kind == "neighbor_softmax":
            loss = self.neighbor_softmax(encoded, distinct, neighbors)
        elif self.kind == "softmax":
            loss = self.softmax(anchor, positive, batch.anchor, batch.positive, neighbors)
        else:
            loss = self.triplet(*triplets)
        return loss, {**mined.statistics(), **self._distances(*triplets), "distinct_videos": float(len(distinct))}

    def _harder(self, vectors: Vectors, mined: MinedTriplets) -> Vectors:
        anchors, positives, negatives = mined.triplets
        return vectors[0][anchors], vectors[1][positives], self.miner.bank(*vectors)[negatives]

    @torch.no_grad()
    def _distances(self, anchor: Tensor, positive: Tensor, negative: Tensor) -> dict[str, float | Tensor]:
        near, far = squared_distance(anchor, positive), squared_distance(anchor, negative)
        active = near - far + self.triplet.margin > 0
        return {
            "distance_positive": near.mean(),
            "distance_negative": far.mean(),
            "active_hinge_share": active.float().mean(),
        }
