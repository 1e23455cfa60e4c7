"""SampledSoftmaxLoss against loops, the full softmax, and the partition function it estimates."""

from __future__ import annotations

import math

import pytest
import torch
import torch.nn.functional as F

from graphvid.data import Interactions
from graphvid.losses import SampledSoftmaxLoss, known_positive_mask, own_item_mask
from graphvid.ops import NeighborTable
from graphvid.sampling import ItemNegativeSampler


def loops(positive, negative, temperature, scale, positive_log_q, negative_log_q, counts) -> list[float]:
    """The definition, row by row; ``counts(i, j)`` tells whether a negative counts."""
    losses = []
    for i in range(len(positive)):
        own = math.exp(float(positive[i]) / temperature - scale * float(positive_log_q[i]))
        others = 0.0
        for j in range(negative.shape[1]):
            if counts(i, j):
                log_q = negative_log_q[j] if negative_log_q.dim() == 1 else negative_log_q[i, j]
                others += math.exp(float(negative[i, j]) / temperature - scale * float(log_q))
        losses.append(-math.log(own / (own + others)))
    return losses


@pytest.mark.parametrize("temperature", [0.2, 1.0])
@pytest.mark.parametrize("scale", [0.0, 0.5, 1.0])
@pytest.mark.parametrize("shared_q", [False, True])
@pytest.mark.parametrize("with_mask", [False, True])
def test_equals_loops(temperature, scale, shared_q, with_mask):
    generator = torch.Generator().manual_seed(0)

    def draw(*size):
        return torch.rand(size, generator=generator, dtype=torch.float64)

    positive, negative, mask = draw(6) * 2 - 1, draw(6, 9) * 2 - 1, draw(6, 9) < 0.6
    log_q = draw(6).log(), draw(9).log() if shared_q else draw(6, 9).log()
    loss = SampledSoftmaxLoss(temperature, scale, reduction="none")(
        positive, negative, mask=mask if with_mask else None, positive_log_q=log_q[0], negative_log_q=log_q[1]
    )
    expected = loops(positive, negative, temperature, scale, *log_q, lambda i, j: bool(mask[i, j]) or not with_mask)
    assert loss.tolist() == pytest.approx(expected, rel=1e-10)


def test_by_hand():
    # logits with the correction: log 2 - log 0.5 = log 4; 0 - log 0.25 = log 4 and log 3 - log 0.75 = log 4
    loss = SampledSoftmaxLoss()(
        torch.tensor([math.log(2)]),
        torch.tensor([[0.0, math.log(3)]]),
        positive_log_q=torch.tensor([0.5]).log(),
        negative_log_q=torch.tensor([0.25, 0.75]).log(),
    )
    assert loss.item() == pytest.approx(math.log(3))


def test_the_temperature_does_not_touch_the_correction():
    q = torch.tensor([0.5]).log(), torch.tensor([0.125]).log()
    for temperature in (0.1, 1.0, 10.0):
        loss = SampledSoftmaxLoss(temperature)(
            torch.zeros(1), torch.zeros(1, 1), positive_log_q=q[0], negative_log_q=q[1]
        )
        assert loss.item() == pytest.approx(math.log((2 + 8) / 2))


@pytest.mark.parametrize("log_q", [None, 0.0, -3.0])
def test_all_items_as_candidates_are_the_full_cross_entropy(log_q):
    """Every item is there exactly once, so its chance is the same for all: exact q is a constant, which cancels."""
    generator = torch.Generator().manual_seed(0)
    logits = torch.randn(5, 30, generator=generator, dtype=torch.float64)
    items = torch.randint(30, (5,), generator=generator)
    correction = (
        {} if log_q is None else {"positive_log_q": torch.full((5,), log_q), "negative_log_q": torch.full((30,), log_q)}
    )
    loss = SampledSoftmaxLoss(0.5)(
        logits.gather(1, items[:, None]).squeeze(1), logits, mask=~own_item_mask(items, torch.arange(30)), **correction
    )
    torch.testing.assert_close(loss, F.cross_entropy(logits / 0.5, items))


@pytest.mark.parametrize(
    ("distribution", "reject", "shared"),
    [
        ("uniform", False, True),
        ("popularity", False, True),
        ("popularity", False, False),
        ("popularity", True, False),
        ("uniform", True, False),
    ],
)
def test_corrected_negatives_are_an_unbiased_estimate_of_the_partition_function(distribution, reject, shared):
    """The mean of exp(corrected logit) over draws is the sum of exp(logit) over the items that can be drawn."""
    users, items = torch.tensor(
        [[0, 1], [0, 2], [1, 2], [2, 2], [2, 3], [2, 0], [0, 4], [1, 4], [3, 4], [1, 5]]
    ).T.numpy()
    train = Interactions.from_pairs(users, items, num_items=6)
    sampler = ItemNegativeSampler(train, 20_000, distribution=distribution, reject=reject, shared=shared, seed=1)
    batch, positives = torch.tensor([0, 1, 2]), torch.tensor([1, 5, 3])
    logits = torch.randn(3, 6, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    draws = sampler.sample(batch, step=0)
    log_q = sampler.positive_log_q(batch, positives)
    positive = logits.gather(1, positives[:, None]).squeeze(1)
    loss = SampledSoftmaxLoss(reduction="none")(
        positive,
        logits[:, draws.items] if shared else logits.gather(1, draws.items),
        positive_log_q=log_q,
        negative_log_q=draws.log_q,
    )
    estimate = (positive - log_q).exp() * (loss.exp() - 1) / 20_000  # the sum of the negatives' exponentials, averaged
    table = NeighborTable(torch.from_numpy(train.indptr), torch.from_numpy(train.items))
    possible = ~known_positive_mask(batch, torch.arange(6), table) if reject else torch.ones(3, 6, dtype=torch.bool)
    exact = (logits.exp() * possible).sum(dim=1)
    corrected = (logits[:, draws.items] if shared else logits.gather(1, draws.items)) - draws.log_q
    error = corrected.exp().std(dim=1) / math.sqrt(20_000)
    assert ((estimate - exact).abs() < 4 * error + 1e-6 * exact).all()
    assert (error < 0.02 * exact).all()  # so the test would see a wrong q


def in_batch_case(seed: int):
    """A batch with repeated items, a memory behind it, and a table in which users know some of both."""
    generator = torch.Generator().manual_seed(seed)
    users, items = torch.randint(5, (8,), generator=generator), torch.randint(6, (8,), generator=generator)
    memory = torch.randint(6, (10,), generator=generator)
    known = torch.rand(5, 6, generator=generator) < 0.3
    known[users, items] = True
    pairs = known.nonzero()
    indptr = torch.cat([torch.zeros(1, dtype=torch.int64), known.sum(dim=1).cumsum(0)])
    scores = torch.randn(8, 18, generator=generator, dtype=torch.float64)
    return users, items, torch.cat([items, memory]), known, NeighborTable(indptr, pairs[:, 1].contiguous()), scores


@pytest.mark.parametrize("mode", ["column", "own", "known"])
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_three_ways_to_mask_in_batch_and_memory_negatives(mode, seed):
    users, items, candidates, known, table, scores = in_batch_case(seed)
    masked = torch.eye(8, 18, dtype=torch.bool)
    if mode != "column":
        masked |= own_item_mask(items, candidates)
    if mode == "known":
        masked |= known_positive_mask(users, candidates, table)

    def counts(i: int, j: int) -> bool:
        if i == j or (mode != "column" and items[i] == candidates[j]):
            return False
        return mode != "known" or not known[users[i], candidates[j]]

    expected = loops(scores.diagonal(), scores, 0.3, 1.0, torch.zeros(8), torch.zeros(18), counts)
    loss = SampledSoftmaxLoss(0.3, reduction="none")(scores.diagonal(), scores, mask=~masked)
    assert loss.tolist() == pytest.approx(expected, rel=1e-10)


def test_rows_without_a_negative_cost_nothing_and_have_no_gradient():
    scores = torch.zeros(2, 2, requires_grad=True)
    items = torch.tensor([4, 4])
    loss = SampledSoftmaxLoss()(scores.diagonal(), scores, mask=~own_item_mask(items, items))
    loss.backward()
    assert loss.item() == 0
    assert not scores.grad.any()


def test_gradient_with_the_correction():
    generator = torch.Generator().manual_seed(0)
    positive, negative = (
        torch.randn(size, generator=generator, dtype=torch.float64, requires_grad=True) for size in ((4,), (4, 7))
    )
    log_q = {
        "positive_log_q": torch.randn(4, generator=generator),
        "negative_log_q": torch.randn(7, generator=generator),
    }
    loss = SampledSoftmaxLoss(0.7, 0.5)
    assert torch.autograd.gradcheck(lambda p, n: loss(p, n, **log_q), (positive, negative))


def test_large_and_small_logits():
    loss = SampledSoftmaxLoss(0.01, reduction="none")
    values = loss(torch.tensor([1.0, -1.0, 0.0]), torch.tensor([[-1.0, -1.0], [1.0, -1.0], [-0.3, -0.3]]))
    assert values.tolist() == pytest.approx([0.0, 200.0, 2 * math.exp(-30)], rel=1e-5)  # a float32 sum would give 0


def test_half_precision_log_q():
    q = torch.tensor([0.5, 0.25, 0.125]).log()
    scores = torch.zeros(1), torch.zeros(1, 2)
    low = SampledSoftmaxLoss()(*scores, positive_log_q=q[:1].half(), negative_log_q=q[1:].half())
    high = SampledSoftmaxLoss()(*scores, positive_log_q=q[:1].double(), negative_log_q=q[1:].double())
    assert low.dtype == high.dtype == torch.float32
    torch.testing.assert_close(low, high, atol=1e-3, rtol=0)


def test_backward_keeps_one_float_a_negative():
    kept = []
    negative = torch.rand(8, 100, requires_grad=True)
    with torch.autograd.graph.saved_tensors_hooks(lambda x: kept.append(x) or x, lambda x: x):
        SampledSoftmaxLoss()(
            torch.rand(8, requires_grad=True),
            negative,
            mask=torch.rand(8, 100) < 0.5,
            positive_log_q=torch.zeros(8),
            negative_log_q=torch.zeros(8, 100),
        )
    assert sum(x.numel() * x.element_size() for x in kept if x.numel() >= 800) == 8 * 100 * 4


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"positive_log_q": None}, ValueError, "positive_log_q must come with negative_log_q: give both or neither"),
        ({"negative_log_q": None}, ValueError, "negative_log_q must come with positive_log_q: give both or neither"),
        ({"positive_log_q": torch.zeros(3)}, ValueError, r"positive_log_q must have shape \(2,\), got \(3,\)"),
        (
            {"negative_log_q": torch.zeros(2)},
            ValueError,
            r"negative_log_q must have shape \(2, 4\) or \(4,\), got \(2,\)",
        ),
        ({"negative_log_q": torch.zeros(4, dtype=torch.int64)}, TypeError, "negative_log_q must be floating point"),
        (
            {"negative_log_q": torch.zeros(4).log()},
            ValueError,
            "negative_log_q must be finite: .* never drawn .* got -inf",
        ),
        ({"positive_log_q": torch.full((2,), torch.nan)}, ValueError, "positive_log_q must be finite: .* got nan"),
    ],
)
def test_bad_log_q(change, error, message):
    arguments = {"positive_log_q": torch.zeros(2), "negative_log_q": torch.zeros(4)}
    with pytest.raises(error, match=message):
        SampledSoftmaxLoss()(torch.zeros(2), torch.zeros(2, 4), **(arguments | change))


@pytest.mark.parametrize("temperature", [0, -1.0, math.nan, math.inf, None, True])
def test_bad_temperature(temperature):
    with pytest.raises(ValueError, match="temperature must be a finite float > 0, got"):
        SampledSoftmaxLoss(temperature)


@pytest.mark.parametrize("scale", [-0.1, 1.1, math.nan, None])
def test_bad_log_q_scale(scale):
    with pytest.raises(ValueError, match=r"log_q_scale must be a float in \[0, 1\], got"):
        SampledSoftmaxLoss(log_q_scale=scale)


def test_repr_names_the_settings():
    expected = "SampledSoftmaxLoss(temperature=0.2, log_q_scale=1.0, reduction='mean')"
    assert repr(SampledSoftmaxLoss(0.2)) == expected


@pytest.mark.parametrize("items_learn_from", ["all", "batch"])
@pytest.mark.parametrize(("further", "entries"), [(0, 0), (0, 10), (4, 0), (4, 10)])
@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize("corrected", [False, True])
def test_of_batch_against_forward(items_learn_from, further, entries, masked, corrected):
    """Values and gradients; with "batch", items have those of a second softmax, without the memory."""
    generator = torch.Generator().manual_seed(0)
    users, items, memory = (
        torch.randn(size, 5, generator=generator, dtype=torch.float64) for size in (8, 8 + further, entries)
    )
    users.requires_grad_()
    items.requires_grad_()
    columns = 8 + further + entries
    mask = torch.rand(8, columns, generator=generator) < 0.6 if masked else None
    log_q = torch.rand(columns, generator=generator, dtype=torch.float64).log() if corrected else None
    weights = torch.rand(8, generator=generator, dtype=torch.float64)
    loss = SampledSoftmaxLoss(0.3, 0.7, reduction="none")

    def by_forward(users: torch.Tensor, items: torch.Tensor, memory: torch.Tensor) -> torch.Tensor:
        scores = users @ torch.cat([items, memory]).T
        counts = ~torch.eye(8, scores.shape[1], dtype=torch.bool)
        if mask is not None:
            counts &= mask[:, : scores.shape[1]]
        corrections = {}
        if log_q is not None:
            corrections = {"positive_log_q": log_q[:8], "negative_log_q": log_q[: scores.shape[1]]}
        return loss(scores.diagonal(), scores, mask=counts, **corrections)

    expected = by_forward(users, items, memory)
    if items_learn_from == "all":
        gradients = torch.autograd.grad((expected * weights).sum(), [users, items])
    else:
        of_items = (by_forward(users, items, memory[:0]) * weights).sum()
        gradients = [torch.autograd.grad((expected * weights).sum(), users)[0], torch.autograd.grad(of_items, items)[0]]
    found = loss.of_batch(users, items, memory, mask=mask, log_q=log_q, items_learn_from=items_learn_from)
    torch.testing.assert_close(found, expected, rtol=1e-12, atol=1e-12)
    for one, other in zip(torch.autograd.grad((found * weights).sum(), [users, items]), gradients, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-10, atol=1e-12)


def test_of_batch_of_half_precision_and_of_nothing():
    vectors = torch.eye(3, dtype=torch.bfloat16, requires_grad=True)
    loss = SampledSoftmaxLoss(0.5).of_batch(vectors, vectors)
    assert loss.dtype == torch.float32
    assert float(loss.detach()) == pytest.approx(math.log(1 + 2 * math.exp(-2)))
    loss.backward()
    assert vectors.grad.dtype == torch.bfloat16
    empty = torch.zeros(0, 3, requires_grad=True)
    loss = SampledSoftmaxLoss().of_batch(empty, torch.zeros(0, 3))
    assert float(loss.detach()) == 0
    loss.backward()
    alone = torch.ones(1, 3, requires_grad=True)  # no negative
    loss = SampledSoftmaxLoss().of_batch(alone, torch.ones(1, 3))
    loss.backward()
    assert float(loss.detach()) == 0
    assert not alone.grad.any()


def test_a_memory_of_far_larger_scores_leaves_the_items_their_gradient():
    """exp(-2000) is 0: the softmax over the batch has its own largest logit."""
    users, items = torch.eye(3), torch.eye(3).requires_grad_()
    memory = 2000 * torch.ones(2, 3)
    loss = SampledSoftmaxLoss().of_batch(users, items, memory, items_learn_from="batch")
    (with_memory,) = torch.autograd.grad(loss, items)
    (without,) = torch.autograd.grad(SampledSoftmaxLoss().of_batch(users, items), items)
    assert torch.equal(with_memory, without)


BATCH = torch.zeros(2, 3)
BAD_BATCH = [
    ((BATCH, torch.zeros(1, 3)), {}, ValueError, r"shapes \(batch, dim\), .* got \(2, 3\), \(1, 3\), \(0, 3\)"),
    ((BATCH, torch.zeros(2, 4)), {}, ValueError, r"got \(2, 3\), \(2, 4\), \(0, 4\)"),
    ((BATCH, BATCH, torch.zeros(5, 2)), {}, ValueError, r"got \(2, 3\), \(2, 3\), \(5, 2\)"),
    ((BATCH, BATCH.int()), {}, TypeError, "items must be floating point, got dtype torch.int32"),
    ((BATCH, BATCH), {"mask": torch.ones(2, 3, dtype=torch.bool)}, ValueError, r"mask must have .* got \(2, 3\)"),
    ((BATCH, BATCH), {"mask": torch.ones(2, 2)}, TypeError, "mask must be bool"),
    ((BATCH, BATCH), {"log_q": torch.zeros(3)}, ValueError, r"log_q must have shape \(2,\), got \(3,\)"),
    ((BATCH, BATCH), {"log_q": torch.tensor([0.0, -torch.inf])}, ValueError, "log_q must be finite"),
    ((BATCH, BATCH), {"items_learn_from": "memory"}, ValueError, r"must be one of \['all', 'batch'\], got 'memory'"),
]


@pytest.mark.parametrize(("arguments", "options", "error", "message"), BAD_BATCH)
def test_bad_batches(arguments, options, error, message):
    with pytest.raises(error, match=message):
        SampledSoftmaxLoss().of_batch(*arguments, **options)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
def test_cuda_equals_cpu():
    ids, _, candidates, _, table, _ = in_batch_case(0)
    users, vectors = (torch.randn(size, 5, requires_grad=True) for size in (8, 18))
    found = []
    for device in ("cpu", "cuda"):
        mask = ~known_positive_mask(ids.to(device), candidates.to(device), table.to(device))
        u, v = users.to(device), vectors.to(device)
        loss = SampledSoftmaxLoss(0.3).of_batch(u, v[:8], v[8:], mask=mask, items_learn_from="batch")
        found.append((mask.cpu(), loss.cpu(), *torch.autograd.grad(loss, [users, vectors])))
    assert torch.equal(found[0][0], found[1][0])
    torch.testing.assert_close(found[1][1:], found[0][1:], rtol=1e-5, atol=1e-6)
