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

    Presets: ``"default"``, and ``"light"`` with a quarter of the computation: 32 columns and lists of 10 and 20.

    Parameters
    ----------
    dim : int
        Columns of all vectors.
    interests : tuple of {"daily", "sequential", "hour", "area", "hour_area"}
        Lists that the model reads. Without an interest, the model has neither its network nor its counts.
    short_length, daily_length : int
        Largest number of check-ins of a short list, and of a day of the long term.
    history_length : int
        Largest number of check-ins of a list for counts.
    slot_hours : {1, 2, 3, 4, 6, 8, 12, 24}
        Hours in a slot of the day.
    hour_tolerance : int
        Largest difference, in slots, that counts as "the same hour".
    session_gap_hours : float
        A longer gap ends a session. The long term is the time before the current session.
    target_time : {"request", "last"}
        Source of weekday and hour: the request, whose time a service knows, or the last check-in.
    counts : bool
        Whether the score is a mixture of the network and counts of visits, with learned shares.
    distance : bool
        Whether the network's score falls with the logarithm of the distance from the last place.
    dropout : float
        Share of the entries of inputs, context and states set to zero in training.
    num_negatives : int or None
        Places drawn uniformly that represent all others in the softmax; None takes all, for up to about 50,000 places.
    batch_size, num_epochs, learning_rate, weight_decay, max_gradient_norm
        Options of training with Adam; gradients of a larger norm are scaled down.
    patience : int
        Training stops after this many epochs in a row without a better Recall@10 of validation; the learning rate is
        constant. Recall rises in steps; a patience of 5 waits for the next one.
    baselines : tuple of {"gru", "mf", "simplex"}
        Baselines that a run trains too: a GRU over the last check-ins, BPR matrix factorisation and SimpleX. The table of
        every run has the counts.
    seed : int
        Seed of the initial weights, the order of the sessions and the dropout.

    Raises
    ------
    ValueError
        An unknown choice, a number of another type or out of its range, no interest, or one named twice.
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
    """Options of the baseline that reads only the last check-ins; see `PeriodicInterestsConfig`."""

    presets: ClassVar[Mapping[str, Mapping[str, Any]]] = {"default": {}, "light": {"dim": 32, "short_length": 10}}

    interests: tuple[Interest, ...] = ("sequential",)
    counts: bool = False


@record
class CountsConfig(Record):
    """Options of `CountMixture`.

    Parameters
    ----------
    parts : tuple of str
        Kinds of counts, see `VisitCounts`; kinds without data are left out.
    slot_hours, hour_tolerance, session_gap_hours, history_length
        See `PeriodicInterestsConfig`.
    baselines : tuple of {"gru", "mf", "simplex"}
        See `PeriodicInterestsConfig`.
    seed : int
        Seed of the choice of validation requests for the weights, if there are more than 2,000.
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
