"""Synthetic co-watch world: ``python -m benchmarks quality synthetic``."""

from __future__ import annotations

from benchmarks.quality._co_watch import table

TABLE = table("synthetic", "Synthetic co-watch world", "synthetic", oracle=True)


def main(arguments: list[str]) -> None:
    """Run the table."""
    TABLE.main(arguments)
