"""Options of the losses that a recommender may be trained with, a record each."""

from __future__ import annotations

from typing import Annotated, Literal, TypeAlias

from pydantic import BeforeValidator, Field

from graphvid._record import NotNegative, Positive, Record, named, record


@record
class CCL(Record):
    """Options of `graphvid.losses.CosineContrastiveLoss`.

    Parameters
    ----------
    margin : float
        Cosine above which a negative counts, in [-1, 1].
    negative_weight : float or None
        Weight of the mean over the negatives; None is the plain sum. Published weights go from 2 to 300; with MF-CCL, 10
        has Recall@20 .178 on the generated world and .128 on Amazon Electronics where the 150 of Gowalla has .115 and
        .061.
    """

    name: Literal["ccl"] = "ccl"
    margin: Annotated[float, Field(ge=-1, le=1)] = 0.9
    negative_weight: NotNegative | None = 10.0


@record
class Softmax(Record):
    """Options of `graphvid.losses.SampledSoftmaxLoss`.

    Parameters
    ----------
    temperature : float
        Scores are divided by it.
    log_q : bool
        Whether scores are corrected by the probability of drawing an item.
    log_q_scale : float
        Share of that correction, in [0, 1]; below 1 popular items are pushed more than in the softmax over all items.
    """

    name: Literal["softmax"] = "softmax"
    temperature: Positive = 0.1
    log_q: bool = True
    log_q_scale: Annotated[float, Field(ge=0, le=1)] = 1.0

    def __post_init__(self) -> None:
        if self.log_q_scale != 1 and not self.log_q:
            raise ValueError(f"log_q_scale must be 1 with log_q False, which corrects nothing, got {self.log_q_scale}")


@record
class BPR(Record):
    """Options of `graphvid.losses.BPRLoss`, which has none."""

    name: Literal["bpr"] = "bpr"


@record
class BCE(Record):
    """Options of `graphvid.losses.BCELoss`.

    Parameters
    ----------
    negative_weight : float or None
        Weight of the mean over the negatives; None is the plain sum.
    """

    name: Literal["bce"] = "bce"
    negative_weight: NotNegative | None = 10.0


Loss: TypeAlias = Annotated[CCL | Softmax | BPR | BCE, BeforeValidator(named(CCL, Softmax, BPR, BCE))]
