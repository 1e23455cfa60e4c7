"""FRAME: a model that predicts the clip at which a viewer leaves, by two graph convolutions over users and clips."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any, Literal, cast

import numpy as np
import torch
from lightning.pytorch.utilities.types import OptimizerLRSchedulerConfig
from numpy.typing import ArrayLike, NDArray
from torch import Tensor, nn
from torch.nn.functional import pad

from graphvid._checks import check_integer, node_ids
from graphvid._dgl import DGLGraph
from graphvid._random import seeded
from graphvid.data import ClipFeatures, WatchLog
from graphvid.models.frame.clip_inputs import ClipInputs
from graphvid.models.frame.config import FRAMEConfig
from graphvid.models.frame.duration_buckets import DurationBuckets
from graphvid.models.frame.network import FRAMENetwork
from graphvid.models.frame.user_clip_relation import UserClipRelation
from graphvid.models.frame.views import (
    SkipPrediction,
    ViewBatch,
    build_graph,
    label_views,
    split_views,
)
from graphvid.models.one_process import OneProcessModule
from graphvid.optim import constant, one_cycle
from graphvid.sampling import ShuffledBatches

_WEIGHT_STREAM, _PICK_STREAM, _COLD_STREAM = range(3)  # streams of config.seed


class FRAME(OneProcessModule):
    r"""Predict at which clip a viewer leaves, from the clips that made them leave and the videos they finished.

    .. math::
        h_u^r &= \sigma(\tilde R^r H^0 W_r^1), \qquad r \in \{p, n\} \\
        h_c &= \alpha_0 h_c^0 + \alpha_1 \tfrac12 \textstyle\sum_r \sigma((\tilde R^r)^\top h^r W_r^2) \\
        z_{uc} &= \alpha_p \mathrm{MLP}^p(h_u^p, h_c) - \alpha_n \mathrm{MLP}^n(h_u^n, h_c) + b

    with :math:`H^0 = F W_v` the projected features of all clips. A head turns the scores :math:`z` of a video's clips into
    the probability that the user watches it to its end.

    Parameters
    ----------
    log : WatchLog
        Training views with ``watch_time`` and ``duration``. A test view in it is a leak.
    clips : ClipFeatures
        Features of every video of ``log.video_ids``, watched or not; the model ignores others. They may be memory-mapped: a
        step reads the clips of its own videos.
    config : FRAMEConfig
        Options; the default is the preset ``"survival"``.
    progress : bool, default False
        Show a bar while the features are read for the first time.

    Attributes
    ----------
    labels : ClipLabels
        The views of the log; ``labels.dropped`` counts the unusable ones.
    graph : DGLGraph
        Users and clips, from ``labels``.
    network : FRAMENetwork
        The trained network.
    inputs : ClipInputs
        Inputs of the clips, with their learned columns.
    targets : ViewBatch
        The views that training predicts.

    Raises
    ------
    ValueError
        Videos without clips, features whose number of clips is no multiple of ``config.num_clips``, a log without watch
        times or durations, and a log without complete views or without skips.

    Notes
    -----
    A step visits its own videos, their in-edges (at most ``config.fanout`` a clip) and the users at their ends, so its
    memory does not depend on the number of clips. This is exact, because :math:`\tilde R (F W) = (\tilde R F) W`: the model
    computes the sums :math:`\tilde R F` over the clips of every user once, in O(num_edges * in_dim) time, and corrects them
    for the edges that a step leaves out. With ``trainable_features`` or ``id_embedding`` every step computes the sums over
    the whole graph.

    All randomness depends only on ``config.seed`` and the number of the step. So on the CPU a resumed training equals an
    uninterrupted one bit for bit, with the same number of threads; PyTorch rounds differently with another.

    References
    ----------
    "Learning Fine-grained User Interests for Micro-video Recommendation", SIGIR 2023. Departures are listed in the
    documentation of the method; `FRAMEConfig.preset` has the published form and that of the released code.

    Examples
    --------
    >>> from graphvid.data import SyntheticSkip
    >>> world = SyntheticSkip(num_users=20, num_videos=50, impressions_per_user=10)
    >>> model = FRAME(world.log.select(world.windows.graph), world.clips, FRAMEConfig(dim=16, hidden=16))
    >>> model.predict([0, 0, -1], [3, 4, 3]).stay.shape  # a user without a past is -1
    (3, 8)
    """

    def __init__(
        self, log: WatchLog, clips: ClipFeatures, config: FRAMEConfig | None = None, *, progress: bool = False
    ) -> None:
        super().__init__()
        self.config = config = config if config is not None else FRAMEConfig()
        if not log.video_ids.equals(clips.ids):
            clips = clips.align(log.video_ids)
        if config.num_clips is not None and config.num_clips != clips.num_clips:
            clips = clips.pool(config.num_clips)
        self.clips = clips
        self.labels = label_views(log, clips.num_clips, config)
        self.graph = build_graph(self.labels, log, config)
        self.relations = self.training_relations = self._relations(self.graph)
        targets = self.labels
        if config.target_edges == "temporal":
            earlier, targets = split_views(self.labels, log)
            self.training_relations = self._relations(build_graph(earlier, log, config))
        self.targets = ViewBatch(*(torch.from_numpy(ids) for ids in (targets.user, targets.video, targets.stop)))
        assert log.duration is not None  # checked by `label_clips`
        views = self.labels.video, log.duration[self.labels.row]
        self.buckets = DurationBuckets(*views, log.num_videos, config.num_duration_buckets)
        seen = np.unique(self.labels.video)
        with seeded(config.seed, _WEIGHT_STREAM):
            self.network = FRAMENetwork(clips.dim, clips.num_clips, config)
            self.inputs = ClipInputs(clips, seen, config, progress)
        self._keep_sums(seen, progress)

    def training_step(self, batch: ViewBatch, batch_idx: int) -> Tensor:
        """Compute the loss of one batch of views and log it."""
        scores = self.scores(batch.user, batch.video, step=self.global_step)
        loss = self.network.loss(scores, batch.stop, self.buckets(batch.video))
        self.log("loss", loss.detach(), prog_bar=True)
        return loss

    def configure_optimizers(self) -> OptimizerLRSchedulerConfig:
        """Return Adam and the schedule of the learning rate, step by step."""
        config = self.config
        optimizer = torch.optim.AdamW(self.parameters(), lr=config.learning_rate, weight_decay=config.weight_decay)
        num_steps = len(self.train_dataloader())
        factor = partial(one_cycle, num_steps=num_steps) if config.schedule == "one_cycle" else constant
        schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, factor)
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": schedule, "interval": "step"}}

    def train_dataloader(self) -> ShuffledBatches[ViewBatch]:
        """Return the batches up to the end of the last epoch."""
        config = self.config
        batch_size = config.batch_size
        if config.target_edges == "exclude":
            batch_size = min(batch_size, max(1, len(self.targets.user) // 10))
        return ShuffledBatches(self.targets, batch_size, config.num_epochs, config.seed)

    def scores(
        self, user: Tensor, video: Tensor, *, step: int | None = None, clips: ClipFeatures | None = None
    ) -> Tensor:
        """Return the scores of the clips of some views, (num_views, num_clips); a large score means that the user stays.

        Parameters
        ----------
        user, video : Tensor of int64, shape (num_views,)
            As in `predict`, not checked.
        step : int, optional
            Number of the training step: then the graph is that of training, ``config.target_edges`` removes the views' own
            edges, ``config.fanout`` holds, and ``config.cold_user_share`` of the views come without their user. Default:
            the whole graph of all training views.
        clips : ClipFeatures, optional
            See `predict`.
        """
        videos, video_index = torch.unique(video, return_inverse=True)
        inputs = self.inputs(videos) if clips is None else self.inputs.of_new(clips, videos)
        users = torch.unique(user[user >= 0])
        relations = self.relations if step is None else self.training_relations
        edges = []
        if clips is None:
            targets = None
            if step is not None and self.config.target_edges == "exclude":
                pairs = torch.unique(user * self.clips.num_videos + video)
                targets = torch.stack([pairs // self.clips.num_videos, pairs % self.clips.num_videos], dim=1)
            fanout = -1 if step is None else self.config.fanout
            edges = [
                relation.edges(videos, targets, fanout, _pick_seed(self.config.seed, r), step or 0)
                for r, relation in enumerate(relations)
            ]
            users = torch.unique(torch.cat([users, *(found.picks.src for found in edges)]))
        sums, into_clips = [], []
        for r, relation in enumerate(relations):
            found = edges[r] if edges else None
            normalised, degree = relation.user_sums(self._sums(relation), users, found, inputs)
            sums.append(normalised.to(inputs.dtype))
            if found is not None:
                into_clips.append(relation.into_nodes(users, degree, found, inputs.dtype))
        of_users = self.network.users(torch.stack(sums))
        of_clips = self.network.clips(inputs, into_clips or None, of_users)
        cold = user < 0 if step is None else self._cold(len(user), step)
        place = torch.where(cold, len(users), torch.searchsorted(users, user))
        rows, place = torch.unique(place, return_inverse=True)  # of the views, not of all who reach their clips
        scores: Tensor = self.network.scorer(pad(of_users, (0, 0, 0, 1))[:, rows], of_clips, place, video_index)
        return scores

    def predict(
        self,
        users: ArrayLike,
        videos: ArrayLike,
        *,
        clips: ClipFeatures | None = None,
        durations: ArrayLike | None = None,
        chunk_size: int = 8192,
    ) -> SkipPrediction:
        """Predict some views from the graph of all training views.

        Parameters
        ----------
        users : array_like of int, shape (num_views,)
            Rows of the training log's ``user_ids``; -1 for a user without a past, whose prediction depends on the video
            alone.
        videos : array_like of int, shape (num_views,)
            Rows of the training log's ``video_ids``, or of ``clips``.
        clips : ClipFeatures, optional
            Videos outside the training log, with the same numbers of clips and columns. Their clips have only features, and
            zeros for learned vectors of ids.
        durations : array_like of float, shape (num_views,), optional
            Seconds; only used with more than one duration bucket. Default: those of the training log.
        chunk_size : int, default 8192
            Views at once; it bounds the memory, and changes the result only by rounding.

        Returns
        -------
        SkipPrediction

        Raises
        ------
        TypeError, ValueError
            Ids out of range, arrays of unequal length, features of another shape, ``chunk_size`` below 1, or a missing
            duration with more than one bucket.
        """
        check_integer("chunk_size", chunk_size, 1)
        if clips is not None and (clips.num_clips, clips.dim) != (self.clips.num_clips, self.clips.dim):
            raise ValueError(
                f"clips must have {self.clips.num_clips} clips of {self.clips.dim} columns, "
                f"got {clips.num_clips} of {clips.dim}"
            )
        num_videos = self.clips.num_videos if clips is None else clips.num_videos
        user, video = _user_rows(users, self.graph.num_nodes("user")), node_ids("videos", videos, num_videos, _VIEWS)
        if len(user) != len(video):
            raise ValueError(f"users and videos must have equal lengths, got {len(user)} and {len(video)}")
        bucket = self.buckets.of_views(video, durations, known=clips is None)
        parts = []
        training = self.training
        self.eval()
        with torch.no_grad():
            for start in range(0, max(len(user), 1), chunk_size):
                views = (torch.from_numpy(x[start : start + chunk_size]).to(self.device) for x in (user, video))
                scores = self.scores(*views, clips=clips)
                parts.append(self.network.outcomes(scores, bucket[start : start + chunk_size].to(self.device)))
        self.train(training)
        return SkipPrediction(*(_joined(column) for column in zip(*parts, strict=True)))

    def _cold(self, num_views: int, step: int) -> Tensor:
        """Return the mask of the views of a training step that come without their user."""
        draws = np.random.default_rng((self.config.seed, _COLD_STREAM, step)).random(num_views)
        return torch.from_numpy(draws < self.config.cold_user_share).to(self.device)

    def _keep_sums(self, seen: NDArray[np.int64], progress: bool) -> None:
        """Sum the clips of every user once, if they do not change."""
        if self.inputs.learnt is not None:
            return
        for relations in {id(kind): kind for kind in (self.relations, self.training_relations)}.values():
            sums = [torch.zeros(self.graph.num_nodes("user"), self.clips.dim, dtype=torch.float64) for _ in relations]
            for videos in self.inputs.chunks(seen, "sums over clips", progress):
                chunk = torch.from_numpy(videos)
                inputs = self.inputs(chunk).double()
                for total, relation in zip(sums, relations):
                    total += relation.sums(chunk, inputs)
            for total, relation in zip(sums, relations):
                relation.kept_sums = total

    def _sums(self, relation: UserClipRelation) -> Tensor:
        if relation.kept_sums is not None:
            return relation.kept_sums
        everything = torch.arange(self.clips.num_videos, device=self.device)
        return relation.sums(everything, self.inputs(everything))

    def _relations(self, graph: DGLGraph) -> Sequence[UserClipRelation]:
        names: tuple[Literal["pos", "neg"], ...] = ("pos", "neg")
        relations = nn.ModuleList(
            UserClipRelation(graph, name, self.clips.num_clips, self.config.norm) for name in names
        )
        return cast(Sequence[UserClipRelation], relations)


_VIEWS = "(num_views,)"


def _user_rows(users: ArrayLike, num_users: int) -> NDArray[np.int64]:
    """Return users as rows of the log or -1."""
    rows = np.asarray(users)
    cold = rows == -1
    checked = node_ids("users, but for -1,", np.where(cold, 0, rows), num_users, _VIEWS)
    return np.where(cold, -1, checked)


def _joined(parts: tuple[Tensor | None, ...]) -> Any:  # an array, or None of a column that the head does not have
    tensors = [part for part in parts if part is not None]
    return torch.cat(tensors).cpu().numpy() if tensors else None


def _pick_seed(seed: int, relation: int) -> int:
    return int(np.random.SeedSequence((seed, _PICK_STREAM, relation)).generate_state(1, np.uint64)[0])
