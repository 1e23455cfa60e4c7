"""LightGCN: vectors of users and items, averaged over the hops of the user-item graph."""

from __future__ import annotations

import torch
from torch import Tensor

from graphvid._dgl import DGLGraph
from graphvid._random import seeded
from graphvid.models.recommenders.base import WEIGHT_STREAM, EdgeBatch, Recommender
from graphvid.models.recommenders.config import LightGCNConfig
from graphvid.nn.row_table import RowTable
from graphvid.ops import Adjacency


class LightGCN(Recommender):
    r"""Score a user and an item by the product of vectors that are means over the layers of a linear propagation.

    .. math:: E^{(k+1)} = D^{-1/2} A D^{-1/2} E^{(k)}, \qquad
        E = \frac{1}{K + 1} \sum_{k=0}^{K} E^{(k)}, \qquad s(u, i) = e_u \cdot e_i

    with A the bipartite graph of training edges in both directions, D its degrees, and K = ``config.num_layers``.

    Parameters
    ----------
    graph : DGLGraph
        From `graphvid.graphs.user_item_graph`.
    config : LightGCNConfig, optional
        Options.

    Attributes
    ----------
    users, items : RowTable
        :math:`E^{(0)}`.
    to_users, to_items : Adjacency
        The two directions of the graph with the symmetric norm.

    Raises
    ------
    TypeError
        For something else than a DGLGraph, or the options of another model.
    ValueError
        For a graph without edges or of another kind.

    Notes
    -----
    Every step propagates over the whole graph, forward and backward: O(num_layers * num_edges * dim) time, whatever the
    batch. The edge that a row predicts stays in the graph, as in the paper.

    References
    ----------
    He et al., "LightGCN: Simplifying and Powering Graph Convolution Network for Recommendation", SIGIR 2020, eq. 3-8.

    Examples
    --------
    >>> from graphvid.data import Interactions
    >>> from graphvid.graphs import user_item_graph
    >>> graph = user_item_graph(Interactions.from_pairs([0, 1, 1], [2, 0, 2]))
    >>> users, items = LightGCN(graph, LightGCNConfig(dim=8)).embed()
    >>> users.shape, items.shape
    (torch.Size([2, 8]), torch.Size([3, 8]))
    """

    config: LightGCNConfig

    def __init__(self, graph: DGLGraph, config: LightGCNConfig | None = None) -> None:
        config = config if config is not None else LightGCNConfig()
        super().__init__(graph, config, LightGCNConfig)
        self.to_users = Adjacency.from_dgl(graph, ("item", "watched_by", "user"), norm="both")
        self.to_items = self.to_users.t()
        with seeded(config.seed, WEIGHT_STREAM):
            self.users = RowTable(self.num_users, config.dim, config.init_std)
            self.items = RowTable(self.num_items, config.dim, config.init_std)

    def encode(self, users: Tensor, items: Tensor, left_out: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Propagate over the whole graph and take the rows; see `Recommender.encode`."""
        of_users: Tensor = self.users.weight
        of_items: Tensor = self.items.weight
        user_layers, item_layers = [of_users], [of_items]
        for _ in range(self.config.num_layers):
            of_users, of_items = self.to_users.spmm(of_items), self.to_items.spmm(of_users)
            user_layers.append(of_users)
            item_layers.append(of_items)
        mean_users, mean_items = (torch.stack(layers).mean(dim=0) for layers in (user_layers, item_layers))
        return mean_users[users], mean_items[items]

    def penalty(self, batch: EdgeBatch) -> Tensor:
        """Return the penalty on the initial embeddings of the batch's edges."""
        squares = self.users.of(batch.user).square().sum() + self.items.of(batch.item).square().sum()
        return 0.5 * self.config.batch_l2 * squares / len(batch.user)
