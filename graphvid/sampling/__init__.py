"""Samplers that draw batches of node ids from graph and tree: triplets with cluster negatives, blocks of neighbours.

`NeighborSampler` and its helpers need no DGL; the names that need it load on first use.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from graphvid._lazy import lazy_names
from graphvid.sampling._picks import NeighborPicks
from graphvid.sampling.blocks import Block, to_block
from graphvid.sampling.documents import DocumentBatch, DocumentBatches, Documents
from graphvid.sampling.frequency import StreamingFrequency
from graphvid.sampling.group_order import group_order
from graphvid.sampling.histories import history_block
from graphvid.sampling.item_negatives import ItemNegatives, ItemNegativeSampler
from graphvid.sampling.neighbor_sampler import NeighborSampler, sample_neighbors
from graphvid.sampling.pair_order import local_pair_order
from graphvid.sampling.requests import Requests
from graphvid.sampling.shuffled_batches import RowBatch, ShuffledBatches

if TYPE_CHECKING:
    from graphvid.sampling.check_in_chains import CheckInChains, Walks
    from graphvid.sampling.cluster_negatives import ClusterNegatives
    from graphvid.sampling.neighbors import neighbor_table
    from graphvid.sampling.triplets import TripletBatch, TripletSampler

__all__ = [
    "Block",
    "CheckInChains",
    "ClusterNegatives",
    "DocumentBatch",
    "DocumentBatches",
    "Documents",
    "ItemNegativeSampler",
    "ItemNegatives",
    "NeighborPicks",
    "NeighborSampler",
    "Requests",
    "RowBatch",
    "ShuffledBatches",
    "StreamingFrequency",
    "TripletBatch",
    "TripletSampler",
    "Walks",
    "group_order",
    "history_block",
    "local_pair_order",
    "neighbor_table",
    "sample_neighbors",
    "to_block",
]

_NEED_DGL = {
    **dict.fromkeys(("CheckInChains", "Walks"), "check_in_chains"),
    "ClusterNegatives": "cluster_negatives",
    "TripletBatch": "triplets",
    "TripletSampler": "triplets",
    "neighbor_table": "neighbors",
}

__getattr__, __dir__ = lazy_names(__name__, _NEED_DGL)
