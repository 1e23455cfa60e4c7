"""TikTok co-watch graph: ``python -m benchmarks quality tiktok``."""

from __future__ import annotations

from benchmarks.quality._co_watch import table

TABLE = table("tiktok", "TikTok co-watch graph", "tiktok")


def main(arguments: list[str]) -> None:
    """Run the table."""
    TABLE.main(arguments)
