"""Relational graph clustering: a model that learns, from features, embeddings that place co-watched videos together."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any

import numpy as np
import torch
from lightning.pytorch.utilities.types import OptimizerLRSchedulerConfig
from numpy.typing import ArrayLike, NDArray
from torch import Tensor

from graphvid._checks import node_ids
from graphvid._dgl import DGLGraph
from graphvid._random import seeded
from graphvid.clustering import ClusterTree, affinity_clustering
from graphvid.data import Features, Standardizer, Table
from graphvid.graphs import check_alignment
from graphvid.models.one_process import OneProcessModule
from graphvid.nn import Standardize
from graphvid.ops import NeighborTable
from graphvid.optim import cosine, staircase
from graphvid.sampling import TripletBatch, TripletSampler, neighbor_table

from .config import RGCConfig
from .encoders import Encoder, embed, make_network
from .fused import FusedEncoder
from .inputs import Tables, TrainingRows, tables_of
from .objective import Objective
from .raw_path import RawPath
from .skip import SkipEncoder

_DROPOUT_STREAM = 1  # streams of config.seed; the sampler and the initial weights have their own


class RelationalGraphClustering(OneProcessModule):
    """Train a `graphvid.nn.VideoEncoder` on triplets of a co-watch graph with negatives from its cluster hierarchy.

    One step draws triplets, encodes their videos, mines harder negatives if ``config.mining``, and updates the encoder so
    that a video comes nearer to its neighbours than to the negatives. The encoder embeds videos outside training from their
    features.

    Parameters
    ----------
    graph : DGLGraph
        Training graph with ``(video, co_watch, video)`` edges in both directions and ``edata["weight"]``, as
        `graphvid.graphs.co_watch_graph` returns it. Only training videos: a test video in it is a leak.
    features : Features, or mapping of str to table
        One table of shape ``(num_videos, dim)`` for every modality: a float array, a Tensor, a sparse matrix of SciPy or a
        `graphvid.data.MappedTable`; the model never makes the last two dense or loads them completely. It compares the ids
        of `Features` with those of the graph; plain tables have no ids and are not checked.
    config : RGCConfig
        Options; the default is the preset for up to some 100,000 videos, ``RGCConfig.preset("paper")`` the published one.
    tree : ClusterTree, optional
        Hierarchy of ``graph``. Default: the model clusters the graph.
    rows : array_like of int, shape (num_nodes,), optional
        Row of the features of every node; the features may have more videos. Default: row i belongs to node i.

    Attributes
    ----------
    encoder : VideoEncoder or SkipEncoder
        The trained encoder; it standardises its input by the mean and deviation of ``features``.
    sampler : TripletSampler
        Draws the triplets and counts empty pools.

    Raises
    ------
    ValueError
        There is not one row of every modality for each node, the videos of the features or their order differ from the
        nodes, or an option is out of its range.

    Notes
    -----
    A step encodes each distinct video of its batch once. All randomness depends only on ``config.seed`` and the number of
    the step, so on the CPU a resumed training equals an uninterrupted one bit for bit.

    References
    ----------
    Lee et al., "Large Scale Video Representation Learning via Relational Graph Clustering", CVPR 2020.

    Examples
    --------
    >>> from graphvid.data import SyntheticCoWatch
    >>> from graphvid.graphs import co_watch_graph
    >>> world = SyntheticCoWatch(num_users=200, num_videos=120)
    >>> model = RelationalGraphClustering(co_watch_graph(world.log), world.features.modalities)
    >>> model.embed(world.features.modalities).shape
    (120, 64)
    """

    def __init__(
        self,
        graph: DGLGraph,
        features: Tables,
        config: RGCConfig | None = None,
        *,
        tree: ClusterTree | None = None,
        rows: ArrayLike | None = None,
    ) -> None:
        super().__init__()
        self.config = config = config if config is not None else RGCConfig()
        if isinstance(features, Features):
            check_alignment(graph, features, rows=rows)
        tables = tables_of(features)
        chosen = _rows_of_nodes(graph.num_nodes(), tables, rows)
        self.encoder = make_network({name: x.shape[1] for name, x in tables.items()}, config)
        for name, x in tables.items():
            fitted = Standardizer.fit(x, chosen)
            layer = self.encoder.standardize[name]
            assert isinstance(layer, Standardize)
            layer.set(torch.from_numpy(fitted.mean), torch.from_numpy(fitted.scale))
        if isinstance(self.encoder, SkipEncoder):
            self.encoder.raw.fit(config.skip, tables, chosen, seed=config.seed)
        self.features = TrainingRows(tables, chosen)
        if tree is None:
            tree = affinity_clustering(graph, num_levels=config.num_levels, linkage=config.linkage)
        self.sampler = TripletSampler(
            graph,
            tree,
            batch_size=config.batch_size,
            level_probs=config.level_probs,
            final_level_probs=config.final_level_probs,
            anneal_steps=None if config.final_level_probs is None else config.num_steps,
            pool=config.pool,
            positive=config.positive,
            on_shortfall=config.on_shortfall,
            seed=config.seed,
        )
        table = neighbor_table(graph)
        self.register_buffer("_indptr", table.indptr, persistent=False)
        self.register_buffer("_indices", table.indices, persistent=False)
        self.objective = Objective(config)

    @property
    def neighbors(self) -> NeighborTable:
        """True neighbours of every training video, on the device of the model."""
        return NeighborTable.trusted(self.get_buffer("_indptr"), self.get_buffer("_indices"))

    def training_step(self, batch: TripletBatch, batch_idx: int) -> Tensor:
        """Compute the loss of one batch of triplets and log its statistics."""
        loss: Tensor
        loss, statistics = self.objective(batch, self.encode, self.neighbors)
        self.log("loss", loss.detach(), prog_bar=True)
        self.log_dict(statistics)
        return loss

    def configure_optimizers(self) -> OptimizerLRSchedulerConfig:
        """Return the optimiser and the staircase of the learning rate."""
        config = self.config
        kind = torch.optim.AdamW if config.optimizer == "adam" else torch.optim.SGD
        optimizer = kind(self.encoder.parameters(), lr=config.learning_rate, weight_decay=config.weight_decay)
        factor = (
            partial(cosine, num_steps=config.num_steps)
            if config.schedule == "cosine"
            else partial(staircase, decay=config.decay, every=config.decay_every)
        )
        schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, factor)
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": schedule, "interval": "step"}}

    def train_dataloader(self) -> Iterator[TripletBatch]:
        """Return the batches from the sampler's step up to ``config.num_steps``."""
        return _Batches(self.sampler, self.config.num_steps)  # type: ignore[return-value]

    def encode(self, ids: Tensor) -> Tensor:
        """Encode training videos by id, shape ``(len(ids), dim)``; dropout is keyed by seed and step."""
        with seeded(self.config.seed, _DROPOUT_STREAM, self.global_step):
            vectors: Tensor = self.encoder(self.features(ids))
        return vectors

    def embed(self, features: Tables) -> NDArray[np.float32]:
        """Embed videos from their features; see `embed`. With ``config.raw`` the features are concatenated."""
        return embed(self.full_encoder(), features)

    def full_encoder(self, config: RGCConfig | None = None) -> Encoder:
        """Return the trained encoder, with the concatenated features if ``config.raw``.

        Parameters
        ----------
        config : RGCConfig, optional
            Only ``raw``, ``raw_dim``, ``raw_weight`` and ``seed`` are read. Default: the options of the model.
        """
        config = config if config is not None else self.config
        if config.raw == "none":
            return self.encoder
        raw = RawPath(self.encoder.dims, config.raw_dim)
        raw.fit(config.raw, self.features.tables, self.features.rows.cpu().numpy(), seed=config.seed)
        return FusedEncoder(self.encoder, raw.to(self.device), weight=config.raw_weight)


def _rows_of_nodes(num_nodes: int, tables: Mapping[str, Table], rows: ArrayLike | None) -> NDArray[np.int64]:
    """Return the row of every node; raise if a table lacks one."""
    if rows is None:
        for name, x in tables.items():
            if x.shape[0] != num_nodes:
                raise ValueError(
                    f"features[{name!r}] must have one row a node of the graph, {num_nodes}, got {x.shape[0]}"
                )
        return np.arange(num_nodes)
    chosen = node_ids("rows", rows, min((x.shape[0] for x in tables.values()), default=0), "(num_nodes,)")
    if len(chosen) != num_nodes:
        raise ValueError(f"rows must be one a node of the graph, {num_nodes}, got {len(chosen)}")
    return chosen


class _Batches:
    """The sampler's batches from its step up to ``num_steps``, as the sized iterable that Lightning expects."""

    def __init__(self, sampler: TripletSampler, num_steps: int) -> None:
        self.sampler = sampler
        self.num_steps = num_steps

    def __len__(self) -> int:
        return self.num_steps

    def state_dict(self) -> dict[str, Any]:  # Any: a JSON object
        return self.sampler.state_dict()

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        self.sampler.load_state_dict(state)

    def __iter__(self) -> Iterator[TripletBatch]:
        if self.sampler.step >= self.num_steps:  # an empty loader would let Lightning count epochs for ever
            raise RuntimeError(f"all {self.num_steps} steps are drawn; set num_steps higher, or sampler.step back")
        while self.sampler.step < self.num_steps:
            yield next(self.sampler)
