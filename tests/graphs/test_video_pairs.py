"""The graph of pairs, its batches, and the content of videos as a graph."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from graphvid._dgl import dgl
from graphvid.data import IdLists, ScoredPairs, TagVocabulary
from graphvid.graphs import content_graph, pair_subgraph, video_pair_graph


@pytest.fixture
def pairs():
    rng = np.random.default_rng(0)
    return ScoredPairs(*rng.integers(0, 12, (2, 60)), rng.random(60))


def test_edges_are_pairs(pairs):
    graph = video_pair_graph(pairs, 14)
    assert graph.num_nodes() == 14
    query, candidate = graph.edges(order="eid")
    np.testing.assert_array_equal(query, pairs.query)
    np.testing.assert_array_equal(candidate, pairs.candidate)
    np.testing.assert_allclose(graph.edata["score"], pairs.score, rtol=1e-6)
    with pytest.raises(ValueError, match=r"query must be in \[0, 3\)"):
        video_pair_graph(pairs, 3)


def test_a_batch_has_each_video_once_and_keeps_the_order(pairs):
    edges = torch.tensor([7, 3, 50, 11])
    batch = pair_subgraph(video_pair_graph(pairs, 12), edges)
    rows = batch.ndata[dgl.NID].numpy()
    query, candidate = (rows[end.numpy()] for end in batch.edges(order="eid"))
    np.testing.assert_array_equal(query, pairs.query[edges])
    np.testing.assert_array_equal(candidate, pairs.candidate[edges])
    assert sorted(rows) == sorted({*query, *candidate})
    np.testing.assert_allclose(batch.edata["score"], pairs.score[edges], rtol=1e-6)


def test_content_graph():
    tags = IdLists.from_lists([[9, 4], [], [4]])
    graph = content_graph([2, 0, 3], [1, 2, 2], tags=tags, vocabulary=TagVocabulary([4, 8]))
    assert {name: graph.num_nodes(name) for name in graph.ntypes} == {"video": 3, "frame": 5, "token": 5, "tag": 2}
    assert graph.edges(etype=("frame", "of", "video"))[1].tolist() == [0, 0, 2, 2, 2]
    assert graph.edges(etype=("token", "of", "video"))[1].tolist() == [0, 1, 1, 2, 2]
    assert [end.tolist() for end in graph.edges(etype="next")] == [[0, 2, 3], [1, 3, 4]]
    assert [end.tolist() for end in graph.edges(etype="has")] == [[0, 2], [0, 0]]


def test_refused_content():
    with pytest.raises(ValueError, match="equal lengths, got 2 and 1"):
        content_graph([1, 1], [1])
    with pytest.raises(ValueError, match="must be given together"):
        content_graph([1], [1], vocabulary=TagVocabulary([1]))
    with pytest.raises(ValueError, match="frame_counts must be >= 0, got -1"):
        content_graph([-1], [1])
    with pytest.raises(TypeError, match="token_counts must be integers"):
        content_graph([1], [0.5])
