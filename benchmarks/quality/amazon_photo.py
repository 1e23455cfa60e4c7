"""Amazon Photo co-purchase graph"""

from __future__ import annotations

from benchmarks.quality import _run
from graphvid.tasks.co_watch import CoWatchSource

TASK = _run.CoWatchTable("amazon_photo", "Amazon Photo co-purchase graph", CoWatchSource(dataset="amazon-photo"))


def main(arguments: list[str]) -> None:
    """Run the table."""
    _run.main(TASK, arguments)
