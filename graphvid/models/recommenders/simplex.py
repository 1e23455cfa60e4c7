"""SimpleX: a user's own vector mixed with a mean of what they took, under the cosine contrastive loss."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.functional import embedding

from graphvid._dgl import DGLGraph
from graphvid._random import seeded
from graphvid.models.recommenders.base import WEIGHT_STREAM, Recommender
from graphvid.models.recommenders.config import SimpleXConfig
from graphvid.nn import UserHistory
from graphvid.nn.row_table import RowTable
from graphvid.sampling import history_block


class SimpleX(Recommender):
    r"""Score an item by its cosine with a user vector that message passing over the user-item graph makes.

    .. math:: h_u = g \, e_u + (1 - g) V p_u, \qquad s(u, i) = \cos(h_u, e_i)

    with :math:`p_u` a weighted mean of the user's items, see `graphvid.nn.UserHistory`. A training edge (u, i) reads
    the history of u without i; afterwards, all of it is read.

    Parameters
    ----------
    graph : DGLGraph
        From `graphvid.graphs.user_item_graph`.
    config : SimpleXConfig, optional
        Options.

    Attributes
    ----------
    users, items : RowTable
        :math:`e_u` and :math:`e_i`.
    history_items : RowTable or None
        The items as they are in histories, where they have a table of their own.
    history : UserHistory
        The aggregation.

    Raises
    ------
    TypeError
        For something else than a DGLGraph, or the options of another model.
    ValueError
        For a graph without edges or of another kind.

    Notes
    -----
    Histories are read whole; the published runs cut those longer than 500 items, but for Gowalla and CiteULike-A. The
    penalty ``l2`` falls on the tables alone.

    References
    ----------
    Mao et al., "SimpleX: A Simple and Strong Baseline for Collaborative Filtering", CIKM 2021.

    Examples
    --------
    >>> from graphvid.data import Interactions
    >>> from graphvid.graphs import user_item_graph
    >>> graph = user_item_graph(Interactions.from_pairs([0, 1, 1], [2, 0, 2]))
    >>> users, items = SimpleX(graph, SimpleXConfig(dim=8)).embed()
    >>> users.shape, items.shape
    (torch.Size([2, 8]), torch.Size([3, 8]))
    """

    config: SimpleXConfig

    def __init__(self, graph: DGLGraph, config: SimpleXConfig | None = None) -> None:
        config = config if config is not None else SimpleXConfig()
        super().__init__(graph, config, SimpleXConfig)
        longest = int(self.histories.indptr.diff().max()) if config.count_padding else None
        with seeded(config.seed, WEIGHT_STREAM):
            self.users = RowTable(self.num_users, config.dim, config.init_std)
            self.items = RowTable(self.num_items, config.dim, config.init_std)
            self.history_items = None
            if not config.share_history_embedding:
                self.history_items = RowTable(self.num_items, config.dim, config.init_std)
            self.history = UserHistory(config.dim, config.aggregator, padded_length=longest)

    def encode(self, users: Tensor, items: Tensor, left_out: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Mix the users' rows and their histories; see `Recommender.encode`."""
        own = self.users.of(users)
        if self.history_items is not None:
            block = history_block(self.histories, users, left_out)
            read, of_items = self.history_items(block.src_ids), self.items(items)
        else:
            block = history_block(self.histories, users, left_out, also=items)
            read = self.items(block.src_ids)
            place = torch.searchsorted(block.src_ids, items)
            of_items = embedding(place, read, sparse=True)  # its gradient is a few rows beside those of all histories
        asking = own if self.config.aggregator == "user_attention" else None
        taken = self.history(block.adjacency, read, asking)
        return self.config.gate * own + (1 - self.config.gate) * taken, of_items
