"""Options of a run of `RelationalGraphClustering`, as one flat record that is saved beside its results."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field

from graphvid._record import Columns, Count, NotNegative, Positive, Record, Seed, Share, record
from graphvid.clustering.linkage import LinkageName
from graphvid.losses.semi_hard import CandidatePool, Fallback
from graphvid.nn.video_encoder import Fusion
from graphvid.sampling.triplet_tables import OnShortfall, Pool
from graphvid.sampling.triplet_tables import Positive as DrawnPositive

from .raw_path import Raw

Loss = Literal["neighbor_softmax", "softmax", "triplet"]
Optimizer = Literal["adam", "sgd"]
Schedule = Literal["cosine", "staircase"]


@record
class RGCConfig(Record):
    """Options of `RelationalGraphClustering`; the defaults are the preset for up to some 100,000 videos.

    Presets: ``"default"`` is chosen on validation nodes of the Amazon Photo graph (see the results in the
    documentation); ``"paper"`` holds the published sizes, loss and optimiser: two towers 4000 -> 256, 9,600 triplets with
    negatives from L0, semi-hard mining with margin 0.5, gradient descent at 0.1 with decay 0.98 every 300,000 steps. The
    paper does not publish the number of steps; 1,000,000 stands for "until it no longer improves".

    Parameters
    ----------
    fusion, hidden, dim, dropout, input_dropout
        The encoder; see `graphvid.nn.VideoEncoder`.
    skip : {"none", "raw", "standardised", "idf"}
        A linear layer from the features, unchanged or scaled, to the vector, beside the network and trained with it; see
        `graphvid.models.SkipEncoder`. The linear layer drops ``input_dropout`` of the features.
    num_levels, linkage
        The hierarchy; see `graphvid.clustering.affinity_clustering`.
    level_probs, pool, positive, on_shortfall
        The triplets; see `graphvid.sampling.TripletSampler`.
    final_level_probs : tuple of float or None
        Probabilities of the levels in the last step; they change linearly from ``level_probs``. None: no change.
    batch_size : int
        Triplets a step.
    loss : {"neighbor_softmax", "softmax", "triplet"}
        ``"neighbor_softmax"`` takes all edges inside the batch as positive pairs
        (`graphvid.losses.NeighborSoftmaxLoss`), ``"softmax"`` separates each drawn positive from the others
        (`graphvid.losses.InBatchSoftmaxLoss`), ``"triplet"`` is the paper's hinge (`graphvid.losses.TripletLoss`).
    temperature : float
        Temperature of the two softmax losses.
    margin : float
        Margin of the hinge and of mining, on squared distances in [0, 4].
    mining : bool
        Replace each row's negative by the hardest semi-hard one of the batch (`graphvid.losses.SemiHardMiner`);
        only with the triplet loss.
    candidates, fallback
        Options of the miner.
    num_steps : int
        Optimiser steps.
    optimizer : {"adam", "sgd"}
        ``"sgd"`` has no momentum, as in the paper's preset; ``"adam"`` decouples the weight decay.
    learning_rate : float
        Largest learning rate.
    schedule : {"cosine", "staircase"}
        ``"cosine"`` rises linearly over the first fortieth of the steps and falls to 0 at the last step;
        ``"staircase"``, that of the paper, multiplies the learning rate by ``decay`` every ``decay_every`` steps.
    decay, decay_every
        Factor and interval, in steps, of the staircase.
    weight_decay : float
        L2 penalty of the optimiser.
    raw : {"none", "raw", "standardised", "idf"}
        Features concatenated with the learned vector, unchanged or scaled; see `graphvid.models.FusedEncoder` for this and
        the next two options. ``"none"`` gives only the learned vector. Training does not depend on it.
    raw_dim : int or None
        Columns of the projection of the features, at most as many as they have; None: no projection.
    raw_weight : float
        Weight of the features in the cosine, in [0, 1]; the learned vector has the rest.
    hold_out : float
        Share of the training videos, in [0, 1), that the run excludes from training and evaluates instead of the test
        videos, at most 4,000 of them. Use it to choose options.
    seed : int
        Seed of the splits, the initial weights, the triplets, dropout and the projection.

    Raises
    ------
    ValueError
        An unknown choice, a number of another type or out of its range, mining without the triplet loss, or a decay
        without the staircase.

    Examples
    --------
    >>> RGCConfig.preset("paper").batch_size
    9600
    >>> RGCConfig.from_dict({"dim": 32}).dim
    32
    """

    presets: ClassVar[Mapping[str, Mapping[str, Any]]] = {  # Any: values of options
        "default": {},
        "paper": {
            "fusion": "late_product",
            "hidden": (4000,),
            "dim": 256,
            "dropout": 0.0,
            "input_dropout": 0.0,
            "level_probs": (1.0, 0.0, 0.0, 0.0),
            "batch_size": 9600,
            "loss": "triplet",
            "mining": True,
            "num_steps": 1_000_000,
            "optimizer": "sgd",
            "learning_rate": 0.1,
            "schedule": "staircase",
            "decay": 0.98,
            "decay_every": 300_000,
        },
    }

    fusion: Fusion = "early_concat"
    hidden: tuple[Columns, ...] = (512,)
    dim: Columns = 64
    dropout: Share = 0.3
    input_dropout: Share = 0.3
    skip: Raw = "none"
    num_levels: Annotated[int, Field(ge=1, le=64)] = 3
    linkage: LinkageName = "average"
    level_probs: tuple[NotNegative, ...] = (0.0, 0.0, 0.0, 1.0)
    final_level_probs: tuple[NotNegative, ...] | None = None
    pool: Pool = "sibling"
    positive: DrawnPositive = "uniform"
    on_shortfall: OnShortfall = "raise"
    batch_size: Count = 512
    loss: Loss = "neighbor_softmax"
    temperature: Positive = 0.05
    margin: NotNegative = 0.5
    mining: bool = False
    candidates: CandidatePool = "negatives"
    fallback: Fallback = "own"
    num_steps: Count = 800
    optimizer: Optimizer = "adam"
    learning_rate: Positive = 3e-3
    schedule: Schedule = "cosine"
    decay: Positive = 1.0
    decay_every: Count = 1
    weight_decay: NotNegative = 0.0
    raw: Raw = "none"
    raw_dim: Columns | None = None
    raw_weight: Annotated[float, Field(ge=0, le=1)] = 0.5
    hold_out: Share = 0.0
    seed: Seed = 0

    def __post_init__(self) -> None:
        for name in ("level_probs", "final_level_probs"):
            probs = getattr(self, name)
            if probs is not None and len(probs) != self.num_levels + 1:
                raise ValueError(f"{name} must have num_levels + 1 = {self.num_levels + 1} entries, got {probs}")
        if self.schedule == "cosine" and (self.decay, self.decay_every) != (1.0, 1):
            raise ValueError(
                "decay and decay_every must be left at 1 unless schedule is 'staircase', "
                f"got {self.decay} and {self.decay_every}"
            )
        if self.raw == "none" and (self.raw_dim, self.raw_weight) != (None, 0.5):
            raise ValueError(
                "raw_dim and raw_weight must be left at null and 0.5 with raw 'none', "
                f"got {self.raw_dim} and {self.raw_weight}"
            )
        if self.mining and self.loss != "triplet":
            raise ValueError(f"mining must be False unless loss is 'triplet', got loss {self.loss!r}")
