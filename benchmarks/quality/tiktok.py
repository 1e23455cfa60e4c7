"""TikTok co-watch graph"""

from __future__ import annotations

from benchmarks.quality import _run
from graphvid.runs import Source

TASK = _run.Task("tiktok", "TikTok co-watch graph", Source(dataset="tiktok"))


def main(arguments: list[str]) -> None:
    """Run the table."""
    _run.main(TASK, arguments)
