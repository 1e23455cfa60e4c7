"""The task co-watch: train on 70 % of the videos, embed all videos, and rank the other 30 %, the test videos."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import numpy as np

from graphvid._dgl import DGLGraph
from graphvid._files import atomic_path
from graphvid.clustering import ClusterTree, affinity_clustering
from graphvid.graphs import node_subgraph
from graphvid.models import RelationalGraphClustering, RGCConfig, embed
from graphvid.runs import Json, Method, Part, Parts, Report, RunDirectory, Task, Training, write_tensors, write_vectors

from .answers import ENCODER, SPLIT, CoWatchRun
from .figures import columns_of, compare, describe_graph, describe_tree
from .report import report
from .source import CoWatchSource, VideoGraph, load_video_graph
from .tuning import choose, settled, split_videos, trials

_CLUSTERS = "clusters.npz"


class CoWatch(Task[CoWatchSource, VideoGraph]):
    """Vectors that place co-watched videos close together, learned from features.

    A run adds the files ``split.npz`` (nodes of training and test videos), ``clusters.npz`` (the cluster tree of the
    training graph), ``encoder.safetensors`` (weights and standardisation) and ``embeddings.npz`` (``ids`` and
    ``embedding``, one row for each video). With ``tune``, folders ``validation...`` hold the runs that chose its options.
    """

    source = CoWatchSource
    methods: ClassVar[Mapping[str, Method]] = {"rgc": Method("relational graph clustering", RGCConfig)}
    answers = CoWatchRun

    def load(self, source: CoWatchSource, *, progress: bool) -> VideoGraph:
        """Read the source and build its graph."""
        return load_video_graph(source, progress=progress)

    def check(self, source: CoWatchSource, method: str, config: RGCConfig) -> None:
        """Raise for options that tuning would choose."""
        chosen = {"raw": config.raw, "skip": config.skip, "hold_out": config.hold_out}
        if source.tune != "none" and tuple(chosen.values()) != ("none", "none", 0):
            raise ValueError(
                f"raw and skip must be 'none' and hold_out 0 with tune {source.tune!r}, got {chosen}; "
                "give tune 'none' to choose them yourself"
            )
        if source.dim.isdecimal() and int(source.dim) <= config.dim:
            raise ValueError(
                f"dim must be more than {config.dim}, the columns of the learnt vector (--set dim=), got {source.dim}"
            )

    def parts(self, source: CoWatchSource, data: VideoGraph, method: str, config: RGCConfig) -> Mapping[str, Part]:
        """Return the runs that choose the options on validation videos."""
        return {} if config.hold_out else trials(source, data, config)

    def prepare(
        self, run: RunDirectory, method: str, data: VideoGraph, config: RGCConfig, *, progress: bool
    ) -> Training:
        """Split the videos, cluster the training graph, and build the model."""
        split = split_videos(data, config)
        graph = describe_graph(data.graph, split)
        if len(split.test) and not graph["test_edges"]:
            raise ValueError(f"the graph must have an edge between two of its {len(split.test)} test videos, got none")
        training_graph = node_subgraph(data.graph, split.train)
        ready = None if config.hold_out else data.tree  # it has seen every edge
        tree = _clusters(training_graph, ready, config, progress=progress)
        fitted = _Fitted(
            RelationalGraphClustering(training_graph, data.features, config, tree=tree, rows=split.train), config
        )

        def begin(parts: Parts) -> None:
            with atomic_path(run.path / SPLIT) as temporary:
                np.savez(temporary, train=split.train, test=split.test)
            tree.save(run.path / _CLUSTERS)

        def settle(parts: Parts) -> RelationalGraphClustering:
            if parts:
                options, fitted.tuning = settled(config, {name: _choice(part) for name, part in parts.items()})
                if replace(options, **_FUSION) != replace(config, **_FUSION):
                    fitted.model = RelationalGraphClustering(
                        training_graph, data.features, options, tree=tree, rows=split.train
                    )
                fitted.options = options
            return fitted.model

        def finish(parts: Parts) -> Json:
            encoder = fitted.model.full_encoder(fitted.options)
            write_tensors(run.path / ENCODER, encoder.state_dict())
            embedding = embed(encoder, data.features)
            write_vectors(run, embedding=(data.features.ids, embedding))
            projection = embedding.shape[1] if fitted.tuning else None
            scores, verdict = (
                compare(data, split, embedding, projection=projection, seed=config.seed, progress=progress)
                if len(split.test)
                else ({}, None)
            )
            found: Json = {
                "verdict": None if verdict is None else verdict.to_dict(),
                "cold_start": scores,
                "graph": graph,
                "clusters": describe_tree(tree),
                "sampler": fitted.model.sampler.counters,
            }
            if config.hold_out and data.tune != "none":
                found["choice"] = choose(data, split, embedding, config)
            if data.tune != "none" and not config.hold_out:
                found["tuning"] = fitted.tuning
                found["columns"] = columns_of(data, scores, embedding.shape[1])
            return found

        return Training(finish, fitted.model, begin, settle=settle)

    def report(self, run: RunDirectory) -> Report:
        """Describe a finished run."""
        return report(run)


_FUSION: Mapping[str, Any] = {
    "raw": "none",
    "raw_dim": None,
    "raw_weight": 0.5,
}  # options that do not change what is trained


@dataclass
class _Fitted:
    """The model, its final options, and the record of their choice."""

    model: RelationalGraphClustering
    options: RGCConfig
    tuning: Json | None = None


def _choice(trial: RunDirectory) -> Json:
    return {"choice": trial.read_metrics()["choice"], "options": trial.read_config()["model"]}


def _clusters(graph: DGLGraph, ready: ClusterTree | None, config: RGCConfig, *, progress: bool) -> ClusterTree:
    """Return the clusters of the training graph; compute them unless they are given."""
    if ready is None:
        return affinity_clustering(graph, num_levels=config.num_levels, linkage=config.linkage, progress=progress)
    if ready.num_levels != config.num_levels:
        raise ValueError(f"num_levels must be the {ready.num_levels} levels of clusters, got {config.num_levels}")
    if config.linkage != RGCConfig().linkage:
        raise ValueError(f"linkage must be left out with clusters, which have theirs, got {config.linkage!r}")
    return ready
