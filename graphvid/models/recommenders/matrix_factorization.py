"""A vector for every user and every item: what matrix factorisation learns, with any loss."""

from __future__ import annotations

from torch import Tensor

from graphvid._dgl import DGLGraph
from graphvid._random import seeded
from graphvid.models.recommenders.base import WEIGHT_STREAM, Recommender
from graphvid.models.recommenders.config import MFConfig
from graphvid.nn.row_table import RowTable


class MatrixFactorization(Recommender):
    r"""Score a user and an item by the product, or the cosine, of two learnt vectors.

    .. math:: s(u, i) = \cos(e_u, e_i) \quad \text{or} \quad e_u \cdot e_i

    With the cosine contrastive loss and many negatives, the default, this is MF-CCL; with ``MFConfig.preset("bpr")``
    it is BPR-MF.

    Parameters
    ----------
    graph : DGLGraph
        From `graphvid.graphs.user_item_graph`.
    config : MFConfig, optional
        Options.

    Attributes
    ----------
    users, items : RowTable
        The vectors.

    Raises
    ------
    TypeError
        For something else than a DGLGraph, or the options of another model.
    ValueError
        For a graph without edges or of another kind.

    References
    ----------
    Mao et al., "SimpleX: A Simple and Strong Baseline for Collaborative Filtering", CIKM 2021. Rendle et al., "BPR:
    Bayesian Personalized Ranking from Implicit Feedback", UAI 2009.

    Examples
    --------
    >>> from graphvid.data import Interactions
    >>> from graphvid.graphs import user_item_graph
    >>> graph = user_item_graph(Interactions.from_pairs([0, 1, 1], [2, 0, 2]))
    >>> users, items = MatrixFactorization(graph, MFConfig(dim=8)).embed()
    >>> users.shape, items.shape
    (torch.Size([2, 8]), torch.Size([3, 8]))
    """

    config: MFConfig

    def __init__(self, graph: DGLGraph, config: MFConfig | None = None) -> None:
        config = config if config is not None else MFConfig()
        super().__init__(graph, config, MFConfig)
        with seeded(config.seed, WEIGHT_STREAM):
            self.users = RowTable(self.num_users, config.dim, config.init_std)
            self.items = RowTable(self.num_items, config.dim, config.init_std)

    def encode(self, users: Tensor, items: Tensor, left_out: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Return the rows of the tables; see `Recommender.encode`."""
        return self.users.of(users), self.items(items)
