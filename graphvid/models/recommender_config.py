"""Options of the models that learn from pairs of users and items, as flat records that fit in a configuration file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any, Literal, TypeVar, get_args

from graphvid.losses.sampled_softmax import ItemsLearnFrom
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
from graphvid.nn.user_history import Aggregator

LossName = Literal["ccl", "softmax", "bpr", "bce"]
Similarity = Literal["cosine", "dot"]
Negatives = Literal["shared", "per_edge", "in_batch", "mixed", "cross_batch"]
Distribution = Literal["uniform", "popularity"]
MaskKnown = Literal["none", "own", "known"]
OnShortfall = Literal["raise", "any"]
OptimizerName = Literal["adam", "deferred_adam"]
ItemTower = Literal["content", "id"]
Config = TypeVar("Config", bound="RecommenderConfig")


@dataclass(frozen=True)
class RecommenderConfig:
    """Options that all recommenders share; the defaults are those of MF-CCL on Gowalla but for ``negative_weight``.

    Parameters
    ----------
    dim : int
        Columns of the vectors.
    similarity : {"cosine", "dot"}
        Scores of unit vectors, or of vectors as they are.
    loss : {"ccl", "softmax", "bpr", "bce"}
        See `graphvid.losses.CosineContrastiveLoss`, `SampledSoftmaxLoss`, `BPRLoss` and `BCELoss`.
    margin, negative_weight : float
        Of CCL; ``negative_weight`` None is the plain sum over negatives. The weight is used by BCE too. Published weights
        go from 2 to 300; with MF-CCL, 10 has Recall@20 .178 on the generated world and .128 on Amazon Electronics where
        the 150 of Gowalla has .115 and .061.
    temperature : float
        The softmax divides its scores by it.
    log_q : bool
        Whether the softmax corrects its scores by the probability of drawing an item.
    negatives : {"shared", "per_edge", "in_batch", "mixed", "cross_batch"}
        ``"shared"``: ``num_negatives`` items are drawn for the whole batch, so that scores are one matrix product;
        ``"per_edge"``: as many for every row, as in the published runs. ``"in_batch"``: the other rows' items;
        ``"mixed"``: those and ``num_negatives`` uniform ones; ``"cross_batch"``: those and the last ``memory_size``
        items of earlier batches, see `graphvid.losses.CrossBatchNegatives`. The last three need the softmax.
    num_negatives : int
        Items drawn.
    distribution : {"uniform", "popularity"}
        What drawn items follow.
    reject : bool
        Whether drawn items are never a training item of the row's user; not with shared negatives, for which
        ``mask_known`` is there.
    on_shortfall : {"raise", "any"}
        With ``reject``, for users who took every item: an error, or draws from all items.
    mask_known : {"none", "own", "known"}
        Leave out of a row's negatives those that are the row's own item, or any training item of its user.
    memory_size, warmup_steps : int
        Items that the memory holds, and steps before it is used.
    fill_during_warmup : bool
        Whether the memory is filled meanwhile.
    items_learn_from : {"all", "batch"}
        With a memory: ``"all"``, as published, is one softmax over the batch and the memory. The entries take a share of
        it and no gradient, so that the items of the batch are pushed less and pulled as before. ``"batch"``: users learn
        from that softmax, items from the one over the batch alone.
    dropout : float
        Share of the entries of a unit user vector that is set to zero in training, the others being scaled up.
    init_std : float
        Deviation of the initial embeddings.
    batch_size, num_epochs, learning_rate
        Of training; every training edge comes once an epoch.
    l2 : float
        Penalty ``l2 / 2`` times the squared norm of the whole embedding tables.
    max_gradient_norm : float or None
        Gradients whose norm, over all parameters, is larger are scaled down to it. It matters at the start: a cosine's
        gradient is as large as its vectors are small, and Adam remembers the squares of the first steps for a thousand
        more. None leaves gradients as they are.
    optimizer : {"adam", "deferred_adam"}
        ``"deferred_adam"`` is the same optimiser at the cost of the rows read; see `graphvid.optim.DeferredAdam` for
        what it does with ``l2``.
    monitor : {"recall", "ndcg"}
        What an epoch is judged by, at 20.
    patience : int
        Epochs in a row without a better value after which training stops; each one reloads the best weights and
        multiplies the learning rate by 0.1, down to 1e-6.
    seed : int
        Of the initial weights, the order of the edges, the negatives and the dropout.

    Raises
    ------
    ValueError
        For an unknown choice, a number of another type or out of its range, or options that contradict each other.
    """

    dim: int = 64
    similarity: Similarity = "cosine"
    loss: LossName = "ccl"
    margin: float = 0.9
    negative_weight: float | None = 10.0
    temperature: float = 0.1
    log_q: bool = True
    negatives: Negatives = "shared"
    num_negatives: int = 800
    distribution: Distribution = "uniform"
    reject: bool = False
    on_shortfall: OnShortfall = "raise"
    mask_known: MaskKnown = "none"
    memory_size: int = 0
    warmup_steps: int = 0
    fill_during_warmup: bool = False
    items_learn_from: ItemsLearnFrom = "all"
    dropout: float = 0.1
    init_std: float = 1e-4
    batch_size: int = 256
    num_epochs: int = 100
    learning_rate: float = 1e-4
    l2: float = 0.0
    max_gradient_norm: float | None = None
    optimizer: OptimizerName = "deferred_adam"
    monitor: Literal["recall", "ndcg"] = "recall"
    patience: int = 3
    seed: int = 0

    def __post_init__(self) -> None:
        check_options(self, _CHOICES, _RULES)
        if self.negatives not in ("shared", "per_edge") and self.loss != "softmax":
            raise ValueError(f"loss must be 'softmax' with negatives {self.negatives!r}, got {self.loss!r}")
        if (self.memory_size > 0) != (self.negatives == "cross_batch"):
            raise ValueError(
                f"memory_size must be > 0 with negatives 'cross_batch' and 0 without, got {self.memory_size} with "
                f"{self.negatives!r}"
            )
        if 0 < self.memory_size < self.batch_size:
            raise ValueError(f"memory_size must be at least batch_size, {self.batch_size}, got {self.memory_size}")
        if self.loss == "ccl" and self.similarity != "cosine":
            raise ValueError(f"similarity must be 'cosine' with loss 'ccl', got {self.similarity!r}")
        for name, (option, values) in _NEEDED.items():
            default = next(field.default for field in fields(self) if field.name == name)
            if getattr(self, name) != default and getattr(self, option) not in values:
                raise ValueError(
                    f"{name} counts with {option} in {list(values)} only, got {name}={getattr(self, name)!r} with "
                    f"{option} {getattr(self, option)!r}"
                )
        if self.reject and self.negatives != "per_edge":
            raise ValueError(f"reject needs negatives 'per_edge', got {self.negatives!r}; use mask_known='known'")

    @classmethod
    def preset(cls: type[Config], name: str) -> Config:
        """Give a named set of options: ``"default"``, or one that the class names.

        Raises
        ------
        ValueError
            For another name.
        """
        presets = {"default": cls(), **_PRESETS.get(cls, {})}
        if name not in presets:
            raise ValueError(f"preset must be one of {sorted(presets)}, got {name!r}")
        found = presets[name]
        assert isinstance(found, cls)
        return found

    @classmethod
    def from_dict(cls: type[Config], values: Mapping[str, Any]) -> Config:  # Any: JSON values, checked by the rules
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


@dataclass(frozen=True)
class MFConfig(RecommenderConfig):
    """Options of `MatrixFactorization`; see `RecommenderConfig`.

    Presets: ``"gowalla"``, the published options of MF-CCL on Gowalla, and ``"bpr"``, plain BPR with one negative.
    """


@dataclass(frozen=True)
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

    gate: float = 0.8
    aggregator: Aggregator = "mean"
    share_history_embedding: bool = True
    count_padding: bool = False

    def __post_init__(self) -> None:
        super().__post_init__()
        check_options(self, {"aggregator": get_args(Aggregator)}, _SIMPLEX_RULES)
        if self.count_padding and self.aggregator == "mean":
            raise ValueError("count_padding needs an aggregator with attention, got 'mean'")


@dataclass(frozen=True)
class LightGCNConfig(RecommenderConfig):
    """Options of `LightGCN`; see `RecommenderConfig`. The defaults are those of the paper: BPR with one negative.

    Presets: ``"paper"``, the defaults, and ``"ccl"``, the same propagation under CCL with shared negatives.

    Parameters
    ----------
    num_layers : int
        Hops of the propagation.
    batch_l2 : float
        Penalty ``batch_l2 / 2`` times the mean, over the edges of a batch, of the squared norms of the initial
        embeddings of both ends. The paper adds those of the negatives.
    """

    similarity: Similarity = "dot"
    loss: LossName = "bpr"
    negatives: Negatives = "per_edge"
    num_negatives: int = 1
    reject: bool = True
    dropout: float = 0.0
    init_std: float = 0.1
    batch_size: int = 2048
    num_epochs: int = 1000
    learning_rate: float = 1e-3
    optimizer: OptimizerName = "adam"
    patience: int = 50
    num_layers: int = 3
    batch_l2: float = 1e-4

    def __post_init__(self) -> None:
        super().__post_init__()
        check_options(self, {}, {"num_layers": COUNT, "batch_l2": NOT_NEGATIVE})
        if self.optimizer != "adam":
            raise ValueError(f"optimizer must be 'adam', as every step reads the whole table, got {self.optimizer!r}")


@dataclass(frozen=True)
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

    loss: LossName = "softmax"
    negatives: Negatives = "cross_batch"
    num_negatives: int = 512
    mask_known: MaskKnown = "own"
    memory_size: int = 2048
    dropout: float = 0.0
    init_std: float = 0.01
    batch_size: int = 512
    num_epochs: int = 30
    learning_rate: float = 1e-3
    optimizer: OptimizerName = "adam"
    item_tower: ItemTower = "content"
    hidden: int = 256

    def __post_init__(self) -> None:
        super().__post_init__()
        check_options(self, {"item_tower": get_args(ItemTower)}, {"hidden": COUNT})


_NEEDED = {  # options that others may make useless: what they need
    "margin": ("loss", ("ccl",)),
    "negative_weight": ("loss", ("ccl", "bce")),
    "temperature": ("loss", ("softmax",)),
    "log_q": ("loss", ("softmax",)),
    "on_shortfall": ("reject", (True,)),
    "distribution": ("negatives", ("shared", "per_edge")),
    "warmup_steps": ("negatives", ("cross_batch",)),
    "fill_during_warmup": ("negatives", ("cross_batch",)),
    "items_learn_from": ("negatives", ("cross_batch",)),
}
_CHOICES: dict[str, tuple[str, ...]] = {
    "similarity": get_args(Similarity),
    "loss": get_args(LossName),
    "negatives": get_args(Negatives),
    "distribution": get_args(Distribution),
    "mask_known": get_args(MaskKnown),
    "on_shortfall": get_args(OnShortfall),
    "items_learn_from": get_args(ItemsLearnFrom),
    "optimizer": get_args(OptimizerName),
    "monitor": ("recall", "ndcg"),
}
_RULES: dict[str, Rule] = {
    **dict.fromkeys(("dim", "num_negatives", "batch_size", "num_epochs", "patience"), COUNT),
    **dict.fromkeys(("temperature", "init_std", "learning_rate"), POSITIVE),
    **dict.fromkeys(("memory_size", "warmup_steps"), (lambda x: is_count(x, 0), "an integer >= 0")),
    **dict.fromkeys(("log_q", "reject", "fill_during_warmup"), SWITCH),
    "max_gradient_norm": (lambda x: x is None or POSITIVE[0](x), "null or a finite number > 0"),
    "negative_weight": (lambda x: x is None or is_number(x), "null or a finite number >= 0"),
    "margin": (lambda x: is_number(x, -1.0) and x < 1, "a number in [-1, 1)"),  # type: ignore[operator]
    "dropout": SHARE,
    "l2": NOT_NEGATIVE,
    "seed": SEED,
}
_SIMPLEX_RULES: dict[str, Rule] = {
    "gate": (lambda x: is_number(x) and x <= 1, "a number in [0, 1]"),  # type: ignore[operator]
    **dict.fromkeys(("share_history_embedding", "count_padding"), SWITCH),
}
_MF_PRESETS = {
    "gowalla": MFConfig(negative_weight=150.0, l2=1e-8, negatives="per_edge", max_gradient_norm=10.0),
    "bpr": MFConfig(
        loss="bpr", similarity="dot", num_negatives=1, negatives="per_edge", reject=True, learning_rate=1e-3, l2=1e-7,
        batch_size=1024, init_std=0.1, dropout=0.0,
    ),
}  # fmt: skip
_SIMPLEX_PRESETS = {
    "gowalla": SimpleXConfig(
        aggregator="user_attention", count_padding=True, num_negatives=2000, negative_weight=250.0, l2=1e-7,
        negatives="per_edge", share_history_embedding=False, max_gradient_norm=10.0,
    ),
    "electronics": SimpleXConfig(
        dim=50, gate=0.3, num_negatives=1000, margin=0.8, negative_weight=4.0, learning_rate=5e-4, l2=0.05, dropout=0.0,
        negatives="per_edge", reject=True, optimizer="adam", monitor="recall", max_gradient_norm=10.0,
    ),
}  # fmt: skip
_LIGHTGCN_PRESETS = {
    "paper": LightGCNConfig(),
    "ccl": LightGCNConfig(
        similarity="cosine", loss="ccl", negatives="shared", num_negatives=800, reject=False, batch_size=1024,
        init_std=1e-4, num_epochs=100, patience=3, batch_l2=0.0,
    ),
}  # fmt: skip
_TWO_TOWER_PRESETS = {
    "in_batch": TwoTowerConfig(negatives="in_batch", memory_size=0),
    "mixed": TwoTowerConfig(negatives="mixed", memory_size=0),
    "cross_batch": TwoTowerConfig(),
}
_PRESETS: dict[type[RecommenderConfig], Mapping[str, RecommenderConfig]] = {
    MFConfig: _MF_PRESETS,
    SimpleXConfig: _SIMPLEX_PRESETS,
    LightGCNConfig: _LIGHTGCN_PRESETS,
    TwoTowerConfig: _TWO_TOWER_PRESETS,
}
