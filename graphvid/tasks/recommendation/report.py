"""The report of a run of a recommender, drawn from the files of its directory."""

from __future__ import annotations

from typing import Any

from graphvid.runs import Plot, Report, RunDirectory, Section, Table, read_training_log, read_verdict
from graphvid.runs.figures import ranking_bars, training_curve

_K = "20"
_NEXT = {  # what to try after each verdict
    "beats": "Next: `graphvid recommend USER_ID`.",
    "is level with": "Next: more epochs, a larger learning rate, or another loss (--set loss=softmax).",
    "loses to": "Next: a larger learning rate or more epochs; a model worse than popularity has not learnt yet.",
}
_FIGURES = {"recall": "Recall", "ndcg": "NDCG", "precision": "Precision", "hit": "Hit", "mrr": "MRR", "map": "MAP"}


def report(run: RunDirectory) -> Report:
    """Describe a run from ``config.json``, ``metrics.json`` and ``training_log.csv``.

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
    data = config["data"]
    lead = f"{data['num_users']:,} users, {data['num_items']:,} items, {data['train']:,} training pairs."
    if metrics["methods"]:
        found = read_verdict(metrics["verdict"])
        users = metrics["methods"][config["title"]][_K]["num_users"]
        lead = (
            f"{found.to_text()} {_NEXT[found.word]} {lead} All items are candidates for each of {users:,} test users."
        )
    else:
        lead = f"All pairs were trained on, so nothing is judged. {lead}"
    sections = [
        *([_ranking(config, metrics)] if metrics["methods"] else []),
        *([_epochs(metrics)] if metrics["epochs"] else []),
        _training(run),
        _unseen(metrics),
    ]
    return Report(f"{config['title'][0].upper()}{config['title'][1:]}: {data['name']}", lead, sections)


def _ranking(config: dict[str, Any], metrics: dict[str, Any]) -> Section:
    rows = [
        [method, k, *(f"{values[k][name]:.4f}" for name in _FIGURES)]
        for method, values in metrics["methods"].items()
        for k in values
    ]
    by = (
        "the test pairs themselves, the protocol of the published results"
        if metrics["selection"] == "test"
        else ("pairs held out of training")
    )
    text = (
        f"All items are ranked for every test user; those known from training are no candidates. The model is that of "
        f"epoch {metrics['best_epoch']} of {len(metrics['epochs'])}, the best on {by}."
    )
    scores = {name: values[_K]["recall"] for name, values in metrics["methods"].items()}
    best = max(scores, key=lambda name: float(scores[name]))
    plot = Plot(ranking_bars(scores, label=f"Recall@{_K}", highlight=config["title"]), "Longer is better.")
    return Section(
        "Does it find what users took?", text, Table(["method", "k", *_FIGURES.values()], rows, best), [plot]
    )


def _epochs(metrics: dict[str, Any]) -> Section:
    epochs = metrics["epochs"]
    rows = [
        [
            f"{epoch['epoch']:.0f}",
            f"{epoch['learning_rate']:.0e}",
            f"{epoch['loss']:.4f}",
            f"{epoch['recall']:.4f}",
            f"{epoch['ndcg']:.4f}",
            f"{epoch['train_seconds']:.1f}",
            f"{epoch['evaluate_seconds']:.1f}",
        ]
        for epoch in epochs
    ]
    numbers = [epoch["epoch"] for epoch in epochs]
    plots = [
        Plot(
            training_curve(numbers, [epoch[name] for epoch in epochs], label=f"{_FIGURES[name]}@{_K}", unit="epoch"),
            f"{_FIGURES[name]}@{_K} of the pairs that epochs are judged by.",
        )
        for name in ("recall", "ndcg")
    ]
    columns = ["epoch", "learning rate", "loss", "Recall@20", "NDCG@20", "training s", "evaluation s"]
    text = "An epoch that is not better is undone: the best weights come back, and the learning rate falls to a tenth."
    return Section("Epochs", text, Table(columns, rows, f"{metrics['best_epoch']}"), plots)


def _training(run: RunDirectory) -> Section:
    log = read_training_log(run)
    return Section("Loss", "", None, [Plot(training_curve(log["step"], log["loss"], label="loss"), "Training loss.")])


def _unseen(metrics: dict[str, Any]) -> Section:
    names = {
        "users_without_training": "users without training pairs",
        "items_without_training": "items without training pairs, which stay candidates",
        "test_pairs_of_unseen_items": "test pairs of such items",
    }
    rows = [[text, f"{metrics[name]:,}"] for name, text in names.items()]
    return Section("What training never saw", "", Table(["", "number"], rows))
