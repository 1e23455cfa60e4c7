"""The report of a run of the task codes, drawn from the files of its directory."""

from __future__ import annotations

from typing import Any

from graphvid.runs import Plot, Report, RunDirectory, Section, Table, read_training_log, read_verdict
from graphvid.runs.figures import ranking_bars, training_curve

from .figures import NAMES, in_bytes

_NEXT = {  # what to try after each verdict
    "beats": "Next: `graphvid export`, or `graphvid search`.",
    "is level with": "Next: the codes of FAISS, which need no training, or links (--graph) or labels that say what is alike.",
    "loses to": "Next: the codes of FAISS, or more epochs, and links (--graph) or labels that say what is alike.",
}
_CAPTIONS = {
    "loss": "Training loss. It rises when a memory comes into use, which brings more negatives.",
    "contrastive": "Contrastive loss of two views.",
    "clamped_share": "Share of anchors whose estimate of the negatives is at its floor: they push nothing away.",
    "distillation": "How far scores order a batch otherwise than the features do.",
    "loss_of_vectors": "Loss of the vectors before they are coded.",
    "loss_of_codes": "Loss of the reconstructions.",
    "quantization_error": "Squared distance of vectors, scaled part by part, and reconstructions.",
    "entropy": "Entropy of the soft assignments, in nats; near 0 a mixture is one codeword, as in the code.",
    "diversity": "Mean inner product of the codewords of a codebook; smaller is more diverse.",
    "codewords_moved": "Unused codewords moved at the last repair.",
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
    title, quality, items = config["title"], metrics["quality"], metrics["items"]
    main = "map" if "map" in quality[title] else "overlap"
    raw = next(values for name, values in quality.items() if name.startswith("features, "))
    lead = (
        f"{items['database']:,} items in {in_bytes(8 * metrics['bytes'])} each. For "
        f"{items['queries']:,} queries that training never saw, {NAMES[main]} is {quality[title][main]:.3f}; an exact search "
        f"of the features has {raw[main]:.3f}."
    )
    if metrics["verdict"] is not None:
        found = read_verdict(metrics["verdict"])
        lead = f"{found.to_text()} {_NEXT[found.word]} {lead}"
    sections = [_quality(title, quality, main, metrics), _use(metrics, config["model"]), _training(run)]
    return Report(f"{title}: {config['data']['name']}", lead, sections)


def _quality(title: str, quality: dict[str, Any], main: str, metrics: dict[str, Any]) -> Section:
    names = {key: name for key, name in NAMES.items() if key in quality[title]}
    size = in_bytes(8 * metrics["bytes"])
    own = f"{title}, {size}"
    shown = {own if name == title else name: values for name, values in quality.items()}
    rows = [[name, *(f"{values[key]:.4f}" for key in names)] for name, values in shown.items()]
    text = (
        "mAP is over the whole database, by labels, divided by the relevant items found (“hits”); overlap@10 is the share of "
        "the ten nearest items by the cosine of the features that are among the first ten; 1-recall@10 says how often the "
        "nearest is. Queries are vectors, items are codes, but for “queries coded too”. Rows of FAISS code the features and "
        "rank by distance; PQ4x8 is 4 codebooks of 8 bits. Bold is the best of the run's size. On the validation items, by "
        "which options may be chosen, the run has "
        + ", ".join(f"{NAMES[key]} {metrics['validation'][title][key]:.4f}" for key in names)
        + "."
    )
    text += (
        "" if metrics["faiss"] else ' FAISS was not installed (pip install "graphvid[retrieval]"): its rows are absent.'
    )
    bars = ranking_bars({name: values[main] for name, values in shown.items()}, label=NAMES[main], highlight=own)
    plot = Plot(bars, f"{NAMES[main]}; longer is better.")
    of_size = [name for name in shown if name.endswith(f", {size}")]
    best = max(of_size, key=lambda name: float(shown[name][main]))
    return Section("Quality against bytes", text, Table(["method", *names.values()], rows, best), [plot])


def _use(metrics: dict[str, Any], model: dict[str, Any]) -> Section:
    rows = [
        [str(m), f"{perplexity:.1f}", f"{100 * dead:.1f} %"]
        for m, (perplexity, dead) in enumerate(zip(metrics["perplexity"], metrics["dead_share"], strict=True))
    ]
    text = (
        f"Each of the {model['num_codebooks']} codebooks has {model['num_codewords']} codewords. The perplexity is how many "
        "evenly used ones would be as uncertain; dead codewords have no item of the database."
    )
    return Section("Use of the codewords", text, Table(["codebook", "perplexity", "dead"], rows))


def _training(run: RunDirectory) -> Section:
    log = read_training_log(run)
    plots = []
    for name, values in log.items():
        caption = _CAPTIONS.get(name)
        if name.startswith("drift_"):
            _, kind, age = name.split("_")
            held = "soft codes" if kind == "codes" else "features"
            caption = (
                f"Drift of a memory that holds {held}: squared distance of what it gives for an item after {age} steps and the "
                "item's reconstruction by then."
            )
        if caption is not None and len(set(values)) > 1:  # a disabled loss stays at 0
            plots.append(Plot(training_curve(log["step"], values, label=name.replace("_", " ")), caption))
    return Section("Training", "", None, plots)
