"""Cold-start evaluation against torchmetrics on whole score matrices, and its undefined cases."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torchmetrics.functional import retrieval

from graphvid.metrics import ColdStartScores, cold_start

MEANS = ("ndcg", "map", "mrr", "recall", "hit")


@pytest.mark.parametrize("k", [1, 5, 60])
@pytest.mark.parametrize("weighted", [False, True])
def test_against_torchmetrics(make_neighbors, k, weighted):
    num_videos = 70
    indptr, indices = make_neighbors(num_videos, 90)
    rng = np.random.default_rng(0)
    x = rng.standard_normal((num_videos, 6))
    weight = rng.integers(1, 9, len(indices))
    scores = cold_start(x, indptr, indices, weight if weighted else None, k=k)

    unit = x / np.linalg.norm(x, axis=1, keepdims=True)
    rows = []
    for q in range(num_videos):
        if indptr[q] == indptr[q + 1]:
            continue
        gains = np.zeros(num_videos, int)
        gains[indices[indptr[q] : indptr[q + 1]]] = weight[indptr[q] : indptr[q + 1]] if weighted else 1
        others = np.arange(num_videos) != q
        # + 2 because torchmetrics takes no item with a score <= 0 for relevant
        preds, target = torch.from_numpy((unit @ unit[q])[others] + 2), torch.from_numpy(gains[others])
        rows.append(
            [
                retrieval.retrieval_normalized_dcg(preds, target, top_k=k),
                retrieval.retrieval_average_precision(preds, target > 0),
                retrieval.retrieval_reciprocal_rank(preds, target > 0),
                retrieval.retrieval_recall(preds, target > 0, top_k=k),
                retrieval.retrieval_hit_rate(preds, target > 0, top_k=k),
            ]
        )
    assert scores.num_queries == len(rows)
    assert 0 < scores.num_skipped == num_videos - len(rows)
    assert scores[:5] == pytest.approx(np.mean(rows, axis=0), abs=1e-6)  # torchmetrics has float32
    assert scores.k == k


def test_perfect_embedding_scores_one():
    blocks = np.repeat(np.arange(5), 4)
    adjacency = (blocks[:, None] == blocks) & ~np.eye(20, dtype=bool)
    indptr, indices = np.concatenate([[0], np.cumsum(adjacency.sum(axis=1))]), np.nonzero(adjacency)[1]
    scores = cold_start(np.eye(5)[blocks], indptr, indices)
    assert scores == ColdStartScores(1.0, 1.0, 1.0, 1.0, 1.0, k=60, num_queries=20, num_skipped=0)


def test_result_is_plain_numbers(make_neighbors):
    scores = cold_start(torch.eye(6), *make_neighbors(6, 8))
    assert all(type(value) in (float, int) for value in scores)


def test_videos_without_a_neighbor():
    x, indptr, indices = np.eye(4)[[0, 0, 1, 1]], [0, 1, 2, 2, 2], [1, 0]
    skipped = cold_start(x, indptr, indices)
    assert (skipped.ndcg, skipped.num_queries, skipped.num_skipped) == (1.0, 2, 2)
    as_zero = cold_start(x, indptr, indices, empty="zero")
    assert (as_zero.num_queries, as_zero.num_skipped) == (4, 0)
    assert [getattr(as_zero, name) for name in MEANS] == [0.5] * 5
    with pytest.raises(ValueError, match="every video must have a neighbor, got 2 without, the first is video 2"):
        cold_start(x, indptr, indices, empty="raise")
    assert cold_start(x[:2], indptr[:3], indices, empty="raise").num_queries == 2


@pytest.mark.parametrize("empty", ["skip", "zero", "raise"])
def test_a_graph_without_edges_has_no_score(empty):
    with pytest.raises(ValueError, match="at least one video must have a neighbor, got 3 videos without"):
        cold_start(np.eye(3), [0, 0, 0, 0], [], empty=empty)


def test_progress_bar(capsys):
    cold_start(np.eye(2), [0, 1, 2], [1, 0], progress=True)
    assert "ranking" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"k": 0}, "k must be an integer >= 1, got 0"),
        ({"empty": "drop"}, "empty must be one of .*, got 'drop'"),
        ({"weight": [1.0]}, "gains must be 2 finite numbers >= 0"),
        ({"weight": [1.0, -1.0]}, "gains must be 2 finite numbers >= 0"),
        ({"chunk_size": 0}, "chunk_size must be an integer >= 1, got 0"),
    ],
)
def test_errors(arguments, message):
    with pytest.raises(ValueError, match=message):
        cold_start(np.eye(2), [0, 1, 2], [1, 0], **arguments)
