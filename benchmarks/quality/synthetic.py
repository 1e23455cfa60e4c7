"""Synthetic co-watch world"""

from __future__ import annotations

from benchmarks.quality import _run
from graphvid.tasks.co_watch import CoWatchSource

TASK = _run.CoWatchTable("synthetic", "Synthetic co-watch world", CoWatchSource(dataset="synthetic"))


def main(arguments: list[str]) -> None:
    """Run the table."""
    _run.main(TASK, arguments)
