"""Rankings with equal scores: against all orders of the tied items, and against the Open Graph Benchmark's evaluator."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from graphvid import metrics
from graphvid._ogb import no_version_check
from graphvid.metrics import item_ranks

K = (1, 2, 3, 5, 9)


@pytest.fixture(params=["compiled", "tensors"])
def path(request, monkeypatch):
    """Both ways to count; the second is that of other devices."""
    if request.param == "tensors":
        monkeypatch.setattr(item_ranks, "rank_compiled", item_ranks.rank_tensors)
    return request.param


def orders(scores):
    """All orders of the items by score, the highest first."""
    groups = [np.flatnonzero(scores == value) for value in np.unique(scores)[::-1]]
    return [list(itertools.chain(*parts)) for parts in itertools.product(*map(itertools.permutations, groups))]


def by_orders(scores, relevant, k):
    """Means over all orders, of one query: recall, hit, ndcg, precision, f1, map at k, and average precision."""
    found = []
    for order in orders(scores):
        ranks = sorted(order.index(item) + 1 for item in relevant)
        hits = [r for r in ranks if r <= k]
        ideal = sum(1 / math.log2(i + 1) for i in range(1, min(len(ranks), k) + 1))
        precisions = [(i + 1) / r for i, r in enumerate(ranks)]
        found.append(
            (
                len(hits) / len(ranks),
                float(bool(hits)),
                sum(1 / math.log2(r + 1) for r in hits) / ideal,
                len(hits) / k,
                2 * len(hits) / (k + len(ranks)),
                sum(precisions[: len(hits)]) / min(len(ranks), k),
                sum(precisions) / len(ranks),
            )
        )
    return np.mean(found, axis=0)


@st.composite
def queries(draw):
    num_items = draw(st.integers(1, 6))
    scores = draw(st.lists(st.integers(0, 2), min_size=num_items, max_size=num_items))
    relevant = draw(st.lists(st.integers(0, num_items - 1), min_size=1, unique=True))
    return np.array(scores, np.float32), relevant


@pytest.mark.parametrize("k", K)
@given(query=queries())
@settings(max_examples=60, deadline=None)
def test_expected_is_the_mean_over_all_orders(k, query):
    scores, relevant = query
    bounds = metrics.rank_items(lambda users: torch.from_numpy(scores)[None], ([0, len(relevant)], relevant))
    found = metrics.ranking_scores(bounds, [0, len(relevant)], k=k)
    expected = by_orders(scores, relevant, k)
    mine = (found.recall, found.hit, found.ndcg, found.precision, found.f1, found.map)
    assert mine == pytest.approx(expected[:6], abs=1e-12)
    indptr = [0, len(relevant)]
    whole = (metrics.recall, metrics.hit, metrics.ndcg)
    assert [float(m(bounds, indptr, k=k)) for m in whole] == pytest.approx(expected[:3], abs=1e-12)
    assert float(metrics.average_precision(bounds, indptr)) == pytest.approx(expected[6], abs=1e-12)


@given(query=queries())
@settings(max_examples=60, deadline=None)
def test_reciprocal_rank_is_that_of_the_mean_of_best_and_worst_order(query):
    scores, relevant = query
    firsts = [min(order.index(item) + 1 for item in relevant) for order in orders(scores)]
    mean = (min(firsts) + max(firsts)) / 2
    indptr = [0, len(relevant)]
    bounds = metrics.rank_items(lambda users: torch.from_numpy(scores)[None], (indptr, relevant))
    assert float(metrics.reciprocal_rank(bounds, indptr)) == pytest.approx(1 / mean)
    for k in K:
        assert metrics.ranking_scores(bounds, indptr, k=k).mrr == pytest.approx(1 / mean if mean <= k else 0.0)


@pytest.mark.parametrize("k", K)
@given(query=queries())
@settings(max_examples=40, deadline=None)
def test_optimistic_and_pessimistic_are_the_extremes_of_recall_and_ndcg(k, query):
    scores, relevant = query
    indptr = [0, len(relevant)]
    all_ranks = [sorted(order.index(item) + 1 for item in relevant) for order in orders(scores)]
    for metric in (metrics.recall, metrics.ndcg, metrics.hit):
        values = [float(metric(ranks, indptr, k=k)) for ranks in all_ranks]
        for ties, extreme in (("optimistic", max), ("pessimistic", min)):
            ranks = metrics.rank_items(lambda users: torch.from_numpy(scores)[None], (indptr, relevant), ties=ties)
            assert float(metric(ranks, indptr, k=k)) == pytest.approx(extreme(values))


def random_rows(seed, num_users=40, num_items=60, levels=6):
    rng = np.random.default_rng(seed)
    scores = rng.integers(0, levels, (num_users, num_items)).astype(np.float32)
    positive = rng.integers(0, num_items, num_users)
    return scores, positive


@pytest.fixture(scope="module")
def ogb():
    with no_version_check():
        from ogb.linkproppred import Evaluator
    return Evaluator


@pytest.mark.parametrize("seed", range(5))
def test_mrr_and_hits_equal_those_of_ogb_on_tied_rows(ogb, path, seed):
    scores, positive = random_rows(seed)
    rows = np.arange(len(scores))
    negatives = np.stack([np.delete(row, item) for row, item in zip(scores, positive, strict=True)])
    lists = (np.arange(len(scores) + 1), positive)
    bounds = metrics.rank_items(lambda users: torch.from_numpy(scores)[users], lists)
    evaluator = ogb(name="ogbl-citation2")
    theirs = evaluator.eval(
        {"y_pred_pos": torch.from_numpy(scores[rows, positive]), "y_pred_neg": torch.from_numpy(negatives)}
    )
    assert torch.allclose(metrics.reciprocal_rank(bounds, lists[0]).float(), theirs["mrr_list"])
    mean_rank = bounds.double().mean(dim=1)  # its hits count an item whose mean rank is among the first k
    for k in (1, 3, 10):
        assert torch.equal((mean_rank <= k).float(), theirs[f"hits@{k}_list"].float())


@pytest.mark.parametrize("seed", range(5))
def test_hits_over_shared_negatives_equal_those_of_ogb(ogb, seed):
    rng = np.random.default_rng(seed)
    negatives, positives = (rng.integers(0, 30, size).astype(np.float32) for size in (200, 50))
    evaluator = ogb(name="ogbl-ppa")
    scores = np.concatenate([np.broadcast_to(negatives, (50, 200)), positives[:, None]], axis=1)
    lists = (np.arange(51), np.full(50, 200))
    ranks = metrics.rank_items(lambda users: torch.from_numpy(scores)[users], lists, ties="pessimistic")
    for k in (10, 50, 100):
        evaluator.K = k
        theirs = evaluator.eval({"y_pred_pos": positives, "y_pred_neg": negatives})[f"hits@{k}"]
        assert float(metrics.hit(ranks, lists[0], k=k).mean()) == pytest.approx(theirs)


@pytest.mark.parametrize("ties", ["expected", "optimistic", "pessimistic"])
@pytest.mark.parametrize("grouped", [True, False])
def test_impressions_rank_as_the_same_scores_of_a_catalogue(ties, grouped):
    rng = np.random.default_rng(3)
    num_users, num_items = 12, 150  # enough positives of a user for the path that sorts
    scores = rng.integers(0, 9, (num_users, num_items)).astype(np.float32)
    label = rng.random((num_users, num_items)) < np.linspace(0, 0.9, num_users)[:, None]
    user, item = (x.ravel() for x in np.mgrid[:num_users, :num_items])
    order = np.arange(user.size) if grouped else rng.permutation(user.size)
    indptr = np.r_[0, np.cumsum(label.sum(axis=1))]
    expected = metrics.rank_items(
        lambda users: torch.from_numpy(scores)[users], (indptr, np.nonzero(label)[1]), ties=ties
    )
    columns = [column.ravel()[order] for column in (label, scores, user, item)]
    found = metrics.rank_impressions(*columns, ties=ties)
    assert found.indptr.tolist() == indptr.tolist()
    for u in range(num_users):
        rows = slice(indptr[u], indptr[u + 1])
        assert sorted(found.ranks[rows].tolist()) == sorted(expected.numpy()[rows].tolist())


def test_bounds_of_neighbours_are_those_of_their_cosines():
    x = np.eye(3, dtype=np.float32)[[0, 0, 0, 1, 2]]
    bounds = metrics.rank_neighbors(x, [0, 2, 2, 2, 2, 2], [1, 3])
    assert bounds.tolist() == [[1, 2], [3, 4]]
    assert metrics.rank_neighbors(x, [0, 2, 2, 2, 2, 2], [1, 3], ties="id").tolist() == [1, 3]
    assert metrics.rank_neighbors(x, [0, 2, 2, 2, 2, 2], [1, 3], ties="pessimistic").tolist() == [2, 4]


def test_distinct_ranks_and_their_bounds_give_the_same_figures():
    rng = np.random.default_rng(0)
    ranks = np.concatenate([rng.permutation(200)[:n] + 1 for n in (1, 5, 40)])
    indptr = [0, 1, 6, 46]
    bounds = np.stack([ranks, ranks], axis=1)
    for k in K:
        assert metrics.ranking_scores(ranks, indptr, k=k) == metrics.ranking_scores(bounds, indptr, k=k)
    gains = rng.random(46)
    assert torch.equal(metrics.ndcg(ranks, indptr, gains=gains), metrics.ndcg(bounds, indptr, gains=gains))


def test_a_constant_model_scores_as_chance():
    """With scores by id, the first items would always win."""
    scores = torch.zeros(4, 1000)
    lists = (np.arange(5), np.array([0, 1, 2, 3]))
    by_id = metrics.rank_items(lambda users: scores[users], lists, ties="id")
    expected = metrics.rank_items(lambda users: scores[users], lists)
    assert metrics.ranking_scores(by_id, lists[0], k=10).recall == 1.0
    assert metrics.ranking_scores(expected, lists[0], k=10).recall == pytest.approx(0.01)
