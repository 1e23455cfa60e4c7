"""Options of the models of the next place, as flat records that fit in a configuration file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal, get_args

from graphvid.models._options import COUNT, NOT_NEGATIVE, POSITIVE, SEED, SHARE, SWITCH, check_options, from_options

Interest = Literal["daily", "sequential", "hour", "area", "hour_area"]
Moment = Literal["request", "last"]
INTERESTS: tuple[Interest, ...] = get_args(Interest)


@dataclass(frozen=True)
class PeriodicInterestsConfig:
    dim: int = 64
    interests: tuple[Interest, ...] = INTERESTS
    short_length: int = 20
    daily_length: int = 50
    history_length: int = 500
    slot_hours: int = 1
    hour_tolerance: int = 0
    session_gap_hours: float = 24.0
    target_time: Moment = "request"
    counts: bool = True
    distance: bool = False
    dropout: float = 0.3
    num_negatives: int | None = None
    batch_size: int = 256
    num_epochs: int = 30
    learning_rate: float = 1e-3
    weight_decay: float = 1e-5
    max_gradient_norm: float = 5.0
    patience: int = 3
    seed: int = 0
