"""The network of `FRAME`: from sums over clips and the edges of a step to a score for every clip."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from graphvid.losses import clip_order_loss, completion_loss, cross_view_loss, observed_clip_loss
from graphvid.models.frame.config import FRAMEConfig
from graphvid.nn import ClipScorer, CompletionHead, SurvivalHead, UserClipConv
from graphvid.ops import Adjacency


class FRAMENetwork(nn.Module):
    """Projection, two hops, scores and head of a `FRAME`.

    Parameters
    ----------
    dim : int
        Columns of the features.
    num_clips : int
        Clips of a video.
    config : FRAMEConfig

    Notes
    -----
    The input of a clip is its features and, with ``config.id_embedding``, its learned vector. With ``"add"`` the projection
    of that vector is the identity.
    """

    def __init__(self, dim: int, num_clips: int, config: FRAMEConfig) -> None:
        super().__init__()
        self.config = config
        rows = dim + (config.dim if config.id_embedding == "concat" else 0)
        self.weight = nn.Parameter(torch.empty(rows, config.dim))
        nn.init.orthogonal_(self.weight)
        self.conv = UserClipConv(config.dim, config.dim, share_weights=config.share_weights)
        self.mix = nn.Parameter(torch.full((2,), 0.5)) if config.residual else None
        self.scorer = ClipScorer(
            config.dim, hidden=config.hidden, interaction=config.interaction, branches=config.branches
        )
        self.head: SurvivalHead | CompletionHead
        if config.head == "survival":
            self.head = SurvivalHead(num_clips, num_buckets=config.num_duration_buckets)
        else:
            self.head = CompletionHead(config.head)

    def project(self, inputs: Tensor) -> Tensor:
        """Return :math:`H^0`, (..., config.dim), for inputs of clips or sums of inputs, (..., in_dim)."""
        weight: Tensor = self.weight
        if self.config.id_embedding == "add":
            weight = torch.cat([weight, torch.eye(self.config.dim, dtype=weight.dtype, device=weight.device)])
        return inputs @ weight

    def users(self, sums: Tensor) -> Tensor:
        """Return the vectors of users, (2, num_users, config.dim), from the normalised sums of their clips' inputs."""
        return self.conv.users(self.project(sums))

    def clips(self, inputs: Tensor, into_clips: Sequence[Adjacency] | None, users: Tensor) -> Tensor:
        """Return the vectors of clips, (num_videos, num_clips, config.dim).

        Parameters
        ----------
        inputs : Tensor, shape (num_videos, num_clips, in_dim)
        into_clips : pair of Adjacency, optional
            Second hop of both relations. Default: no edges, for videos that are not in the graph.
        users : Tensor, shape (2, num_users, config.dim)
            Sources of the second hop.
        """
        own = self.project(inputs)
        seen = torch.zeros_like(own) if into_clips is None else self.conv.clips(into_clips, users).view_as(own)
        return seen if self.mix is None else self.mix[0] * own + self.mix[1] * seen

    def loss(self, scores: Tensor, stop: Tensor, bucket: Tensor) -> Tensor:
        """Return the training loss of some views; see ``supervision`` of `FRAMEConfig`.

        Parameters
        ----------
        scores : Tensor, shape (num_views, num_clips)
        stop, bucket : Tensor of int64, shape (num_views,)
            Clip of the skip or ``num_clips``, and duration bucket.
        """
        config = self.config
        if config.supervision == "official":
            return config.point_weight * observed_clip_loss(scores, stop) + config.pair_weight * cross_view_loss(
                scores, stop
            )
        if isinstance(self.head, SurvivalHead):
            loss = -self.head.log_likelihood(scores, stop, bucket).mean()
        else:
            log_complete, log_skip = self.head(scores)
            loss = completion_loss(log_complete, log_skip, stop == scores.shape[1])
        if config.supervision == "hybrid":
            loss = loss + config.point_weight * observed_clip_loss(scores, stop)
            loss = loss + config.pair_weight * clip_order_loss(scores, stop)
        return loss

    def outcomes(self, scores: Tensor, bucket: Tensor) -> tuple[Tensor, Tensor, Tensor | None, Tensor | None]:
        """Return the columns of a `SkipPrediction` of some views.

        Parameters
        ----------
        scores : Tensor, shape (num_views, num_clips)
        bucket : Tensor of int64, shape (num_views,)
        """
        if isinstance(self.head, SurvivalHead):
            stay, _ = self.head.log_stay(scores, bucket)
            complete = stay.double().sum(1).exp()
            return (
                complete,
                stay.exp(),
                self.head.drop_off(scores, bucket),
                self.head.expected_watch_ratio(scores, bucket),
            )
        return self.head.log_probability(scores.double()).exp(), torch.sigmoid(scores), None, None
