"""Amazon Computers co-purchase graph"""

from __future__ import annotations

from benchmarks.quality import _run
from graphvid.tasks.co_watch import CoWatchSource

TASK = _run.CoWatchTable(
    "amazon_computers", "Amazon Computers co-purchase graph", CoWatchSource(dataset="amazon-computers")
)


def main(arguments: list[str]) -> None:
    """Run the table."""
    _run.main(TASK, arguments)
