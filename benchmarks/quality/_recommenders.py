"""Tables of recommenders: their columns, protocols and curves, and the training of models that no task builds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import matplotlib as mpl
from lightning import Callback
from matplotlib.figure import Figure
from tqdm import tqdm

from benchmarks import _training
from benchmarks._table import Table, TrainedRow
from graphvid._files import atomic_path
from graphvid.models import Recommender, RecommenderConfig, SimpleXConfig
from graphvid.runs import ReloadOnPlateau
from graphvid.tasks.recommendation import (
    InteractionSource,
    LoadedInteractions,
    judge_recommender,
    load_interactions,
    score_recommender,
)

METRICS = ("recall", "ndcg")
K = 20
KEEP = ("best_epoch", "epochs")
PROTOCOLS = {"clean": "validation", "published protocol": "test"}  # what epochs are judged by
SYNTHETIC = InteractionSource(dataset="synthetic")  # of the smallest rows


def at_20(metrics: dict[str, Any]) -> Mapping[str, float]:
    """Return the figures of the method, which comes first in a run's ``metrics.json``."""
    found: Mapping[str, float] = next(iter(metrics["methods"].values()))[str(K)]
    return found


def fingerprint(source: InteractionSource, data_dir: str | None) -> dict[str, Any]:
    """Return counts and a checksum of what a source holds."""
    return dict(load_interactions(replace(source, data_dir=data_dir)).fingerprint())


def table_of(source: InteractionSource, rows: Sequence[TrainedRow], **text: str) -> Table:
    """Give the table of runs on one source; ``text`` is its name, title, protocol and notes."""
    smallest = TrainedRow("SimpleX", "simplex", SYNTHETIC, SimpleXConfig(dim=4, num_epochs=1, batch_size=2048))
    return Table(
        metrics=METRICS,
        k=K,
        rows=rows,
        figures=at_20,
        keep=KEEP,
        data=partial(fingerprint, source),
        smallest=[smallest],
        **text,
    )


def both_protocols(
    name: str, description: str, method: str, source: InteractionSource, config: RecommenderConfig
) -> list[TrainedRow]:
    """Give the row twice: chosen by held-out training pairs, and by the test pairs as in the published runs."""
    return [
        TrainedRow(f"{name}, {label}", method, replace(source, selection=selection), config, description)  # type: ignore[arg-type]
        for label, selection in PROTOCOLS.items()
    ]


def trained(model: Recommender, data: LoadedInteractions) -> dict[str, Any]:
    """Train a model that no task builds, and give what a run's ``metrics.json`` would hold."""
    plateau = fit(model, data)
    found = score_recommender(model, data.splits.test, data.known, (K,))[str(K)]
    return {**{name: found[name] for name in METRICS}, "best_epoch": plateau.best_epoch, "epochs": plateau.epochs}


def fit(model: Recommender, data: LoadedInteractions, *callbacks: Callback) -> ReloadOnPlateau:
    """Train a model, its epochs judged by the selection pairs."""
    config = model.config
    plateau = ReloadOnPlateau(judge_recommender(data), config.monitor, config.patience, _show, plateau=config.plateau)
    _training.fit(model, *callbacks, plateau)
    return plateau


def _show(epochs: list[dict[str, float]]) -> None:
    tqdm.write(
        "  epoch {epoch}: loss {loss:.4f}, recall {recall:.4f}, ndcg {ndcg:.4f}, {train_seconds:.0f} s".format(
            **epochs[-1]
        )
    )


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
        for seed, epochs in enumerate(filter(None, row["epochs"])):
            label = row["name"].removesuffix(", published protocol") if seed == 0 else None
            numbers = [epoch["epoch"] for epoch in epochs]
            axes.plot(
                numbers,
                [epoch["recall"] for epoch in epochs],
                style,
                color=color,
                linewidth=1.4,
                label=label,
                alpha=1.0 if seed == 0 else 0.3,
            )
    for (name, points), marker in zip(published.items(), "ox^s", strict=False):
        axes.plot(
            list(points), list(points.values()), marker, color="#1f2933", markersize=5, label=f"{name}, published run"
        )
    axes.set_xscale("log")  # the fastest take ten epochs, the slowest two hundred
    axes.xaxis.set_major_formatter("{x:g}")
    axes.set_xlabel("epoch")
    axes.set_ylabel("Recall@20 of the test pairs")
    axes.spines[["top", "right"]].set_visible(False)
    figure.legend(frameon=False, fontsize=8, loc="outside right upper")
    with atomic_path(path) as temporary:
        figure.savefig(temporary, format="png", dpi=120)
