"""Epochs a minute of the peers' models and of graphvid's, on the same pairs, with the same sizes, in turns."""

from __future__ import annotations

import statistics
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import torch

from benchmarks.peers._recommender_rows import ENVIRONMENT
from benchmarks.peers._recommender_trial import run_peer
from benchmarks.speed import _results
from graphvid.data import Interactions

SIZES = {"dim": 64, "batch_size": 1024}
_GRAPHVID, _IMPLICIT, _RECBOLE = (
    f"benchmarks.peers._recommender_{name}" for name in ("graphvid", "implicit", "recbole")
)


class Method(NamedTuple):
    """What is timed: a function that gives one `Answer` with seconds an ``epoch`` and the ``part`` of it that was run."""

    name: str
    function: str
    options: Mapping[str, Any]
    environment: str | None = ENVIRONMENT


def cases(steps: int) -> dict[str, list[Method]]:
    """Return the methods of each model, graphvid's default first."""
    pair = {**SIZES, "num_negatives": 1, "steps": steps}
    many = {**SIZES, "num_negatives": 64, "steps": steps}
    speed, graphvid = f"{_RECBOLE}:speed", f"{_GRAPHVID}:speed"
    simplex = {"margin": 0.8, "negative_weight": 10.0, "gate": 0.5, "learning_rate": 1e-3}
    return {
        "BPR-MF, 1 negative": [
            Method("graphvid", graphvid, {"model": "mf", **pair}, None),
            Method("graphvid, dense Adam", graphvid, {"model": "mf", **pair, "optimizer": "adam"}, None),
            Method("RecBole BPR", speed, {"model": "BPR", **pair}),
            Method("implicit BPR, one pair a step", f"{_IMPLICIT}:bpr_speed", {"dim": SIZES["dim"], "epochs": 3}),
        ],
        "SimpleX, 64 negatives": [
            Method("graphvid, shared by the batch", graphvid, {"model": "simplex", **many, **simplex}, None),
            Method("graphvid", graphvid, {"model": "simplex", **many, **simplex, "negatives": "per_edge"}, None),
            Method("RecBole SimpleX", speed, {"model": "SimpleX", **many, "aggregator": "mean", "history_len": 50}),
        ],
    }


def measure(data: Mapping[str, Interactions], repeats: int, steps: int, command: str) -> str:
    """Time all cases in turns, write the medians, and return them as Markdown."""
    table: list[dict[str, str | float]] = []
    for name, train in data.items():
        for model, methods in cases(steps).items():
            seconds: dict[str, list[float]] = {method.name: [] for method in methods}
            parts = {}
            for _ in range(repeats):
                for method in methods:
                    found = time_epoch(method, train)
                    seconds[method.name].append(found["epoch"])
                    parts[method.name] = found["part"]
            medians = {key: statistics.median(values) for key, values in seconds.items()}
            first = next(iter(medians.values()))
            for method_name, median in medians.items():
                table.append(
                    {
                        "data": name,
                        "model": model,
                        "method": method_name,
                        "s an epoch": median,
                        "epochs a minute": 60 / median,
                        "times the first": median / first,
                        "epochs timed": parts[method_name],
                    }
                )
                print(*table[-1].values(), flush=True)
    title = f"Epochs of recommenders, {SIZES['dim']} dimensions, batches of {SIZES['batch_size']}"
    return _results.write(
        "recommender_epochs", title, table, command=command, threads=torch.get_num_threads(), repeats=repeats
    )


def time_epoch(method: Method, train: Interactions) -> dict[str, float]:
    """Return what one process of a method measures."""
    with tempfile.TemporaryDirectory() as folder:
        ((answer, _),) = run_peer(method.function, method.environment, train, 0, method.options, Path(folder))
    return dict(answer.found)
