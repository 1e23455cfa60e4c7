"""CosineContrastiveLoss.of_shared against the loss of the scores, with few and with many pairs above the margin."""

from __future__ import annotations

import math

import pytest
import torch

from graphvid.losses import CosineContrastiveLoss, _shared_hinge

MARGINS = {"none": 0.99, "few": 0.75, "many": 0.0, "all": -1.0}  # of 8 dimensions


@pytest.fixture(autouse=True)
def any_size(monkeypatch):
    """Let batches as small as these take the way of large ones."""
    monkeypatch.setattr(_shared_hinge, "FEW_SCORES", 0)


def vectors(rows: int, columns: int, dtype=torch.float64, dim: int = 8):
    generator = torch.Generator().manual_seed(rows)
    draw = torch.nn.functional.normalize(torch.randn(rows + columns, dim, generator=generator, dtype=dtype))
    positive = torch.rand(rows, generator=generator, dtype=dtype) * 2.2 - 1
    mask = torch.rand(rows, columns, generator=generator) < 0.7
    return positive.requires_grad_(), draw[:rows].clone().requires_grad_(), draw[rows:].clone().requires_grad_(), mask


@pytest.mark.parametrize("share", MARGINS)
@pytest.mark.parametrize("with_mask", [False, True])
@pytest.mark.parametrize("weight", [None, 3.0])
@pytest.mark.parametrize(("rows", "columns"), [(1, 1), (7, 300), (64, 33), (3, 2000)])
def test_equals_the_loss_of_the_scores(share, with_mask, weight, rows, columns):
    positive, users, items, mask = vectors(rows, columns)
    mask = mask if with_mask else None
    loss = CosineContrastiveLoss(MARGINS[share], weight, reduction="none")
    expected, found = loss(positive, users @ items.T, mask=mask), loss.of_shared(positive, users, items, mask=mask)
    torch.testing.assert_close(found, expected, rtol=1e-11, atol=1e-11)
    push = torch.linspace(-1, 2, rows, dtype=torch.float64)
    inputs = (positive, users, items)
    for ours, theirs in zip(torch.autograd.grad(found, inputs, push), torch.autograd.grad(expected, inputs, push)):
        torch.testing.assert_close(ours, theirs, rtol=1e-11, atol=1e-11)


def test_the_margins_of_these_tests_take_both_ways():
    _, users, items, _ = vectors(64, 33)
    scores = (users @ items.T).detach()
    assert [_shared_hinge.pairs_above(scores, margin, None) is None for margin in MARGINS.values()] == [
        False,
        False,
        True,
        True,
    ]


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("with_mask", [False, True])
def test_pairs_are_those_of_tensor_operations(dtype, with_mask):
    _, users, items, mask = vectors(50, 400, dtype)
    scores, mask = (users @ items.T).detach(), mask if with_mask else None
    margin = 0.8  # as float32 it is above 0.8
    scores[0, :5] = margin
    pairs = _shared_hinge.pairs_above(scores, margin, mask)
    active = scores > margin if mask is None else (scores > margin) & mask
    assert torch.stack([pairs.ends("dst"), pairs.ends("src")]).T.tolist() == active.nonzero().tolist()
    assert not active[0, :5].any()


def test_one_pair_more_than_one_in_twenty_is_many():
    scores = torch.zeros(10, 20)
    scores.view(-1)[::20] = 1.0
    assert _shared_hinge.pairs_above(scores, 0.5, None).num_edges == 10
    scores[9, 19] = 1.0
    assert _shared_hinge.pairs_above(scores, 0.5, None) is None
    scores[:, :] = 1.0
    assert _shared_hinge.pairs_above(scores, 0.5, None) is None


def test_few_scores_are_computed_as_such(monkeypatch):
    positive, users, items, mask = vectors(7, 300)
    loss = CosineContrastiveLoss(0.75)
    large = loss.of_shared(positive, users, items, mask=mask)
    monkeypatch.setattr(_shared_hinge, "SharedHingeSum", None)
    monkeypatch.setattr(_shared_hinge, "FEW_SCORES", 7 * 300 + 1)
    torch.testing.assert_close(loss.of_shared(positive, users, items, mask=mask), large)
    monkeypatch.setattr(_shared_hinge, "FEW_SCORES", 7 * 300)
    with pytest.raises(AttributeError):
        loss.of_shared(positive, users, items, mask=mask)


def test_half_precision_is_computed_in_float32():
    positive, users, items, _ = vectors(16, 400, torch.float32)
    half = [x.detach().to(torch.bfloat16).requires_grad_() for x in (positive, users, items)]
    loss = CosineContrastiveLoss(0.5, 100.0)
    value = loss.of_shared(*half)
    assert value.dtype == torch.float32
    torch.testing.assert_close(value, loss.of_shared(*(x.float() for x in half)))
    assert [x.dtype for x in torch.autograd.grad(value, half)] == [torch.bfloat16] * 3


def test_an_empty_batch_is_a_connected_zero():
    positive, users, items, _ = vectors(0, 5)
    value = CosineContrastiveLoss(0.5).of_shared(positive, users, items)
    assert value.item() == 0
    assert torch.autograd.grad(value, items)[0].abs().sum() == 0


def test_no_number_is_lost():
    positive, users, items, _ = vectors(4, 100)
    with torch.no_grad():
        items[3] = math.nan
    for margin in MARGINS.values():
        assert CosineContrastiveLoss(margin).of_shared(positive, users, items).isnan()


@pytest.mark.parametrize(
    ("users", "items", "match"),
    [
        (torch.ones(3), torch.ones(2, 4), "users and items must have shapes"),
        (torch.ones(3, 5), torch.ones(2, 4), "users and items must have shapes"),
        (torch.ones(2, 4), torch.ones(2, 4), "positive_scores and negative_scores"),
        (torch.ones(3, 4), torch.ones(0, 4), "at least one negative"),
    ],
)
def test_wrong_shapes(users, items, match):
    with pytest.raises(ValueError, match=match):
        CosineContrastiveLoss(0.5).of_shared(torch.ones(3), users, items)


def test_wrong_types():
    loss = CosineContrastiveLoss(0.5)
    with pytest.raises(TypeError, match="floating point"):
        loss.of_shared(torch.ones(3), torch.ones(3, 4, dtype=torch.int64), torch.ones(2, 4, dtype=torch.int64))
    with pytest.raises(TypeError, match="mask must be bool"):
        loss.of_shared(torch.ones(3), torch.ones(3, 4), torch.ones(2, 4), mask=torch.ones(3, 2))


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
@pytest.mark.parametrize("share", MARGINS)
def test_cuda_equals_cpu(share):
    positive, users, items, mask = vectors(64, 500)
    loss = CosineContrastiveLoss(MARGINS[share], 3.0)
    there = [x.detach().cuda().requires_grad_() for x in (positive, users, items)]
    here, value = loss.of_shared(positive, users, items, mask=mask), loss.of_shared(*there, mask=mask.cuda())
    torch.testing.assert_close(value.cpu(), here)
    for ours, theirs in zip(torch.autograd.grad(value, there), torch.autograd.grad(here, (positive, users, items))):
        torch.testing.assert_close(ours.cpu(), theirs)
