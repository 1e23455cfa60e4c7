"""Options of the models of the next place, as records that fit in a configuration file."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Literal, get_args

from graphvid._record import Columns, Count, NotNegative, Positive, Record, Seed, Share, record

Interest = Literal["daily", "sequential", "hour", "area", "hour_area"]
CountPart = Literal["history", "weekday", "hour", "area", "hour_area", "sequential", "successor", "popularity"]
Baseline = Literal["gru", "mf", "simplex"]
SlotHours = Literal[1, 2, 3, 4, 6, 8, 12, 24]
INTERESTS: tuple[Interest, ...] = get_args(Interest)


@record
class PeriodicInterestsConfig(Record):
    """Options of `PeriodicInterests`.

    Presets: ``"default"``, and ``"light"``, a quarter of the arithmetic: 32 columns and lists of 10 and 20.

    Parameters
    ----------
    dim : int
        Columns of all vectors.
    interests : tuple of {"daily", "sequential", "hour", "area", "hour_area"}
        Lists that are read. Leaving one out takes its network and its counts away.
    short_length, daily_length : int
        Most check-ins of a short list and of a day of the long term.
    history_length : int
        Most check-ins of a list that is counted.
    slot_hours : {1, 2, 3, 4, 6, 8, 12, 24}
        Hours of a slot of the day.
    hour_tolerance : int
        Slots by which "the same hour" may be off.
    session_gap_hours : float
        The long term is what came before the current session, which a longer gap ends.
    target_time : {"request", "last"}
        Whether weekday and hour are those of the request, which a service knows, or those of the last check-in.
    counts : bool
        Whether the score is a mixture of the network and of counts of visits, with learned shares.
    distance : bool
        Whether the network's score falls with the logarithm of the distance from the last place.
    dropout : float
        Share of the entries of inputs, context and states set to zero in training.
    num_negatives : int or None
        Places drawn uniformly that stand for all others in the softmax; None takes all, for up to about 50,000 places.
    batch_size, num_epochs, learning_rate, weight_decay, max_gradient_norm
        Of training with Adam; gradients of a larger norm are scaled down.
    patience : int
        Epochs in a row without a better Recall@10 of validation after which training stops, at a rate that stays as it
        is. Recall rises in steps; 5 lets it wait for the next one.
    baselines : tuple of {"gru", "mf", "simplex"}
        What a run trains beside this model to compare it with: a GRU over the last check-ins, BPR matrix factorisation and
        SimpleX. Counts stand in the table of every run.
    seed : int
        Of the initial weights, the order of the sessions and the dropout.

    Raises
    ------
    ValueError
        For an unknown choice, a number of another type or out of its range, no interest or one named twice.
    """

    presets: ClassVar[Mapping[str, Mapping[str, Any]]] = {
        "default": {},
        "light": {"dim": 32, "short_length": 10, "daily_length": 20},
    }

    dim: Columns = 64
    interests: tuple[Interest, ...] = INTERESTS
    short_length: Count = 20
    daily_length: Count = 50
    history_length: Count = 500
    slot_hours: SlotHours = 1
    hour_tolerance: int = 0
    session_gap_hours: Positive = 24.0
    target_time: Literal["request", "last"] = "request"
    counts: bool = True
    distance: bool = False
    dropout: Share = 0.3
    num_negatives: Count | None = None
    batch_size: Count = 256
    num_epochs: Count = 30
    learning_rate: Positive = 1e-3
    weight_decay: NotNegative = 1e-5
    max_gradient_norm: Positive = 5.0
    patience: Count = 5
    baselines: tuple[Baseline, ...] = ()
    seed: Seed = 0

    def __post_init__(self) -> None:
        if not self.interests or len(set(self.interests)) < len(self.interests):
            raise ValueError(f"interests must be at least one of {list(INTERESTS)}, each once, got {self.interests}")
        if len(set(self.baselines)) < len(self.baselines):
            raise ValueError(f"baselines must be named once each, got {self.baselines}")
        _check_tolerance(self.hour_tolerance, self.slot_hours)


@record
class GRUConfig(PeriodicInterestsConfig):
    """Options of the baseline that reads the last check-ins alone; see `PeriodicInterestsConfig`."""

    presets: ClassVar[Mapping[str, Mapping[str, Any]]] = {"default": {}, "light": {"dim": 32, "short_length": 10}}

    interests: tuple[Interest, ...] = ("sequential",)
    counts: bool = False


@record
class CountsConfig(Record):
    """Options of `CountMixture`.

    Parameters
    ----------
    parts : tuple of str
        Kinds of counts, see `VisitCounts`; those for which the data have nothing are left out.
    slot_hours, hour_tolerance, session_gap_hours, history_length
        See `PeriodicInterestsConfig`.
    baselines : tuple of {"gru", "mf", "simplex"}
        See `PeriodicInterestsConfig`.
    seed : int
        Of the requests of validation that choose the weights, where there are more than 2,000.
    """

    parts: tuple[CountPart, ...] = get_args(CountPart)
    slot_hours: SlotHours = 1
    hour_tolerance: int = 0
    session_gap_hours: Positive = 24.0
    history_length: Count = 100_000
    baselines: tuple[Baseline, ...] = ()
    seed: Seed = 0

    def __post_init__(self) -> None:
        if not self.parts or len(set(self.parts)) < len(self.parts):
            raise ValueError(f"parts must be at least one of {list(get_args(CountPart))}, each once, got {self.parts}")
        _check_tolerance(self.hour_tolerance, self.slot_hours)


def _check_tolerance(hour_tolerance: int, slot_hours: int) -> None:
    if hour_tolerance < 0 or 2 * hour_tolerance + 1 > 24 // slot_hours:
        raise ValueError(
            f"hour_tolerance must be an integer >= 0, below half of the {24 // slot_hours} slots of the day, got "
            f"{hour_tolerance}"
        )
