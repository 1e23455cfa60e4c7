"""Synthetic co-watch world"""

from __future__ import annotations

from benchmarks.quality import _run
from graphvid.runs import Source

TASK = _run.Task("synthetic", "Synthetic co-watch world", Source(dataset="synthetic"))


def main(arguments: list[str]) -> None:
    """Run the table."""
    _run.main(TASK, arguments)
