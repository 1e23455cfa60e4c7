"""Former names of the checks of integers, until nothing imports them: see `graphvid._checks`."""

from __future__ import annotations

from graphvid._checks import check_count, check_integer, node_ids

__all__ = ["as_integer", "check_integer", "node_ids"]

as_integer = check_count
