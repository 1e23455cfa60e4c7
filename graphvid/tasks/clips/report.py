"""The report of a run of the task clips, drawn from the files of its directory."""

from __future__ import annotations

from typing import Any

from graphvid._files import read_npz
from graphvid.runs import Plot, Report, RunDirectory, Section, Table, read_training_log, read_verdict
from graphvid.runs.figures import ranking_bars, training_curve

from .answers import STRIPS
from .strips import draw_strips

_COLUMNS = {
    "matched": "matched",
    "shifted": "shifted",
    "gap": "gap",
    "cheating": "cheating",
    "motion": "motion",
    "background": "scenery",
    "sign": "direction",
    "sign_of_maps": "direction, maps",
    "nearest_motion": "nearest: motion",
    "nearest_background": "nearest: scenery",
    "thirds": "thirds",
    "nearest_label": "nearest: class",
}
_NEXT = {  # what to try after each verdict
    "beats": "Next: `graphvid neighbors VIDEO_ID`, or `graphvid embed` and its vectors as features of another method.",
    "is level with": "Next: more epochs or more videos, or `graphvid train moco --preset differences`.",
    "loses to": "Next: more epochs or more videos; vectors worse than these baselines have not learnt yet.",
}
_CAPTIONS = {
    "loss": "Training loss. It rises while the queue fills, which brings more negatives.",
    "contrast": "Contrastive loss.",
    "queue_age": "Mean age of the keys in the queue, in steps.",
    "overlap": "Mean share of a clip that the other segment of its video covers too.",
    "consistency": "How far maps of transformed clips are from transformed maps.",
    "consistency_ratio": "The same over that between different clips; 1 is chance.",
    "flip": "Difference of the maps of a clip and of its reversal.",
}


def report(run: RunDirectory) -> Report:
    """Describe a run from ``config.json``, ``metrics.json``, ``training_log.csv`` and ``strips.npz``.

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
    title, quality, videos = config["title"], metrics["quality"], config["data"]["num_videos"]
    own = quality[title]
    if "motion" in own:
        lead = (
            f"{videos:,} videos of moving digits. A linear probe reads the motion from {own['motion']:.1f} % of the vectors "
            f"(chance 25 %); where scenery misleads, {own['cheating']:.1f} % of its answers name the scenery's class."
        )
    elif own["thirds"] is not None:
        lead = (
            f"{videos:,} videos. The first third of a video finds its own last third in {own['thirds']:.1f} % of "
            f"{own['num_thirds']:,} cases."
        )
    else:
        lead = f"{videos:,} videos, too few of them long enough to compare their thirds."
    if metrics["verdict"] is not None:
        found = read_verdict(metrics["verdict"])
        lead = f"{found.to_text()} {_NEXT[found.word]} {lead}"
    return Report(f"{title}: {config['data']['name']}", lead, [_quality(title, quality), _nearest(run), _training(run)])


def _quality(title: str, quality: dict[str, Any]) -> Section:
    names = {key: name for key, name in _COLUMNS.items() if key in quality[title]}
    rows = [
        [name, *("–" if values.get(key) is None else f"{values[key]:.1f}" for key in names)]
        for name, values in quality.items()
    ]
    if "motion" in names:
        main, text = (
            "motion",
            (
                "Percent. matched and shifted: motion by a probe of the training videos, where scenery agrees, and "
                "where it misleads; cheating: answers on the latter that name the scenery's class. motion and "
                "scenery: by a probe fitted where both are independent, so that it says what is in the vectors at "
                "all; read motion first, since a constant vector has no gap. direction: which way a motion goes, "
                "from vectors and from maps of 2 x 2 x 2 cells. nearest: what the nearest training video of a "
                "misleading one shares with it."
            ),
        )
    else:
        main, text = (
            "thirds",
            (
                "Percent. thirds: the first third of a video finds its last third among all, by cosine. nearest: the "
                "nearest other video has the same class. Random weights are the same network without training."
            ),
        )
    bars = {name: values[main] for name, values in quality.items() if values.get(main) is not None}
    plots = (
        [Plot(ranking_bars(bars, label=f"{main} (%)", highlight=title), f"{main}; longer is better.")] if bars else []
    )
    best = max(bars, key=lambda name: float(bars[name]), default="")
    return Section("What is in the vectors", text, Table(["method", *names.values()], rows, best), plots)


def _nearest(run: RunDirectory) -> Section:
    stored = read_npz(run.require(run.path / STRIPS), ("frames", "ids", "similarity"))
    plots = [
        Plot(
            draw_strips(stored["frames"][i], stored["ids"][i], stored["similarity"][i]),
            f"Nearest to {stored['ids'][i][0]}.",
        )
        for i in range(len(stored["frames"]))
    ]
    text = "Six frames of some videos, above those of the videos nearest to each, with the cosine of their centred vectors."
    return Section("Nearest videos", text, None, plots)


def _training(run: RunDirectory) -> Section:
    log = read_training_log(run)
    plots = [
        Plot(training_curve(log["step"], values, label=name.replace("_", " ")), _CAPTIONS[name])
        for name, values in log.items()
        if name in _CAPTIONS and len(set(values)) > 1  # a disabled loss stays at 0
    ]
    return Section("Training", "", None, plots)
