"""The model that contrasts views of clips; MoCo, SimCLR, triplets, BE, DSM, VTDL and STCR differ only in its options."""

from __future__ import annotations

from typing import Any, NamedTuple, cast

import torch
from torch import Tensor

from graphvid._random import seeded
from graphvid.data.clips import ClipSource
from graphvid.graphs import ClipGraph
from graphvid.losses import CrossBatchNegatives, EdgeInfoNCE, EdgeMargin, flip_consistency, map_consistency
from graphvid.models.clips.config import ClipConfig
from graphvid.models.clips.network import build_clip_encoder, check_videos
from graphvid.models.clips.recipes import KEY, QUERY, ViewBatch, ViewMaker, edge_recipe
from graphvid.models.clips.scenes import scene_clusters
from graphvid.models.one_process import OneProcessModule
from graphvid.nn import ClipEncoder, ClipEncoding, MomentumPair, Reverse, SquareTransform
from graphvid.nn.square_transform import SquareParams
from graphvid.optim import schedules
from graphvid.sampling import ShuffledBatches

_VIEW_STREAM = 1  # of config.seed
_LEAST_OF_SCENE = 16  # keys, for scene_negatives


class VideoBatch(NamedTuple):
    """Rows of the videos of a batch.

    Parameters
    ----------
    video : Tensor, shape (batch,), int64
    """

    video: Tensor


class ClipContrast(OneProcessModule):
    """Learns an encoder of clips that brings views of one video together and separates views of different videos.

    A step makes the views of a batch, builds their graph by the recipe of the options, and computes the losses of its edges.
    Methods differ only in the options; see `graphvid.models.clips.RECIPES`.

    Parameters
    ----------
    source : ClipSource
        Videos.
    config : ClipConfig
        Options.

    Attributes
    ----------
    encoder : ClipEncoder
        The trained encoder.
    memory : CrossBatchNegatives or None
        Keys of earlier batches, with their videos.

    Raises
    ------
    TypeError
        The options are of another class.
    ImportError
        With ``scene_negatives``, scikit-learn is not installed.
    ValueError
        A video is shorter than a clip, there are fewer than two videos, or with a group, frames are not square.

    Notes
    -----
    By default a video's own old keys are not its negatives (``mask_same_video``). The queue starts empty, so the first step
    of a recipe without other negatives has the loss 0.

    Examples
    --------
    >>> from graphvid.data import SyntheticMotion
    >>> from graphvid.models.clips import BEConfig
    >>> world = SyntheticMotion(num_train=8, num_matched=4, num_shifted=4, num_decorrelated=4)
    >>> model = ClipContrast(world.train.source, BEConfig(batch_size=4, num_epochs=1))
    >>> len(model.train_dataloader()), len(model.memory)
    (2, 0)
    """

    def __init__(self, source: ClipSource, config: ClipConfig) -> None:
        super().__init__()
        if not isinstance(config, ClipConfig):
            raise TypeError(f"config must be a ClipConfig, got {type(config).__name__}")
        height, width, channels = source.frame_shape
        if len(source.ids) < 2:
            raise ValueError(f"source must have at least 2 videos to tell apart, got {len(source.ids)}")
        check_videos(source, config, least=2 if config.negative == "other_segment" else 1)
        if config.group != "none" and height != width:
            raise ValueError(f"group {config.group!r} needs square frames, got {height} x {width}")
        if config.crop_shift >= min(height, width):
            raise ValueError(f"crop_shift must be below the frame's sides {height} x {width}, got {config.crop_shift}")
        self.config, self.recipe = config, edge_recipe(config)
        self.make_views = ViewMaker(source, config)
        encoder = build_clip_encoder(channels, config)
        self.pair, self.memory = None, None
        if self.recipe.uses_queue:
            self.pair = MomentumPair(encoder, config.momentum, key_batch_norm=config.key_batch_norm)
            self.memory = CrossBatchNegatives(config.queue_size, config.dim)
        else:
            self.single = encoder
        self.info_nce = EdgeInfoNCE(config.temperature)
        self.hinge = EdgeMargin(config.margin, config.mining)
        self._num_videos = len(source.ids)
        self.scenes = torch.from_numpy(scene_clusters(source, config)) if config.scene_negatives else None

    @property
    def encoder(self) -> ClipEncoder:
        """The trained encoder; with a key encoder, the encoder of queries."""
        return cast(ClipEncoder, self.single if self.pair is None else self.pair.query)

    @property
    def steps_per_epoch(self) -> int:
        """Batches an epoch."""
        return -(-self._num_videos // self.config.batch_size)

    def train_dataloader(self) -> ShuffledBatches[VideoBatch]:
        """Return the batches of all epochs."""
        config = self.config
        rows = VideoBatch(torch.arange(self._num_videos))
        return ShuffledBatches(rows, config.batch_size, config.num_epochs, config.seed)

    def training_step(self, batch: VideoBatch, batch_idx: int) -> Tensor:
        """Make the views of a batch and compute the loss of their graph."""
        config = self.config
        with seeded(config.seed, _VIEW_STREAM, self.global_step):
            views = self.make_views(batch.video.cpu(), torch.default_generator, self.device)
        if self.pair is not None and self.global_step:
            self.pair.update()
        encodings = [
            self.encoder(clips) if view != KEY or self.pair is None else self.pair.encode_key(clips)
            for view, clips in enumerate(views.clips)
        ]
        graph = self.graph(batch.video.cpu(), views)
        loss = config.contrast_weight * self._contrast(graph, encodings)
        if config.consistency_weight:
            loss = loss + config.consistency_weight * self._consistency(views, encodings)
        if config.flip_weight:
            turned = Reverse()
            clips = views.clips[QUERY]
            reversed_ = self.encoder(turned(clips, turned.sample(torch.default_generator, clips.shape)))
            flip = flip_consistency(encodings[QUERY].map, reversed_.map)
            self.log("flip", flip.detach())
            loss = loss + config.flip_weight * flip
        if self.memory is not None:
            self.memory.push(
                batch.video, encodings[KEY].embedding, encodings[KEY].embedding.new_zeros(len(batch.video))
            )
        self.log("loss", loss.detach(), prog_bar=True)
        return loss

    def graph(self, video: Tensor, views: ViewBatch) -> ClipGraph:
        """Return the graph of a batch, with the random values of its edges."""
        config, number = self.config, len(views.clips)
        code = None
        if views.code is not None:
            code = torch.zeros(number, len(video), dtype=torch.int64)
            code[QUERY] = views.code
        return ClipGraph.from_batch(
            video,
            self.recipe,
            start=views.start,
            stride=config.stride,
            length=config.clip_length,
            code=code,
            encoder=[int(view == KEY and self.pair is not None) for view in range(number)],
            drawn=views.edge_data,
        )

    def _contrast(self, graph: ClipGraph, encodings: list[ClipEncoding]) -> Tensor:
        """Return the contrastive loss of the batch's graph, and log it."""
        z = torch.cat([encoding.embedding for encoding in encodings])
        pull, push = (tuple(x.to(z.device) for x in edges) for edges in (graph.pull(), graph.push()))
        if self.config.loss == "margin":
            loss = self.hinge(z, pull, push)
        elif self.memory is None:
            loss = self.info_nce(z, pull, push)
        else:
            entries = self.memory.read()
            excluded = self.excluded(graph, entries.ids.cpu())
            loss = self.info_nce(
                z, pull, push, queue=entries.vectors, excluded=None if excluded is None else excluded.to(z.device)
            )
            self.log("queue_age", entries.ages.float().mean().nan_to_num())
        self.log("contrast", loss.detach())
        if self.config.negative == "other_segment":
            self.log("overlap", graph.segments()[1].mean())
        return cast(Tensor, loss)

    def excluded(self, graph: ClipGraph, video: Tensor) -> Tensor | None:
        """Return the mask of keys that are no negatives of a node, bool (num_nodes, num_queue); None if all are."""
        own = graph.same_video(video) if self.config.mask_same_video else None
        if self.scenes is None:
            return own
        elsewhere = self.scenes[graph.nodes["video"], None] != self.scenes[video]
        own = torch.zeros_like(elsewhere) if own is None else own
        enough = (~(own | elsewhere)).sum(1, keepdim=True) >= _LEAST_OF_SCENE
        return own | (elsewhere & enough)

    def _consistency(self, views: ViewBatch, encodings: list[ClipEncoding]) -> Tensor:
        """Return the distance of the query's map from the transformed map of the key's clip; log it relative to chance."""
        assert views.code is not None
        assert self.config.group != "none"
        clean = encodings[KEY] if self.pair is None else self.encoder(views.clips[KEY])
        turned = SquareTransform(self.config.group)(clean.map, SquareParams(views.code))
        own = encodings[QUERY].map
        loss = map_consistency(turned, own)
        if len(own) > 1:
            with torch.no_grad():
                self.log("consistency_ratio", loss.detach() / map_consistency(turned, own.roll(1, 0)).clamp(min=1e-12))
        self.log("consistency", loss.detach())
        return loss

    def configure_optimizers(self) -> Any:  # Any: Lightning's form of an optimiser and its schedule
        """Return Adam with a rate that falls along a cosine."""
        config, total = self.config, len(self.train_dataloader())
        optimizer = torch.optim.Adam(
            [p for p in self.parameters() if p.requires_grad], lr=config.learning_rate, weight_decay=config.weight_decay
        )
        schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: schedules.cosine(step, num_steps=total))
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": schedule, "interval": "step"}}
