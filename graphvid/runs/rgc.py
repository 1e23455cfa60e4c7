"""A run of `RelationalGraphClustering` from a source to a run directory: train, evaluate, embed, find neighbours."""

from __future__ import annotations

import os
from typing import Any

import numpy as np
import pandas as pd

from graphvid._files import atomic_path, write_json
from graphvid.clustering import affinity_clustering
from graphvid.data import Features, load_features
from graphvid.graphs import NodeSplit, node_subgraph, split_nodes
from graphvid.models import RelationalGraphClustering, RGCConfig, build_encoder, embed
from graphvid.nn import VideoEncoder

from .checkpoint import read_tensors, write_tensors
from .directory import RunDirectory
from .rgc_metrics import compare, describe_graph, describe_tree
from .rgc_report import report
from .sources import Source, VideoGraph, load
from .training import fit, training_callbacks, versions

METHOD = "relational graph clustering"
_TRAIN_FRACTION = 0.7
_SPLIT, _CLUSTERS, _ENCODER, _EMBEDDINGS = "split.npz", "clusters.npz", "encoder.safetensors", "embeddings.npz"


def train(
    source: Source,
    out: str | os.PathLike[str],
    config: RGCConfig | None = None,
    *,
    resume: bool = False,
    checkpoint_every: int = 50,
    log_every: int = 10,
    progress: bool = True,
) -> dict[str, Any]:
    """Train on 70 % of the videos, embed all of them, and evaluate on the 30 % that training never saw.

    Parameters
    ----------
    source : Source
        Where the graph and the features come from.
    out : path-like
        The run directory: the files of `RunDirectory` and ``split.npz`` (nodes of training and test videos),
        ``clusters.npz`` (the cluster tree of the training graph), ``encoder.safetensors`` (weights and standardisation),
        ``embeddings.npz`` (``ids`` and ``embedding``, one row a video).
    config : RGCConfig, optional
        Options of the model.
    resume : bool, default False
        Continue the run in ``out``. A run killed at any moment ends, on the CPU, with the same weights bit for bit.
    checkpoint_every : int, default 50
        Steps between checkpoints: what a killed run loses at most.
    log_every : int, default 10
        Steps that one row of the training log averages.
    progress : bool, default True
        Show progress bars.

    Returns
    -------
    dict
        The content of ``metrics.json``.

    Raises
    ------
    FileExistsError, ValueError
        If ``out`` holds another run; see `RunDirectory.open`. If the data or options do not allow a training and an
        evaluation, such as a graph without edges; ``out`` is then left as it was.
    """
    config = config if config is not None else RGCConfig()
    run = RunDirectory(out)
    callbacks = training_callbacks(run, log_every, checkpoint_every)
    videos = load(source, progress=progress)
    description = _describe(source, config, videos)
    run.check(description, resume=resume)
    if run.metrics.exists():
        if not run.report.exists():
            report(run)
        return run.read_metrics()

    split = split_nodes(videos.graph.num_nodes(), train_fraction=_TRAIN_FRACTION, seed=config.seed)
    described_graph = describe_graph(videos.graph, split)
    if not described_graph["test_edges"]:
        raise ValueError(f"the graph must have an edge between two of its {len(split.test)} test videos, got none")
    training_graph = node_subgraph(videos.graph, split.train)
    tree = affinity_clustering(training_graph, num_levels=config.num_levels, linkage=config.linkage, progress=progress)
    model = RelationalGraphClustering(
        training_graph, {name: x[split.train] for name, x in videos.features.modalities.items()}, config, tree=tree
    )
    run.open(description, resume=resume)
    with atomic_path(run.path / _SPLIT) as temporary:
        np.savez(temporary, train=split.train, test=split.test)
    tree.save(run.path / _CLUSTERS)
    fit(model, model.config.num_steps, callbacks, run, progress=progress)
    write_tensors(run.path / _ENCODER, model.encoder.state_dict())

    embedding = model.embed(videos.features.modalities)
    Features(videos.features.ids, {"embedding": embedding}).save(run.path / _EMBEDDINGS)
    metrics = {
        "cold_start": compare(videos, split, embedding, progress=progress),
        "graph": described_graph,
        "clusters": describe_tree(tree),
        "sampler": model.sampler.counters,
    }
    write_json(run.metrics, metrics)
    report(run)
    return metrics


def evaluate(run_dir: str | os.PathLike[str], *, progress: bool = True) -> dict[str, Any]:
    """Embed the videos of a run's source again with its encoder and score the test videos.

    Parameters
    ----------
    run_dir : path-like
        A finished run; its source is read again.
    progress : bool, default True
        Show a bar while the source is read.

    Returns
    -------
    dict
        One entry a method, as in ``metrics.json`` under ``"cold_start"``.

    Raises
    ------
    FileNotFoundError
        If the run is absent or unfinished, or its source is gone.
    ValueError
        If the source has changed since the run.
    """
    run = RunDirectory(run_dir)
    config = run.read_config(METHOD)
    encoder = load_encoder(run_dir)
    videos = load(Source(**config["source"]), progress=progress)
    if (found := _describe_data(videos)) != config["data"]:
        raise ValueError(f"the source of {run.path} has changed: it was {config['data']}, now {found}")
    stored = np.load(run.require(run.path / _SPLIT), allow_pickle=False)
    split = NodeSplit(stored["train"], stored["test"])
    return compare(videos, split, embed(encoder, videos.features.modalities), progress=progress)


def load_encoder(run_dir: str | os.PathLike[str]) -> VideoEncoder:
    """Give the trained encoder of a run, in evaluation mode.

    Raises
    ------
    FileNotFoundError
        If the run is absent or unfinished.
    ValueError
        If its weights are truncated, corrupt or of another model.
    """
    run = RunDirectory(run_dir)
    config = run.read_config(METHOD)
    encoder = build_encoder(config["data"]["dims"], RGCConfig.from_dict(config["model"]))
    file = run.require(run.path / _ENCODER)
    weights, _ = read_tensors(file)
    try:
        encoder.load_state_dict(weights)
    except RuntimeError as error:
        raise ValueError(f"{file} holds the weights of another model than {run.config} describes") from error
    return encoder.eval()


def embed_new(run_dir: str | os.PathLike[str], features: Features) -> Features:
    """Embed videos that need not have been there when the run was made, from their features.

    Parameters
    ----------
    run_dir : path-like
        A finished run.
    features : Features
        With the modalities of the run.

    Returns
    -------
    Features
        The same ids with the one modality ``"embedding"``, unit rows.
    """
    return Features(features.ids, {"embedding": embed(load_encoder(run_dir), features.modalities)})


def neighbors(run_dir: str | os.PathLike[str], video_id: Any, *, top_k: int = 10) -> pd.DataFrame:
    """Give the videos most similar to one video of a run.

    Parameters
    ----------
    run_dir : path-like
        A finished run.
    video_id : hashable
        Id of the video as in the log; its text form is accepted too.
    top_k : int, default 10
        Number of videos, at least 1; all others where there are fewer.

    Returns
    -------
    DataFrame
        Columns ``video_id`` and ``similarity`` (cosine, in [-1, 1]), most similar first, ties by position.

    Raises
    ------
    KeyError
        If the run has no such video.
    ValueError
        If ``top_k`` is below 1.
    """
    if top_k < 1:
        raise ValueError(f"top_k must be at least 1, got {top_k}")
    run = RunDirectory(run_dir)
    run.read_config(METHOD)
    stored = load_features(run.require(run.path / _EMBEDDINGS))
    texts = stored.ids.astype(str)
    if str(video_id) not in texts:
        raise KeyError(f"video_id must be one of the {len(texts)} videos of {run.path}, got {video_id!r}")
    row = texts.get_loc(str(video_id))
    embedding = stored.modalities["embedding"]
    similarity = embedding @ embedding[row]
    similarity[row] = -np.inf
    best = np.argsort(-similarity, kind="stable")[: min(top_k, len(texts) - 1)]
    return pd.DataFrame({"video_id": stored.ids.take(best), "similarity": similarity[best]})


def _describe(source: Source, config: RGCConfig, videos: VideoGraph) -> dict[str, Any]:
    return {
        "method": METHOD,
        "model": config.to_dict(),
        "data": _describe_data(videos),
        "source": source.to_dict(),
        "versions": versions(),
    }


def _describe_data(videos: VideoGraph) -> dict[str, Any]:
    return {**videos.fingerprint(), "dims": videos.features.dims}
