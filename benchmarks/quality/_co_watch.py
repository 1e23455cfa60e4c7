"""Shared parts of the co-watch tables: baselines without training, one configuration a row, and how both are judged."""

from __future__ import annotations

import statistics
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import lru_cache, partial
from typing import Any

import numpy as np
from lightning import Callback, Trainer
from numpy.typing import NDArray

from benchmarks._table import MeasuredRow, Table
from benchmarks._training import fit
from graphvid.data import Standardizer, SyntheticCoWatch
from graphvid.graphs import co_watch_graph, node_subgraph, split_nodes
from graphvid.metrics import cold_start
from graphvid.models import RelationalGraphClustering, RGCConfig
from graphvid.sampling import neighbor_table
from graphvid.tasks.co_watch import CoWatchSource, VideoGraph, load_video_graph

METRICS = ("ndcg", "map", "mrr", "recall", "retention")
Floats = NDArray[np.float32]
Ints = NDArray[np.int64]
Load = Callable[[str | None], VideoGraph]  # from --data-dir
Embed = Callable[[VideoGraph, Ints, int], tuple[Floats, float | None]]  # from training videos and a seed: and retention

# The first probe of this method on amazon photo: its optimiser, its size, no regularisation.
PROBE = RGCConfig(
    hidden=(512,),
    dim=64,
    dropout=0.0,
    input_dropout=0.0,
    batch_size=2048,
    num_steps=400,
    learning_rate=1e-3,
    schedule="staircase",
    temperature=0.1,
    loss="triplet",
)
LEVELS = {
    "random": (0.0, 0.0, 0.0, 1.0),
    "L0": (1.0, 0.0, 0.0, 0.0),
    "L1": (0.0, 1.0, 0.0, 0.0),
    "L2": (0.0, 0.0, 1.0, 0.0),
}


def table(name: str, title: str, dataset: str, *, oracle: bool = False) -> Table:
    """Return the table of a data set."""
    load = partial(_loaded, dataset)
    return Table(
        name=name,
        title=title,
        protocol="Videos split 7:3; the model sees the training part only. Every held-out video with a neighbour is a query; "
        "all other held-out videos are ranked by cosine; relevant are its neighbours among them. Retention: share of the "
        "triplets with a semi-hard negative in the batch whose own drawn negative is the hardest of them, mean of the last 50 "
        "steps.",
        metrics=METRICS,
        rows=rows_of(load, oracle=oracle),
        k=60,
        data=lambda data_dir: load(data_dir).fingerprint(),
        smallest=[
            _row(_tiny, "raw features", raw),
            _trained(_tiny, "trained", RGCConfig(hidden=(16,), dim=8, batch_size=32, num_steps=3)),
        ],
    )


def rows_of(load: Load, *, oracle: bool = False) -> list[MeasuredRow]:
    """Return all rows, in the order of the table; with ``oracle``, the best vectors that are known too."""
    rows = [
        _row(load, "raw features", raw, "As they are, modalities side by side, cosine."),
        _row(load, "standardised features", _standardised, "By mean and deviation of the training videos."),
        _row(load, "random projection", _projected, "Raw features, projected to 64 columns."),
    ]
    for mining in (False, True):
        for level, probs in LEVELS.items():
            name = f"triplets, {level}" + (", mined" if mining else "")
            about = f"Negatives: {level}" + (
                ", then the hardest semi-hard one of the batch." if mining else ", as drawn."
            )
            rows.append(_trained(load, name, replace(PROBE, level_probs=probs, mining=mining), about))
    about = "Drawn positive against the other positives, temperature 0.1."
    rows.append(_trained(load, "in-batch softmax", replace(PROBE, loss="softmax"), about))
    regularised = replace(PROBE, dropout=0.3, input_dropout=0.3)
    about = "As above with dropout 0.3 on input and hidden layer."
    for mining, levels in ((False, ("random", "L0")), (True, tuple(LEVELS))):
        for level in levels:
            name = f"triplets, {level}" + (", mined" if mining else "") + ", dropout"
            config = replace(regularised, level_probs=LEVELS[level], mining=mining)
            rows.append(_trained(load, name, config, about))
    rows.append(_trained(load, "in-batch softmax, dropout", replace(regularised, loss="softmax"), about))
    for level, probs in LEVELS.items():
        about = f"The default preset with {level} negatives in the batch."
        rows.append(_trained(load, f"neighbour softmax, {level}", replace(RGCConfig(), level_probs=probs), about))
    if oracle:
        rows.append(_row(load, "oracle", _known, "The true topics and tastes.", reference=True))
    return rows


def judge(load: Load, embed: Embed, seed: int, data_dir: str | None) -> dict[str, float | None]:
    """Return `METRICS` of the videos that the split of the seed holds out."""
    videos = load(data_dir)
    split = split_nodes(videos.graph.num_nodes(), seed=seed)
    vectors, retention = embed(videos, split.train, seed)
    relevant = neighbor_table(node_subgraph(videos.graph, split.test))
    scores = cold_start(vectors[split.test], relevant.indptr, relevant.indices)._asdict()
    return {**{name: scores[name] for name in METRICS[:-1]}, "retention": retention}


def raw(videos: VideoGraph, train: Ints, seed: int) -> tuple[Floats, None]:
    """Return the features as they are, modalities side by side."""
    return videos.features.concatenate(), None


def learnt(config: RGCConfig, videos: VideoGraph, train: Ints, seed: int) -> tuple[Floats, float]:
    """Train on the training videos and the edges between them, and embed all videos."""
    features = {name: x[train] for name, x in videos.features.modalities.items()}
    model = RelationalGraphClustering(node_subgraph(videos.graph, train), features, replace(config, seed=seed))
    retention = _LastRetention()
    fit(model, retention, accelerator="auto")
    return model.embed(videos.features.modalities), statistics.mean(retention.values)


def _standardised(videos: VideoGraph, train: Ints, seed: int) -> tuple[Floats, None]:
    columns = videos.features.concatenate()
    return Standardizer.fit(columns, train).transform(columns), None


def _projected(videos: VideoGraph, train: Ints, seed: int) -> tuple[Floats, None]:
    columns = videos.features.concatenate()
    return columns @ np.random.default_rng(seed).standard_normal((columns.shape[1], 64), dtype=np.float32), None


def _known(videos: VideoGraph, train: Ints, seed: int) -> tuple[Floats, None]:
    assert videos.oracle is not None
    return videos.oracle, None


def _row(
    load: Load,
    name: str,
    embed: Embed,
    about: str = "",
    made_by: Mapping[str, Any] | None = None,  # Any: as of a row's config
    *,
    reference: bool = False,
) -> MeasuredRow:
    return MeasuredRow(name, partial(judge, load, embed), about, made_by or {}, reference=reference)


def _trained(load: Load, name: str, config: RGCConfig, about: str = "") -> MeasuredRow:
    return _row(load, name, partial(learnt, config), about, {"model": config})


@lru_cache(maxsize=1)
def _loaded(dataset: str, data_dir: str | None) -> VideoGraph:
    return load_video_graph(CoWatchSource(dataset=dataset, data_dir=data_dir), progress=False)


def _tiny(data_dir: str | None) -> VideoGraph:
    world = SyntheticCoWatch(num_users=150, num_videos=96, watches_per_user=6.0)
    return VideoGraph("tiny", co_watch_graph(world.log), world.features)


class _LastRetention(Callback):
    def __init__(self) -> None:
        self.values: deque[float] = deque(maxlen=50)

    def on_train_batch_end(self, trainer: Trainer, *_: Any) -> None:
        self.values.append(float(trainer.callback_metrics["mined_retention_position"]))
