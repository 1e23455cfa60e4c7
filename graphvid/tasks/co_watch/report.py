"""The report of a run of the task co-watch, drawn from the files of its directory."""

from __future__ import annotations

from typing import Any

import numpy as np

from graphvid.runs import Plot, Report, RunDirectory, Section, Table, read_training_log, read_verdict
from graphvid.runs.figures import cluster_sizes, degree_histogram, ranking_bars, training_curve

TRAINED = "graphvid"  # the row of the trained embedding
PROJECTED = "raw features, projected"  # to as many columns

_NEXT = {  # what to try after each verdict
    "beats": "Next: `graphvid neighbors`, or embed videos that nobody has watched.",
    "is level with": "Next: more steps (--set num_steps=3000), a wider vector (--set dim=256), or more of the log.",
    "loses to": "Next: keep the features whole beside what is learnt (--dim raw), try more settings (--tune full), or use "
    "the features as they are.",
}
_CAPTIONS = {
    "loss": "Training loss.",
    "mined_retention_position": "Negative retention: among the triplets with a semi-hard candidate in the batch, the share "
    "whose own drawn negative is the hardest of them. Random negatives stay near chance, hard ones rise above it.",
    "semi_hard_share": "Share of triplets with a semi-hard negative in the batch.",
    "active_hinge_share": "Share of triplets whose negative is not yet farther than the positive by the margin.",
    "distance_positive": "Mean squared distance of anchors and positives, in [0, 4].",
    "distance_negative": "Mean squared distance of anchors and chosen negatives, in [0, 4].",
}


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
    graph, scores = metrics["graph"], metrics["cold_start"]
    lead = f"{graph['num_videos']:,} videos, {graph['num_edges']:,} co-watch edges."
    if scores:
        found = read_verdict(metrics["verdict"])
        judged = f"Judged on {graph['test_videos']:,} videos that training never saw."
        lead = f"{found.to_text()} {_NEXT[found.word]} {lead} {judged}"
    else:
        lead = f"All videos were trained on, so nothing is judged. {lead}"
    if "tuning" in metrics:
        lead = f"{_outcome(metrics['tuning'])} {lead}"
    sections = [
        *([_ranking(scores, metrics)] if scores else []),
        *([_tuning(metrics["tuning"])] if metrics.get("tuning") else []),
        _training(run, config["model"]),
        _graph(graph),
        _clusters(metrics["clusters"]),
        _sampler(metrics["sampler"]),
    ]
    return Report(f"{config['title'].capitalize()}: {config['data']['name']}", lead, sections)


def _outcome(tuning: dict[str, Any] | None) -> str:
    """Return the text on the choice on validation videos; if nothing beats the raw features, it says this first."""
    if tuning is None:
        return "The graph is too small or too dense to hold validation videos, so the options are as given."
    chosen, whole = tuning["chosen"], tuning["whole"]
    best = max(whole, key=lambda kind: float(whole[kind]))
    against = f"NDCG {chosen['ndcg']:.4f} against {whole[best]:.4f} of the {best} features"
    if chosen["ndcg"] > whole[best]:
        way = "" if tuning["options"]["skip"] == "none" else " A linear way goes past the network."
        return f"Chosen on validation videos: {_setting(chosen)}, {against}.{way}"
    lost = 1 - chosen["ndcg"] / whole[best]
    return (
        f"Nothing tried beats the features as they are on the validation videos: the best in {chosen['columns']:,} columns "
        f"is {_setting(chosen)}, {against}, which costs {lost:.1%}; `--dim raw` keeps them whole."
    )


def _setting(found: dict[str, Any]) -> str:
    if found["raw"] == "none":
        return f"the learnt vector alone, {found['columns']:,} columns"
    form = f"{found['raw']} features {'whole' if found['raw_dim'] is None else 'projected to ' + format(found['raw_dim'], ',')}"
    if found["raw_weight"] == 1:
        return f"{form}, alone"
    return f"{form}, weight {found['raw_weight']:g}, beside the learnt vector, {found['columns']:,} columns"


def _tuning(tuning: dict[str, Any]) -> Section:
    chosen = tuning["chosen"]
    rows = [
        [
            f"{i}",
            found["trial"],
            found["raw"],
            *(
                ["–", "–"]  # the learned vector alone
                if found["raw"] == "none"
                else ["whole" if found["raw_dim"] is None else f"{found['raw_dim']:,}", f"{found['raw_weight']:g}"]
            ),
            f"{found['columns']:,}",
            f"{found['ndcg']:.4f}",
        ]
        for i, found in enumerate(tuning["tried"], 1)
    ]
    best = next(row[0] for row, found in zip(rows, tuning["tried"], strict=True) if found == chosen)
    text = (
        "A part of the training videos was kept from trainings of their own and judged them, with the features beside the "
        "learnt vector in several ways. Settings that beat the features come first. Of those within 1 % of the best, one with "
        "a learnt part is preferred to the features alone, then the fewest columns. The features alone, whole: "
        + ", ".join(f"{kind} {value:.4f}" for kind, value in tuning["whole"].items())
        + "."
    )
    names = ["", "trial", "features", "projected to", "weight", "columns", "NDCG@60"]
    return Section("What was tried on validation videos", text, Table(names, rows, best), [])


def _ranking(scores: dict[str, Any], metrics: dict[str, Any]) -> Section:
    k = scores[TRAINED]["k"]
    names = {"ndcg": f"NDCG@{k}", "map": "MAP", "mrr": "MRR", "recall": f"Recall@{k}", "hit": f"Hit@{k}"}
    base = max(scores["raw features"]["ndcg"], scores["standardised features"]["ndcg"])
    widths = metrics.get("columns")
    rows = [
        [
            method,
            *([f"{widths[method]:,}"] if widths else []),
            *(f"{values[key]:.4f}" for key in names),
            f"{values['ndcg'] / base:.2f}" if base else "–",
        ]
        for method, values in scores.items()
    ]
    one = scores[TRAINED]
    best = max((name for name in scores if name != "oracle"), key=lambda name: float(scores[name]["ndcg"]))
    text = (
        f"Every test video with a neighbour is a query ({one['num_queries']:,}; {one['num_skipped']:,} have none and are "
        "left out). All other test videos are ranked by cosine; relevant are its neighbours in the test part of the graph. The "
        "last column divides NDCG by that of the better of raw and standardised features; the best method but the oracle is "
        "in bold. Equal cosines count with the mean over their orders, and for MRR with one over the mean of the best and the "
        "worst rank: low where many tie, as with the oracle, which gives all videos of a topic one vector."
    )
    bars = ranking_bars({name: values["ndcg"] for name, values in scores.items()}, label=f"NDCG@{k}", highlight=TRAINED)
    plot = Plot(bars, "Ranking quality on videos never seen in training; longer is better.")
    columns = ["method", *(["columns"] if widths else []), *names.values(), "x features"]
    return Section("Does it find co-watched videos?", text, Table(columns, rows, best), [plot])


def _training(run: RunDirectory, model: dict[str, Any]) -> Section:
    log = read_training_log(run)
    plots = []
    for name, caption in _CAPTIONS.items():
        if name in log:
            chance = 1 / model["batch_size"] if name == "mined_retention_position" else None
            label = name.replace("_", " ").replace("mined retention position", "negative retention")
            plots.append(Plot(training_curve(log["step"], log[name], label=label, chance=chance), caption))
    return Section("Training", f"{model['num_steps']:,} steps with the loss “{model['loss']}”.", None, plots)


def _graph(graph: dict[str, Any]) -> Section:
    counts = graph["degree_counts"]
    degrees = np.repeat(np.asarray(counts["degree"], np.int64), counts["videos"])
    rows = [
        ["videos", f"{graph['num_videos']:,}", f"{graph['training_videos']:,}", f"{graph['test_videos']:,}"],
        ["edges", f"{graph['num_edges']:,}", f"{graph['training_edges']:,}", f"{graph['test_edges']:,}"],
    ]
    text = (
        f"{graph['num_isolated']:,} videos have no neighbour. Edges between the two parts belong to neither: the training "
        "graph holds edges between training videos only."
    )
    plot = Plot(degree_histogram(degrees), "Videos by number of neighbours, both axes logarithmic.")
    return Section("The graph", text, Table(["", "all", "training", "test"], rows), [plot])


def _clusters(levels: list[dict[str, Any]]) -> Section:
    sizes = [np.repeat(np.asarray(level["size"], np.int64), level["clusters"]) for level in levels]
    rows = [
        [
            f"level {level['level']}",
            f"{len(size):,}",
            f"{size.mean():.1f}",
            f"{int(np.median(size)):,}",
            f"{size.max():,}",
        ]
        for level, size in zip(levels, sizes, strict=True)
    ]
    table = Table(["", "clusters", "mean size", "median", "largest"], rows)
    plot = Plot(cluster_sizes(sizes), "Share of the training videos in clusters of at most a given size.")
    return Section("Clusters of the training graph", "", table, [plot])


def _sampler(counters: dict[str, int]) -> Section:
    rows = [[name.replace("_", " "), f"{count:,}"] for name, count in counters.items()]
    text = (
        "Triplets by the place their negative was drawn from. Where a triplet could not be had as asked, the negative "
        "climbed to a higher level, the positive came from outside the cluster, or the anchor was skipped."
    )
    return Section("What the sampler drew", text, Table(["", "times"], rows))
