"""Full rankings against a stable sort in float64, and their scores against scikit-learn, torchmetrics and loops."""

from __future__ import annotations

import math
from functools import partial

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import ndcg_score
from torchmetrics.functional import retrieval

from graphvid.metrics import (
    dot_product_scorer,
    drop_excluded,
    item_ranks,
    ndcg,
    rank_items,
    ranking_scores,
    recall,
    top_items,
)

rank_items_by_id = partial(rank_items, ties="id")


@pytest.fixture(params=["compiled", "tensors"])
def path(request, monkeypatch):
    """Both ways to count; the second is that of other devices."""
    if request.param == "tensors":
        monkeypatch.setattr(item_ranks, "rank_compiled", item_ranks.rank_tensors)
    return request.param


@pytest.fixture
def threads():
    """Set the number of PyTorch's threads, and give the former one back."""
    before = torch.get_num_threads()
    yield torch.set_num_threads
    torch.set_num_threads(before)


def lists(rows):
    """Return (indptr, items) of lists of items."""
    return np.cumsum([0, *map(len, rows)]), np.array([item for row in rows for item in row], dtype=np.int64)


def random_lists(rng, num_users, num_items):
    """Return relevant and excluded items of each user, in any order, disjoint, of some users none."""
    relevant, excluded = [], []
    for _ in range(num_users):
        items = rng.permutation(num_items)
        cuts = np.sort(rng.integers(0, num_items // 2, 2)) * rng.integers(0, 2, 2)
        relevant.append(items[: cuts[0]])
        excluded.append(items[cuts[0] : max(cuts)])
    return relevant, excluded


def order_of(scores, excluded):
    """Return the candidates of one user, the best first."""
    order = np.argsort(-np.asarray(scores, np.float64), kind="stable")
    return [item for item in order.tolist() if item not in set(np.asarray(excluded).tolist())]


def by_sorting(scores, relevant, excluded):
    found = []
    for row, wanted, barred in zip(scores, relevant, excluded, strict=True):
        order = order_of(row, barred)
        found += [order.index(item) + 1 for item in wanted]
    return found


def from_table(scores):
    table = torch.as_tensor(scores)
    return lambda users: table[users]


def test_items_both_relevant_and_excluded_are_dropped_or_kept(path):
    rng = np.random.default_rng(5)
    scores = rng.standard_normal((9, 20))
    relevant, excluded = ([rng.permutation(20)[: rng.integers(0, 8)] for _ in range(9)] for _ in range(2))
    dropped = [np.array([i for i in wanted if i not in set(barred)]) for wanted, barred in zip(relevant, excluded)]
    left = [np.setdiff1d(barred, wanted) for wanted, barred in zip(relevant, excluded)]
    assert sum(map(len, dropped)) < sum(map(len, relevant))
    asked = {"score": from_table(scores), "relevant": lists(relevant), "exclude": lists(excluded)}
    assert rank_items_by_id(**asked, overlap="drop").tolist() == by_sorting(scores, dropped, excluded)
    assert rank_items_by_id(**asked, overlap="keep").tolist() == by_sorting(scores, relevant, left)
    indptr, items = drop_excluded(lists(relevant), lists(excluded))
    assert (indptr.tolist(), items.tolist()) == tuple(x.tolist() for x in lists(dropped))


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32, torch.float64])
@pytest.mark.parametrize(("num_users", "num_items"), [(1, 2), (7, 9), (40, 60), (30, 333)])
def test_against_sorting(path, num_users, num_items, dtype):
    rng = np.random.default_rng(num_items)
    scores = torch.from_numpy(rng.standard_normal((num_users, num_items))).to(dtype)
    relevant, excluded = random_lists(rng, num_users, num_items)
    found = rank_items_by_id(from_table(scores), lists(relevant), exclude=lists(excluded))
    assert found.dtype == torch.int64
    assert found.tolist() == by_sorting(scores.double().numpy(), relevant, excluded)
    assert rank_items_by_id(from_table(scores), lists(relevant)).tolist() == by_sorting(
        scores.double().numpy(), relevant, [[]] * num_users
    )


@pytest.mark.parametrize("seed", range(4))
def test_ties_and_infinities_go_by_id(path, seed):
    rng = np.random.default_rng(seed)
    scores = rng.choice([-np.inf, -1.0, -0.0, 0.0, 2.0, np.inf], (30, 40)).astype(np.float32)
    relevant, excluded = random_lists(rng, 30, 40)
    found = rank_items_by_id(from_table(scores), lists(relevant), exclude=lists(excluded))
    assert found.tolist() == by_sorting(scores, relevant, excluded)


def test_all_scores_equal(path):
    relevant, excluded = [[3, 0], [4]], [[1], [0, 1, 2, 3]]
    found = rank_items_by_id(from_table(np.ones((2, 5), np.float32)), lists(relevant), exclude=lists(excluded))
    assert found.tolist() == [3, 1, 1]


@pytest.mark.parametrize("batch_size", [1, 7, 40, 1000])
@pytest.mark.parametrize("num_threads", [1, 3])
def test_batches_and_threads_change_nothing(path, threads, batch_size, num_threads):
    rng = np.random.default_rng(0)
    scores = rng.integers(0, 50, (40, 60)) / 8
    relevant, excluded = random_lists(rng, 40, 60)
    expected = by_sorting(scores, relevant, excluded)
    threads(num_threads)
    seen = []

    def score(users):
        seen.append(users)
        return from_table(scores)(users)

    found = rank_items_by_id(score, lists(relevant), exclude=lists(excluded), batch_size=batch_size)
    assert found.tolist() == expected
    assert max(map(len, seen)) <= batch_size
    assert torch.cat(seen).tolist() == [user for user in range(40) if len(relevant[user])]


def test_only_users_with_relevant_items_are_scored_and_a_first_call_learns_the_number_of_items():
    asked = []

    def score(users):
        asked.append(users.tolist())
        return torch.zeros(len(users), 3)

    assert rank_items_by_id(score, lists([[], [2], [], [0, 1], [1]])).tolist() == [3, 1, 2, 2]
    assert asked == [[1], [3, 4]]
    assert rank_items_by_id(score, lists([[], []])).tolist() == []
    assert len(asked) == 2


def test_renumbering_items_renumbers_nothing_else(path):
    rng = np.random.default_rng(1)
    scores = rng.standard_normal((20, 30))
    relevant, excluded = random_lists(rng, 20, 30)
    new = rng.permutation(30)
    moved = np.empty_like(scores)
    moved[:, new] = scores
    found = rank_items_by_id(from_table(scores), lists(relevant), exclude=lists(excluded))
    again = rank_items_by_id(
        from_table(moved), lists([new[x] for x in relevant]), exclude=lists([new[x] for x in excluded])
    )
    assert torch.equal(found, again)


def test_scores_and_lists_are_only_read(path):
    rng = np.random.default_rng(0)
    table = torch.from_numpy(rng.standard_normal((6, 8)).astype(np.float32))
    relevant, excluded = lists([[0, 1]] * 6), lists([[2, 7]] * 6)
    for array in (*relevant, *excluded):
        array.setflags(write=False)
    before = table.clone()
    rank_items_by_id(lambda users: table[users[0] : users[-1] + 1], relevant, exclude=excluded)
    assert torch.equal(table, before)


def test_tensors_int32_and_transposed_scores_with_gradients(path):
    table = torch.randn(9, 5, generator=torch.Generator().manual_seed(0)).requires_grad_()
    relevant, excluded = [[1, 8], [4], [3], [0], [2]], [[0], [5], [], [4, 5], [8]]
    as_tensors = [tuple(torch.from_numpy(x).int() for x in lists(rows)) for rows in (relevant, excluded)]
    found = rank_items_by_id(lambda users: table.T[users[0] : users[-1] + 1], as_tensors[0], exclude=as_tensors[1])
    assert found.tolist() == by_sorting(table.detach().T.numpy(), relevant, excluded)
    assert not found.requires_grad


def test_progress_bar(capsys):
    rank_items_by_id(from_table(np.eye(2)), lists([[0], [1]]))
    assert capsys.readouterr().err == ""
    rank_items_by_id(from_table(np.eye(2)), lists([[0], [1]]), progress=True)
    assert "ranking: 100%" in capsys.readouterr().err


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_on_a_gpu():
    rng = np.random.default_rng(2)
    scores = torch.from_numpy(rng.integers(0, 90, (300, 400)) / 8)
    relevant, excluded = random_lists(rng, 300, 400)
    found = rank_items_by_id(
        lambda users: scores[users].cuda(), lists(relevant), exclude=lists(excluded), batch_size=50
    )
    assert found.device.type == "cpu"
    assert found.tolist() == by_sorting(scores.numpy(), relevant, excluded)
    some = torch.tensor([5, 0, 299])
    best = top_items(lambda users: scores[users].cuda(), some.cuda(), 7, lists(excluded))
    assert torch.equal(best.items.cpu(), top_items(from_table(scores), some, 7, lists(excluded)).items)


GOOD = {"score": from_table(np.ones((3, 4), np.float32)), "relevant": ([0, 1, 2, 2], [1, 3]), "exclude": None}


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"relevant": [0, 1]}, TypeError, r"relevant must be a pair \(indptr, items\), got list"),
        ({"relevant": ([0, 1], [1.5])}, TypeError, "relevant: items must hold integers, got dtype torch.float64"),
        ({"relevant": ([0, 2], [1])}, ValueError, "relevant: indptr must rise from 0 to the number of items, 1"),
        ({"relevant": ([0, 1], [-1])}, ValueError, "relevant: items must be >= 0, got -1"),
        ({"relevant": ([0, 1], [4])}, ValueError, r"items must be in \[0, 4\), the items scored, got 4"),
        ({"relevant": ([0, 1, 3], [1, 2, 2])}, ValueError, "relevant: items .* distinct .* item 2 twice for user 1"),
        ({"exclude": ([0, 1], [0])}, ValueError, "exclude must be of the 3 users of relevant, got 1 users"),
        ({"exclude": ([0, 2, 2, 2], [0, 0])}, ValueError, "exclude: items .* distinct .* item 0 twice for user 0"),
        ({"exclude": ([0, 0, 0, 1], [9])}, ValueError, r"items must be in \[0, 4\), the items scored, got 9"),
        (
            {"exclude": ([0, 1, 3, 3], [1, 0, 3])},
            ValueError,
            "relevant and exclude must have no pair in common, got item 1 of user 0 and 1 more such pairs",
        ),
        ({"overlap": "both"}, ValueError, r"overlap must be one of \['raise', 'drop', 'keep'\], got 'both'"),
        ({"batch_size": 0}, ValueError, "batch_size must be None or an integer >= 1, got 0"),
        ({"score": lambda users: np.ones((1, 4))}, TypeError, "score must return a floating-point Tensor, got ndarray"),
        ({"score": lambda users: torch.ones(1, 4).int()}, TypeError, "a floating-point Tensor, got dtype torch.int32"),
        ({"score": lambda users: torch.ones(2, 4)}, ValueError, r"scores of shape \(1, num_items\), got \(2, 4\)"),
        ({"score": lambda users: torch.ones(4)}, ValueError, r"scores of shape \(1, num_items\), got \(4,\)"),
        (
            {"score": lambda users: torch.ones(1, 4 + int(users[0]))},
            ValueError,
            r"scores of shape \(1, 4\), got \(1, 5\)",
        ),
    ],
)
def test_errors(arguments, error, message):
    arguments = {**GOOD, **arguments}
    with pytest.raises(error, match=message):
        rank_items_by_id(arguments.pop("score"), arguments.pop("relevant"), **arguments)


@pytest.mark.parametrize("num_threads", [1, 3])
@pytest.mark.parametrize("batch_size", [None, 2, 9])
def test_nan_is_refused_by_user_and_item(path, threads, num_threads, batch_size):
    threads(num_threads)
    scores = np.zeros((9, 50), np.float32)
    scores[[5, 5, 8], [40, 41, 0]] = np.nan
    scores[4, :] = np.nan  # nobody asks for these
    relevant = [[1]] * 4 + [[]] + [[2]] * 4
    with pytest.raises(ValueError, match="scores must not be NaN, got NaN for user 5, item 40"):
        rank_items_by_id(from_table(scores), lists(relevant), exclude=lists([[40]] * 9), batch_size=batch_size)


def loops(ranks, k):
    """Return the scores of one user from their definitions."""
    within = sorted(rank for rank in ranks if rank <= k)
    size, hits = len(ranks), len(within)
    precision, share = hits / k, hits / size
    ideal = sum(1 / math.log2(place + 1) for place in range(1, min(size, k) + 1))
    return {
        "recall": share,
        "ndcg": sum(1 / math.log2(rank + 1) for rank in within) / ideal,
        "precision": precision,
        "hit": float(hits > 0),
        "mrr": 1 / within[0] if within else 0.0,
        "map": sum(number / rank for number, rank in enumerate(within, 1)) / min(size, k),
        "f1": 2 * precision * share / (precision + share) if hits else 0.0,
    }


@settings(deadline=None, max_examples=60)
@given(
    users=st.lists(st.lists(st.integers(1, 40), unique=True, max_size=12), min_size=1, max_size=6).filter(any),
    k=st.integers(1, 45),
)
def test_scores_against_loops(users, k):
    flat = np.array([rank for ranks in users for rank in ranks], dtype=np.int64)
    found = ranking_scores(flat, np.cumsum([0, *map(len, users)]), k=k)
    asked = [loops(ranks, k) for ranks in users if ranks]
    for name in asked[0]:
        assert getattr(found, name) == pytest.approx(np.mean([row[name] for row in asked]), abs=1e-12), name
    assert (found.k, found.num_users, found.num_left_out) == (k, len(asked), len(users) - len(asked))


@pytest.mark.parametrize("k", [1, 5, 20])
def test_whole_way_against_torchmetrics_and_scikit_learn(path, k):
    rng = np.random.default_rng(3)
    users, items = rng.standard_normal((25, 6)), rng.standard_normal((50, 6))
    relevant, excluded = random_lists(rng, 25, 50)
    ranks = rank_items_by_id(dot_product_scorer(users, items), lists(relevant), exclude=lists(excluded))
    found = ranking_scores(ranks, lists(relevant)[0], k=k)
    expected = []
    for user in range(25):
        if not len(relevant[user]):
            continue
        left = np.setdiff1d(np.arange(50), excluded[user])
        score = items[left] @ users[user]
        target = np.isin(left, relevant[user])
        # torchmetrics takes no item with a score <= 0, hence places instead of scores.
        preds, is_target = torch.from_numpy(np.argsort(np.argsort(score)) + 1.0), torch.from_numpy(target)
        expected.append(
            {
                "recall": retrieval.retrieval_recall(preds, is_target, top_k=k).item(),
                "precision": retrieval.retrieval_precision(preds, is_target, top_k=k).item(),
                "hit": retrieval.retrieval_hit_rate(preds, is_target, top_k=k).item(),
                "mrr": retrieval.retrieval_reciprocal_rank(preds, is_target, top_k=k).item(),
                "ndcg": ndcg_score([target], [score], k=k),
            }
        )
    assert found.num_users == len(expected) < 25
    for name in expected[0]:
        assert getattr(found, name) == pytest.approx(np.mean([row[name] for row in expected]), abs=1e-6), name


def test_scores_are_means_of_the_metrics_of_ranks():
    ranks, indptr = [3, 30, 1, 20, 21], [0, 2, 2, 5]
    found = ranking_scores(ranks, indptr)
    assert found.k == 20
    assert found.ndcg == pytest.approx(ndcg(ranks, indptr, k=20).nanmean().item())
    assert found.recall == pytest.approx(recall(ranks, indptr, k=20).nanmean().item())


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"ranks": [], "indptr": [0, 0, 0]}, "at least one user must have a relevant item, got 2 users without any"),
        ({"ranks": [0]}, "ranks must be >= 1, got 0"),
        ({"indptr": [0, 2]}, "indptr must rise from 0 to the number of items, 1"),
        ({"k": 0}, "k must be an integer >= 1, got 0"),
    ],
)
def test_scores_refuse(arguments, message):
    with pytest.raises(ValueError, match=message):
        ranking_scores(**{"ranks": [1], "indptr": [0, 1], **arguments})


@pytest.mark.parametrize("kind", ["distinct", "tied", "infinite"])
@pytest.mark.parametrize("k", [1, 4, 10])
@pytest.mark.parametrize("batch_size", [None, 3])
def test_top_items_against_sorting(kind, k, batch_size):
    rng = np.random.default_rng(k)
    scores = rng.standard_normal((12, 20)).astype(np.float32)
    if kind != "distinct":
        scores = rng.choice([-np.inf if kind == "infinite" else -1.0, 0.0, 1.0], scores.shape).astype(np.float32)
    excluded = [rng.permutation(20)[: rng.integers(0, 21 - k)] for _ in range(12)]
    asked = [3, 11, 3, 0, 7]
    found = top_items(from_table(scores), asked, k, lists(excluded), batch_size=batch_size)
    assert found.items.tolist() == [order_of(scores[user], excluded[user])[:k] for user in asked]
    np.testing.assert_array_equal(found.scores, np.take_along_axis(scores[asked], found.items.numpy(), axis=1))
    whole = top_items(from_table(scores), np.array(asked), k, batch_size=batch_size)
    assert whole.items.tolist() == [order_of(scores[user], [])[:k] for user in asked]


def test_top_items_have_the_ranks_they_should():
    rng = np.random.default_rng(5)
    scores = rng.integers(0, 5, (6, 30)).astype(np.float64)
    excluded = lists([[4, 7]] * 6)
    best = top_items(from_table(scores), np.arange(6), 9, excluded).items
    ranks = rank_items_by_id(from_table(scores), (np.arange(7) * 9, best.flatten()), exclude=excluded)
    assert ranks.tolist() == 6 * list(range(1, 10))


def test_top_items_of_nobody():
    found = top_items(from_table(np.ones((2, 3))), [], 2)
    assert found.items.shape == found.scores.shape == (0, 2)


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"k": 0}, ValueError, "k must be an integer >= 1, got 0"),
        ({"k": 4}, ValueError, "at most the number of items that are not excluded, got 4 with 3 left for user 1"),
        ({"k": 5, "exclude": None}, ValueError, "not excluded, got 5 with 4 left for user 0"),
        ({"users": [0.5]}, TypeError, "users must hold integers, got dtype torch.float64"),
        ({"users": [-1], "exclude": None}, ValueError, "users must be >= 0, got -1 to -1"),
        ({"users": [0, 3]}, ValueError, r"users must be in \[0, 3\), the users of exclude, got 0 to 3"),
        ({"exclude": ([0, 0, 0, 1], [4])}, ValueError, r"items must be in \[0, 4\), the items scored, got 4"),
        ({"score": lambda users: torch.full((len(users), 4), torch.nan)}, ValueError, "got NaN for user 0, item 0"),
    ],
)
def test_top_items_refuses(arguments, error, message):
    good = {"score": GOOD["score"], "users": [0, 1], "k": 1, "exclude": ([0, 0, 1, 1], [2])}
    with pytest.raises(error, match=message):
        top_items(**{**good, **arguments})


@pytest.mark.parametrize(("dtype", "wider"), [(torch.float16, torch.float32), (torch.float64, torch.float64)])
def test_dot_products(dtype, wider):
    users, items = torch.tensor([[1.0, 2.0], [0.0, 0.5]], dtype=dtype), torch.tensor([[4.0, 1.0]], dtype=dtype)
    scores = dot_product_scorer(users.requires_grad_(), items)(torch.tensor([1, 0, 1]))
    assert scores.tolist() == [[0.5], [6.0], [0.5]]
    assert scores.dtype == wider
    assert not scores.requires_grad


@pytest.mark.parametrize(
    ("users", "items", "error", "message"),
    [
        (
            np.ones((2, 3), int),
            np.ones((2, 3)),
            TypeError,
            "user_vectors must be floating point, got dtype torch.int64",
        ),
        (np.ones((2, 3)), np.ones(3), ValueError, r"item_vectors must have two dimensions, got shape \(3,\)"),
        (
            np.ones((2, 3)),
            np.ones((2, 4)),
            ValueError,
            r"must have equal dimensions .* got \(2, 3\) on cpu and \(2, 4\)",
        ),
    ],
)
def test_dot_products_refuse(users, items, error, message):
    with pytest.raises(error, match=message):
        dot_product_scorer(users, items)
