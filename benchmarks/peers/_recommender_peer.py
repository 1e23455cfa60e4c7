"""A recommender in a process of its own, in the environment of the peer, so without graphvid unless it imports it.

``python -m benchmarks.peers._recommender_peer MODULE:FUNCTION TASK OUT SEED OPTIONS``.
"""

from __future__ import annotations

import importlib
import json
import platform
import sys
import time
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.peers._process import peak_kb
from benchmarks.peers._recommender_task import read_pairs, write_about


def main(arguments: list[str]) -> None:
    """Train on ``TASK`` (a folder) into ``OUT`` (an empty folder); OPTIONS are the function's, in JSON.

    The function gives its models one by one, such as one after every tenth epoch. The seconds recorded with each are
    those that it has spent until then, files of the harness and the module's ``IMPORTS`` left out; ``PACKAGES`` are those
    whose versions matter.
    """
    target, task, out, seed, options = arguments
    module, name = target.split(":")
    source = importlib.import_module(module)
    for imported in source.IMPORTS:
        importlib.import_module(imported)
    pairs = read_pairs(Path(task))
    found: list[dict[str, Any]] = []
    spent, start = 0.0, time.perf_counter()
    for number, answer in enumerate(getattr(source, name)(pairs, seed=int(seed), **json.loads(options))):
        spent += time.perf_counter() - start
        found.append({**answer.found, "seconds": round(spent, 3)})
        if answer.arrays:
            np.savez(Path(out) / f"{number}.npz", **answer.arrays)
        start = time.perf_counter()
    versions = {package: metadata.version(package) for package in ("numpy", "scipy", *source.PACKAGES)}
    measured = {
        "versions": {"python": platform.python_version(), **versions},
        "peak_memory_mb": round(peak_kb() / 1000),
    }
    write_about(Path(out), found, measured)


if __name__ == "__main__":
    main(sys.argv[1:])
