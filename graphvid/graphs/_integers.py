"""The check of an integer argument."""

from __future__ import annotations

from typing import Any

import numpy as np


def check_integer(name: str, value: Any, least: int, *, none: bool = False) -> None:
    """Raise unless ``value`` is an integer >= ``least``, or None where ``none`` allows it."""
    if none and value is None:
        return
    if isinstance(value, bool) or not isinstance(value, (int, np.integer)) or value < least:
        raise ValueError(f"{name} must be {'None or ' if none else ''}an integer >= {least}, got {value!r}")
