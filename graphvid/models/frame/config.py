"""Options of a `FRAME`: one flat record, saved with its results."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field

from graphvid._record import Columns, Count, NotNegative, Positive, Record, Seed, Share, record
from graphvid.graphs.norms import Norm
from graphvid.graphs.user_clip import NegativeMode, PositiveMode
from graphvid.nn.clip_scorer import Branches, Interaction

TargetEdges = Literal["exclude", "temporal", "include"]
IdEmbedding = Literal["none", "add", "concat"]
Head = Literal["survival", "mean_prob", "sigmoid_mean_logit", "official_sum_logit"]
Supervision = Literal["view", "hybrid", "official"]
Schedule = Literal["one_cycle", "constant"]


_PAPER: Mapping[str, Any] = {  # Any: values of options
    "norm": "sym",
    "interaction": "concat",
    "head": "mean_prob",
    "dim": 128,
    "hidden": 256,
    "num_epochs": 20,
    "learning_rate": 3e-3,
}
_OFFICIAL: Mapping[str, Any] = {
    **_PAPER,
    "positive_mode": "prefix",
    "negative_mode": "official",
    "multiplicity": "count",
    "norm": "official",
    "target_edges": "include",
    "cold_user_share": 0.0,
    "branches": "positive",
    "trainable_features": True,
    "share_weights": True,
    "residual": False,
    "head": "official_sum_logit",
    "supervision": "official",
    "standardize": False,
    "num_epochs": 10,
    "learning_rate": 2e-4,
    "schedule": "constant",
}


@record
class FRAMEConfig(Record):
    """Options of `FRAME`; the defaults are the preset ``"survival"``.

    Presets: ``"survival"``, the default, has a hazard for every clip, and its scores read the products of users and clips.
    ``"paper"`` has the published equations: mean of clip probabilities, symmetric norm, scores from concatenated vectors.
    ``"official"`` is the released code as far as it runs: positive edges up to the skip, weights shared between the
    relations, no residual, only the positive branch, sum of logits, trainable features, clip-wise losses, and rows that
    see their own edges.

    Parameters
    ----------
    num_clips : int, optional
        Clips of a video; must divide the number in the features, which are averaged. Default: as in the features.
    complete_ratio, min_watch_time, duration_resolution, count_loops
        Rules for the plays that count and those that are complete; see `graphvid.graphs.label_clips`.
    positive_mode, negative_mode, multiplicity, resolve
        The edges of the graph; see `graphvid.graphs.user_clip_graph`.
    norm : {"mean", "sym", "official"}
        Normalisation of messages; see `graphvid.graphs.edge_norms`. ``"mean"`` does not depend on the number of rows of a
        user, which differs between training and use, and scored best on validation rows.
    target_edges : {"exclude", "temporal", "include"}
        Rule that hides the outcome of a training row from its own prediction. ``"exclude"``: every step removes the edges
        of its own (user, video) pairs from both hops. ``"temporal"``: the graph of the first two thirds of each user's
        training rows predicts the last third. ``"include"``: nothing is hidden, as in the released code.
    cold_user_share : float
        Share of the training views that the model sees without their user, in [0, 1), so that its probabilities for users
        without a past are right. With 0 and a log in which every user has many rows, they were far off.
    dim : int
        Columns of users and clips. With ``hidden`` 64, GAUC was within .002 of that with the paper's 128 and 256, in a
        third of the time.
    hidden, interaction, branches
        The networks that score clips; see `graphvid.nn.ClipScorer`.
    standardize : bool
        Shift and scale the features by mean and deviation over the clips of the training videos. Vectors of norm 1 with
        many columns give products near 0 at the start, and training stays on its first plateau for long.
    trainable_features : bool
        Let the features be parameters that start at their values, as in the released code.
    id_embedding : {"none", "add", "concat"}
        A learned vector of every clip, added to the projected features or concatenated with the features. Videos outside
        the training log have none.
    share_weights : bool
        See `graphvid.nn.UserClipConv`.
    residual : bool
        Add the projected features of a clip to its messages from the graph, with two learned factors that start at 0.5.
        Without it a clip that nobody has seen is the zero vector.
    head : {"survival", "mean_prob", "sigmoid_mean_logit", "official_sum_logit"}
        See `graphvid.nn.SurvivalHead` and `graphvid.nn.CompletionHead`.
    num_duration_buckets : int
        Groups of videos by duration, cut at the quantiles over training rows; each has its own hazard baseline. Only with
        the survival head.
    supervision : {"view", "hybrid", "official"}
        ``"view"``: the likelihood of the end of the view alone. ``"hybrid"`` adds ``point_weight`` times
        `graphvid.losses.observed_clip_loss` and ``pair_weight`` times `graphvid.losses.clip_order_loss`; ``"official"``
        is that of the released code: the point-wise loss and `graphvid.losses.cross_view_loss`, without the view.
    point_weight, pair_weight : float
        Weights of the point-wise and the pair-wise loss.
    fanout : int
        Users picked per clip in the second hop of a step; -1 for all. The first hop always sums over all clips of a
        user, since the sums are kept.
    batch_size : int
        Rows of the log a step. With target edges excluded, at most a tenth of all rows: otherwise too few edges would be
        left in the graph.
    num_epochs : int
        Passes over the training rows.
    learning_rate : float
        Largest learning rate of Adam.
    schedule : {"one_cycle", "constant"}
        ``"one_cycle"`` rises over the first 30 % of the steps and falls to almost 0 with the last.
    weight_decay : float
        L2 penalty, decoupled.
    seed : int
        Seed of the initial weights, the order of the rows and the picks.

    Raises
    ------
    ValueError
        An unknown choice, a number of another type or out of its range, or options that contradict each other.

    Examples
    --------
    >>> FRAMEConfig.preset("paper").head
    'mean_prob'
    >>> FRAMEConfig.from_dict({"dim": 32}).dim
    32
    """

    presets: ClassVar[Mapping[str, Mapping[str, Any]]] = {"survival": {}, "paper": _PAPER, "official": _OFFICIAL}

    num_clips: Annotated[int | None, Field(ge=1)] = None
    complete_ratio: Positive = 1.0
    min_watch_time: NotNegative = 0.0
    duration_resolution: NotNegative = 0.0
    count_loops: bool = False
    positive_mode: PositiveMode = "complete"
    negative_mode: NegativeMode = "skip_clip"
    multiplicity: Literal["binary", "count"] = "binary"
    resolve: Literal["both", "last"] = "both"
    norm: Norm = "mean"
    target_edges: TargetEdges = "exclude"
    cold_user_share: Share = 0.1
    dim: Columns = 64
    hidden: Columns = 64
    interaction: Interaction = "concat+hadamard"
    branches: Branches = "both"
    standardize: bool = True
    trainable_features: bool = False
    id_embedding: IdEmbedding = "none"
    share_weights: bool = False
    residual: bool = True
    head: Head = "survival"
    num_duration_buckets: Count = 1
    supervision: Supervision = "view"
    point_weight: NotNegative = 1.0
    pair_weight: NotNegative = 1.0
    fanout: Literal[-1] | Count = -1
    batch_size: Count = 1024
    num_epochs: Count = 10
    learning_rate: Positive = 5e-3
    schedule: Schedule = "one_cycle"
    weight_decay: NotNegative = 0.0
    seed: Seed = 0

    def __post_init__(self) -> None:
        if self.head != "survival" and self.num_duration_buckets != 1:
            raise ValueError(
                f"num_duration_buckets must be 1 unless head is 'survival', got {self.num_duration_buckets}"
            )
        if self.supervision == "official" and self.head == "survival":
            raise ValueError("supervision must not be 'official' with head 'survival', which it would not train")
        if self.negative_mode == "official" and self.multiplicity == "binary":
            raise ValueError("multiplicity must be 'count' with negative_mode 'official', got 'binary'")
