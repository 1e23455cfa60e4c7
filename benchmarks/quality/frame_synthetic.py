"""Does the clip of the skip help, and only where it should: ``python -m benchmarks quality frame_synthetic``."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks._table import Json, MeasuredRow, Table
from benchmarks.peers import _simple
from benchmarks.peers._contract import Answer, SkipTask
from benchmarks.peers._task import make_task
from benchmarks.quality._frame import METRICS, ScoredViews, difference, figures, train
from graphvid.data import ClipFeatures, SyntheticSkip
from graphvid.models import FRAMEConfig

Method = Callable[[SyntheticSkip, ClipFeatures, int], NDArray[np.float64]]  # from a seed: to complete the test views
Baseline = Callable[[SkipTask, int, int], Answer]
Models = Mapping[str, tuple[str, FRAMEConfig]]
_DEFAULT, _PAPER, _OFFICIAL = (FRAMEConfig.preset(name) for name in ("survival", "paper", "official"))
_ONE = "survival, 1 clip"
_EIGHT = "survival, 8 clips"

# The main setting, its variants, and four null settings in which clips must not help.
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
_PAIRS: list[tuple[str, str]] = [
    *((f"{name}: {_EIGHT}", f"{name}: {_ONE}") for name in SETTINGS),
    *((f"{name}: graph-mean logistic, 8", f"{name}: graph-mean logistic, 1") for name in SETTINGS),
    *(
        (f"main: {_EIGHT}", f"main: {other}")
        for other in (
            "paper, 8 clips",
            "graph-mean logistic, 8",
            "logistic hazard, 8",
            "survival, no negatives",
            "oracle",
        )
    ),
]
_MAIN_ONLY: Models = {
    "survival, 4 clips": ("", replace(_DEFAULT, num_clips=4)),
    "survival, 2 clips": ("", replace(_DEFAULT, num_clips=2)),
    "paper, 8 clips": ("The preset of the published equations.", _PAPER),
    "paper, 1 clip": ("", replace(_PAPER, num_clips=1)),
    "paper, hybrid supervision": ("Losses of clips beside that of the view.", replace(_PAPER, supervision="hybrid")),
    "official, 4 clips": ("The preset of the released code.", replace(_OFFICIAL, num_clips=4)),
    "survival, mean_prob head": ("The paper's head with products.", replace(_DEFAULT, head="mean_prob")),
    "survival without products": ("Scores from concatenated vectors.", replace(_DEFAULT, interaction="concat")),
    "survival, raw features": ("Features not standardised.", replace(_DEFAULT, standardize=False)),
    "survival, norm sym": ("", replace(_DEFAULT, norm="sym")),
    "survival, own edges seen": ("As the released code trains.", replace(_DEFAULT, target_edges="include")),
    "survival, temporal targets": ("The last third.", replace(_DEFAULT, target_edges="temporal")),
    "survival, no negatives": (
        "Without negative edges and negative branch.",
        replace(_DEFAULT, negative_mode="none", branches="positive"),
    ),
}


def two_models(config: FRAMEConfig) -> Models:
    """Return a configuration on the clips, and on the mean of a video's clips."""
    return {
        _EIGHT: ("The default preset.", config),
        _ONE: ("The default preset on the mean of a video's clips.", replace(config, num_clips=1)),
    }


def rows() -> list[MeasuredRow]:
    """Return all rows, in the order of the table."""
    two = two_models(_DEFAULT)
    return [
        row
        for name, world in SETTINGS.items()
        for row in rows_of(name, world, {**two, **(_MAIN_ONLY if name == "main" else {})}, hazard=name == "main")
    ]


def rows_of(setting: str, world: Mapping[str, Any], models: Models, *, hazard: bool) -> list[MeasuredRow]:
    """Return the models in a setting, logistic regressions, with ``hazard`` also that of every clip, and the oracle."""

    def row(name: str, method: Method, about: str, *, reference: bool = False, **made_by: Any) -> MeasuredRow:
        config = {"world": world, **made_by}
        return MeasuredRow(f"{setting}: {name}", partial(judge, world, method), about, config, reference=reference)

    made = [row(name, partial(learnt, config), about, model=config) for name, (about, config) in models.items()]
    for clips in (8, 1):
        about = f"Two products of the user's mean clips, logistic regression, {clips} a video."
        made.append(row(f"graph-mean logistic, {clips}", partial(_logistic, _simple.graph_mean, clips), about))
    if hazard:
        about = "The same two products explain the skip at every clip."
        made.append(row("logistic hazard, 8", partial(_logistic, _simple.clip_hazard, 8), about))
    return [*made, row("oracle", oracle, "The true probability of completion.", reference=True)]


def judge(world: Mapping[str, Any], method: Method, seed: int, data_dir: str | None) -> Json:
    """Return what `figures` gives of the test views of a world of this seed."""
    made, clips = make_world(world, seed)
    test = made.log.select(made.windows.test)
    assert test.watch_time is not None
    assert test.duration is not None
    views = ScoredViews(test.user, test.video, (test.watch_time >= test.duration).astype(np.int64))
    return figures(views, method(made, clips, seed))


def make_world(world: Mapping[str, Any], seed: int) -> tuple[SyntheticSkip, ClipFeatures]:
    """Return a world and the clips that are shown to the methods: its own, or noise."""
    setting = dict(world)
    noise = setting.pop("noise_features", False)
    made = SyntheticSkip(seed=seed, **setting)
    if not noise:
        return made, made.clips
    array = np.random.default_rng(seed).normal(size=made.clips.array.shape).astype(np.float32)
    return made, ClipFeatures(made.clips.ids, array)


def learnt(config: FRAMEConfig, world: SyntheticSkip, clips: ClipFeatures, seed: int) -> NDArray[np.float64]:
    """Train on the training rows, and predict the test rows."""
    windows, log = world.windows, world.log
    training = log.select(np.sort(np.concatenate([windows.graph, windows.supervision])))
    model = train(training, clips, replace(config, seed=seed))
    return model.predict(log.user[windows.test], log.video[windows.test]).complete


def oracle(world: SyntheticSkip, clips: ClipFeatures, seed: int) -> NDArray[np.float64]:
    """Return the true probabilities."""
    probability: NDArray[np.float64] = world.oracle[world.windows.test]
    return probability


def _logistic(
    baseline: Baseline, number: int, world: SyntheticSkip, clips: ClipFeatures, seed: int
) -> NDArray[np.float64]:
    return baseline(make_task(world.log, np.asarray(clips.array), world.windows).task, seed, number).score


def statements(found: Mapping[str, Sequence[Json | None]], earlier: str) -> str:
    """Return the differences in GAUC on which the claim of the method stands or falls, with 95 % intervals over users.

    The AUC of every user is there for rows of this command alone: other intervals stay, as long as their rows' GAUC does.
    """
    lines = []
    for first, second in _PAIRS:
        pairs = [(a, b) for a, b in zip(found.get(first, ()), found.get(second, ()), strict=False) if a and b]
        if not pairs:
            continue
        name = f"- {first} − {second}: "
        spread = [a["values"]["gauc"] - b["values"]["gauc"] for a, b in pairs]
        by_seed = f"seeds {min(spread):+.4f} to {max(spread):+.4f}, mean {statistics.mean(spread):+.4f}"
        if all("user_auc" in run for pair in pairs for run in pair):
            of = difference([a for a, _ in pairs], [b for _, b in pairs])
            lines.append(f"{name}{of.difference:+.4f}, interval {of.lower:+.4f} to {of.upper:+.4f}, {by_seed}")
        else:
            lines += [line for line in earlier.splitlines() if line.startswith(name) and line.endswith(by_seed)]
    return "\n".join(lines)


TABLE = Table(
    name="frame_synthetic",
    title="FRAME on the synthetic skip world",
    protocol="300 users, 1,200 videos of 8 clips, 80 impressions a user: the first 75 % in time are training rows, the last "
    "25 % are scored. Hyper-parameters were chosen on worlds of other seeds. A coarse model gets the means of the same clips. "
    "GAUC is the AUC of each user's views, weighted by their number.",
    notes=statements,
    metrics=METRICS,
    rows=rows(),
    aside=("user_auc", "user_views"),
    smallest=rows_of(
        "main",
        {"num_users": 30, "num_videos": 100, "impressions_per_user": 20},
        two_models(replace(_DEFAULT, dim=4, hidden=4, num_epochs=1)),
        hazard=True,
    ),
)


def main(arguments: list[str]) -> None:
    """Run the table."""
    TABLE.main(arguments)
