"""Two towers: users by an embedding, items by what they look like, learnt with in-batch and cross-batch negatives."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import torch
from numpy.typing import ArrayLike
from torch import Tensor, nn

from graphvid._dgl import DGLGraph
from graphvid._random import seeded
from graphvid.models.recommenders.base import WEIGHT_STREAM, Recommender
from graphvid.models.recommenders.config import TwoTowerConfig
from graphvid.nn.row_table import RowTable


class TwoTower(Recommender):
    r"""Score a user and an item by the cosine of a learnt user vector and a network's image of the item's features.

    .. math:: s(u, i) = \cos(e_u, W_2 \operatorname{ReLU}(W_1 x_i + b_1) + b_2)

    with :math:`x_i` the item's features, each column shifted and scaled over the items that have training edges. An item
    that nobody has taken gets a vector like any other. With ``item_tower="id"``, :math:`e_i` takes the network's place.

    Parameters
    ----------
    graph : DGLGraph
        From `graphvid.graphs.user_item_graph`.
    features : mapping of str to array_like, each of shape (num_items, columns)
        Finite features of the items by modality, put side by side; None with ``item_tower="id"``, and only then.
    config : TwoTowerConfig, optional
        Options.

    Attributes
    ----------
    users : RowTable
        :math:`e_u`.
    items : Sequential or RowTable
        The network, or :math:`e_i`.

    Raises
    ------
    TypeError
        For something else than a DGLGraph, features that are no mapping, or the options of another model.
    ValueError
        For a graph without edges or of another kind, features that are absent, there without need, of another number of
        rows or not finite.

    References
    ----------
    Yi et al., "Sampling-bias-corrected neural modeling for large corpus item recommendations", RecSys 2019. Wang, Zhu
    and He, "Cross-Batch Negative Sampling for Training Two-Tower Recommenders", SIGIR 2021.

    Examples
    --------
    >>> from graphvid.data import Interactions
    >>> from graphvid.graphs import user_item_graph
    >>> graph = user_item_graph(Interactions.from_pairs([0, 1, 1], [2, 0, 2]))
    >>> users, items = TwoTower(graph, {"image": np.eye(3)}).embed()
    >>> users.shape, items.shape
    (torch.Size([2, 64]), torch.Size([3, 64]))
    """

    config: TwoTowerConfig
    features: Tensor

    def __init__(
        self, graph: DGLGraph, features: Mapping[str, ArrayLike] | None = None, config: TwoTowerConfig | None = None
    ) -> None:
        config = config if config is not None else TwoTowerConfig()
        super().__init__(graph, config, TwoTowerConfig)
        if features is not None and not isinstance(features, Mapping):
            raise TypeError(f"features must map names to tables, got {type(features).__name__}")
        if (features is None) != (config.item_tower == "id"):
            raise ValueError(
                f"features must be given with item_tower 'content' and be None with 'id', got item_tower "
                f"{config.item_tower!r} and features {'None' if features is None else sorted(features)}"
            )
        self.items: nn.Module
        with seeded(config.seed, WEIGHT_STREAM):
            self.users = RowTable(self.num_users, config.dim, config.init_std)
            if features is None:
                self.items = RowTable(self.num_items, config.dim, config.init_std)
            else:
                inputs = self._inputs(features)
                self.register_buffer("features", inputs, persistent=False)
                self.items = nn.Sequential(
                    nn.Linear(inputs.shape[1], config.hidden), nn.ReLU(), nn.Linear(config.hidden, config.dim)
                )

    def encode(self, users: Tensor, items: Tensor, left_out: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Return the users' rows and the items' images; see `Recommender.encode`."""
        read = items if self.config.item_tower == "id" else self.features[items]
        return self.users.of(users), self.items(read)

    def _inputs(self, features: Mapping[str, ArrayLike]) -> Tensor:
        """Return the standardised features of all items side by side."""
        tables = []
        for name, given in features.items():
            table = np.asarray(given, dtype=np.float64)
            if table.ndim != 2 or len(table) != self.num_items:
                raise ValueError(f"features {name!r} must have shape ({self.num_items}, columns), got {table.shape}")
            if not np.isfinite(table).all():
                row, column = np.argwhere(~np.isfinite(table))[0]
                raise ValueError(
                    f"features {name!r} must be finite, got {table[row, column]} in row {row}, column {column}"
                )
            tables.append(table)
        everything = np.concatenate(tables, axis=1)
        known = np.unique(self.histories.indices.numpy())
        mean, deviation = everything[known].mean(axis=0), everything[known].std(axis=0)
        scaled = (everything - mean) / np.where(deviation > 0, deviation, 1.0)
        return torch.from_numpy(scaled.astype(np.float32))
