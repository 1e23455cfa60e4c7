"""What one batch of triplets is asked: the three losses of `RelationalGraphClustering` and the statistics they log."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn

from graphvid.losses import (
    InBatchSoftmaxLoss,
    NeighborSoftmaxLoss,
    NeighborTable,
    SemiHardMiner,
    TripletLoss,
    squared_distance,
)
from graphvid.sampling import TripletBatch

from .config import Loss, RGCConfig

Encode = Callable[[Tensor], Tensor]
Statistics = dict[str, float | Tensor]


class TripletObjective(nn.Module):
    """The paper's: hinge on the drawn negatives, or on harder ones mined from the batch."""

    def __init__(self, config: RGCConfig) -> None:
        super().__init__()
        self.loss = TripletLoss(config.margin)
        self.miner = SemiHardMiner(config.margin, config.candidates, config.fallback) if config.mining else None

    def forward(self, batch: TripletBatch, encode: Encode, neighbors: NeighborTable) -> tuple[Tensor, Statistics]:
        """Give the loss of the batch and the statistics of section 2.9 of the specification."""
        anchor, positive, negative = _encode_distinct(batch, encode)
        statistics: Statistics = {}
        if self.miner is not None:
            mined = self.miner(anchor, positive, negative, *batch, neighbors)
            statistics |= mined.statistics()
            negative = self.miner.bank(anchor, positive, negative)
            anchor, positive, negative = (
                x[rows] for x, rows in zip((anchor, positive, negative), mined.triplets, strict=True)
            )
        loss: Tensor = self.loss(anchor, positive, negative)
        with torch.no_grad():
            near, far = squared_distance(anchor, positive), squared_distance(anchor, negative)
            statistics |= {
                "distance_positive": near.mean(),
                "distance_negative": far.mean(),
                "active_hinge_share": (near - far + self.loss.margin > 0).float().mean(),
            }
        return loss, statistics


class SoftmaxObjective(nn.Module):
    """Tell the drawn positive of each anchor from the positives of the other rows; the drawn negatives are not used."""

    def __init__(self, config: RGCConfig) -> None:
        super().__init__()
        self.loss = InBatchSoftmaxLoss(config.temperature)

    def forward(self, batch: TripletBatch, encode: Encode, neighbors: NeighborTable) -> tuple[Tensor, Statistics]:
        """Give the loss of the batch and the mean distance of the positives."""
        pairs = (batch.anchor, batch.positive)
        anchor, positive = _encode_distinct(pairs, encode)
        loss: Tensor = self.loss(anchor, positive, *pairs, neighbors)
        return loss, {"distance_positive": squared_distance(anchor, positive).detach().mean()}


class NeighborSoftmaxObjective(nn.Module):
    """Tell the neighbours of every video of the batch from the rest of it: anchors, positives and negatives alike."""

    def __init__(self, config: RGCConfig) -> None:
        super().__init__()
        self.loss = NeighborSoftmaxLoss(config.temperature)

    def forward(self, batch: TripletBatch, encode: Encode, neighbors: NeighborTable) -> tuple[Tensor, Statistics]:
        """Give the loss of the batch and the number of distinct videos in it."""
        ids = torch.unique(torch.cat(batch))
        loss: Tensor = self.loss(encode(ids), ids, neighbors)
        return loss, {"distinct_videos": float(ids.numel())}


OBJECTIVES: dict[Loss, type[TripletObjective] | type[SoftmaxObjective] | type[NeighborSoftmaxObjective]] = {
    "triplet": TripletObjective,
    "softmax": SoftmaxObjective,
    "neighbor_softmax": NeighborSoftmaxObjective,
}


def _encode_distinct(ids: tuple[Tensor, ...], encode: Encode) -> tuple[Tensor, ...]:
    """Encode every distinct video once and give one row for every id."""
    distinct, rows = torch.unique(torch.cat(ids), return_inverse=True)
    vectors = encode(distinct)
    return tuple(vectors[part] for part in rows.split([len(part) for part in ids]))
