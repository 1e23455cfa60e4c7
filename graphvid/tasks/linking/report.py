"""The report of a linking run, drawn from the files of its directory."""

from __future__ import annotations

from typing import Any

import numpy as np

from graphvid.metrics import CalibrationCurve
from graphvid.runs import Plot, Report, RunDirectory, Section, Table, read_training_log, read_verdict
from graphvid.runs.figures import calibration_plot, training_curve


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
    data, test, title = config["data"], metrics["test"], config["title"]
    lead = (
        f"{data['num_mentions']:,} mentions, {data['train_docs']:,} documents learnt from. Of {test['linkable']:,} test "
        f"mentions whose entity is in the knowledge base {test['accuracy']:.4f} are linked right. A gold that is no "
        f"candidate ({test['gold_missing']:,}) or a mention without candidates ({test['without_candidates']:,}) is an error."
    )
    sections = [
        _accuracy(title, test),
        _hard(test),
        _types(test),
        _reliability(title, test),
        _errors(test),
        _training(run, metrics),
    ]
    return Report(
        f"{title[0].upper()}{title[1:]}: {data['name']}", lead, [section for section in sections if section is not None]
    )


def _accuracy(title: str, test: dict[str, Any]) -> Section:
    methods = {title: test["accuracy"], **{f"first by {name}": value for name, value in test["baselines"].items()}}
    rows = [[name, f"{value:.4f}"] for name, value in methods.items()]
    rows += [
        [f"{title}, {label}", f"{test[key]:.4f}"]
        for key, label in (
            ("ambiguous", "two candidates or more"),
            ("one_candidate", "one candidate"),
            ("with_gold", "gold among candidates"),
        )
        if test[key] is not None
    ]
    text = "In-KB micro accuracy of the test documents."
    if test["verdict"] is not None:
        text = f"{text} {read_verdict(test['verdict']).to_text()}"
    best = max(methods, key=lambda name: float(methods[name]))
    return Section("Is the right entity chosen?", text, Table(["method", "accuracy"], rows, best))


def _hard(test: dict[str, Any]) -> Section:
    rows = [
        [f"{label} {name}", f"{found['mentions']:,}", f"{found['accuracy']:.4f}"]
        for key, label in (("by_candidates", "candidates:"), ("by_prior_rank", "gold by prior:"))
        for name, found in test[key].items()
    ]
    text = "By the number of candidates, and by the place that the right entity has before anything is learnt."
    return Section("Which mentions are hard?", text, Table(["mentions with", "count", "accuracy"], rows))


def _types(test: dict[str, Any]) -> Section | None:
    if "type_confusion" not in test:
        return None
    pairs = sorted(test["type_confusion"], key=lambda pair: -pair["mentions"])
    wrong = [pair for pair in pairs if pair["gold"] != pair["chosen"]][:12]
    share = test["type_error_share"]
    text = (
        "No errors."
        if share is None
        else f"Of the errors {share:.1%} choose an entity of another type than the gold's."
    )
    rows = [[pair["gold"], pair["chosen"], f"{pair['mentions']:,}"] for pair in wrong]
    return Section("Are the types confused?", text, Table(["type meant", "type chosen", "mentions"], rows))


def _reliability(title: str, test: dict[str, Any]) -> Section | None:
    found = test["reliability"]
    if not found:
        return None
    curve = CalibrationCurve(*(np.array(found[name]) for name in ("predicted", "observed", "num_rows")))
    plot = Plot(
        calibration_plot({title: curve}, highlight=title, event="right"),
        "On the diagonal, a probability is the share of right links.",
    )
    text = f"Expected calibration error {found['expected_calibration_error']:.4f}."
    return Section("Do probabilities mean what they say?", text, figures=[plot])


def _errors(test: dict[str, Any]) -> Section | None:
    if not test["errors"]:
        return None
    rows = [
        [
            error["mention"],
            error["meant"],
            error["chosen"],
            f"{error['probability']:.2f}",
            "" if error["gold_is_candidate"] else "no candidate",
        ]
        for error in test["errors"]
    ]
    text = "Errors spread evenly over the test documents, to be read."
    return Section("Errors", text, Table(["mention", "meant", "chosen", "probability", "the one meant"], rows))


def _training(run: RunDirectory, metrics: dict[str, Any]) -> Section:
    log = read_training_log(run)
    epochs = metrics["epochs"]
    text = (
        f"The model is that of epoch {metrics['best_epoch']} of {len(epochs)}, the best on the development documents."
    )
    plots = [
        Plot(training_curve(log["step"], log["loss"], label="loss"), "Mean loss of the steps."),
        Plot(
            training_curve(
                [epoch["epoch"] for epoch in epochs],
                [epoch["accuracy"] for epoch in epochs],
                label="accuracy",
                unit="epoch",
            ),
            "Accuracy on the development documents.",
        ),
    ]
    return Section("Training", text, figures=plots)
