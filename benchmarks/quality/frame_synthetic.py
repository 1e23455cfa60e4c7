"""FRAME on the synthetic skip world: does the clip of the skip help, and only where it should?"""

from __future__ import annotations

import argparse
import statistics
from dataclasses import replace
from datetime import date
from importlib import metadata
from typing import Any

import numpy as np
from tqdm import tqdm

from benchmarks._record import markdown
from benchmarks.peers import _simple
from benchmarks.peers._task import make_task
from benchmarks.quality._frame import METRICS, FrameRow, ScoredViews, difference, figures, train
from benchmarks.quality._run import RESULTS, Runs
from graphvid._files import write_json
from graphvid.data import ClipFeatures, SyntheticSkip
from graphvid.models import FRAMEConfig

_TITLE = "FRAME on the synthetic skip world"
_PACKAGES = ("graphvid", "torch", "dgl", "numpy", "lightning")
_DEFAULT, _PAPER, _OFFICIAL = (FRAMEConfig.preset(name) for name in ("survival", "paper", "official"))
_ONE = "survival, 1 clip"
_EIGHT = "survival, 8 clips"

# The main setting, its variants, and three null settings in which clips must not help.
SETTINGS: dict[str, dict[str, Any]] = {
    "main": {},
    "10 taste groups": {"num_groups": 10},
    "40 impressions": {"impressions_per_user": 40},
    "160 impressions": {"impressions_per_user": 160},
    "null, one topic a video": {"topics_per_video": 1},
    "null, skip place shuffled": {"shuffle_places": True},
    "null, equal hazards": {"hazards": (0.12, 0.12, 0.12)},
    "null, features of noise": {"noise_features": True},
}


def rows() -> list[FrameRow]:
    """Give all rows, in the order of the table."""
    made = []
    for name, setting in SETTINGS.items():
        models = {
            _EIGHT: ("The default preset.", _DEFAULT),
            _ONE: ("The default preset on the mean of a video's clips.", replace(_DEFAULT, num_clips=1)),
        }
        if name == "main":
            models |= {
                "survival, 4 clips": ("", replace(_DEFAULT, num_clips=4)),
                "survival, 2 clips": ("", replace(_DEFAULT, num_clips=2)),
                "paper, 8 clips": ("The preset of the published equations.", _PAPER),
                "paper, 1 clip": ("", replace(_PAPER, num_clips=1)),
                "official, 4 clips": ("The preset of the released code.", replace(_OFFICIAL, num_clips=4)),
                "survival, mean_prob head": ("The paper's head with products.", replace(_DEFAULT, head="mean_prob")),
                "survival without products": (
                    "Scores from concatenated vectors.",
                    replace(_DEFAULT, interaction="concat"),
                ),
                "survival, raw features": ("Features not standardised.", replace(_DEFAULT, standardize=False)),
                "survival, norm sym": ("", replace(_DEFAULT, norm="sym")),
                "survival, own edges seen": ("As the released code trains.", replace(_DEFAULT, target_edges="include")),
                "survival, temporal targets": ("The last third.", replace(_DEFAULT, target_edges="temporal")),
                "survival, no negatives": (
                    "Without negative edges and negative branch.",
                    replace(_DEFAULT, negative_mode="none", branches="positive"),
                ),
            }
        for model, (about, config) in models.items():
            made.append(FrameRow(f"{name}: {model}", about, config, setting=setting))
        for clips in (8, 1):
            about = f"Two products of the user's mean clips, logistic regression, {clips} a video."
            made.append(
                FrameRow(f"{name}: graph-mean logistic, {clips}", about, baseline=f"mean {clips}", setting=setting)
            )
        if name == "main":
            about = "The same two products explain the skip at every clip."
            made.append(FrameRow(f"{name}: logistic hazard, 8", about, baseline="hazard 8", setting=setting))
        about = "The true probability of completion."
        made.append(FrameRow(f"{name}: oracle", about, baseline="oracle", setting=setting, reference=True))
    return made


def main(arguments: list[str]) -> None:
    """Run the table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks quality frame_synthetic", description=_TITLE)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2, 3, 4])
    parser.add_argument("--rows", nargs="+", help="only rows whose name contains one of these texts")
    parser.add_argument("--fresh", action="store_true", help="forget the figures in the JSON file")
    options = parser.parse_args(arguments)
    all_rows = rows()
    wanted = [row for row in all_rows if not options.rows or any(text in row.name for text in options.rows)]
    runs = Runs(RESULTS / ".frame_synthetic.runs.json", {"world": SyntheticSkip.name}, fresh=options.fresh)
    progress = tqdm([(seed, row) for seed in options.seeds for row in wanted], unit="run")
    for seed, row in progress:
        progress.set_description(f"{row.name}, seed {seed}")
        if runs.get(row, seed) is None:
            runs.put(row, seed, _score(row, seed))
    finished = [row for row in all_rows if all(runs.get(row, seed) for seed in options.seeds)]
    record = _record({row: [runs.get(row, seed) or {} for seed in options.seeds] for row in finished}, options.seeds)
    write_json(RESULTS / "frame_synthetic.json", record)
    print(markdown(record))
    print(record["notes"])


def _score(row: FrameRow, seed: int) -> dict[str, Any]:
    setting = dict(row.setting)
    noise = setting.pop("noise_features", False)
    world = SyntheticSkip(seed=seed, **setting)
    clips = world.clips
    if noise:
        shape = clips.array.shape
        clips = ClipFeatures(clips.ids, np.random.default_rng(seed).normal(size=shape).astype(np.float32))
    windows, log = world.windows, world.log
    test = log.select(windows.test)
    assert test.watch_time is not None
    assert test.duration is not None
    views = ScoredViews(test.user, test.video, (test.watch_time >= test.duration).astype(np.int64))
    seconds = 0.0
    if row.model is not None:
        training = log.select(np.sort(np.concatenate([windows.graph, windows.supervision])))
        model, seconds = train(training, clips, replace(row.model, seed=seed))
        probability = model.predict(test.user, test.video).complete
    elif row.baseline == "oracle":
        probability = world.oracle[windows.test]
    else:
        kind, number = row.baseline.split()
        task = make_task(log, np.asarray(clips.array), windows).task
        baseline = _simple.graph_mean if kind == "mean" else _simple.clip_hazard
        probability = baseline(task, seed, int(number)).score
    return {**figures(views, probability), "seconds": round(seconds, 1)}


def _record(finished: dict[FrameRow, list[dict[str, Any]]], seeds: list[int]) -> dict[str, Any]:
    by_name = {row.name: found for row, found in finished.items()}
    return {
        "name": "frame_synthetic",
        "title": _TITLE,
        "protocol": "300 users, 1,200 videos of 8 clips, 80 impressions a user: the first 75 % in time are training rows, "
        "the last 25 % are scored. Hyper-parameters were chosen on worlds of other seeds. A coarse model gets the means of "
        "the same clips. GAUC is the AUC of each user's views, weighted by their number.",
        "command": f"python -m benchmarks quality frame_synthetic --seeds {' '.join(map(str, seeds))}",
        "date": date.today().isoformat(),
        "versions": {package: metadata.version(package) for package in _PACKAGES},
        "seeds": seeds,
        "metrics": list(METRICS),
        "notes": "\n".join(_statements(by_name)),
        "rows": [
            {
                "name": row.name,
                "description": row.description,
                **({"reference": True} if row.reference else {}),
                "config": None if row.model is None else row.model.to_dict(),
                "values": {metric: [run[metric] for run in found] for metric in METRICS},
                "seconds": [run["seconds"] for run in found],
            }
            for row, found in finished.items()
        ],
    }


def _statements(runs: dict[str, list[dict[str, Any]]]) -> list[str]:
    """Give the differences in GAUC on which the claim of the method stands or falls, with 95 % intervals over users."""
    pairs = [(f"{name}: {_EIGHT}", f"{name}: {_ONE}") for name in SETTINGS]
    pairs += [(f"{name}: graph-mean logistic, 8", f"{name}: graph-mean logistic, 1") for name in SETTINGS]
    pairs += [
        (f"main: {_EIGHT}", f"main: {other}")
        for other in (
            "paper, 8 clips",
            "graph-mean logistic, 8",
            "logistic hazard, 8",
            "survival, no negatives",
            "oracle",
        )
    ]
    lines = []
    for first, second in pairs:
        if first in runs and second in runs:
            found = difference(runs[first], runs[second])
            spread = [a["gauc"] - b["gauc"] for a, b in zip(runs[first], runs[second], strict=True)]
            lines.append(
                f"- {first} − {second}: {found.difference:+.4f}, interval {found.lower:+.4f} to {found.upper:+.4f}, "
                f"seeds {min(spread):+.4f} to {max(spread):+.4f}, mean {statistics.mean(spread):+.4f}"
            )
    return lines
