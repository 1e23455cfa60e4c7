"""Twin towers on the generated contest: ``python -m benchmarks quality similarity_synthetic``."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from benchmarks._table import WORK, MeasuredRow, Row, Table, TrainedRow
from graphvid.models import TwinTowerConfig
from graphvid.tasks.similarity import VideoPairSource

NAME = "similarity_synthetic"
METRICS = ("spearman", "after_tags")
SOURCE = VideoPairSource(dataset="synthetic-video-pairs")
_SMALL = TwinTowerConfig.preset("small")
_LONGER = {
    "pretrain_epochs": 20,
    "num_epochs": 12,
    "learning_rate": 8e-4,
    "text_learning_rate": 8e-4,
    "pretrain_learning_rate": 8e-4,
    "pretrain_text_learning_rate": 8e-4,
}


def figures(metrics: Mapping[str, Any]) -> dict[str, float | None]:
    """Give test Spearman after both stages, and after the first."""
    stages = metrics["pretrained"].values()
    return {
        "spearman": metrics["methods"]["twin tower"]["test"]["spearman"],
        "after_tags": next((stage["twin tower"]["test"]["spearman"] for stage in stages), None),
    }


def _baseline(name: str) -> Callable[[Mapping[str, Any]], dict[str, float | None]]:
    def found(metrics: Mapping[str, Any]) -> dict[str, float | None]:
        return {"spearman": metrics["methods"][name]["test"]["spearman"], "after_tags": None}

    return found


MODEL_1 = TrainedRow("model 1", "twin-tower", SOURCE, _SMALL, "NeXtVLAD of frames, title, squeeze and excitation.")
MODEL_2 = TrainedRow("model 2", "twin-tower", SOURCE, replace(_SMALL, differences=True), "With frame differences.")
MODEL_3 = TrainedRow(
    "model 3", "twin-tower", SOURCE, replace(_SMALL, fusion="cross-modal", frames="none"), "Cross-modal transformer."
)
ONE_STREAM = TrainedRow(
    "one-stream", "twin-tower", SOURCE, replace(_SMALL, fusion="one-stream", frames="none"), "One BERT over both."
)
TITLE_MODELS = (MODEL_1, MODEL_2, MODEL_3, ONE_STREAM)


def _joined(how: str) -> Callable[[int, str | None], dict[str, Any]]:
    """Return what joins the four models of a seed; they must have been trained by this table before."""

    def measure(seed: int, data_dir: str | None) -> dict[str, Any]:
        from graphvid.tasks import train
        from graphvid.tasks.similarity import EnsembleConfig, EnsembleSource

        runs = [row.folder(WORK / NAME, seed) for row in TITLE_MODELS]
        with tempfile.TemporaryDirectory() as folder:
            config = EnsembleConfig(how=how, dim=64)
            source = EnsembleSource(runs=tuple(map(str, runs)))
            metrics = train("ensemble", source, Path(folder) / "joined", config, progress=False)
        members = [x["test"]["spearman"] for name, x in metrics["methods"].items() if name != "ensemble"]
        return {
            "spearman": metrics["methods"]["ensemble"]["test"]["spearman"],
            "after_tags": None,
            "best": max(members),
        }

    return measure


def rows() -> list[Row]:
    """Give all rows, in the order of the table."""
    alone = replace(_SMALL, title=False)
    return [
        TrainedRow("mean frames, untrained", "twin-tower", SOURCE, alone, "", _baseline("mean frames")),
        TrainedRow("titles, TF-IDF", "twin-tower", SOURCE, alone, "", _baseline("titles, TF-IDF")),
        TrainedRow("mean frames", "twin-tower", SOURCE, replace(alone, frames="mean"), "Mean, two linear maps, gate."),
        TrainedRow("NeXtVLAD frames", "twin-tower", SOURCE, alone, "No title."),
        *TITLE_MODELS,
        TrainedRow("model 1, longer", "twin-tower", SOURCE, replace(_SMALL, **_LONGER), "20 and 12 epochs at 8e-4."),
        TrainedRow(
            "model 1, local batches",
            "twin-tower",
            SOURCE,
            replace(_SMALL, pair_order="local", patch_size=64),
            "Each batch is grown as one.",
        ),
        TrainedRow(
            "model 1, batches of patches",
            "twin-tower",
            SOURCE,
            replace(_SMALL, pair_order="local"),
            "Eight pairs are grown together.",
        ),
        MeasuredRow("SVD of four", _joined("svd"), "Models 1, 2, 3 and one-stream to 64 columns.", {"how": "svd"}),
        MeasuredRow("mean of four", _joined("mean"), "The same four, averaged.", {"how": "mean"}),
    ]


_TINY = replace(
    _SMALL,
    dim=8,
    frame_dim=8,
    num_clusters=2,
    text_dim=8,
    text_heads=2,
    text_hidden=8,
    pretrain_epochs=1,
    num_epochs=1,
    pretrain_batch_size=1000,
    batch_size=2000,
)

TABLE = Table(
    name=NAME,
    title="Twin towers on the generated contest",
    protocol="6,000 videos with tags to pretrain on, 2,400 videos with 10,000 scored pairs to learn from, 1,000 test videos "
    "with 4,000 pairs, of which training sees none. Test Spearman of cosines and scores after both stages, and after the tags "
    "alone. The schedule is fixed and all pairs train: nothing is chosen by the test.",
    notes="Oracles on this world: mean frames 0.25, main frames 0.79, title tag 0.69, frames without distractors and title "
    "0.77, main frames and title 0.88, meaning 0.94.",
    metrics=METRICS,
    rows=rows(),
    figures=figures,
    smallest=[TrainedRow("model 1", "twin-tower", SOURCE, _TINY)],
)


def main(arguments: Sequence[str]) -> None:
    """Make the table."""
    TABLE.main(arguments)
