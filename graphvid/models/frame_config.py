"""What a `FRAME` is made of, as one flat record that is saved beside its results."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any, Literal, get_args

from graphvid.graphs.norms import Norm
from graphvid.graphs.user_clip import NegativeMode, PositiveMode
from graphvid.models._options import (
    COUNT,
    NOT_NEGATIVE,
    POSITIVE,
    SEED,
    SHARE,
    SWITCH,
    Rule,
    check_options,
    from_options,
    is_count,
)
from graphvid.nn.clip_scorer import Branches, Interaction

TargetEdges = Literal["exclude", "temporal", "include"]
IdEmbedding = Literal["none", "add", "concat"]
Head = Literal["survival", "mean_prob", "sigmoid_mean_logit", "official_sum_logit"]
Supervision = Literal["view", "hybrid", "official"]
Schedule = Literal["one_cycle", "constant"]
Preset = Literal["survival", "paper", "official"]


@dataclass(frozen=True)
class FRAMEConfig:
    """Options of `FRAME`; the defaults are the preset ``"survival"``.

    Parameters
    ----------
    num_clips : int, optional
        Clips of a video; must divide the number in the features, which are averaged. Default: as in the features.
    complete_ratio, min_watch_time, duration_resolution, count_loops
        Which plays count and which are complete; see `graphvid.graphs.label_clips`.
    positive_mode, negative_mode, multiplicity, resolve
        The edges of the graph; see `graphvid.graphs.user_clip_graph`.
    norm : {"mean", "sym", "official"}
        What messages are divided by; see `graphvid.graphs.edge_norms`. ``"mean"`` forgets how many rows a user has,
        which differs between training and use, and scored best on validation rows.
    target_edges : {"exclude", "temporal", "include"}
        How a training row is kept from seeing its own outcome in the graph. ``"exclude"``: every step takes the edges
        of its own (user, video) pairs out of both hops. ``"temporal"``: the last third of each user's training rows is
        predicted from the graph of the first two thirds. ``"include"``: not at all, as in the released code.
    cold_user_share : float
        Share of the training views that are shown without their user, in [0, 1), so that the probabilities of users
        without a past hold. With 0 and a log in which every user has many rows, they were far off.
    dim : int
        Columns of users and clips. With ``hidden`` 64, GAUC was that of the paper's 128 and 256, within .002, in a third
        of the time.
    hidden, interaction, branches
        The networks that score clips; see `graphvid.nn.ClipScorer`.
    standardize : bool
        Shift and scale the features by mean and deviation over the clips of the training videos. Vectors of norm 1 in
        many columns give products near 0 at the start, and training does not leave its first plateau for long.
    trainable_features : bool
        Let the features be parameters that start at their values, as in the released code.
    id_embedding : {"none", "add", "concat"}
        A learnt vector of every clip added to the projected features, or put beside the features. Videos that are not
        in the training log have none.
    share_weights : bool
        See `graphvid.nn.UserClipConv`.
    residual : bool
        Keep the projected features of a clip beside what the graph says of it, with two learnt factors that start at
        0.5. Without it a clip that nobody has seen is the zero vector.
    head : {"survival", "mean_prob", "sigmoid_mean_logit", "official_sum_logit"}
        See `graphvid.nn.SurvivalHead` and `graphvid.nn.CompletionHead`.
    num_duration_buckets : int
        Groups of videos by duration, at the quantiles over training rows, with a hazard baseline each; only with the
        survival head.
    supervision : {"view", "hybrid", "official"}
        ``"view"``: the likelihood of the end of the view alone. ``"hybrid"`` adds ``point_weight`` times
        `graphvid.losses.observed_clip_loss` and ``pair_weight`` times `graphvid.losses.clip_order_loss`; ``"official"``
        is the released code's, the point-wise loss and `graphvid.losses.cross_view_loss`, without the view.
    point_weight, pair_weight : float
        Of the other losses.
    fanout : int
        Users picked per clip in the second hop of a step; -1 for all. The first hop always sums over all clips of a
        user, since the sums are kept.
    batch_size : int
        Rows of the log a step. With target edges excluded at most a tenth of all rows, or too little were left of the
        graph.
    num_epochs : int
        Passes over the training rows.
    learning_rate : float
        Its largest value, for Adam.
    schedule : {"one_cycle", "constant"}
        ``"one_cycle"`` rises over the first 30 % of the steps and falls to almost 0 with the last.
    weight_decay : float
        L2 penalty, decoupled.
    seed : int
        Of the initial weights, the order of the rows and the picks.

    Raises
    ------
    ValueError
        For an unknown choice, a number of another type or out of its range, or options that contradict each other.

    Examples
    --------
    >>> FRAMEConfig.preset("paper").head
    'mean_prob'
    >>> FRAMEConfig.from_dict({"dim": 32}).dim
    32
    """

    num_clips: int | None = None
    complete_ratio: float = 1.0
    min_watch_time: float = 0.0
    duration_resolution: float = 0.0
    count_loops: bool = False
    positive_mode: PositiveMode = "complete"
    negative_mode: NegativeMode = "skip_clip"
    multiplicity: Literal["binary", "count"] = "binary"
    resolve: Literal["both", "last"] = "both"
    norm: Norm = "mean"
    target_edges: TargetEdges = "exclude"
    cold_user_share: float = 0.1
    dim: int = 64
    hidden: int = 64
    interaction: Interaction = "concat+hadamard"
    branches: Branches = "both"
    standardize: bool = True
    trainable_features: bool = False
    id_embedding: IdEmbedding = "none"
    share_weights: bool = False
    residual: bool = True
    head: Head = "survival"
    num_duration_buckets: int = 1
    supervision: Supervision = "view"
    point_weight: float = 1.0
    pair_weight: float = 1.0
    fanout: int = -1
    batch_size: int = 1024
    num_epochs: int = 10
    learning_rate: float = 5e-3
    schedule: Schedule = "one_cycle"
    weight_decay: float = 0.0
    seed: int = 0

    def __post_init__(self) -> None:
        check_options(self, _CHOICES, _RULES)
        if self.head != "survival" and self.num_duration_buckets != 1:
            raise ValueError(
                f"num_duration_buckets must be 1 unless head is 'survival', got {self.num_duration_buckets}"
            )
        if self.supervision == "official" and self.head == "survival":
            raise ValueError("supervision must not be 'official' with head 'survival', which it would not train")
        if self.negative_mode == "official" and self.multiplicity == "binary":
            raise ValueError("multiplicity must be 'count' with negative_mode 'official', got 'binary'")

    @classmethod
    def preset(cls, name: Preset) -> FRAMEConfig:
        """Give a named set of options.

        ``"survival"``, the default, has a hazard for every clip and the products of users and clips as input of the
        scores. ``"paper"`` holds the equations as they are published: mean of clip probabilities, symmetric norm,
        scores from concatenated vectors. ``"official"`` is the released code as far as it can be run: positive edges
        up to the skip, weights shared between the relations, no residual, positive branch alone, sum of logits,
        trainable features, clip-wise losses, and rows that see their own edges.

        Raises
        ------
        ValueError
            For another name.
        """
        if name not in get_args(Preset):
            raise ValueError(f"preset must be one of {list(get_args(Preset))}, got {name!r}")
        return _PRESETS[name]

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> FRAMEConfig:  # Any: JSON values, checked by the rules below
        """Build the configuration that `to_dict` wrote.

        Raises
        ------
        KeyError
            For an option that does not exist.
        """
        return from_options(cls, values)

    def to_dict(self) -> dict[str, Any]:
        """Give the options as JSON values."""
        return asdict(self)


_CHOICES: dict[str, tuple[str, ...]] = {
    "positive_mode": get_args(PositiveMode),
    "negative_mode": get_args(NegativeMode),
    "multiplicity": ("binary", "count"),
    "resolve": ("both", "last"),
    "norm": get_args(Norm),
    "target_edges": get_args(TargetEdges),
    "interaction": get_args(Interaction),
    "branches": get_args(Branches),
    "id_embedding": get_args(IdEmbedding),
    "head": get_args(Head),
    "supervision": get_args(Supervision),
    "schedule": get_args(Schedule),
}
_RULES: dict[str, Rule] = {
    "num_clips": (lambda x: x is None or is_count(x), "null or an integer >= 1"),
    **dict.fromkeys(("dim", "hidden", "num_duration_buckets", "batch_size", "num_epochs"), COUNT),
    **dict.fromkeys(("count_loops", "standardize", "trainable_features", "share_weights", "residual"), SWITCH),
    **dict.fromkeys(("complete_ratio", "learning_rate"), POSITIVE),
    **dict.fromkeys(
        ("min_watch_time", "duration_resolution", "point_weight", "pair_weight", "weight_decay"), NOT_NEGATIVE
    ),
    "cold_user_share": SHARE,
    "fanout": (lambda x: x == -1 or is_count(x), "-1 or an integer >= 1"),
    "seed": SEED,
}

_SURVIVAL = FRAMEConfig()
_PAPER = replace(
    _SURVIVAL, norm="sym", interaction="concat", head="mean_prob", dim=128, hidden=256, num_epochs=20,
    learning_rate=3e-3,
)  # fmt: skip
_OFFICIAL = replace(
    _PAPER, positive_mode="prefix", negative_mode="official", multiplicity="count", norm="official",
    target_edges="include", cold_user_share=0.0, branches="positive", trainable_features=True, share_weights=True,
    residual=False,
    head="official_sum_logit", supervision="official", standardize=False, num_epochs=10, learning_rate=2e-4,
    schedule="constant",
)  # fmt: skip
_PRESETS = {"survival": _SURVIVAL, "paper": _PAPER, "official": _OFFICIAL}
