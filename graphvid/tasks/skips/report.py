"""The report of a run of the task skips, drawn from the files of its directory."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from graphvid._files import read_npz
from graphvid.metrics import calibration_curve
from graphvid.runs import Plot, Report, RunDirectory, Section, Table, read_training_log, read_verdict
from graphvid.runs.figures import calibration_plot, drop_off_curves, ranking_bars, score_by_clips, training_curve

from .outcomes import TRAINED

PREDICTIONS = "predictions.npz"
_NEXT = {  # what to try after each verdict on the log loss
    "beats": "Next: `graphvid predict`.",
    "is level with": "Next: more epochs, or the preset survival if another was used.",
    "loses to": "Next: fewer epochs or a smaller learning rate; its order may be of use where its probabilities are not.",
}
_GROUPS = ("least likely to finish", "between", "most likely to finish")


def report(run: RunDirectory) -> Report:
    """Describe a run from ``config.json``, ``metrics.json``, ``training_log.csv`` and ``predictions.npz``.

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
    counts = metrics["views"]
    lead = f"{counts['training']:,} training views, {counts['test']:,} test views."
    sections = [_clips(metrics["clips"]), _training(run, config["model"]), _data(metrics)]
    if metrics["methods"]:
        views = read_npz(run.require(run.path / PREDICTIONS), ("stop", "stay", "complete"))
        order, loss = (read_verdict(stored) for stored in metrics["verdicts"])
        lead = (
            f"{order.to_text()} {loss.to_text()} {_NEXT[loss.word]} {lead} GAUC: of a video that a test user finished and one "
            "that they left, how often the model knows which."
        )
        judged = [_finishing(metrics), _leaving(metrics, views), _calibration(metrics, views)]
        sections = [*judged, *([_ablation(metrics)] if metrics["ablation"] else []), *sections]
    else:
        lead = f"All views were trained on, so nothing is judged. {lead}"
    return Report(f"{config['title']}: {config['data']['name']}", lead, sections)


def _finishing(metrics: dict[str, Any]) -> Section:
    methods = metrics["methods"]
    columns = ["method", "GAUC", "AUC", "log loss", "ECE", "NDCG@3", "NDCG@5", "Recall@3", "Recall@5"]
    rows = []
    for name, found in methods.items():
        cells = [found["gauc"]["value"], found["auc"], found["log_loss"], found["expected_calibration_error"]]
        cells += [found["impressions"][k][kind] for kind in ("ndcg", "recall") for k in ("3", "5")]
        rows.append([name, *(f"{value:.4f}" for value in cells)])
    gauc, impressions = methods[TRAINED]["gauc"], methods[TRAINED]["impressions"]["3"]
    text = (
        f"GAUC is the mean over {gauc['num_users']:,} users, weighted by their test views; {gauc['num_left_out']:,} finished "
        f"all or none and are left out. NDCG and Recall rank each user's own test views; {impressions['num_left_out']:,} "
        f"users finished none and are left out. The log loss of the constant rate of training is "
        f"{metrics['base_rate_log_loss']:.4f}. The rates are shares of complete "
        "training views, drawn towards that of all."
    )
    bars = ranking_bars(
        {name: found["gauc"]["value"] for name, found in methods.items()}, label="GAUC", highlight=TRAINED
    )
    plot = Plot(bars, "Who finishes which video; 0.5 is chance.")
    best = max((name for name in methods if name != "oracle"), key=lambda name: float(methods[name]["gauc"]["value"]))
    return Section("Does it know who finishes what?", text, Table(columns, rows, best), [plot])


def _leaving(metrics: dict[str, Any], views: Mapping[str, NDArray[Any]]) -> Section:
    rows = []
    for name, found in metrics["methods"].items():
        if found["skip_clip"] is not None:
            clip, time = found["skip_clip"], found["watch_time"]
            cells = [clip["log_likelihood"], clip["accuracy"], time["mean_absolute_error"], time["xauc"]]
            rows.append([name, *("–" if value is None else f"{value:.4f}" for value in cells)])
    skipped = int((views["stop"] < views["stay"].shape[1]).sum())
    text = (
        f"Where the {skipped:,} test views that were left ended: log-likelihood of the clip in nats (a guess has "
        f"{metrics['skip_clip_by_chance']:.4f}), and how often it is the most probable one; and the expected watch time, "
        "in seconds, loops not counted."
    )
    if "drop_off" not in views:
        text += " This head scores clips but gives no probability to leave at each, so it has no row and no line."
    table = Table(["method", "log-likelihood of the clip", "accuracy", "MAE of watch time (s)", "XAUC"], rows)
    everyone = {"all test views": np.ones(len(views["stop"]), dtype=bool)}
    order = np.argsort(views["complete"], kind="stable")
    thirds = {
        name: np.isin(np.arange(len(order)), part)
        for name, part in zip(_GROUPS, np.array_split(order, 3), strict=True)
        if len(part)
    }
    caption = "Points: observed, with 95 % bars; a finished view is still there at the end. Line: predicted."
    plots = [
        Plot(_drop_off(views, everyone), caption),
        Plot(_drop_off(views, thirds), "The same for thirds of the test views by the predicted probability to finish."),
    ]
    return Section("Does it know when they leave?", text, table, plots)


def _drop_off(views: Mapping[str, NDArray[Any]], groups: Mapping[str, NDArray[np.bool_]]) -> str:
    clips = np.arange(views["stay"].shape[1] + 1)
    there = views["stop"][:, None] >= clips
    predicted = views.get("drop_off")
    curves = {
        name: (there[rows].mean(axis=0), None if predicted is None else predicted[rows].mean(axis=0))
        for name, rows in groups.items()
    }
    return drop_off_curves(curves, num_views={name: int(rows.sum()) for name, rows in groups.items()})


def _calibration(metrics: dict[str, Any], views: Mapping[str, NDArray[Any]]) -> Section:
    complete = views["stop"] == views["stay"].shape[1]
    curve = calibration_curve(complete, views["complete"])
    text = (
        f"The mean distance from the diagonal is the expected calibration error, "
        f"{metrics['methods'][TRAINED]['expected_calibration_error']:.4f}. Of the training views "
        f"{100 * metrics['complete']['training']:.1f} % are complete, of the test views "
        f"{100 * metrics['complete']['test']:.1f} %."
    )
    drawn = calibration_plot({TRAINED: curve}, highlight=TRAINED, event="finished")
    plot = Plot(drawn, "Bins of equally many test views.")
    return Section("Can its probabilities be believed?", text, None, [plot])


def _ablation(metrics: dict[str, Any]) -> Section:
    fine = metrics["methods"][TRAINED]
    rows = [["all", f"{fine['gauc']['value']:.4f}", f"{fine['log_loss']:.4f}", "", "", ""]]
    for coarse in metrics["ablation"]:
        gain = coarse["gauc_difference"]
        rows.append(
            [
                f"{coarse['num_clips']}",
                f"{coarse['gauc']['value']:.4f}",
                f"{coarse['log_loss']:.4f}",
                f"{gain['difference']:+.4f}",
                f"{gain['lower']:+.4f} to {gain['upper']:+.4f}",
                f"{gain['share_not_above']:.3f}",
            ]
        )
    num_clips = metrics["num_clips"]
    rows[0][0] = f"{num_clips}"
    points = sorted([(num_clips, fine), *((coarse["num_clips"], coarse) for coarse in metrics["ablation"])], key=_first)
    text = (
        "The same model, options and views with fewer clips a video. The difference is the GAUC gained by all clips over "
        "fewer, with the 95 % interval of a paired bootstrap over users and the share of draws in which nothing is gained."
    )
    columns = ["clips a video", "GAUC", "log loss", "gained", "95 % interval", "not above 0"]
    figure = score_by_clips([n for n, _ in points], [found["gauc"]["value"] for _, found in points], label="GAUC")
    plot = Plot(figure, "One clip is the video as a whole.")
    return Section("What are clips worth?", text, Table(columns, rows, f"{num_clips}"), [plot])


def _first(pair: tuple[int, Any]) -> int:
    return pair[0]


def _clips(clips: list[dict[str, Any]]) -> Section:
    rows = [
        [
            clip["video_id"],
            f"{clip['clip'] + 1}",
            f"{clip['reached']:,}",
            f"{clip['left']:,}",
            f"{clip['left'] / clip['reached']:.3f}",
            f"{clip['usual']:.3f}",
            f"{clip['predicted']:.3f}",
        ]
        for clip in clips
    ]
    text = (
        "Of the training views that reached the clip, the share that left at it, beside that of all clips at this place. "
        "Ordered by the share drawn towards the usual one, so that few viewers count little. The top of a long list is "
        "partly luck: what the model expects of all users, not of those few, is the last column."
    )
    columns = ["video", "clip", "reached", "left", "share left", "usual", "predicted"]
    return Section("Which clips make viewers leave?", text, Table(columns, rows))


def _training(run: RunDirectory, model: dict[str, Any]) -> Section:
    log = read_training_log(run)
    plot = Plot(
        training_curve(log["step"], log["loss"], label="loss"), "Training loss a view, in nats with the survival head."
    )
    num_epochs = model["num_epochs"]
    text = f"{num_epochs:,} epoch{'s' * (num_epochs > 1)} of {int(log['step'][-1] / num_epochs):,} steps."
    return Section("Training", text, None, [plot])


def _data(metrics: dict[str, Any]) -> Section:
    counts = metrics["views"]
    rows = [
        ["training views", f"{counts['training']:,}"],
        ["test views", f"{counts['test']:,}"],
        ["– of users without training views", f"{counts['test_of_new_users']:,}"],
        ["– of videos without training views", f"{counts['test_of_new_videos']:,}"],
        *([f"left out: {reason}", f"{count:,}"] for reason, count in counts["dropped"].items()),
    ]
    return Section("The views", "" if counts["dropped"] else "No row was left out.", Table(["", "rows"], rows))
