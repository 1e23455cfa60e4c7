"""The report of a run of the next place, drawn from the files of its directory."""

from __future__ import annotations

from typing import Any

from graphvid.runs import Plot, Report, RunDirectory, Section, Table, read_verdict
from graphvid.runs.figures import ranking_bars, training_curve

from .drawings import attention_bands, history_curve, map_of_areas

_K = "10"
_NEXT = {  # what to try after each verdict
    "beats": "Next: `graphvid recommend USER_ID`.",
    "is level with": "Next: the simpler of the two.",
    "loses to": "Next: `graphvid train counts`, which needs no training, or more check-ins a user.",
}
_FIGURES = {"recall": "Recall", "ndcg": "NDCG", "map": "MAP", "recall_of_all": "Recall of all"}


def report(run: RunDirectory) -> Report:
    """Describe a run from ``config.json`` and ``metrics.json``.

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
    data, title = config["data"], config["title"]
    mine = metrics["methods"][title][_K]
    unseen = metrics["unseen_targets"]
    lead = (
        f"{data['num_users']:,} users, {data['num_pois']:,} places, {data['train']:,} check-ins to learn from. Of "
        f"{data['test'] - unseen['test']:,} test check-ins at known places, {mine['recall']:.1%} are among the first {_K} of "
        f"{metrics['candidates']:,} candidates; {unseen['test']:,} more are at places that training never saw."
    )
    found = read_verdict(metrics["verdict"])
    lead = f"{found.to_text()} {_NEXT[found.word]} {lead}"
    sections = [_ranking(title, metrics)]
    if metrics["areas"]:
        drawing = Plot(
            map_of_areas(metrics["areas"]),
            f"Every circle is an area, as large as it has test check-ins; the colour is Recall@{_K} in it.",
        )
        sections.append(Section("Where it finds them", "", None, [drawing]))
    sections.append(_histories(metrics))
    if "by_hour" in metrics:
        sections.append(_attention(metrics["by_hour"]))
        sections.append(_epochs(metrics))
    sections.append(_left_out(metrics))
    return Report(f"{title[0].upper()}{title[1:]}: {data['name']}", lead, sections)


def _ranking(title: str, metrics: dict[str, Any]) -> Section:
    rows = [
        [method, k, *(f"{values[k][name]:.4f}" for name in _FIGURES)]
        for method, values in metrics["methods"].items()
        for k in values
    ]
    text = (
        "All candidates are ranked for every test check-in, with everything before it as history; visited places are not "
        'barred, and ties count half. "Recall of all" counts targets that training never saw as misses. The mixture of '
        "counts is chosen by the validation check-ins."
    )
    scores = {name: values[_K]["recall"] for name, values in metrics["methods"].items()}
    plot = Plot(ranking_bars(scores, label=f"Recall@{_K}", highlight=title), "Longer is better.")
    best = max(scores, key=lambda name: float(scores[name]))
    return Section(
        "Does it find where users went?", text, Table(["method", "k", *_FIGURES.values()], rows, best), [plot]
    )


def _histories(metrics: dict[str, Any]) -> Section:
    rows = [[f"{one['from']:,}", f"{one['requests']:,}", f"{one['recall']:.4f}"] for one in metrics["by_history"]]
    plot = Plot(
        history_curve(metrics["by_history"]), f"Recall@{_K} of all test check-ins by the length of the history."
    )
    table = Table(["check-ins before, at least", "test check-ins", f"Recall@{_K}"], rows)
    return Section("How much history it needs", "", table, [plot])


def _attention(found: dict[str, Any]) -> Section:
    shares = ", ".join(f"{name} {share:.0%}" for name, share in zip(found["parts"], found["mean_shares"]))
    attention = ", ".join(f"{name} {share:.0%}" for name, share in zip(found["interests"], found["mean_attention"]))
    text = f"Mean attention of the network over its interests: {attention}. Mean shares of the mixture: {shares}."
    plots = []
    if found["hours"]:
        drawing = attention_bands(found["hours"], found["attention"], found["interests"])
        plots.append(Plot(drawing, "Mean attention of the network over its interests, by local hour of the request."))
    return Section("What it looks at", text, None, plots)


def _epochs(metrics: dict[str, Any]) -> Section:
    epochs = metrics["epochs"]
    rows = [
        [
            f"{one['epoch']:.0f}",
            f"{one['learning_rate']:.0e}",
            f"{one['loss']:.4f}",
            f"{one['recall']:.4f}",
            f"{one['train_seconds']:.1f}",
            f"{one['evaluate_seconds']:.1f}",
        ]
        for one in epochs
    ]
    curve = training_curve(
        [one["epoch"] for one in epochs], [one["recall"] for one in epochs], label=f"Recall@{_K}", unit="epoch"
    )
    columns = ["epoch", "learning rate", "loss", f"Recall@{_K}", "training s", "evaluation s"]
    text = "The run keeps the weights of the best epoch."
    plot = Plot(curve, "Of the validation check-ins at known places.")
    return Section("Epochs", text, Table(columns, rows, f"{metrics['best_epoch']}"), [plot])


def _left_out(metrics: dict[str, Any]) -> Section:
    unseen = metrics["unseen_targets"]
    rows = [[f"{name} check-ins at places that training never saw", f"{count:,}"] for name, count in unseen.items()]
    rows += [[f"rows left out: {reason}", f"{count:,}"] for reason, count in metrics["dropped"].items()]
    return Section("What is left out", "", Table(["", "number"], rows))
