"""A negative sampler for DGL's own edge samplers, with negatives from the cluster hierarchy."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from typing import TYPE_CHECKING, get_args

import numpy as np
import torch
from torch import Tensor

from graphvid._checks import check_choice, check_count, check_seed
from graphvid._dgl import DGLGraph
from graphvid.sampling import _kernels
from graphvid.sampling._stream import stream_key
from graphvid.sampling.triplet_tables import By, Pool, triplet_tables

if TYPE_CHECKING:
    from graphvid.clustering import ClusterTree

_MOST_EPOCHS = 2**31 - 1


class ClusterNegatives:
    r"""Draw negatives for the edges of a batch as `TripletSampler` does, with the interface of a DGL negative sampler.

    With ``dgl.dataloading.as_edge_prediction_sampler(block_sampler, negative_sampler=ClusterNegatives(graph, tree))`` DGL's
    loop trains a graph encoder on triplets: the source of an edge is the anchor, its destination the positive, and the
    negative is uniform over the pool of a level around the anchor; see `TripletSampler` for the pools.

    Parameters
    ----------
    graph : DGLGraph
        Training graph, one relation that stores both directions of every edge once: the graph of the loader.
    tree : ClusterTree or None
        Hierarchy of the same videos; None if all negatives come from all videos.
    num_negatives : int, default 1
        Independent negatives for each edge.
    level_probs, pool, by, exclude_neighbors, seed
        As in `TripletSampler`.

    Attributes
    ----------
    epoch : int
        Part of the key of the random stream, from 0. Increase it every epoch: otherwise a batch of the same edges gets the
        same negatives again.

    Raises
    ------
    TypeError, ValueError
        As `TripletSampler` raises. An anchor without a possible negative raises only when one of its edges is drawn.

    Notes
    -----
    The negatives of a batch depend only on seed, epoch and the edge ids of the batch, not on earlier batches or the number of
    workers. `TripletSampler` draws anchors uniformly; uniform edges give anchors in proportion to their number of neighbours.
    For the same distribution draw edges with weight 1 over the degree of their source.

    Exclusion is exact and without rejection: O(log degree) time a negative.

    Examples
    --------
    >>> from graphvid._dgl import dgl
    >>> from graphvid.clustering import affinity_clustering
    >>> ring = torch.arange(12)
    >>> graph = dgl.to_bidirected(dgl.graph((ring, (ring + 1) % 12)))
    >>> graph.edata["weight"] = torch.ones(graph.num_edges())
    >>> draw = ClusterNegatives(graph, affinity_clustering(graph, num_levels=3), num_negatives=2)
    >>> anchor, negative = draw(graph, torch.tensor([0, 5]))
    >>> anchor.tolist() == graph.find_edges(torch.tensor([0, 0, 5, 5]))[0].tolist()
    True
    >>> bool(graph.has_edges_between(anchor, negative).any())
    False
    """

    def __init__(
        self,
        graph: DGLGraph,
        tree: ClusterTree | None,
        *,
        num_negatives: int = 1,
        level_probs: Sequence[float] = (1.0, 0.0, 0.0, 0.0),
        pool: Pool = "sibling",
        by: By = "video",
        exclude_neighbors: bool = True,
        seed: int = 0,
    ) -> None:
        check_choice("pool", pool, get_args(Pool))
        check_choice("by", by, get_args(By))
        self.num_negatives = check_count("num_negatives", num_negatives, 1, 2**31 - 1)
        self.seed = check_seed(seed)
        self.exclude_neighbors = bool(exclude_neighbors)
        self.epoch = 0
        self._tables, _ = triplet_tables(
            graph, tree, level_probs, pool, by, "uniform", self.exclude_neighbors, on_shortfall="skip"
        )
        self._num_nodes = graph.num_nodes()
        self._may_be_anchor = np.zeros(self._num_nodes, dtype=np.bool_)
        self._may_be_anchor[self._tables.anchors] = True

    def __call__(self, graph: DGLGraph, eids: Tensor) -> tuple[Tensor, Tensor]:
        """Return anchors and negatives, each of shape (num_negatives * len(eids),): the ends of negative edges.

        Parameters
        ----------
        graph : DGLGraph
            The graph of the loader, with the videos that the sampler was made for.
        eids : Tensor of int64, shape (num_edges,)
            Edges whose sources are the anchors.

        Raises
        ------
        TypeError
            Edge ids are given by type, but the graph must have one relation.
        ValueError
            A graph of another size, an ``epoch`` out of range, or an anchor whose neighbours are all other videos.
        """
        if not isinstance(eids, Tensor):
            raise TypeError(f"eids must be a tensor, of a graph with one relation, got {type(eids).__name__}")
        if graph.num_nodes() != self._num_nodes:
            raise ValueError(f"graph must have the {self._num_nodes} nodes of the sampler, got {graph.num_nodes()}")
        source, destination = graph.find_edges(eids)
        anchor, positive = (
            end.cpu().numpy().astype(np.int64).repeat(self.num_negatives) for end in (source, destination)
        )
        barred = anchor[~self._may_be_anchor[anchor]]
        if len(barred):
            raise ValueError(f"eids must leave every anchor a possible negative, got anchor {barred[0]} without one")
        epoch = check_count("epoch", self.epoch, 0, _MOST_EPOCHS)
        step = (epoch << 32) + zlib.crc32(eids.cpu().numpy().astype(np.int64).tobytes())
        negative, _, _ = _kernels.draw_negatives(
            self._tables, stream_key(self.seed, step), anchor, positive, self.exclude_neighbors
        )
        return tuple(torch.from_numpy(end).to(source) for end in (anchor, negative))  # type: ignore[return-value] # two
