"""DebiasedContrastiveLoss against the formula in plain loops."""

from __future__ import annotations

import math

import pytest
import torch

from graphvid._random import seeded
from graphvid.losses import DebiasedContrastiveLoss


@pytest.fixture(autouse=True)
def _fixed_draws():
    with seeded(0):
        yield


def by_loops(first, second, *, temperature, prior, debias, ids, memory, memory_ids, scale_memory):
    """Losses and clamped anchors, from exponentials."""
    batch = len(first)
    views = [x / x.norm() for x in torch.cat([first, second]).double()]
    rows = [(x / x.norm() if scale_memory else x) for x in memory.double()]
    of_views = ids.tolist() * 2
    losses, clamped = [], []
    for i, z in enumerate(views):
        own = (i + batch) % (2 * batch)
        positive = math.exp(float(z @ views[own]) / temperature)
        negatives = [
            math.exp(float(z @ v) / temperature) for v, j in zip(views, of_views, strict=True) if j != of_views[i]
        ]
        negatives += [
            math.exp(float(z @ r) / temperature)
            for r, j in zip(rows, memory_ids.tolist(), strict=True)
            if j != of_views[i]
        ]
        count = len(negatives) if debias == "counted" else 2 * batch - 2
        floor = count * math.exp(-1 / temperature) if debias == "counted" else math.exp(-count / temperature)
        estimate = (sum(negatives) - prior * count * positive) / (1 - prior)
        clamped.append(estimate <= floor)
        losses.append(-math.log(positive / (positive + max(estimate, floor))) if negatives else 0.0)
    return torch.tensor(losses).float(), clamped


@pytest.mark.parametrize("debias", ["counted", "released"])
@pytest.mark.parametrize("prior", [0.0, 0.1, 0.6])
@pytest.mark.parametrize("entries", [0, 7])
@pytest.mark.parametrize("scale_memory", [True, False])
def test_it_is_the_formula(debias, prior, entries, scale_memory):
    first = torch.randn(5, 3)
    second = first + 0.3 * torch.randn(5, 3)
    ids, memory = torch.tensor([4, 9, 4, 1, 0]), torch.randn(entries, 3)
    memory_ids = torch.randint(10, (entries,))
    loss = DebiasedContrastiveLoss(0.5, prior=prior, debias=debias, normalize_memory=scale_memory)
    found = loss.per_anchor(first, second, ids, memory, memory_ids)
    expected, clamped = by_loops(
        first,
        second,
        temperature=0.5,
        prior=prior,
        debias=debias,
        ids=ids,
        memory=memory,
        memory_ids=memory_ids,
        scale_memory=scale_memory,
    )
    torch.testing.assert_close(found.losses, expected, atol=1e-5, rtol=1e-4)
    assert found.clamped.tolist() == clamped
    torch.testing.assert_close(loss(first, second, ids, memory, memory_ids), expected.mean(), atol=1e-5, rtol=1e-4)
    if prior == 0.6 and debias == "counted":
        assert any(clamped)


def test_without_a_prior_it_is_info_nce():
    first, second = torch.randn(6, 4), torch.randn(6, 4)
    views = torch.nn.functional.normalize(torch.cat([first, second]))
    scores = (views @ views.T / 0.3).fill_diagonal_(-torch.inf)
    expected = torch.nn.functional.cross_entropy(scores, torch.arange(12).roll(6))
    torch.testing.assert_close(DebiasedContrastiveLoss(0.3, prior=0.0)(first, second), expected)


def test_a_clamped_anchor_of_the_released_form_has_nearly_no_loss():
    views = torch.eye(4)  # negatives are orthogonal, positives equal
    counted, released = (DebiasedContrastiveLoss(0.2, prior=0.5, debias=kind) for kind in ("counted", "released"))
    assert counted.per_anchor(views, views).clamped.all()
    assert released.per_anchor(views, views).clamped.all()
    assert float(released(views, views)) < 1e-6
    assert float(counted(views, views)) == pytest.approx(math.log1p(6 * math.exp(-10)), rel=1e-3)


def test_gradients_in_float64_also_with_a_memory():
    first, second, memory = (torch.randn(3, 4).double().requires_grad_() for _ in range(3))
    loss = DebiasedContrastiveLoss(0.5, prior=0.05)
    torch.autograd.gradcheck(lambda a, b, m: loss(a, b, None, m), (first, second, memory))


def test_small_temperatures_and_short_floats_stay_finite():
    first = torch.randn(8, 4, requires_grad=True)
    loss = DebiasedContrastiveLoss(0.005)(first, first + 0.1)
    loss.backward()
    assert torch.isfinite(loss)
    assert torch.isfinite(first.grad).all()
    with torch.autocast("cpu", dtype=torch.bfloat16):
        short = DebiasedContrastiveLoss(0.2)(first.detach(), first.detach())
    torch.testing.assert_close(short, DebiasedContrastiveLoss(0.2)(first.detach(), first.detach()))


def test_nothing_and_anchors_without_negatives_are_a_connected_zero():
    for size, ids in ((0, None), (1, None), (2, torch.tensor([3, 3]))):
        x = torch.randn(size, 4, requires_grad=True)
        loss = DebiasedContrastiveLoss()(x, x * 2, ids)
        loss.backward()
        assert float(loss.detach()) == 0
        assert torch.isfinite(x.grad).all()


def test_the_order_of_the_batch_plays_no_part():
    first, second = torch.randn(6, 4), torch.randn(6, 4)
    order = torch.randperm(6)
    a, b = DebiasedContrastiveLoss()(first, second), DebiasedContrastiveLoss()(first[order], second[order])
    torch.testing.assert_close(a, b)
    torch.testing.assert_close(a, DebiasedContrastiveLoss()(second, first))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"temperature": 0.0}, "temperature must be a finite float > 0, got 0.0"),
        ({"prior": 1.0}, r"prior must be a float in \[0, 1\), got 1.0"),
        ({"debias": "none"}, "debias must be one of"),
    ],
)
def test_bad_settings(arguments, message):
    with pytest.raises(ValueError, match=message):
        DebiasedContrastiveLoss(**arguments)


def test_bad_input():
    loss, x = DebiasedContrastiveLoss(), torch.randn(3, 4)
    with pytest.raises(ValueError, match="first and second must be 2-D of one shape"):
        loss(x, x[:2])
    with pytest.raises(ValueError, match=r"memory must have shape \(num_entries, 4\)"):
        loss(x, x, None, torch.randn(2, 3))
    with pytest.raises(ValueError, match="memory_ids need ids, got None"):
        loss(x, x, None, x, torch.arange(3))
    with pytest.raises(ValueError, match=r"ids must have shape \(3,\), got \(2,\)"):
        loss(x, x, torch.arange(2))
