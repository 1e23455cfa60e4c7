"""Program of the FRAME benchmark: one method on one world, in a process of its own, one JSON line."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import torch

from benchmarks.speed._frame_methods import METHODS, WARM_UP, time_epoch, time_steps
from benchmarks.speed._frame_parts import time_parts


def main() -> None:
    """Measure what the command line says."""
    parser = argparse.ArgumentParser()
    parser.add_argument("task", choices=["steps", "epoch", "parts"])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--method", choices=METHODS, default="graphvid")
    parser.add_argument("--steps", type=int, default=20)
    parser.add_argument("--warm-up", type=int, default=WARM_UP)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--options", type=json.loads, default={}, help="of FRAMEConfig, JSON")
    given = parser.parse_args()
    torch.set_num_threads(given.threads)
    if given.task == "epoch":
        result = time_epoch(given.folder, given.device)
    elif given.task == "parts":
        result = time_parts(given.folder, given.steps, given.device)
    else:
        result = time_steps(given.method, given.folder, given.steps, given.warm_up, given.device, **given.options)
    print(json.dumps(result))


if __name__ == "__main__":
    main()
