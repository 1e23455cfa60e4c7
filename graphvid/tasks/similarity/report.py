"""The report of a run of the task similarity, drawn from the files of its directory."""

from __future__ import annotations

from typing import Any

import numpy as np

from graphvid._files import read_npz
from graphvid.runs import Plot, Report, RunDirectory, Section, Table, read_training_log, read_verdict
from graphvid.runs.figures import ranking_bars, score_scatter, spread_by_level, training_curve

PREDICTIONS = "predictions.npz"
_NEXT = {  # what to try after each verdict
    "beats": "Next: `graphvid embed`, or `graphvid ensemble` of several runs.",
    "is level with": "Next: more pairs, more epochs, or pretraining on tags.",
    "loses to": "Next: more epochs or pretraining on tags; a tower worse than what needs no training has not learnt yet.",
}


def report(run: RunDirectory) -> Report:
    """Describe a run from ``config.json``, ``metrics.json``, the training logs and ``predictions.npz``.

    Parameters
    ----------
    run : RunDirectory
        A run whose metrics are there.

    Raises
    ------
    FileNotFoundError
        A file is missing.
    """
    config, metrics = run.read_config(), run.read_metrics()
    data, counts = config["data"], metrics["pairs"]
    judged = [split for split in ("test", "validation") if split in metrics["methods"]["twin tower"]]
    if config["model"]["stage"] == "tags":
        lead = f"{data['pointwise']:,} videos with {metrics['tags']:,} tags; no pair is learnt from."
    else:
        lead = (
            f"{counts['training']:,} training pairs of {data['videos']:,} videos, {counts['validation']:,} validation pairs "
            f"({counts['dropped']:,} left out, which share a video with both), {counts['test']:,} test pairs."
        )
    if judged:
        found = metrics["methods"]["twin tower"][judged[0]]
        lead += f" Spearman's correlation of cosines and {judged[0]} scores is {shown(found['spearman'])}."
    if metrics["verdict"] is not None:
        against = read_verdict(metrics["verdict"])
        lead = f"{against.to_text()} {_NEXT[against.word]} {lead}"
    sections = [of_split(metrics["methods"], split, "twin tower", metrics["pretrained"]) for split in judged]
    sections += [_predictions(run, metrics, judged[0])] if judged else []
    sections += [_training(run, metrics)]
    return Report(f"Twin tower: {data['name']}", lead, sections)


def shown(value: float | None) -> str:
    """Return a correlation as text."""
    return "undefined" if value is None else f"{value:.4f}"


def of_split(methods: dict[str, Any], split: str, highlight: str, pretrained: dict[str, Any] | None = None) -> Section:
    """Return the section that compares methods on the pairs of a split."""
    found = {name: figures[split] for name, figures in methods.items() if split in figures}
    for stage in (pretrained or {}).values():
        if split in stage["twin tower"]:
            found["after tags only"] = stage["twin tower"][split]
    rows = [
        [name, shown(row["spearman"]), f"{shown(row['lower'])} to {shown(row['upper'])}", f"{row['num_pairs']:,}"]
        for name, row in found.items()
    ]
    scores = {name: row["spearman"] for name, row in found.items() if row["spearman"] is not None}
    plots = [Plot(ranking_bars(scores, label="Spearman", highlight=highlight), "Longer is better.")] if scores else []
    text = (
        "Spearman's rank correlation of cosines and scores, with the interval that holds 95 % of 1,000 resamplings of the "
        "pairs; pairs share videos, so that it is somewhat too narrow."
    )
    best = max(scores, key=lambda name: float(scores[name]), default="")
    table = Table(["vectors", "Spearman", "95 % interval", "pairs"], rows, best)
    return Section(f"Do cosines follow the scores? ({split} pairs)", text, table, plots)


def _predictions(run: RunDirectory, metrics: dict[str, Any], split: str) -> Section:
    stored = read_npz(run.require(run.path / PREDICTIONS), ("score", "cosine", "split"))
    rows = stored["split"] == split
    levels = metrics["methods"]["twin tower"][split]["levels"]
    table = Table(
        ["score", "pairs", "10 %", "median cosine", "90 %"],
        [
            [f"{x['score']:.2f}", f"{x['num_pairs']:,}", *(f"{x[name]:.3f}" for name in ("low", "median", "high"))]
            for x in levels
        ],
    )
    plots = [
        Plot(
            score_scatter(stored["score"][rows].astype(np.float64), stored["cosine"][rows].astype(np.float64)),
            "One point a pair; the order counts, not the diagonal.",
        ),
        Plot(spread_by_level(levels), "Median cosine at each level of the score; bars hold 80 % of the pairs."),
    ]
    return Section("What is said of each level", f"The {split} pairs.", table, plots)


def _training(run: RunDirectory, metrics: dict[str, Any]) -> Section:
    plots = []
    for name in metrics["pretrained"]:
        log = read_training_log(RunDirectory(run.path / name))
        plots.append(Plot(training_curve(log["step"], log["loss"], label="loss"), "Loss of the pretraining on tags."))
    log = read_training_log(run)
    for name, caption in (
        ("loss", "Loss of the training."),
        ("pair_loss", "Part of the pairs."),
        ("tag_loss", "Of tags."),
    ):
        if name in log:
            plots.append(Plot(training_curve(log["step"], log[name], label=name.replace("_", " ")), caption))
    epochs = [epoch for epoch in metrics["epochs"] if epoch["spearman"] is not None]
    text = ""
    if epochs:
        numbers, values = ([epoch[name] for epoch in epochs] for name in ("epoch", "spearman"))
        plots.append(Plot(training_curve(numbers, values, label="Spearman", unit="epoch"), "Of the validation pairs."))
        kept = metrics["best_epoch"] if metrics["kept"] == "best" else len(metrics["epochs"])
        text = f"The weights are those of epoch {kept} of {len(metrics['epochs'])}."
    return Section("Training", text, None, plots)
