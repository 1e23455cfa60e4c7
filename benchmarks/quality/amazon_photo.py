"""Amazon Photo co-purchase graph: ``python -m benchmarks quality amazon_photo``."""

from __future__ import annotations

from benchmarks.quality._co_watch import table

TABLE = table("amazon_photo", "Amazon Photo co-purchase graph", "amazon-photo")


def main(arguments: list[str]) -> None:
    """Run the table."""
    TABLE.main(arguments)
