"""TikTok co-watch graph"""

from __future__ import annotations

from benchmarks.quality import _run
from graphvid.tasks.co_watch import CoWatchSource

TASK = _run.CoWatchTable("tiktok", "TikTok co-watch graph", CoWatchSource(dataset="tiktok"))


def main(arguments: list[str]) -> None:
    """Run the table."""
    _run.main(TASK, arguments)
