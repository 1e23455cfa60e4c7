"""Figures of the task co-watch: scores of the vectors and of baselines, and statistics of graph and clusters."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from graphvid._dgl import DGLGraph
from graphvid.clustering import ClusterTree
from graphvid.data import StandardizedTable, Standardizer
from graphvid.graphs import NodeSplit, node_subgraph
from graphvid.metrics import ColdStartScores, cold_start_by_query
from graphvid.models import RawPath
from graphvid.runs import Verdict, judge
from graphvid.sampling import neighbor_table

from .report import PROJECTED, TRAINED
from .source import VideoGraph

_K = 60  # the cut-off of the paper
_RANDOM_COLUMNS = 64


def compare(
    videos: VideoGraph,
    split: NodeSplit,
    embedding: NDArray[np.float32],
    *,
    projection: int | None = None,
    seed: int = 0,
    progress: bool = False,
) -> tuple[dict[str, Any], Verdict]:  # Any: JSON values, here and below
    """Score the trained embedding and the baselines on the test videos.

    Parameters
    ----------
    videos : VideoGraph
        Graph and features of all videos.
    split : NodeSplit
        Training and test videos.
    embedding : ndarray of float32, shape (num_videos, dim)
        Vectors of all videos, including test videos.
    projection : int, optional
        Columns of a further baseline: the raw features projected to their leading directions, if they have more columns.
    seed : int, default 0
        Seed of that projection.
    progress : bool, default False
        Show a bar for every method.

    Returns
    -------
    dict
        The fields of `graphvid.metrics.ColdStartScores` by method.
    Verdict
        The comparison of the embedding with the better of raw and standardised features, by NDCG of each test video.
    """
    raw = videos.features.joined()
    methods: dict[str, Any] = {  # Any: tables of any kind
        TRAINED: embedding,
        "raw features": raw,
        "standardised features": StandardizedTable(raw, Standardizer.fit(raw, split.train)),
        "random vectors": np.random.default_rng(0).standard_normal((raw.shape[0], _RANDOM_COLUMNS), dtype=np.float32),
    }
    if projection is not None and projection < raw.shape[1]:
        path = RawPath(videos.features.dims, projection)
        tables = videos.features.modalities
        methods[PROJECTED] = path.fit("raw", tables, split.train, seed=seed).vectors(tables)
    if videos.oracle is not None:
        methods["oracle"] = videos.oracle
    table = neighbor_table(node_subgraph(videos.graph, split.test))
    by_query = {
        name: cold_start_by_query(x, table.indptr, table.indices, rows=split.test, k=_K, progress=progress)
        for name, x in methods.items()
    }
    scores = {name: ColdStartScores.of_queries(found, k=_K)._asdict() for name, found in by_query.items()}
    judged = {name: by_query[name]["ndcg"] for name in (TRAINED, "raw features", "standardised features")}
    return scores, judge(f"NDCG@{_K}", TRAINED, judged)


def columns_of(videos: VideoGraph, scores: Mapping[str, Any], dim: int) -> dict[str, int]:
    """Return the number of columns of every method in ``scores``; ``dim`` is that of the trained embedding."""
    total = sum(videos.features.dims.values())
    known = {TRAINED: dim, PROJECTED: dim, "random vectors": _RANDOM_COLUMNS}
    if videos.oracle is not None:
        known["oracle"] = videos.oracle.shape[1]
    return {name: known.get(name, total) for name in scores}


def describe_graph(graph: DGLGraph, split: NodeSplit) -> dict[str, Any]:
    """Count videos, edges and degrees of the whole graph and of the two parts."""
    degrees = graph.in_degrees().numpy()
    values, counts = np.unique(degrees, return_counts=True)
    return {
        "num_videos": graph.num_nodes(),
        "num_edges": graph.num_edges() // 2,
        "num_isolated": int((degrees == 0).sum()),
        "training_videos": len(split.train),
        "training_edges": node_subgraph(graph, split.train).num_edges() // 2,
        "test_videos": len(split.test),
        "test_edges": node_subgraph(graph, split.test).num_edges() // 2,
        "degree_counts": {"degree": values.tolist(), "videos": counts.tolist()},
    }


def describe_tree(tree: ClusterTree) -> list[dict[str, Any]]:
    """Count the clusters of every size, level by level."""
    levels = []
    for level in range(1, tree.num_levels + 1):
        values, counts = np.unique(tree.sizes[level], return_counts=True)
        levels.append({"level": level, "size": values.tolist(), "clusters": counts.tolist()})
    return levels
