"""The task co-watch: train on 70 % of the videos, embed all of them, and rank the 30 % that training never saw."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

import numpy as np

from graphvid._dgl import DGLGraph
from graphvid._files import atomic_path
from graphvid.clustering import ClusterTree, affinity_clustering
from graphvid.graphs import NodeSplit, node_subgraph, split_nodes
from graphvid.models import RelationalGraphClustering, RGCConfig
from graphvid.runs import Json, Method, Parts, Report, RunDirectory, Task, Training, write_tensors, write_vectors

from .answers import ENCODER, SPLIT, CoWatchRun
from .figures import compare, describe_graph, describe_tree
from .report import report
from .source import CoWatchSource, VideoGraph, load_video_graph

_CLUSTERS = "clusters.npz"


class CoWatch(Task[CoWatchSource, VideoGraph]):
    """Vectors that place co-watched videos close together, learnt from features.

    A run adds the files ``split.npz`` (nodes of training and test videos), ``clusters.npz`` (the cluster tree of the
    training graph), ``encoder.safetensors`` (weights and standardisation) and ``embeddings.npz`` (``ids`` and
    ``embedding``, one row a video).
    """

    source = CoWatchSource
    methods: ClassVar[Mapping[str, Method]] = {"rgc": Method("relational graph clustering", RGCConfig)}
    answers = CoWatchRun

    def load(self, source: CoWatchSource, *, progress: bool) -> VideoGraph:
        """Read the source and build its graph."""
        return load_video_graph(source, progress=progress)

    def prepare(
        self, run: RunDirectory, method: str, data: VideoGraph, config: RGCConfig, *, progress: bool
    ) -> Training:
        """Split the videos, cluster the training graph, and build the model."""
        split = _split(data, config.seed)
        graph = describe_graph(data.graph, split)
        if len(split.test) and not graph["test_edges"]:
            raise ValueError(f"the graph must have an edge between two of its {len(split.test)} test videos, got none")
        training_graph = node_subgraph(data.graph, split.train)
        tree = _clusters(training_graph, data.tree, config, progress=progress)
        features = data.features.take(split.train)
        model = RelationalGraphClustering(training_graph, features, config, tree=tree)

        def begin(parts: Parts) -> None:
            with atomic_path(run.path / SPLIT) as temporary:
                np.savez(temporary, train=split.train, test=split.test)
            tree.save(run.path / _CLUSTERS)

        def finish(parts: Parts) -> Json:
            write_tensors(run.path / ENCODER, model.encoder.state_dict())
            embedding = model.embed(data.features.modalities)
            write_vectors(run, embedding=(data.features.ids, embedding))
            scores, verdict = compare(data, split, embedding, progress=progress) if len(split.test) else ({}, None)
            return {
                "verdict": None if verdict is None else verdict.to_dict(),
                "cold_start": scores,
                "graph": graph,
                "clusters": describe_tree(tree),
                "sampler": model.sampler.counters,
            }

        return Training(finish, model, begin)

    def report(self, run: RunDirectory) -> Report:
        """Describe a finished run."""
        return report(run)


def _clusters(graph: DGLGraph, ready: ClusterTree | None, config: RGCConfig, *, progress: bool) -> ClusterTree:
    """Return the clusters of the training graph, made here unless they are there."""
    if ready is None:
        return affinity_clustering(graph, num_levels=config.num_levels, linkage=config.linkage, progress=progress)
    if ready.num_levels != config.num_levels:
        raise ValueError(f"num_levels must be the {ready.num_levels} levels of clusters, got {config.num_levels}")
    if config.linkage != RGCConfig().linkage:
        raise ValueError(f"linkage must be left out with clusters, which have theirs, got {config.linkage!r}")
    return ready


def _split(data: VideoGraph, seed: int) -> NodeSplit:
    num_videos = data.graph.num_nodes()
    if data.train_fraction == 1:
        return NodeSplit(np.arange(num_videos), np.arange(0))
    return split_nodes(num_videos, train_fraction=data.train_fraction, seed=seed)
