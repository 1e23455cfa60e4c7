"""Train and score the rows of one data set, seed by seed, into a JSON file that a killed run continues."""

from __future__ import annotations

import argparse
import json
import statistics
import time
from collections import deque
from dataclasses import dataclass, replace
from datetime import date
from importlib import metadata
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from lightning import Callback, Trainer
from numpy.typing import NDArray
from tqdm import tqdm

from benchmarks._record import markdown
from benchmarks._training import fit
from benchmarks.quality._rows import CoWatchRow, rows
from graphvid._files import write_json
from graphvid.graphs import NodeSplit, node_subgraph, split_nodes
from graphvid.metrics import cold_start
from graphvid.models import RelationalGraphClustering, RGCConfig
from graphvid.sampling import neighbor_table
from graphvid.tasks.co_watch import CoWatchSource, VideoGraph, load_video_graph

RESULTS = Path(__file__).parents[1] / "results" / "quality"
METRICS = ("ndcg", "map", "mrr", "recall", "retention")
_VALIDATION_SHARE = 0.25
_PACKAGES = ("graphvid", "torch", "dgl", "numpy", "scipy", "lightning")


@dataclass(frozen=True)
class CoWatchTable:
    """A data set and what its table is called."""

    name: str
    title: str
    source: CoWatchSource


def main(task: CoWatchTable, arguments: list[str]) -> None:
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
    videos = load_video_graph(replace(task.source, data_dir=options.data_dir))
    table_rows = [*rows(), *_oracle(videos)]
    wanted = [row for row in table_rows if not options.rows or any(text in row.name for text in options.rows)]
    name = task.name + ("_validation" if options.validation else "")
    runs = Runs(RESULTS / f".{name}.runs.json", videos.fingerprint(), fresh=options.fresh)
    progress = tqdm(total=len(wanted) * len(options.seeds), unit="run")
    for seed in options.seeds:
        split = _split(videos, seed, validation=options.validation)
        for row in wanted:
            progress.set_description(f"{row.name}, seed {seed}")
            if runs.get(row, seed) is None:
                runs.put(row, seed, _score(row, videos, split, seed))
            progress.update()
    progress.close()
    finished = [row for row in table_rows if all(runs.get(row, seed) for seed in options.seeds)]
    record = _record(name, task, videos, options, runs, finished)
    write_json(RESULTS / f"{name}.json", record)
    print(markdown(record))


def _oracle(videos: VideoGraph) -> list[CoWatchRow]:
    if videos.oracle is None:
        return []
    known = videos.oracle
    return [
        CoWatchRow("oracle", "The true topics and tastes.", embed=lambda columns, train, seed: known, reference=True)
    ]


class Options(Protocol):
    """The configuration of a model."""

    def to_dict(self) -> dict[str, Any]: ...


class Stored(Protocol):
    """A row whose figures are kept: by its name and its configuration."""

    @property
    def name(self) -> str: ...

    @property
    def model(self) -> Options | None: ...


class Runs:
    """Figures of single runs on disk, by row, configuration and seed, so that a killed benchmark goes on.

    Several commands may fill the same file: a run is added to what is there when it ends.
    """

    def __init__(self, path: Path, data: dict[str, Any], *, fresh: bool) -> None:
        self.path = path
        self.content: dict[str, Any] = {"data": data, "runs": {}}
        if fresh:
            path.unlink(missing_ok=True)
        self._read()

    def get(self, row: Stored, seed: int) -> dict[str, Any] | None:
        found: dict[str, Any] | None = self.content["runs"].get(self._key(row, seed))
        return found

    def put(self, row: Stored, seed: int, figures: dict[str, Any]) -> None:
        self._read()
        self.content["runs"][self._key(row, seed)] = figures
        write_json(self.path, self.content)

    def _read(self) -> None:
        if not self.path.exists():
            return
        found = json.loads(self.path.read_text())
        if found["data"] != self.content["data"]:
            raise ValueError(
                f"{self.path} was made from other data, {found['data']}, now {self.content['data']}; use --fresh"
            )
        self.content = found

    @staticmethod
    def _key(row: Stored, seed: int) -> str:
        return json.dumps([row.name, None if row.model is None else row.model.to_dict(), seed])


def _record(
    name: str,
    task: CoWatchTable,
    videos: VideoGraph,
    options: argparse.Namespace,
    runs: Runs,
    finished: list[CoWatchRow],
) -> dict[str, Any]:
    held_out = "A quarter of the training videos is held out and scored in place of the test part. "
    lines = []
    for row in finished:
        figures = [runs.get(row, seed) or {} for seed in options.seeds]
        lines.append(
            {
                "name": row.name,
                "description": row.description,
                **({"reference": True} if row.reference else {}),
                "config": None if row.model is None else row.model.to_dict(),
                "values": {metric: [figure[metric] for figure in figures] for metric in METRICS},
                "seconds": [figure["seconds"] for figure in figures],
            }
        )
    return {
        "name": name,
        "title": task.title + (", validation videos" if options.validation else ""),
        "protocol": "Videos split 7:3; the model sees the training part only. "
        + (held_out if options.validation else "")
        + "Every held-out video with a neighbour is a query; all other held-out videos are ranked by cosine; relevant "
        "are its neighbours among them. Retention: share of the triplets with a semi-hard negative in the batch whose "
        "own drawn negative is the hardest of them, mean of the last 50 steps.",
        "command": f"python -m benchmarks quality {task.name} --seeds {' '.join(map(str, options.seeds))}"
        + (" --validation" if options.validation else ""),
        "date": date.today().isoformat(),
        "versions": {package: metadata.version(package) for package in _PACKAGES},
        "data": videos.fingerprint(),
        "k": 60,
        "seeds": options.seeds,
        "metrics": list(METRICS),
        "rows": lines,
    }


def _split(videos: VideoGraph, seed: int, *, validation: bool) -> NodeSplit:
    outer = split_nodes(videos.graph.num_nodes(), seed=seed)
    if not validation:
        return outer
    inner = split_nodes(len(outer.train), train_fraction=1 - _VALIDATION_SHARE, seed=seed + 1000)
    return NodeSplit(outer.train[inner.train], outer.train[inner.test])


def _score(row: CoWatchRow, videos: VideoGraph, split: NodeSplit, seed: int) -> dict[str, Any]:
    start = time.perf_counter()
    retention = None
    if row.model is not None:
        embedding, retention = _train(replace(row.model, seed=seed), videos, split)
    else:
        assert row.embed is not None
        embedding = row.embed(videos.features.concatenate(), split.train, seed)
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
    fit(model, retention, accelerator="auto")
    return model.embed(videos.features.modalities), statistics.mean(retention.values)
