"""Train and rank the rows of a table of recommenders, seed by seed, into a JSON file that a killed run continues."""

from __future__ import annotations

import argparse
import logging
import resource
import time
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from importlib import metadata
from pathlib import Path
from typing import Any, NamedTuple

import matplotlib as mpl
import torch
from lightning import Trainer
from matplotlib.figure import Figure
from tqdm import tqdm

from benchmarks.quality._run import RESULTS, Runs, table
from graphvid._files import atomic_path, write_json
from graphvid.models import Recommender, RecommenderConfig, ReloadOnPlateau
from graphvid.runs import (
    InteractionSource,
    LoadedInteractions,
    judge_recommender,
    load_interactions,
    make_recommender,
    score_recommender,
)

METRICS = ("recall", "ndcg")
_PACKAGES = ("graphvid", "torch", "dgl", "numpy", "lightning")
PROTOCOLS = {
    "clean": "validation",
    "published protocol": "test",
}  # what epochs are judged by


Prepare = Callable[[LoadedInteractions, RecommenderConfig], tuple[Recommender, LoadedInteractions]]


@dataclass(frozen=True)
class Row:
    """A line of a table: a model, its options, and what its epochs are judged by."""

    name: str
    description: str
    method: str
    model: RecommenderConfig
    selection: str = "validation"
    prepare: Prepare | None = None  # makes the model, in the place of `make_recommender`


@dataclass(frozen=True)
class Task:
    """A data set, its rows, and what its table is called."""

    name: str
    title: str
    dataset: str
    rows: list[Row]
    protocol: str
    notes: str = ""
    published: Mapping[str, Mapping[int, float]] = field(default_factory=dict)  # Recall@20 of published runs by epoch
    load: Callable[[str | None], LoadedInteractions] | None = None  # takes a data folder; in the place of `dataset`


class Table(NamedTuple):
    """What a command wrote, the runs it is made of, and all training pairs."""

    record: dict[str, Any]
    runs: Runs
    data: LoadedInteractions


def both_protocols(name: str, description: str, method: str, model: RecommenderConfig) -> list[Row]:
    """Give the row twice: chosen by held-out training pairs, and by the test pairs as in the published runs."""
    return [Row(f"{name}, {label}", description, method, model, selection) for label, selection in PROTOCOLS.items()]


def main(task: Task, arguments: list[str]) -> Table:
    """Run the command line of one table."""
    parser = argparse.ArgumentParser(prog=f"python -m benchmarks quality {task.name}", description=task.title)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--rows", nargs="+", help="only rows whose name contains one of these texts")
    parser.add_argument("--data-dir", help="folder of the data sets; default: GRAPHVID_DATA")
    parser.add_argument("--fresh", action="store_true", help="forget the figures in the JSON file")
    options = parser.parse_args(arguments)
    wanted = [row for row in task.rows if not options.rows or any(text in row.name for text in options.rows)]
    whole = _load(task, options.data_dir, "test", 0)
    runs = Runs(RESULTS / f".{task.name}.runs.json", whole.fingerprint(), fresh=options.fresh)
    for seed, row in tqdm([(seed, row) for seed in options.seeds for row in wanted], unit="run"):
        if runs.get(row, seed) is None:
            tqdm.write(f"{row.name}, seed {seed}")
            runs.put(row, seed, _run(row, seed, _load(task, options.data_dir, row.selection, seed)))
    found = [(row, [runs.get(row, seed) for seed in options.seeds]) for row in task.rows]
    record = {
        "name": task.name,
        "title": task.title,
        "protocol": task.protocol,
        "notes": task.notes,
        "command": f"python -m benchmarks quality {task.name} --seeds {' '.join(map(str, options.seeds))}",
        "date": date.today().isoformat(),
        "versions": {package: metadata.version(package) for package in _PACKAGES},
        "data": whole.fingerprint(),
        "k": 20,
        "seeds": options.seeds,
        "metrics": list(METRICS),
        "rows": [_line(row, of_seeds) for row, of_seeds in found if any(of_seeds)],
    }
    write_json(RESULTS / f"{task.name}.json", record)
    curves_figure(record, task.published, RESULTS / f"{task.name}_curves.png")
    print(table(record))
    return Table(record, runs, whole)


def curves_figure(record: dict[str, Any], published: Mapping[str, Mapping[int, float]], path: Path) -> None:
    """Draw Recall@20 after every epoch of the rows judged by the test pairs, beside that of published runs.

    The first seed stands out, the others are pale.
    """
    rows = [row for row in record["rows"] if "published protocol" in row["name"]]
    if not rows:
        return
    figure = Figure(figsize=(9.0, 4.2), layout="constrained")
    axes = figure.add_subplot()
    for number, row in enumerate(rows):
        color, style = mpl.colormaps["tab10"](number % 10), "-" if number < 10 else "--"
        for seed, epochs in enumerate(row["epochs"]):
            label = row["name"].removesuffix(", published protocol") if seed == 0 else None
            numbers = [epoch["epoch"] for epoch in epochs]
            axes.plot(
                numbers, [epoch["recall"] for epoch in epochs], style, color=color, linewidth=1.4, label=label,
                alpha=1.0 if seed == 0 else 0.3,
            )  # fmt: skip
    for (name, points), marker in zip(published.items(), "ox^s", strict=False):
        axes.plot(
            list(points), list(points.values()), marker, color="#1f2933", markersize=5, label=f"{name}, published run"
        )
    axes.set_xlabel("epoch")
    axes.set_ylabel("Recall@20 of the test pairs")
    axes.spines[["top", "right"]].set_visible(False)
    figure.legend(frameon=False, fontsize=8, loc="outside right upper")
    with atomic_path(path) as temporary:
        figure.savefig(temporary, format="png", dpi=120)


def _load(task: Task, data_dir: str | None, selection: str, seed: int) -> LoadedInteractions:
    if task.load is not None:
        return task.load(data_dir)
    return load_interactions(InteractionSource(task.dataset, data_dir, selection=selection, seed=seed))  # type: ignore[arg-type]


def fit(
    model: Recommender, data: LoadedInteractions, callbacks: tuple[Any, ...] = ()
) -> tuple[ReloadOnPlateau, dict[str, float]]:
    """Train a model, its epochs judged by the selection pairs; return what it took too."""
    plateau = ReloadOnPlateau(judge_recommender(data), model.config.monitor, model.config.patience, _show)
    logging.getLogger("lightning.pytorch").setLevel(logging.WARNING)
    began = time.perf_counter(), _cpu_seconds()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Lightning's advice on workers and loggers
        Trainer(
            max_steps=len(model.train_dataloader()), max_epochs=1, accelerator="cpu", logger=False,
            callbacks=[*callbacks, plateau], enable_checkpointing=False, enable_progress_bar=False,
            enable_model_summary=False,
        ).fit(model)  # fmt: skip
    spent = {"seconds": time.perf_counter() - began[0], "cpu_seconds": _cpu_seconds() - began[1]}
    return plateau, {name: round(value, 1) for name, value in spent.items()}


def _show(epochs: list[dict[str, float]]) -> None:
    tqdm.write(
        "  epoch {epoch}: loss {loss:.4f}, recall {recall:.4f}, ndcg {ndcg:.4f}, {train_seconds:.0f} s".format(
            **epochs[-1]
        )
    )


def _run(row: Row, seed: int, data: LoadedInteractions) -> dict[str, Any]:
    config = replace(row.model, seed=seed)
    if row.prepare is None:
        model = make_recommender(row.method, data, config)
    else:
        model, data = row.prepare(data, config)
    plateau, spent = fit(model, data)
    found = score_recommender(model, data.splits.test, data.known, (20,))["20"]
    return {
        **{name: found[name] for name in METRICS},
        **spent,
        "threads": torch.get_num_threads(),
        "best_epoch": plateau.best_epoch,
        "epochs": plateau.epochs,
        "train_seconds": sum(epoch["train_seconds"] for epoch in plateau.epochs),
    }


def _cpu_seconds() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def _line(row: Row, of_seeds: list[dict[str, Any] | None]) -> dict[str, Any]:
    """Give a row's figures; those of a seed that has not been run are None in ``values``, and absent elsewhere."""
    finished = [run for run in of_seeds if run]
    return {
        "name": row.name,
        "description": row.description,
        "config": row.model.to_dict(),
        "values": {metric: [run[metric] if run else None for run in of_seeds] for metric in METRICS},
        **{name: [run[name] for run in finished] for name in ("seconds", "cpu_seconds", "best_epoch", "epochs")},
        "threads": [run.get("threads") for run in finished],  # None: from before they were kept
    }
