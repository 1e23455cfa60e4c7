"""The default beside raw features on graphs that it was not tuned for: ``python -m benchmarks quality attributed_graphs``."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from benchmarks._table import Row, Table, TrainedRow
from graphvid.models import RGCConfig
from graphvid.tasks.co_watch import CoWatchSource

METRICS = ("ndcg", "recall", "columns")
GRAPHS = ("cora_ml", "dblp", "citeseer", "blogcatalog", "coauthor_phy", "amazon-photo", "amazon-computers", "tiktok")
BASELINES = {
    "raw features": "As they are, cosine.",
    "standardised features": "By mean and deviation of the training videos.",
    "raw features, projected": "To as many columns as the default has.",
}


def figures(metrics: Mapping[str, Any]) -> dict[str, float | None]:
    """Give the columns of the trained vectors."""
    return _of("graphvid")(metrics)


def _of(method: str) -> Callable[[Mapping[str, Any]], dict[str, float | None]]:
    def found(metrics: Mapping[str, Any]) -> dict[str, float | None]:
        scores = metrics["cold_start"].get(method)
        if scores is None:  # features that have no more columns than the vectors
            return dict.fromkeys(METRICS)
        return {"ndcg": scores["ndcg"], "recall": scores["recall"], "columns": metrics.get("columns", {}).get(method)}

    return found


def rows_of(name: str, source: CoWatchSource, config: RGCConfig) -> list[Row]:
    """Give the rows of a graph: the default, its baselines from the same run, and the learnt vector alone."""
    whole, alone = replace(source, dim="raw"), replace(source, tune="none")
    return [
        *(TrainedRow(f"{name}: {row}", "rgc", source, config, text, _of(row)) for row, text in BASELINES.items()),
        TrainedRow(f"{name}: learnt alone", "rgc", alone, config, "Without the features beside it, --tune none."),
        TrainedRow(f"{name}: default", "rgc", source, config, "--tune quick."),
        TrainedRow(f"{name}: features whole", "rgc", whole, config, "--tune quick --dim raw."),
    ]


def row_of_64_columns(name: str) -> Row:
    """Give the row of network and linear layer without the features beside them."""
    source, config = CoWatchSource(dataset=name, tune="none"), RGCConfig(skip="raw")
    return TrainedRow(f"{name}: 64 columns", "rgc", source, config, "Linear layer, --tune none --set skip=raw.")


TABLE = Table(
    name="attributed_graphs",
    title="The default on graphs that it was not tuned for",
    protocol="Videos (papers, authors, blogs, products) split 7:3; the model sees the training part only and chooses on "
    "validation videos inside it. Every test video with a neighbour is a query; all other test videos are ranked by cosine; "
    "relevant are its neighbours among them.",
    metrics=METRICS,
    rows=[
        *(row for name in GRAPHS for row in rows_of(name, CoWatchSource(dataset=name), RGCConfig())),
        *(row_of_64_columns(name) for name in ("cora_ml", "dblp")),
        TrainedRow(
            "cora_ml: 256 columns",
            "rgc",
            CoWatchSource(dataset="cora_ml", dim="256"),
            RGCConfig(),
            "--tune quick --dim 256.",
        ),
    ],
    figures=figures,
    k=60,
    keep=("verdict",),
    data=lambda data_dir: {"name": "attributed graphs"},
    smallest=rows_of(
        "world", CoWatchSource(dataset="synthetic"), RGCConfig(hidden=(16,), dim=8, batch_size=64, num_steps=4)
    ),
)


def main(arguments: list[str]) -> None:
    """Run the table."""
    TABLE.main(arguments)
