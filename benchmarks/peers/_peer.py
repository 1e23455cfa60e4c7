"""One peer on one task, in a process of its own: ``python -m benchmarks.peers._peer MODULE:FUNCTION TASK OUT SEED OPTIONS``.

Runs in the environment of the peer, so without graphvid unless the function imports it.
"""

from __future__ import annotations

import importlib
import json
import platform
import sys
import time
from importlib import metadata
from pathlib import Path

from benchmarks.peers._contract import read_task, write_answer
from benchmarks.peers._process import peak_kb


def main(arguments: list[str]) -> None:
    """Answer ``TASK`` (a folder) into ``OUT`` (an empty folder); OPTIONS are the function's, in JSON."""
    target, task_folder, out, seed, options = arguments
    module, name = target.split(":")
    function = getattr(importlib.import_module(module), name)
    start = time.perf_counter()
    task = read_task(Path(task_folder))
    answer = function(task, seed=int(seed), **json.loads(options))
    measured = {
        "seconds": round(time.perf_counter() - start, 3),
        "peak_memory_mb": round(peak_kb() / 1000),
        "versions": {
            "python": platform.python_version(),
            **{package: metadata.version(package) for package in ("numpy", "pandas", *answer.packages)},
        },
    }
    write_answer(Path(out), task, answer, measured)


if __name__ == "__main__":
    main(sys.argv[1:])
