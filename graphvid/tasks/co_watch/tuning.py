"""Choice of options on validation videos: the form, weight and columns of the features beside the learned vector."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from graphvid.data import StandardizedTable, Standardizer, Table
from graphvid.data.feature_tables import row_blocks
from graphvid.graphs import NodeSplit, node_subgraph, split_nodes
from graphvid.metrics import ColdStartScores, cold_start, cold_start_by_query
from graphvid.models import RawPath, RGCConfig
from graphvid.models.rgc.raw_path import Raw
from graphvid.runs import Json, Part
from graphvid.sampling import neighbor_table

from .source import CoWatchSource, VideoGraph

SHARE = 0.25  # of the training videos
MOST_VIDEOS = 4000  # validation videos: each setting ranks all of them for each of them
LEAST_EDGES = 20  # edges between them: with fewer the figure has no information
TOTALS = (128, 256, 512)  # columns of the whole vector
WEIGHTS = (0.15, 0.3, 0.5, 0.7)
SMALLER = 0.99  # share of the best figure that is enough for a setting with fewer columns, or with a learned part
_K = 60
_OF_TRIAL = ("num_steps", "hold_out", "on_shortfall", "seed")  # options that a trial has of its own
_SKIP: Mapping[str, Any] = {"skip": "raw"}  # Any: values of options
_TRIALS: Mapping[str, Mapping[str, Mapping[str, Any]]] = {
    "none": {},
    "quick": {"validation": _SKIP, "validation-without-skip": {}},
    "full": {
        "validation": _SKIP,
        "validation-without-skip": {},
        "validation-less-dropout": {**_SKIP, "dropout": 0.1, "input_dropout": 0.1},
        "validation-more-dropout": {**_SKIP, "dropout": 0.5, "input_dropout": 0.5},
        "validation-wide": {**_SKIP, "dim": 128},
    },
}


def split_videos(videos: VideoGraph, config: RGCConfig) -> NodeSplit:
    """Split the videos into a training part and an evaluation part.

    With ``config.hold_out`` the evaluation part comes from the training videos, and the test videos are in neither part.
    """
    num_videos = videos.graph.num_nodes()
    if videos.train_fraction == 1:
        outer = NodeSplit(np.arange(num_videos), np.arange(0))
    else:
        outer = split_nodes(num_videos, train_fraction=videos.train_fraction, seed=config.seed)
    if not config.hold_out or len(outer.train) < 2:
        return outer
    share = min(config.hold_out, MOST_VIDEOS / len(outer.train))
    inner = split_nodes(len(outer.train), train_fraction=1 - share, seed=config.seed + 1000)
    return NodeSplit(outer.train[inner.train], outer.train[inner.test])


def trials(source: CoWatchSource, videos: VideoGraph, config: RGCConfig) -> dict[str, Part]:
    """Return the runs that choose the options of ``config``, by folder; none if the graph allows no validation part.

    It allows none if too few edges remain among the validation videos, or if every other video is a neighbour of all others,
    so that no negative is possible.
    """
    held = replace(config, hold_out=SHARE, on_shortfall="skip")  # with fewer videos, some may have only neighbours
    if source.tune == "none" or _too_small(videos, held):
        return {}
    steps = max(1, config.num_steps // 3) if source.tune == "quick" else config.num_steps
    held = replace(held, num_steps=steps)
    settings = {name: replace(held, **changes) for name, changes in _TRIALS[source.tune].items()}
    most = int(source.dim) - 1 if source.dim.isdecimal() else None  # a column at least is left for the features
    return {name: Part("rgc", source, tried) for name, tried in settings.items() if most is None or tried.dim <= most}


def _too_small(videos: VideoGraph, held: RGCConfig) -> bool:
    split = split_videos(videos, held)
    if not len(split.test):
        return True
    if node_subgraph(videos.graph, split.test).num_edges() // 2 < LEAST_EDGES:
        return True
    degrees = node_subgraph(videos.graph, split.train).out_degrees()
    return not ((degrees > 0) & (degrees < len(split.train) - 1)).any()  # no anchor has a possible negative


def choose(videos: VideoGraph, split: NodeSplit, learnt: NDArray[np.float32], config: RGCConfig) -> Json:
    """Try settings of the features beside a learned vector on the validation videos; return all settings and the best.

    It first tries every form of the features with every weight, with the most columns, and takes the best form; then it tries
    that form with every weight and fewer columns. It also tries only the learned vector and only the features. If settings beat
    the features as they are, no other setting is taken. Of those within 1 % of the best figure it takes one with a learned part
    rather than the features alone, and then the one with the fewest columns.

    Parameters
    ----------
    videos : VideoGraph
        Graph and features of all videos.
    split : NodeSplit
        Training videos and validation videos.
    learnt : ndarray of float32, shape (num_videos, dim)
        Unit rows.
    config : RGCConfig
        Options with the seed.

    Returns
    -------
    dict
        ``tried``: one entry for each setting with the options ``raw``, ``raw_dim`` and ``raw_weight``, ``columns`` and
        ``ndcg``; ``chosen``: the best of them; ``whole``: NDCG of raw and of standardised features.
    """
    return _Search(videos, split, learnt[split.test], config).run()


class _Search:
    def __init__(self, videos: VideoGraph, split: NodeSplit, learnt: NDArray[np.float32], config: RGCConfig) -> None:
        self.dims, self.seed, self.learnt, self.asked = videos.features.dims, config.seed, learnt, videos.dim
        self.features, self.split = videos.features, split
        self.table = neighbor_table(node_subgraph(videos.graph, split.test))
        self.tried: list[Json] = []

    def run(self) -> Json:
        own, total = self.learnt.shape[1], sum(self.dims.values())
        if self.asked == "raw":
            widths: list[int | None] = [None]
        else:
            wanted = TOTALS if self.asked == "auto" else (int(self.asked),)
            widths = sorted({min(max(columns - own, 1), total) for columns in wanted})
        raw = self.features.joined()
        standardised = StandardizedTable(raw, Standardizer.fit(raw, self.split.train))
        whole = {"raw": self._score_rows(raw), "standardised": self._score_rows(standardised)}
        forms = {kind: self._features(kind, widths[-1]) for kind in self._kinds()}
        for kind, rows in forms.items():
            for weight in WEIGHTS:
                self._try(kind, rows, widths[-1], weight)
        best = max(self.tried, key=lambda found: float(found["ndcg"]))["raw"]
        for width in widths[:-1]:
            for weight in WEIGHTS:
                self._try(best, forms[best], width, weight)
        for width in widths:
            self._try(best, forms[best], width, 1.0)
        if self.asked == "auto":
            self.tried.append({"raw": "none", "columns": own, "ndcg": self._score(self.learnt)})
        return {"tried": self.tried, "chosen": self._chosen(max(whole.values())), "whole": whole}

    def _chosen(self, features: float) -> Json:
        ahead = [found for found in self.tried if found["ndcg"] > features]
        among = ahead or self.tried
        best = max(float(found["ndcg"]) for found in among)
        enough = [found for found in among if found["ndcg"] >= SMALLER * best]
        return min(enough, key=lambda found: (bool(ahead) and _alone(found), found["columns"], -found["ndcg"]))

    def _kinds(self) -> list[Raw]:
        counts = _are_counts(self.features.joined(), self.split.train)
        return ["raw", "standardised", *(["idf"] if counts else [])]  # type: ignore[list-item] # a choice

    def _features(self, kind: Raw, width: int | None) -> NDArray[np.float32]:
        tables = self.features.modalities
        path = RawPath(self.dims, width).fit(kind, tables, self.split.train, seed=self.seed)
        return path.vectors(tables, self.split.test)

    def _try(self, kind: str, rows: NDArray[np.float32], width: int | None, weight: float) -> None:
        short = rows if width is None else rows[:, :width]
        raw = torch.nn.functional.normalize(torch.from_numpy(short), dim=-1).numpy()
        vectors = raw if weight == 1 else np.concatenate([(1 - weight) ** 0.5 * self.learnt, weight**0.5 * raw], axis=1)
        setting = {"raw": kind, "raw_dim": width, "raw_weight": weight}
        self.tried.append({**setting, "columns": vectors.shape[1], "ndcg": self._score(vectors)})

    def _score(self, vectors: NDArray[np.float32]) -> float:
        return cold_start(vectors, self.table.indptr, self.table.indices, k=_K).ndcg

    def _score_rows(self, table: Any) -> float:  # Any: a table of any kind
        by_query = cold_start_by_query(table, self.table.indptr, self.table.indices, rows=self.split.test, k=_K)
        return ColdStartScores.of_queries(by_query, k=_K).ndcg


def _alone(found: Json) -> bool:
    return found.get("raw_weight") == 1  # the features without a learned part


def _are_counts(table: Table, rows: NDArray[np.int64]) -> bool:
    """Return whether no value is negative and most are 0."""
    stored = 0
    for _, block in row_blocks(table, rows):
        if block.min() < 0:
            return False
        stored += int((block != 0).sum())
    return stored < 0.5 * len(rows) * table.shape[1]


def settled(config: RGCConfig, found: Mapping[str, Json]) -> tuple[RGCConfig, Json]:
    """Return the options that the trials chose, and the record of the choice for ``metrics.json``.

    Of the settings that the trials chose it takes the best one. The features alone come last among those within 1 % of it.

    Parameters
    ----------
    config : RGCConfig
        The requested options.
    found : mapping of str to dict
        ``choice`` and the options of every trial, by folder; see `choose`.
    """
    of_trial = {name: trial["choice"]["chosen"] for name, trial in found.items()}
    top = max(float(setting["ndcg"]) for setting in of_trial.values())
    close = [name for name, setting in of_trial.items() if setting["ndcg"] >= SMALLER * top]
    best = min(close, key=lambda name: (_alone(of_trial[name]), -float(of_trial[name]["ndcg"])))
    chosen = of_trial[best]
    changes = {name: value for name, value in found[best]["options"].items() if name not in _OF_TRIAL}
    kept = {name: chosen[name] for name in ("raw", "raw_dim", "raw_weight") if name in chosen}
    options = RGCConfig.from_dict({**config.to_dict(), **changes, **kept})
    trials = [{"trial": name, **setting} for name, trial in found.items() for setting in trial["choice"]["tried"]]
    return options, {
        "options": options.to_dict(),
        "tried": trials,
        "chosen": {"trial": best, **chosen},
        "whole": found[best]["choice"]["whole"],
    }
