"""ItemNegativeSampler against the distributions written out, and what a batch depends on."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import torch
from scipy import stats

from graphvid.data import Interactions
from graphvid.sampling import ItemNegativeSampler

NUM_ITEMS = 12
LISTS = [[0, 1, 2, 3, 4, 5, 6, 7, 8, 10, 11], [], [0], [11], [3, 4, 5], [0, 2, 4, 6, 9, 11], [9, 10]]


def train(lists: list[list[int]] = LISTS, num_items: int = NUM_ITEMS) -> Interactions:
    users = [u for u, row in enumerate(lists) for _ in row]
    return Interactions.from_pairs(
        np.array(users, np.int64),
        np.array([i for row in lists for i in row], np.int64),
        num_users=len(lists),
        num_items=num_items,
    )


def chances(
    lists: list[list[int]], user: int, distribution: str, reject: bool, num_items: int = NUM_ITEMS
) -> np.ndarray:
    """The definition: a weight for every item, none for known ones, divided by the sum."""
    weight = np.ones(num_items)
    if distribution == "popularity":
        weight = np.array([sum(i in row for row in lists) for i in range(num_items)], dtype=float)
    if reject:
        weight[lists[user]] = 0
    return weight / weight.sum()


def fits(items: torch.Tensor, chance: np.ndarray) -> bool:
    """Whether draws are possible ones and a chi-square test finds no fault with their counts."""
    counts = np.bincount(items.flatten().numpy(), minlength=len(chance))
    possible = chance > 0
    assert not counts[~possible].any()
    if possible.sum() == 1:
        return True
    return stats.chisquare(counts[possible], counts.sum() * chance[possible]).pvalue > 1e-4


@pytest.mark.parametrize("distribution", ["uniform", "popularity"])
@pytest.mark.parametrize("reject", [False, True])
def test_draws_of_each_row_have_the_exact_distribution(distribution, reject):
    sampler = ItemNegativeSampler(train(), 20_000, distribution=distribution, reject=reject)
    users = torch.tensor([4, 0, 1, 5, 6, 2, 3, 4])
    negatives = sampler.sample(users)
    assert negatives.items.shape == negatives.log_q.shape == (8, 20_000)
    assert negatives.items.dtype == torch.int64
    assert negatives.log_q.dtype == torch.float32
    for user, items, log_q in zip(users.tolist(), *negatives, strict=True):
        chance = chances(LISTS, user, distribution, reject)
        assert fits(items, chance)
        np.testing.assert_allclose(log_q.numpy(), np.log(chance[items.numpy()]), rtol=0, atol=1e-6)


@pytest.mark.parametrize("distribution", ["uniform", "popularity"])
def test_shared_draws_have_the_exact_distribution(distribution):
    sampler = ItemNegativeSampler(train(), 50_000, distribution=distribution, shared=True)
    items, log_q = sampler.sample(torch.tensor([4, 0]))
    chance = chances(LISTS, 0, distribution, False)
    assert items.shape == log_q.shape == (50_000,)
    assert fits(items, chance)
    np.testing.assert_allclose(log_q.numpy(), np.log(chance[items.numpy()]), rtol=0, atol=1e-6)


@pytest.mark.parametrize("distribution", ["uniform", "popularity"])
@pytest.mark.parametrize("seed", range(3))
def test_random_lists(distribution, seed):
    rng = np.random.default_rng(seed)
    lists = [rng.permutation(200)[: rng.integers(0, 199)].tolist() for _ in range(20)]
    sampler = ItemNegativeSampler(train(lists, 200), 5000, distribution=distribution, reject=True, seed=seed)
    for user, items in enumerate(sampler.sample(torch.arange(20)).items):
        assert fits(items, chances(lists, user, distribution, True, 200))


@pytest.mark.parametrize("distribution", ["uniform", "popularity"])
def test_draws_in_a_row_and_in_rows_are_independent(distribution):
    """Pairs of neighbouring draws of one row, and of the same place in neighbouring rows, against the product."""
    sampler = ItemNegativeSampler(train(), 2, distribution=distribution, reject=True, seed=3)
    chance = chances(LISTS, 4, distribution, True)
    items = sampler.sample(torch.full((60_000,), 4)).items
    product = np.outer(chance, chance).ravel()
    for first, second in ((items[:, 0], items[:, 1]), (items[:-1, 0], items[1:, 0])):
        assert fits((first * NUM_ITEMS + second)[::2], product)


@pytest.mark.parametrize(
    "settings", [{"reject": True}, {"shared": True}, {"distribution": "popularity", "reject": True}]
)
def test_a_batch_is_a_function_of_seed_step_and_users(settings):
    users = torch.tensor([0, 4, 4, 6])

    def draw(seed: int, step: int, users: torch.Tensor = users) -> torch.Tensor:
        return ItemNegativeSampler(train(), 50, seed=seed, **settings).sample(users, step).items

    assert torch.equal(draw(1, 5), draw(1, 5))
    assert not torch.equal(draw(1, 5), draw(1, 6))
    assert not torch.equal(draw(1, 5), draw(2, 5))
    sampler = ItemNegativeSampler(train(), 50, seed=1, **settings)
    steps = [sampler.sample(users).items for _ in range(6)]
    assert sampler.step == 6
    assert torch.equal(steps[5], draw(1, 5))
    assert torch.equal(sampler.sample(users.int(), 5).items, draw(1, 5))
    assert sampler.step == 6
    rows = draw(1, 5, users[:2])
    assert torch.equal(rows, draw(1, 5) if "shared" in settings else draw(1, 5)[:2])


def test_users_who_come_twice_and_rows_differ():
    items = ItemNegativeSampler(train(), 50, reject=True).sample(torch.tensor([4, 4])).items
    assert not torch.equal(items[0], items[1])


def test_many_threads_draw_what_one_draws():
    sampler = ItemNegativeSampler(train(), 300, distribution="popularity", reject=True)
    users = torch.arange(7).repeat(20)
    expected = [sampler.sample(users, step).items for step in range(12)]
    with ThreadPoolExecutor(4) as pool:
        drawn = list(pool.map(lambda step: sampler.sample(users, step).items, range(12)))
    assert all(torch.equal(x, y) for x, y in zip(drawn, expected, strict=True))


def test_resumed_draws_are_those_of_an_uninterrupted_run():
    def make() -> ItemNegativeSampler:
        return ItemNegativeSampler(train(), 30, reject=True, seed=7)

    users = torch.tensor([1, 5])
    whole = make()
    expected = [whole.sample(users).items for _ in range(5)]
    first = make()
    for _ in range(3):
        first.sample(users)
    second = make()
    second.load_state_dict(json.loads(json.dumps(first.state_dict())))
    assert all(torch.equal(second.sample(users).items, x) for x in expected[3:])


@pytest.mark.parametrize("distribution", ["uniform", "popularity"])
@pytest.mark.parametrize("reject", [False, True])
def test_log_q_of_positives_is_in_line_with_that_of_negatives(distribution, reject):
    sampler = ItemNegativeSampler(train(), 200, distribution=distribution, reject=reject)
    users, positives = torch.tensor([4, 5, 0]), torch.tensor([3, 11, 8])
    log_q = sampler.positive_log_q(users, positives)
    negatives = sampler.sample(users)
    weight = np.log(chances(LISTS, 0, distribution, False))
    for row in range(3):
        shift = negatives.log_q[row].numpy() - weight[negatives.items[row].numpy()]
        np.testing.assert_allclose(shift, float(log_q[row]) - weight[positives[row]], rtol=0, atol=1e-5)
    if not reject:
        np.testing.assert_allclose(log_q, weight[positives], rtol=0, atol=1e-6)


def test_popularity_leaves_out_items_without_a_user():
    lists = [[1], [1, 5], [5, 7]]
    sampler = ItemNegativeSampler(train(lists, 10), 4000, distribution="popularity")
    assert set(sampler.sample(torch.tensor([0])).items.flatten().tolist()) == {1, 5, 7}
    with pytest.raises(
        ValueError, match="items must have a user in train for distribution='popularity', item 9 has none"
    ):
        sampler.positive_log_q(torch.tensor([0, 0]), torch.tensor([1, 9]))


FULL = [[0, 1, 2], [1], [0, 1, 2], []]


@pytest.mark.parametrize("distribution", ["uniform", "popularity"])
def test_a_user_who_knows_all_items(distribution):
    settings = {"distribution": distribution, "reject": True}
    with pytest.raises(ValueError, match="unless on_shortfall='any', user 0 and 1 others know all of them"):
        ItemNegativeSampler(train(FULL, 3), 5, **settings)
    sampler = ItemNegativeSampler(train(FULL, 3), 5000, on_shortfall="any", **settings)
    assert sampler.num_shortfalls == 2
    users = torch.arange(4)
    for user, items, log_q in zip(users.tolist(), *sampler.sample(users), strict=True):
        chance = chances(FULL, user, distribution, reject=user == 1, num_items=3)
        assert fits(items, chance)
        np.testing.assert_allclose(log_q.numpy(), np.log(chance[items.numpy()]), rtol=0, atol=1e-6)
    assert ItemNegativeSampler(train(FULL, 3), 5, distribution=distribution).num_shortfalls == 0


def test_a_user_who_knows_all_popular_items():
    with pytest.raises(ValueError, match="user 0 and 0 others know all of them"):
        ItemNegativeSampler(train([[0, 1], [1]], 3), 5, distribution="popularity", reject=True)
    assert set(
        ItemNegativeSampler(train([[0, 1], [1]], 3), 5, reject=True).sample(torch.tensor([0])).items[0].tolist()
    ) == {2}


def test_empty_batch_and_no_training_pairs():
    sampler = ItemNegativeSampler(train([[], []], 3), 4, reject=True)
    assert sampler.sample(torch.empty(0, dtype=torch.int64)).items.shape == (0, 4)
    assert fits(
        ItemNegativeSampler(train([[], []], 3), 3000, reject=True).sample(torch.tensor([1])).items, np.ones(3) / 3
    )


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"num_negatives": 0}, "num_negatives must be an integer >= 1, got 0"),
        ({"num_negatives": 1.5}, "num_negatives must be an integer >= 1, got 1.5"),
        ({"distribution": "zipf"}, r"distribution must be one of \['uniform', 'popularity'\], got 'zipf'"),
        ({"on_shortfall": "skip"}, r"on_shortfall must be one of \['raise', 'any'\], got 'skip'"),
        ({"shared": True, "reject": True}, "shared=True needs reject=False"),
        ({"seed": -1}, "seed must be an integer >= 0, got -1"),
        ({"train": train([[], []], 0)}, r"train must have from 1 to 2\*\*32 - 1 items to draw from, got 0"),
        ({"train": train([[], []], 3), "distribution": "popularity"}, "1 interactions to draw from, got 0"),
    ],
)
def test_bad_settings(change, message):
    with pytest.raises(ValueError, match=message):
        ItemNegativeSampler(**({"train": train(), "num_negatives": 3} | change))


@pytest.mark.parametrize("shared", [False, True])
@pytest.mark.parametrize(
    ("users", "error", "message"),
    [
        (torch.tensor([[0]]), ValueError, r"users must be 1-D on the CPU, got shape \(1, 1\)"),
        (torch.tensor([0], device="meta"), ValueError, "users must be 1-D on the CPU, got shape .* on meta"),
        (torch.tensor([7]), ValueError, r"users must lie in \[0, 7\), got 7 to 7"),
        (torch.tensor([-1]), ValueError, r"users must lie in \[0, 7\), got -1 to -1"),
        (torch.tensor([0.0]), TypeError, "users must be an integer tensor"),
    ],
)
def test_bad_users(shared, users, error, message):
    sampler = ItemNegativeSampler(train(), 3, shared=shared)
    with pytest.raises(error, match=message):
        sampler.sample(users)
    with pytest.raises(error, match=message):
        sampler.positive_log_q(users, users)
    assert sampler.step == 0


def test_bad_step_and_positives():
    sampler = ItemNegativeSampler(train(), 3)
    with pytest.raises(ValueError, match="step must be an integer >= 0, got -1"):
        sampler.sample(torch.tensor([0]), -1)
    with pytest.raises(ValueError, match=r"items must have shape \(1,\) like users, got \(2,\)"):
        sampler.positive_log_q(torch.tensor([0]), torch.tensor([0, 1]))
    with pytest.raises(ValueError, match=r"items must lie in \[0, 12\), got 12 to 12"):
        sampler.positive_log_q(torch.tensor([0]), torch.tensor([12]))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"seed": 1}, "state must come from a sampler with seed=0, got 1"),
        ({"num_negatives": 4}, "state must come from a sampler with num_negatives=3, got 4"),
        (
            {"distribution": "popularity"},
            "state must come from a sampler with distribution='uniform', got 'popularity'",
        ),
        ({"step": -1}, r"state\['step'\] must be an integer >= 0, got -1"),
        ({"other": 0}, "state must have the entries"),
    ],
)
def test_bad_state(change, message):
    sampler = ItemNegativeSampler(train(), 3)
    with pytest.raises(ValueError, match=message):
        sampler.load_state_dict(sampler.state_dict() | change)
