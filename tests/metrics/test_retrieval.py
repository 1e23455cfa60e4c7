"""mAP@R against scikit-learn and loops, overlap and 1-recall against sets."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from sklearn.metrics import average_precision_score

from graphvid.metrics import average_precision, mean_average_precision, one_recall, top_k_overlap


@pytest.fixture
def rankings():
    """Return whether each ranked item of 60 queries is relevant, some rankings without any."""
    rng = np.random.default_rng(0)
    return rng.random((60, 25)) < rng.choice([0.0, 0.1, 0.5], (60, 1))


@pytest.mark.parametrize("k", [1, 7, 25])
def test_hits_equal_scikit_learn_on_the_truncated_list(rankings, k):
    found = mean_average_precision(rankings, rankings.sum(axis=1), k=k)
    order = -np.arange(k)
    expected = [average_precision_score(row, order) if row.any() else 0.0 for row in rankings[:, :k]]
    assert found.per_query.numpy() == pytest.approx(np.array(expected))
    assert found.value == pytest.approx(np.mean(expected))
    assert (found.denominator, found.k, found.num_queries) == ("hits", k, 60)


@pytest.mark.parametrize("k", [1, 7, 25])
def test_min_equals_loops(rankings, k):
    total = rankings.sum(axis=1) + 3
    found = mean_average_precision(rankings, total, k=k, denominator="min")
    for row, num_relevant, value in zip(rankings, total, found.per_query.tolist(), strict=True):
        hits, score = 0, 0.0
        for rank in range(1, k + 1):
            if row[rank - 1]:
                hits += 1
                score += hits / rank
        assert value == pytest.approx(score / min(num_relevant, k))


def test_over_the_whole_database_both_denominators_are_the_average_precision(rankings):
    rankings = rankings[rankings.any(axis=1)]
    queries, places = np.nonzero(rankings)
    indptr = np.searchsorted(queries, np.arange(len(rankings) + 1))
    expected = average_precision(places + 1, indptr)
    for denominator in ("hits", "min"):
        found = mean_average_precision(rankings, rankings.sum(axis=1), denominator=denominator)
        assert torch.allclose(found.per_query, expected)


def test_the_result_says_which_denominator_was_used():
    one = mean_average_precision([[True, False], [False, True]], [2, 1], denominator="min")
    assert str(one) == "mAP@2 0.5000 (denominator min, 2 queries)"


def test_queries_without_a_relevant_item():
    ranking, total = [[True, False], [False, False], [False, False]], [1, 4, 0]
    zero = mean_average_precision(ranking, total)
    assert (zero.value, zero.num_queries) == (pytest.approx(1 / 3), 3)
    skip = mean_average_precision(ranking, total, empty="skip")
    assert (skip.value, skip.num_queries) == (0.5, 2)
    assert skip.per_query[:2].tolist() == [1.0, 0.0]
    assert math.isnan(skip.per_query[2])
    assert math.isnan(mean_average_precision([[False]], [0], empty="skip").value)
    with pytest.raises(ValueError, match="must have a relevant item where empty='raise', got none for query 2"):
        mean_average_precision(ranking, total, empty="raise")


@pytest.mark.parametrize(
    ("arguments", "options", "error", "match"),
    [
        (([[1, 0]], [1]), {}, TypeError, "relevant must hold bool, got dtype torch.int64"),
        (([True], [1]), {}, ValueError, "relevant must have shape"),
        ((np.zeros((0, 3), bool), np.zeros(0, int)), {}, ValueError, "neither 0"),
        (([[True]], [1, 1]), {}, ValueError, r"got \(1, 1\) and \(2,\)"),
        (([[True]], [1.0]), {}, TypeError, "num_relevant must hold integers"),
        (([[True, True]], [1]), {}, ValueError, "got 1 for query 0, whose ranking has 2"),
        (([[True]], [1]), {"k": 2}, ValueError, "k must be at most the 1 ranks"),
        (([[True]], [1]), {"k": 0}, ValueError, "k must be an integer >= 1, got 0"),
        (([[True]], [1]), {"denominator": "all"}, ValueError, "denominator must be one of"),
        (([[True]], [1]), {"empty": "one"}, ValueError, "empty must be one of"),
    ],
)
def test_bad_input(arguments, options, error, match):
    with pytest.raises(error, match=match):
        mean_average_precision(*arguments, **options)


@pytest.mark.parametrize("text", [False, True])
def test_overlap_and_one_recall_equal_sets(text):
    rng = np.random.default_rng(1)
    found, exact = (np.array([rng.permutation(40)[:10] for _ in range(30)]) for _ in range(2))
    expected = [len(set(a) & set(b)) / 10 for a, b in zip(found.tolist(), exact.tolist(), strict=True)]
    nearest = [row[0] in other[:4] for row, other in zip(exact.tolist(), found.tolist(), strict=True)]
    if text:
        found, exact = (np.char.add("v", x.astype(str)) for x in (found, exact))
    assert top_k_overlap(found, exact).tolist() == pytest.approx(expected)
    assert one_recall(found, exact[:, 0], k=4).tolist() == nearest


def test_bad_ids():
    with pytest.raises(ValueError, match=r"shape \(num_queries, k\), k >= 1, got \(1, 2\) and \(1, 3\)"):
        top_k_overlap([[1, 2]], [[1, 2, 3]])
    with pytest.raises(ValueError, match="exact must hold distinct ids in a row, got 5 twice in row 1"):
        top_k_overlap([[1, 2, 3], [1, 2, 3]], [[1, 2, 3], [5, 1, 5]])
    with pytest.raises(ValueError, match=r"nearest \(num_queries,\), got \(1, 2\) and \(2,\)"):
        one_recall([[1, 2]], [1, 2], k=1)
    with pytest.raises(ValueError, match="k must be at most the 2 ids"):
        one_recall([[1, 2]], [1], k=3)


def test_no_query():
    assert top_k_overlap(np.zeros((0, 3), int), np.zeros((0, 3), int)).shape == (0,)
