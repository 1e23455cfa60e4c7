"""Graphs carry the ids of their nodes, and features of another order are refused."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import torch

from graphvid.data import ClipFeatures, Features, WatchLog
from graphvid.graphs import carry_ids, check_alignment, co_watch_graph, node_subgraph, relation_graph


@pytest.fixture
def log():
    rng = np.random.default_rng(1)
    ids = [f"v{i:x}" for i in rng.permutation(30)]
    return WatchLog.from_frame(
        pd.DataFrame({"user_id": rng.integers(0, 12, size=200), "video_id": rng.choice(ids, size=200)}),
        duplicates="keep",
    )


def features_of(ids):
    return Features(ids, {"x": np.arange(len(ids), dtype=np.float32)[:, None]})


def test_a_co_watch_graph_accepts_features_of_its_log_alone(log):
    graph = co_watch_graph(log)
    unsorted = features_of(np.random.default_rng(2).permutation(log.video_ids.to_numpy()))
    assert graph.ndata["id_hash"].dtype == torch.int64
    check_alignment(graph, unsorted.align(log.video_ids))
    with pytest.raises(ValueError, match=r"the same videos in another order \(\d+ of 30 rows differ\); features.align"):
        check_alignment(graph, unsorted)
    other = features_of([*log.video_ids[:-1], "another"])
    with pytest.raises(ValueError, match="features of other videos: 1 of 30 nodes have none"):
        check_alignment(graph, other)
    with pytest.raises(ValueError, match="must belong to node i of the graph, got 29 rows for 30 nodes"):
        check_alignment(graph, features_of(log.video_ids[1:]))
    with pytest.raises(TypeError, match="must be Features or ClipFeatures, which have ids, got ndarray"):
        check_alignment(graph, np.ones((30, 1)))


def test_subgraphs_and_clips_are_checked_too(log):
    graph, features = co_watch_graph(log), features_of(log.video_ids)
    rows = np.random.default_rng(3).permutation(30)[:20]
    part = node_subgraph(graph, rows)
    check_alignment(part, features.take(rows))
    with pytest.raises(ValueError, match="in another order"):
        check_alignment(part, features.take(np.sort(rows)))
    clips = ClipFeatures(log.video_ids, np.ones((30, 2, 1)))
    check_alignment(graph, clips)
    with pytest.raises(ValueError, match="in another order"):
        check_alignment(graph, clips.align(log.video_ids[::-1]))


def test_integers_and_the_text_that_spells_them_are_aligned():
    graph = relation_graph([0, 1], [1, 2], num_nodes=3, ids=[30, 5, 7])
    check_alignment(graph, features_of(["30", "5", "7"]))
    with pytest.raises(ValueError, match="features of other videos: 1 of 3 nodes have none"):
        check_alignment(graph, features_of(["30", "05", "7"]))


def test_a_graph_without_ids_is_compared_by_its_size():
    graph = relation_graph([0], [1], num_nodes=3)
    check_alignment(graph, features_of([1, 2, 3]))
    with pytest.raises(ValueError, match="got 2 rows for 3 nodes"):
        check_alignment(graph, features_of([1, 2]))
    assert "id_hash" in carry_ids(graph, ["a", "b", "c"]).ndata
    with pytest.raises(ValueError, match="ids must be as many as the 3 nodes, got 2"):
        carry_ids(graph, ["a", "b"])
    with pytest.raises(ValueError, match=r"graph must have nodes of type 'user', got \['video'\]"):
        carry_ids(graph, ["a", "b", "c"], ntype="user")
