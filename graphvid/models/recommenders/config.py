"""Options of the models that learn from pairs of users and items, as records that fit in a configuration file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field

from graphvid._record import Columns, Count, NotNegative, Positive, Record, Seed, Share, record
from graphvid.nn.user_history import Aggregator

from .losses import BPR, CCL, Loss, Softmax
from .negatives import CrossBatch, Negatives, PerEdge, Shared

Similarity = Literal["cosine", "dot"]
OptimizerName = Literal["adam", "deferred_adam"]
ItemTower = Literal["content", "id"]
Presets = Mapping[str, Mapping[str, Any]]  # Any: values of options


@record
class RecommenderConfig(Record):
    """Options that all recommenders share; the defaults are those of MF-CCL on Gowalla but for the weight of negatives.

    Parameters
    ----------
    dim : int
        Columns of the vectors.
    similarity : {"cosine", "dot"}
        Scores of unit vectors, or of vectors as they are. CCL needs the cosine.
    loss : CCL, Softmax, BPR or BCE
        What scores are asked for; see `graphvid.models.recommenders`. Also a name, ``"softmax"``, or the form of a
        configuration file, ``{"name": "softmax", "temperature": 0.2}``.
    negatives : Shared, PerEdge, InBatch, Mixed or CrossBatch
        What an edge's item is set against, in the same forms. The last three need the softmax.
    dropout : float
        Share of the entries of a unit user vector that is set to zero in training, the others being scaled up.
    init_std : float
        Deviation of the initial embeddings.
    batch_size, num_epochs, learning_rate
        Of training; every training edge comes once an epoch.
    l2 : float
        Penalty ``l2 / 2`` times the squared norm of the whole embedding tables.
    max_gradient_norm : float or None
        Gradients whose norm, over all parameters, is larger are scaled down to it. It matters at the start: the gradient
        of a cosine grows as the vectors shrink, and Adam remembers the squares of the first steps for a thousand more.
        None leaves gradients as they are.
    optimizer : {"adam", "deferred_adam"}
        ``"deferred_adam"`` is the same optimiser at the cost of the rows read; see `graphvid.optim.DeferredAdam` for
        what it does with ``l2``.
    monitor : {"recall", "ndcg"}
        What an epoch is judged by, at 20.
    patience : int
        Epochs in a row without a better value after which training stops and the best weights are taken.
    plateau : {"reload", "constant"}
        After such an epoch ``"reload"`` takes the best weights and multiplies the learning rate by 0.1, down to 1e-6;
        ``"constant"`` goes on at the same rate from the last weights. See `graphvid.runs.ReloadOnPlateau`.
    seed : int
        Of the initial weights, the order of the edges, the negatives and the dropout.

    Raises
    ------
    ValueError
        For an unknown choice, a number of another type or out of its range, or options that contradict each other.

    Examples
    --------
    >>> config = MFConfig(loss=CCL(margin=0.4), negatives="per_edge")
    >>> config.loss.margin, config.negatives.num_negatives
    (0.4, 800)
    """

    dim: Columns = 64
    similarity: Similarity = "cosine"
    loss: Loss = field(default_factory=CCL)
    negatives: Negatives = field(default_factory=Shared)
    dropout: Share = 0.1
    init_std: Positive = 1e-4
    batch_size: Count = 256
    num_epochs: Count = 100
    learning_rate: Positive = 1e-4
    l2: NotNegative = 0.0
    max_gradient_norm: Positive | None = None
    optimizer: OptimizerName = "deferred_adam"
    monitor: Literal["recall", "ndcg"] = "recall"
    patience: Count = 3
    plateau: Literal["reload", "constant"] = "reload"
    seed: Seed = 0

    def __post_init__(self) -> None:
        if not isinstance(self.negatives, Shared | PerEdge) and not isinstance(self.loss, Softmax):
            raise ValueError(f"loss must be 'softmax' with negatives {self.negatives.name!r}, got {self.loss.name!r}")
        if isinstance(self.negatives, CrossBatch) and self.negatives.memory_size < self.batch_size:
            raise ValueError(
                f"negatives.memory_size must be at least batch_size, {self.batch_size}, got {self.negatives.memory_size}"
            )
        if isinstance(self.loss, CCL) and self.similarity != "cosine":
            raise ValueError(f"similarity must be 'cosine' with loss 'ccl', got {self.similarity!r}")


@record
class MFConfig(RecommenderConfig):
    """Options of `MatrixFactorization`; see `RecommenderConfig`.

    Presets: ``"gowalla"``, the published options of MF-CCL on Gowalla, and ``"bpr"``, plain BPR with one negative.
    """

    presets: ClassVar[Presets] = {
        "default": {},
        "gowalla": {
            "loss": {"name": "ccl", "negative_weight": 150.0},
            "negatives": "per_edge",
            "l2": 1e-8,
            "max_gradient_norm": 10.0,
        },
        "bpr": {
            "loss": "bpr",
            "similarity": "dot",
            "negatives": {"name": "per_edge", "num_negatives": 1, "reject": True},
            "learning_rate": 1e-3,
            "l2": 1e-7,
            "batch_size": 1024,
            "init_std": 0.1,
            "dropout": 0.0,
        },
    }


@record
class SimpleXConfig(RecommenderConfig):
    """Options of `SimpleX`; see `RecommenderConfig`.

    Presets: ``"gowalla"`` and ``"electronics"``, the published options on these data sets. They bound gradients by 10,
    which no publication names: with it the first epochs are those of the published runs. On Amazon Electronics the last
    epochs are no better for it.

    Parameters
    ----------
    gate : float
        Weight g of the user's own embedding in [0, 1]; the history has 1 - g.
    aggregator : {"mean", "self_attention", "user_attention"}
        See `graphvid.nn.UserHistory`.
    share_history_embedding : bool
        Whether items in histories have the embedding that they are scored by, or a table of their own.
    count_padding : bool
        Whether attention is diluted as in the authors' code, which pads all histories to the longest: the shorter a
        user's history, the more their own embedding counts.
    """

    presets: ClassVar[Presets] = {
        "default": {},
        "gowalla": {
            "aggregator": "user_attention",
            "count_padding": True,
            "loss": {"name": "ccl", "negative_weight": 250.0},
            "negatives": {"name": "per_edge", "num_negatives": 2000},
            "l2": 1e-7,
            "share_history_embedding": False,
            "max_gradient_norm": 10.0,
        },
        "electronics": {
            "dim": 50,
            "gate": 0.3,
            "loss": {"name": "ccl", "margin": 0.8, "negative_weight": 4.0},
            "negatives": {"name": "per_edge", "num_negatives": 1000, "reject": True},
            "learning_rate": 5e-4,
            "l2": 0.05,
            "dropout": 0.0,
            "optimizer": "adam",
            "monitor": "recall",
            "max_gradient_norm": 10.0,
        },
    }

    gate: Annotated[float, Field(ge=0, le=1)] = 0.8
    aggregator: Aggregator = "mean"
    share_history_embedding: bool = True
    count_padding: bool = False

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.count_padding and self.aggregator == "mean":
            raise ValueError("count_padding needs an aggregator with attention, got 'mean'")


@record
class LightGCNConfig(RecommenderConfig):
    """Options of `LightGCN`; see `RecommenderConfig`.

    The defaults are those of the paper: BPR with one negative, and a constant rate with patience.

    Presets: ``"paper"``, the defaults, and ``"ccl"``, the same propagation under CCL with shared negatives.

    Parameters
    ----------
    num_layers : int
        Hops of the propagation.
    batch_l2 : float
        Penalty ``batch_l2 / 2`` times the mean, over the edges of a batch, of the squared norms of the initial
        embeddings of both ends. The paper adds those of the negatives.
    """

    presets: ClassVar[Presets] = {
        "default": {},
        "paper": {},
        "ccl": {
            "similarity": "cosine",
            "loss": "ccl",
            "negatives": "shared",
            "batch_size": 1024,
            "init_std": 1e-4,
            "num_epochs": 100,
            "patience": 3,
            "batch_l2": 0.0,
        },
    }

    similarity: Similarity = "dot"
    loss: Loss = field(default_factory=BPR)
    negatives: Negatives = field(default_factory=lambda: PerEdge(num_negatives=1, reject=True))
    dropout: Share = 0.0
    init_std: Positive = 0.1
    batch_size: Count = 2048
    num_epochs: Count = 1000
    learning_rate: Positive = 1e-3
    optimizer: Literal["adam"] = "adam"  # every step reads the whole table
    patience: Count = 50
    plateau: Literal["reload", "constant"] = "constant"
    num_layers: Count = 3
    batch_l2: NotNegative = 1e-4


@record
class TwoTowerConfig(RecommenderConfig):
    """Options of `TwoTower`; see `RecommenderConfig`. The defaults are a content tower with cross-batch negatives.

    Presets: ``"in_batch"``, ``"mixed"`` and ``"cross_batch"``, the defaults, which are equal but for the negatives. Users
    start at ``init_std`` 0.01: on TikTok, batches of 128 and a memory of 384, NDCG@20 of validation is .0315 with it and
    .0234 with 0.1 (one seed), from which unit vectors turn slowly.

    Parameters
    ----------
    item_tower : {"content", "id"}
        Items from their features, or from an embedding each.
    hidden : int
        Width of the hidden layer of the content tower.
    """

    presets: ClassVar[Presets] = {
        "default": {},
        "in_batch": {"negatives": "in_batch"},
        "mixed": {"negatives": "mixed"},
        "cross_batch": {},
    }

    loss: Loss = field(default_factory=Softmax)
    negatives: Negatives = field(default_factory=CrossBatch)
    dropout: Share = 0.0
    init_std: Positive = 0.01
    batch_size: Count = 512
    num_epochs: Count = 30
    learning_rate: Positive = 1e-3
    optimizer: OptimizerName = "adam"
    item_tower: ItemTower = "content"
    hidden: Columns = 256
