"""Epochs a minute of the peers' models and of graphvid's, on the same pairs, with the same sizes, in turns."""

from __future__ import annotations

import json
import os
import statistics
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import torch

from benchmarks.peers._recommender_rows import ENVIRONMENT
from benchmarks.peers._recommender_trial import run_peer
from benchmarks.speed import _results
from graphvid.data import Interactions

SpeedRow = dict[str, str | float]
NAME = "recommender_epochs"
SIZES = {"dim": 64, "batch_size": 1024}
_GRAPHVID, _IMPLICIT, _RECBOLE = (
    f"benchmarks.peers._recommender_{name}" for name in ("graphvid", "implicit", "recbole")
)


class Method(NamedTuple):
    """Method that is timed: a function that gives an `Answer` with seconds an ``epoch`` and the ``part`` of it that ran."""

    name: str
    function: str
    options: Mapping[str, Any]
    environment: str | None = ENVIRONMENT


def cases(steps: int) -> dict[str, list[Method]]:
    """Return the methods of each model, graphvid's default first."""
    pair = {**SIZES, "num_negatives": 1, "steps": steps}
    many = {**SIZES, "num_negatives": 64, "steps": steps}
    speed, graphvid = f"{_RECBOLE}:speed", f"{_GRAPHVID}:speed"
    simplex = {"loss.margin": 0.8, "loss.negative_weight": 10.0, "gate": 0.5, "learning_rate": 1e-3}
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


def measure(
    data: Mapping[str, Interactions], repeats: int, steps: int, command: str, only: Sequence[str] | None = None
) -> str:
    """Time cases in turns, write the medians after each of them, and return the table as Markdown.

    ``only`` are texts that the names of models contain. Rows of other cases stay in the table as they were, so ``command``
    is completed by the data sets of all rows.
    """
    text = ""
    for name, train in data.items():
        for model, methods in cases(steps).items():
            if only is None or any(part in model for part in only):
                rows = _case(name, train, model, methods, repeats)
                text = _write(rows, command, repeats)
                for row in rows:
                    print(*row.values(), flush=True)
    return text


def _case(name: str, train: Interactions, model: str, methods: list[Method], repeats: int) -> list[SpeedRow]:
    """Return the rows of one model on one data set."""
    seconds: dict[str, list[float]] = {method.name: [] for method in methods}
    parts = {}
    for _ in range(repeats):
        for method in methods:
            found = time_epoch(method, train)
            seconds[method.name].append(found["epoch"])
            parts[method.name] = found["part"]
    medians = {key: statistics.median(values) for key, values in seconds.items()}
    first = next(iter(medians.values()))
    return [
        {
            "data": name,
            "model": model,
            "method": key,
            "s an epoch": median,
            "epochs a minute": 60 / median,
            "times the first": median / first,
            "epochs timed": parts[key],
            "load": round(os.getloadavg()[0], 1),
        }
        for key, median in medians.items()
    ]


def _write(rows: list[SpeedRow], command: str, repeats: int) -> str:
    """Put the rows of a case in the place of those that there were."""
    path = _results.RESULTS / f"{NAME}.json"
    old: list[SpeedRow] = json.loads(path.read_text(encoding="utf-8"))["rows"] if path.exists() else []
    case = (rows[0]["data"], rows[0]["model"])
    others = [row for row in old if (row["data"], row["model"]) != case]
    table = sorted([*others, *rows], key=lambda row: (row["data"], row["model"]))
    command = f"{command} --data {' '.join(sorted({str(row['data']) for row in table}))}"
    title = f"Epochs of recommenders, {SIZES['dim']} dimensions, batches of {SIZES['batch_size']}"
    return _results.write(NAME, title, table, command=command, threads=torch.get_num_threads(), repeats=repeats)


def time_epoch(method: Method, train: Interactions) -> dict[str, float]:
    """Return what one process of a method measures."""
    with tempfile.TemporaryDirectory() as folder:
        ((answer, _),) = run_peer(method.function, method.environment, train, 0, method.options, Path(folder))
    return dict(answer.found)
