"""Amazon Computers co-purchase graph: ``python -m benchmarks quality amazon_computers``."""

from __future__ import annotations

from benchmarks.quality._co_watch import table

TABLE = table("amazon_computers", "Amazon Computers co-purchase graph", "amazon-computers")


def main(arguments: list[str]) -> None:
    """Run the table."""
    TABLE.main(arguments)
