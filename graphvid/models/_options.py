"""Checks of the flat records of options that models are made from."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import fields
from typing import Any, TypeVar

Rule = tuple[Callable[[object], bool], str]
Record = TypeVar("Record")


def is_count(value: object, at_least: int = 1) -> bool:
    """Say whether ``value`` is an integer of at least ``at_least``."""
    return isinstance(value, int) and not isinstance(value, bool) and value >= at_least


def is_number(value: object, at_least: float = 0.0) -> bool:
    """Say whether ``value`` is a finite number of at least ``at_least``."""
    return isinstance(value, (int, float)) and not isinstance(value, bool) and at_least <= value < math.inf


def _is_share(value: object) -> bool:
    return is_number(value) and value < 1  # type: ignore[operator]


COUNT: Rule = (is_count, "an integer >= 1")
POSITIVE: Rule = (lambda value: is_number(value, math.ulp(0.0)), "a finite number > 0")
NOT_NEGATIVE: Rule = (is_number, "a finite number >= 0")
SHARE: Rule = (_is_share, "a number in [0, 1)")
SWITCH: Rule = (lambda value: isinstance(value, bool), "true or false")
SEED: Rule = (lambda value: is_count(value, 0), "an integer >= 0")


def check_options(record: Any, choices: Mapping[str, tuple[str, ...]], rules: Mapping[str, Rule]) -> None:
    """Raise ValueError for the first option that is not among its choices or breaks its rule."""
    for name, accepted in choices.items():
        if getattr(record, name) not in accepted:
            raise ValueError(f"{name} must be one of {list(accepted)}, got {getattr(record, name)!r}")
    for name, (accepts, described) in rules.items():
        if not accepts(getattr(record, name)):
            raise ValueError(f"{name} must be {described}, got {getattr(record, name)!r}")


def from_options(kind: type[Record], values: Mapping[str, Any]) -> Record:
    """Build a record from JSON values, lists as tuples; an option that does not exist is a KeyError."""
    known = {field.name for field in fields(kind)}  # type: ignore[arg-type] # a dataclass
    unknown = sorted(set(values) - known)
    if unknown:
        raise KeyError(f"unknown options {unknown}; known are {sorted(known)}")
    return kind(**{name: tuple(x) if isinstance(x, list) else x for name, x in values.items()})
