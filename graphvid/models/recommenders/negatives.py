"""Options of the negatives that a recommender may be trained against, a record each."""

from __future__ import annotations

from typing import Annotated, Literal, TypeAlias

from pydantic import BeforeValidator, Field

from graphvid._record import Count, Positive, Record, named, record
from graphvid.losses.sampled_softmax import ItemsLearnFrom

Distribution = Literal["uniform", "popularity"]
MaskKnown = Literal["none", "own", "known"]  # leave out the row's own item, or every training item of its user
OnShortfall = Literal["raise", "any"]
Steps = Annotated[int, Field(ge=0, lt=2**31)]


@record
class Shared(Record):
    """Options of items drawn for the whole batch, so that scores are one matrix product.

    Parameters
    ----------
    num_negatives : int
        Items drawn a step.
    distribution : {"uniform", "popularity"}
        Chance of an item.
    mask_known : {"none", "own", "known"}
        Leave out of a row's negatives its own item, or any training item of its user.
    """

    name: Literal["shared"] = "shared"
    num_negatives: Count = 800
    distribution: Distribution = "uniform"
    mask_known: MaskKnown = "none"


@record
class PerEdge(Record):
    """Options of items drawn for every row, as in the published runs.

    Parameters
    ----------
    num_negatives : int
        Items drawn a row.
    distribution : {"uniform", "popularity"}
        Chance of an item.
    reject : bool
        Whether drawn items are never a training item of the row's user.
    on_shortfall : {"raise", "any"}
        With ``reject``, for users who took every item: an error, or draws from all items.
    mask_known : {"none", "own", "known"}
        As for `Shared`.
    """

    name: Literal["per_edge"] = "per_edge"
    num_negatives: Count = 800
    distribution: Distribution = "uniform"
    reject: bool = False
    on_shortfall: OnShortfall = "raise"
    mask_known: MaskKnown = "none"

    def __post_init__(self) -> None:
        if self.on_shortfall != "raise" and not self.reject:
            raise ValueError(f"on_shortfall needs reject, got on_shortfall {self.on_shortfall!r} with reject False")


@record
class InBatch(Record):
    """Options of the other rows' items as negatives.

    Parameters
    ----------
    mask_known : {"none", "own", "known"}
        As for `Shared`; the same item is often in several rows.
    """

    name: Literal["in_batch"] = "in_batch"
    mask_known: MaskKnown = "own"


@record
class Mixed(Record):
    """Options of the other rows' items and uniform ones.

    Parameters
    ----------
    num_negatives : int
        Uniform items a step.
    mask_known : {"none", "own", "known"}
        As for `InBatch`.
    """

    name: Literal["mixed"] = "mixed"
    num_negatives: Count = 512
    mask_known: MaskKnown = "own"


@record
class CrossBatch(Record):
    """Options of the other rows' items and those of earlier batches; see `graphvid.losses.CrossBatchNegatives`.

    Parameters
    ----------
    memory_size : int
        Items that the memory holds, at least as many as a batch has.
    warmup_steps : int
        Steps before it is used.
    max_drift : float or None
        It is used, beside ``warmup_steps``, only once items have moved by at most this share of their length, for instance
        0.05, within ``ceil(memory_size / batch_size)`` steps, the age of its oldest entry. Up to 512 items are encoded once
        in that many steps to see it. Once small enough is for good. None asks for no such thing.
    fill_during_warmup : bool
        Whether it is filled meanwhile.
    items_learn_from : {"all", "batch"}
        ``"all"``, as published, is one softmax over the batch and the memory. The entries take a share of it and no
        gradient, so that the items of the batch are pushed less and pulled as before. ``"batch"``: users learn from that
        softmax, items from the one over the batch alone.
    mask_known : {"none", "own", "known"}
        As for `InBatch`.
    """

    name: Literal["cross_batch"] = "cross_batch"
    memory_size: Count = 2048
    warmup_steps: Steps = 0
    max_drift: Positive | None = None
    fill_during_warmup: bool = False
    items_learn_from: ItemsLearnFrom = "all"
    mask_known: MaskKnown = "own"


Negatives: TypeAlias = Annotated[
    Shared | PerEdge | InBatch | Mixed | CrossBatch, BeforeValidator(named(Shared, PerEdge, InBatch, Mixed, CrossBatch))
]
