"""Train and score the rows of one data set, seed by seed, into a JSON file that a killed run continues."""

from __future__ import annotations

import argparse
import json
import logging
import statistics
import time
import warnings
from collections import deque
from dataclasses import dataclass, replace
from datetime import date
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np
from lightning import Callback, Trainer
from numpy.typing import NDArray
from tqdm import tqdm

from benchmarks.quality._rows import Row, rows
from graphvid._files import write_json
from graphvid.data import Standardizer
from graphvid.graphs import NodeSplit, node_subgraph, split_nodes
from graphvid.metrics import cold_start
from graphvid.models import RelationalGraphClustering, RGCConfig
from graphvid.runs import Source, VideoGraph, load
from graphvid.sampling import neighbor_table

RESULTS = Path(__file__).parents[1] / "results" / "quality"
METRICS = ("ndcg", "map", "mrr", "recall", "retention")
_VALIDATION_SHARE = 0.25
_PACKAGES = ("graphvid", "torch", "dgl", "numpy", "scipy", "lightning")


@dataclass(frozen=True)
class Task:
    """A data set and what its table is called."""

    name: str
    title: str
    source: Source


def main(task: Task, arguments: list[str]) -> None:
    """Run the command line of one data set."""
    parser = argparse.ArgumentParser(prog=f"python -m benchmarks quality {task.name}", description=task.title)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--rows", nargs="+", help="only rows whose name contains one of these texts")
    parser.add_argument("--data-dir", help="folder of the data sets; default: GRAPHVID_DATA")
    parser.add_argument(
        "--validation",
        action="store_true",
        help="hold out a quarter of the training videos and never touch the test part",
    )
    parser.add_argument("--fresh", action="store_true", help="forget the figures in the JSON file")
    options = parser.parse_args(arguments)
    wanted = [row for row in rows() if not options.rows or any(text in row.name for text in options.rows)]
    videos = load(replace(task.source, data_dir=options.data_dir))
    path = RESULTS / f"{task.name}{'_validation' if options.validation else ''}.json"
    result = _open(path, task, videos, options)
    progress = tqdm(total=len(wanted) * len(options.seeds), unit="run")
    for seed in options.seeds:
        split = _split(videos, seed, validation=options.validation)
        for row in wanted:
            entry = _entry(result, row)
            if str(seed) not in entry["runs"]:
                progress.set_description(f"{row.name}, seed {seed}")
                entry["runs"][str(seed)] = _score(row, videos, split, seed)
                write_json(path, result)
            progress.update()
    progress.close()
    print(table(result))


def table(result: dict[str, Any]) -> str:
    """Give the figures of a result file as a Markdown table, mean ± standard deviation over the seeds."""
    lines = [f"| row | {' | '.join(METRICS)} | seconds |", "|---" * (len(METRICS) + 2) + "|"]
    for row in result["rows"]:
        cells = [_mean([run.get(metric) for run in row["runs"].values()]) for metric in METRICS]
        seconds = statistics.median(run["seconds"] for run in row["runs"].values())
        lines.append(f"| {row['name']} | {' | '.join(cells)} | {seconds:.0f} |")
    return "\n".join(lines)


def _mean(values: list[float | None]) -> str:
    known = [value for value in values if value is not None]
    if not known:
        return "–"
    deviation = f" ± {statistics.stdev(known):.4f}" if len(known) > 1 else ""
    return f"{statistics.mean(known):.4f}{deviation}"


def _open(path: Path, task: Task, videos: VideoGraph, options: argparse.Namespace) -> dict[str, Any]:
    protocol = (
        "Videos split 7:3; the model sees the training part only. "
        + (
            "A quarter of the training videos is held out and scored instead of the test part. "
            if options.validation
            else ""
        )
        + "Every held-out video with a neighbour is a query; all other held-out videos are ranked by cosine; relevant "
        "are its neighbours among them. Retention: share of semi-hard rows that keep their own negative, last 50 steps."
    )
    data = videos.fingerprint()
    if path.exists() and not options.fresh:
        result: dict[str, Any] = json.loads(path.read_text())
        if result["data"] != data:
            raise ValueError(f"{path} was made from other data, {result['data']}, now {data}; --fresh starts anew")
        return result
    flags = " --validation" if options.validation else ""
    return {
        "name": path.stem,
        "title": task.title + (" (validation)" if options.validation else ""),
        "protocol": protocol,
        "command": f"python -m benchmarks quality {task.name} --seeds {' '.join(map(str, options.seeds))}{flags}",
        "date": date.today().isoformat(),
        "versions": {name: metadata.version(name) for name in _PACKAGES},
        "data": data,
        "k": 60,
        "metrics": list(METRICS),
        "rows": [],
    }


def _entry(result: dict[str, Any], row: Row) -> dict[str, Any]:
    """Give the row of the result, empty if it is new or its configuration has changed."""
    config = None if row.model is None else row.model.to_dict()
    for known in result["rows"]:
        if known["name"] == row.name:
            if known["config"] != config:
                known["runs"] = {}
            known |= {"description": row.description, "config": config}
            return known
    entry: dict[str, Any] = {"name": row.name, "description": row.description, "config": config, "runs": {}}
    result["rows"].append(entry)
    order = [known.name for known in rows()]
    result["rows"].sort(key=lambda known: order.index(known["name"]))
    return entry


def _split(videos: VideoGraph, seed: int, *, validation: bool) -> NodeSplit:
    outer = split_nodes(videos.graph.num_nodes(), seed=seed)
    if not validation:
        return outer
    inner = split_nodes(len(outer.train), train_fraction=1 - _VALIDATION_SHARE, seed=seed + 1000)
    return NodeSplit(outer.train[inner.train], outer.train[inner.test])


def _score(row: Row, videos: VideoGraph, split: NodeSplit, seed: int) -> dict[str, Any]:
    start = time.perf_counter()
    retention = None
    if row.model is not None:
        embedding, retention = _train(replace(row.model, seed=seed), videos, split)
    else:
        assert row.embed is not None
        columns = videos.features.concatenate()
        embedding = row.embed(Standardizer.fit(columns, split.train).transform(columns), seed)
    seconds = time.perf_counter() - start
    relevant = neighbor_table(node_subgraph(videos.graph, split.test))
    scores = cold_start(embedding[split.test], relevant.indptr, relevant.indices)._asdict()
    return {**{name: scores[name] for name in METRICS[:-1]}, "retention": retention, "seconds": round(seconds, 1)}


class _LastRetention(Callback):
    def __init__(self) -> None:
        self.values: deque[float] = deque(maxlen=50)

    def on_train_batch_end(self, trainer: Trainer, *_: Any) -> None:
        self.values.append(float(trainer.callback_metrics["mined_retention_position"]))


def _train(config: RGCConfig, videos: VideoGraph, split: NodeSplit) -> tuple[NDArray[np.float32], float]:
    graph = node_subgraph(videos.graph, split.train)
    model = RelationalGraphClustering(
        graph, {name: x[split.train] for name, x in videos.features.modalities.items()}, config
    )
    retention = _LastRetention()
    logging.getLogger("lightning.pytorch").setLevel(logging.WARNING)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Lightning's advice on workers and loggers
        Trainer(
            max_steps=config.num_steps, max_epochs=1, logger=False, callbacks=[retention], enable_checkpointing=False,
            enable_progress_bar=False, enable_model_summary=False,
        ).fit(model)  # fmt: skip
    return model.embed(videos.features.modalities), statistics.mean(retention.values)
