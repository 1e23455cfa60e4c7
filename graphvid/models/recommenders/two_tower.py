"""Two towers: users by an embedding, items by what they look like, learnt with in-batch and cross-batch negatives."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import Tensor, nn
from torch.nn.functional import normalize

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
    feature_mean, feature_scale : Tensor of float64, shape (columns,)
        What the features are shifted and scaled by; with content towers only.

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
    feature_mean: Tensor
    feature_scale: Tensor

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
                known = np.unique(self.histories.indices.numpy())
                mean, deviation = inputs[known].mean(axis=0), inputs[known].std(axis=0)
                self.register_buffer("feature_mean", torch.from_numpy(mean))
                self.register_buffer("feature_scale", torch.from_numpy(np.where(deviation > 0, deviation, 1.0)))
                scaled = _scaled(inputs, self.feature_mean, self.feature_scale)
                self.register_buffer("features", scaled, persistent=False)
                self.items = _network(inputs.shape[1], config)

    def encode(self, users: Tensor, items: Tensor, left_out: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Return the users' rows and the items' images; see `Recommender.encode`."""
        read = items if self.config.item_tower == "id" else self.features[items]
        return self.users.of(users), self.items(read)

    def _inputs(self, features: Mapping[str, ArrayLike]) -> NDArray[np.float64]:
        """Return the features of all items side by side."""
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
        return np.concatenate(tables, axis=1)


def embed_items(
    weights: Mapping[str, Tensor], features: Mapping[str, ArrayLike], config: TwoTowerConfig
) -> NDArray[np.float32]:
    """Return the vectors of items that need not have been there in training, from the weights of a `TwoTower`.

    Parameters
    ----------
    weights : mapping of str to Tensor
        Its ``state_dict()``.
    features : mapping of str to array_like, each of shape (num_items, columns)
        The modalities of training, in their order.
    config : TwoTowerConfig
        Its options.

    Returns
    -------
    ndarray of float32, shape (num_items, dim)
        Unit rows, unless ``config.similarity`` is the product.

    Raises
    ------
    ValueError
        For a tower that knows items by their ids alone, or another number of columns.
    """
    if "feature_mean" not in weights:
        raise ValueError("weights must be those of a content tower; this one knows items by their ids alone")
    mean, scale = weights["feature_mean"], weights["feature_scale"]
    inputs = np.concatenate([np.asarray(table, dtype=np.float64) for table in features.values()], axis=1)
    if inputs.shape[1] != len(mean):
        raise ValueError(f"features must have {len(mean)} columns together, got {inputs.shape[1]}")
    network = _network(len(mean), config)
    network.load_state_dict(
        {name.removeprefix("items."): value for name, value in weights.items() if name.startswith("items.")}
    )
    with torch.no_grad():
        vectors: Tensor = network(_scaled(inputs, mean, scale))
    if config.similarity == "cosine":
        vectors = normalize(vectors, eps=1e-12)
    return np.asarray(vectors.numpy(), dtype=np.float32)


def _network(columns: int, config: TwoTowerConfig) -> nn.Sequential:
    return nn.Sequential(nn.Linear(columns, config.hidden), nn.ReLU(), nn.Linear(config.hidden, config.dim))


def _scaled(inputs: NDArray[np.float64], mean: Tensor, scale: Tensor) -> Tensor:
    return torch.from_numpy(((inputs - mean.numpy()) / scale.numpy()).astype(np.float32))
