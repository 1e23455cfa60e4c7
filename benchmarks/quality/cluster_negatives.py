"""Random, cluster, mixed and annealed negatives under two encoders: ``python -m benchmarks quality cluster_negatives``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from benchmarks._table import Row, Table, TrainedRow
from benchmarks.quality._co_watch import LEVELS, PROBE
from graphvid.models import RGCConfig
from graphvid.tasks.co_watch import CoWatchSource

METRICS = ("ndcg", "recall")
GRAPHS = ("amazon-photo", "cora_ml", "synthetic", "blogcatalog")
NEGATIVES: dict[str, dict[str, Any]] = {  # Any: values of options
    "random": {"level_probs": LEVELS["random"]},
    "L0": {"level_probs": LEVELS["L0"]},
    "L2": {"level_probs": LEVELS["L2"]},
    "mixture": {"level_probs": (0.25, 0.0, 0.25, 0.5)},
    "annealed": {"level_probs": LEVELS["random"], "final_level_probs": LEVELS["L0"]},
}
ABOUT = {
    "random": "Negatives from all videos.",
    "L0": "From the nearest sibling clusters.",
    "L2": "From the farthest sibling clusters.",
    "mixture": "A quarter L0, a quarter L2, the rest random.",
    "annealed": "Random at first, L0 at last, linear between.",
}
BETTER = RGCConfig(raw="raw", raw_weight=0.3)  # one fusion for all graphs, so that the negatives alone differ
MINED = replace(PROBE, mining=True, dropout=0.3, input_dropout=0.3)


def figures(metrics: Mapping[str, Any]) -> dict[str, float | None]:
    """Give the columns of the trained vectors."""
    scores = metrics["cold_start"]["graphvid"]
    return {name: scores[name] for name in METRICS}


def rows_of(graph: str, encoder: str, config: RGCConfig, **changes: Any) -> list[Row]:  # Any: options, for all rows
    """Give a row for each way to draw negatives."""
    source = CoWatchSource(dataset=graph, tune="none")
    return [
        TrainedRow(f"{graph}: {encoder}, {name}", "rgc", source, replace(config, **options, **changes), ABOUT[name])
        for name, options in NEGATIVES.items()
    ]


TABLE = Table(
    name="cluster_negatives",
    title="Cluster negatives",
    protocol="Videos (products, papers, blogs) split 7:3; the model sees the training part only. Every test video with a "
    "neighbour is a query; all other test videos are ranked by cosine; relevant are its neighbours among them. *Fused* is "
    "the default encoder with the neighbour softmax and the raw features whole beside it, weight .3; *mined* the triplet "
    "loss with semi-hard mining and dropout .3.",
    metrics=METRICS,
    rows=[
        *(row for graph in GRAPHS for row in rows_of(graph, "fused", BETTER)),
        *rows_of("amazon-photo", "mined", MINED),
    ],
    figures=figures,
    k=60,
    data=lambda data_dir: {"name": "attributed graphs"},
    smallest=rows_of("synthetic", "fused", BETTER, hidden=(16,), dim=8, batch_size=64, num_steps=4),
)


def main(arguments: list[str]) -> None:
    """Run the table."""
    TABLE.main(arguments)
