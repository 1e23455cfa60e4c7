"""What a run of `RelationalGraphClustering` is made of, as one flat record that is saved beside its results."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal, get_args

from graphvid.clustering.linkage import LinkageName
from graphvid.losses.semi_hard import Candidates, Fallback
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
    is_number,
)
from graphvid.nn.video_encoder import Fusion
from graphvid.sampling._tables import Pool, Positive

Loss = Literal["neighbor_softmax", "softmax", "triplet"]
Optimizer = Literal["adam", "sgd"]
Schedule = Literal["cosine", "staircase"]
Preset = Literal["default", "paper"]


@dataclass(frozen=True)
class RGCConfig:
    """Options of `RelationalGraphClustering`; the defaults are the preset for up to some 100,000 videos.

    Parameters
    ----------
    fusion, hidden, dim, dropout, input_dropout
        The encoder; see `graphvid.nn.VideoEncoder`.
    num_levels, linkage
        The hierarchy; see `graphvid.clustering.affinity_clustering`.
    level_probs, pool, positive
        The triplets; see `graphvid.sampling.TripletSampler`.
    batch_size : int
        Triplets a step.
    loss : {"neighbor_softmax", "softmax", "triplet"}
        ``"neighbor_softmax"`` takes all edges inside the batch as positive pairs
        (`graphvid.losses.NeighborSoftmaxLoss`), ``"softmax"`` tells each drawn positive from the others
        (`graphvid.losses.InBatchSoftmaxLoss`), ``"triplet"`` is the paper's hinge (`graphvid.losses.TripletLoss`).
    temperature : float
        Of the two softmax losses.
    margin : float
        Of the hinge and of mining, on squared distances in [0, 4].
    mining : bool
        Replace each row's negative by the hardest semi-hard one of the batch (`graphvid.losses.SemiHardMiner`);
        only with the triplet loss.
    candidates, fallback
        Of the miner.
    num_steps : int
        Optimiser steps.
    optimizer : {"adam", "sgd"}
        ``"sgd"`` has no momentum, as in the paper's preset; ``"adam"`` decouples the weight decay.
    learning_rate : float
        Its largest value.
    schedule : {"cosine", "staircase"}
        ``"cosine"`` rises linearly over the first fortieth of the steps and falls to 0 with the last;
        ``"staircase"``, the paper's, multiplies the learning rate by ``decay`` every ``decay_every`` steps.
    decay, decay_every
        Of the staircase.
    weight_decay : float
        L2 penalty of the optimiser.
    seed : int
        Of the split, the initial weights, the triplets and dropout.

    Raises
    ------
    ValueError
        For an unknown choice, a number of another type or out of its range, mining without the triplet loss, or a
        decay without the staircase.

    Examples
    --------
    >>> RGCConfig.preset("paper").batch_size
    9600
    >>> RGCConfig.from_dict({"dim": 32}).dim
    32
    """

    fusion: Fusion = "early_concat"
    hidden: tuple[int, ...] = (512,)
    dim: int = 64
    dropout: float = 0.3
    input_dropout: float = 0.3
    num_levels: int = 3
    linkage: LinkageName = "average"
    level_probs: tuple[float, ...] = (0.0, 0.0, 0.0, 1.0)
    pool: Pool = "sibling"
    positive: Positive = "uniform"
    batch_size: int = 512
    loss: Loss = "neighbor_softmax"
    temperature: float = 0.05
    margin: float = 0.5
    mining: bool = False
    candidates: Candidates = "negatives"
    fallback: Fallback = "own"
    num_steps: int = 800
    optimizer: Optimizer = "adam"
    learning_rate: float = 3e-3
    schedule: Schedule = "cosine"
    decay: float = 1.0
    decay_every: int = 1
    weight_decay: float = 0.0
    seed: int = 0

    def __post_init__(self) -> None:
        check_options(self, _CHOICES, _RULES)
        if len(self.level_probs) != self.num_levels + 1:
            raise ValueError(
                f"level_probs must have num_levels + 1 = {self.num_levels + 1} entries, got {self.level_probs}"
            )
        if self.schedule == "cosine" and (self.decay, self.decay_every) != (1.0, 1):
            raise ValueError(
                "decay and decay_every must be left at 1 unless schedule is 'staircase', "
                f"got {self.decay} and {self.decay_every}"
            )
        if self.mining and self.loss != "triplet":
            raise ValueError(f"mining must be False unless loss is 'triplet', got loss {self.loss!r}")

    @classmethod
    def preset(cls, name: Preset) -> RGCConfig:
        """Give a named set of options.

        ``"default"`` is chosen on validation nodes of the Amazon Photo graph (see the results in the documentation);
        ``"paper"`` holds the published sizes, loss and optimiser: two towers 4000 -> 256, 9,600 triplets with
        negatives from L0, semi-hard mining with margin 0.5, gradient descent at 0.1 with decay 0.98 every 300,000
        steps. The paper does not publish the number of steps; 1,000,000 stands for "until it no longer improves".

        Raises
        ------
        ValueError
            For another name.
        """
        if name not in get_args(Preset):
            raise ValueError(f"preset must be one of {list(get_args(Preset))}, got {name!r}")
        return cls() if name == "default" else _PAPER

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> RGCConfig:  # Any: JSON values, checked by the parts that take them
        """Build the configuration that `to_dict` wrote.

        Raises
        ------
        KeyError
            For an option that does not exist.
        """
        return from_options(cls, values)

    def to_dict(self) -> dict[str, Any]:
        """Give the options as JSON values."""
        return {name: list(value) if isinstance(value, tuple) else value for name, value in asdict(self).items()}


_CHOICES: dict[str, tuple[str, ...]] = {
    "fusion": get_args(Fusion),
    "linkage": get_args(LinkageName),
    "pool": get_args(Pool),
    "positive": get_args(Positive),
    "loss": get_args(Loss),
    "candidates": get_args(Candidates),
    "fallback": get_args(Fallback),
    "optimizer": get_args(Optimizer),
    "schedule": get_args(Schedule),
}
_RULES: dict[str, Rule] = {
    **dict.fromkeys(("dim", "num_levels", "batch_size", "num_steps", "decay_every"), COUNT),
    **dict.fromkeys(("temperature", "learning_rate", "decay"), POSITIVE),
    **dict.fromkeys(("margin", "weight_decay"), NOT_NEGATIVE),
    **dict.fromkeys(("dropout", "input_dropout"), SHARE),
    "hidden": (lambda x: isinstance(x, tuple) and all(map(is_count, x)), "a list of integers >= 1"),
    "level_probs": (lambda x: isinstance(x, tuple) and all(map(is_number, x)), "a list of numbers >= 0"),
    "mining": SWITCH,
    "seed": SEED,
}

_PAPER = RGCConfig(
    fusion="late_product",
    hidden=(4000,),
    dim=256,
    dropout=0.0,
    input_dropout=0.0,
    level_probs=(1.0, 0.0, 0.0, 0.0),
    batch_size=9600,
    loss="triplet",
    mining=True,
    num_steps=1_000_000,
    optimizer="sgd",
    learning_rate=0.1,
    schedule="staircase",
    decay=0.98,
    decay_every=300_000,
)
