"""CosineContrastiveLoss against loops and cases computed by hand, at its kinks and for each kind of weight."""

from __future__ import annotations

import math

import pytest
import torch

from graphvid.losses import CosineContrastiveLoss


def loops(positive, negative, margin, weight, mask) -> list[float]:
    """The definition, row by row and negative by negative."""
    losses = []
    for i, row in enumerate(negative.tolist()):
        pushed = 0.0
        for j, score in enumerate(row):
            if (mask is None or mask[i, j]) and score > margin:
                pushed += score - margin
        factor = 1.0 if weight is None else weight / len(row)
        losses.append(max(0.0, 1 - float(positive[i])) + factor * pushed)
    return losses


@pytest.mark.parametrize("margin", [-1.0, 0.0, 0.4, 0.9])
@pytest.mark.parametrize("weight", [None, 0.0, 1, 150.0])
@pytest.mark.parametrize("with_mask", [False, True])
def test_equals_loops(margin, weight, with_mask):
    generator = torch.Generator().manual_seed(0)
    for rows, width in ((1, 1), (5, 40), (30, 3)):
        positive = torch.rand(rows, generator=generator, dtype=torch.float64) * 2.2 - 1  # above 1 as with dropout
        negative = torch.rand(rows, width, generator=generator, dtype=torch.float64) * 2.2 - 1
        mask = torch.rand(rows, width, generator=generator) < 0.5 if with_mask else None
        loss = CosineContrastiveLoss(margin, weight, reduction="none")(positive, negative, mask=mask)
        assert loss.tolist() == pytest.approx(loops(positive, negative, margin, weight, mask), rel=1e-12)


def test_by_hand():
    positive, negative = torch.tensor([0.5, 1.25]), torch.tensor([[0.75, 0.5, 1.0], [0.0, 0.25, 0.625]])
    # row 0: 0.5 + 6 / 3 * (0.25 + 0 + 0.5), row 1: 0 + 6 / 3 * 0.125
    assert CosineContrastiveLoss(0.5, 6.0, reduction="none")(positive, negative).tolist() == [2.0, 0.25]
    assert CosineContrastiveLoss(0.5, 6.0)(positive, negative).item() == 1.125
    assert CosineContrastiveLoss(0.5)(positive, negative).item() == (1.25 + 0.125) / 2


def test_with_a_mask_the_number_drawn_still_divides():
    negative = torch.tensor([[1.0, 1.0, 1.0, 1.0]])
    mask = torch.tensor([[True, False, False, False]])
    assert CosineContrastiveLoss(0.5, 8.0)(torch.ones(1), negative, mask=mask).item() == 8 / 4 * 0.5


def test_weight_none_is_the_plain_sum_and_zero_is_no_negatives():
    negative = torch.ones(1, 4, requires_grad=True)
    assert CosineContrastiveLoss(0.5, None)(torch.ones(1), negative).item() == 4 * 0.5
    assert CosineContrastiveLoss(0.5, 4)(torch.ones(1), negative).item() == 4 * 0.5
    nothing = CosineContrastiveLoss(0.5, 0.0)(torch.ones(1), negative)
    assert nothing.item() == 0
    assert not torch.autograd.grad(nothing, negative)[0].any()


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("margin", [-1.0, 0.5, 0.9])
def test_gradient_is_zero_at_both_kinks_and_full_just_beside_them(dtype, margin):
    at = torch.tensor(margin, dtype=dtype)
    below, above = (torch.nextafter(at, torch.tensor(side, dtype=dtype)) for side in (-2.0, 2.0))
    negative = torch.stack([below, at, above]).expand(2, 3).clone().requires_grad_()
    one = torch.tensor(1.0, dtype=dtype)
    positive = torch.stack([one, torch.nextafter(one, torch.zeros_like(one))]).requires_grad_()
    loss = CosineContrastiveLoss(margin, 6.0)(positive, negative)
    push, pull = 6.0 / (3 * 2), -1 / 2  # w / (K B), -1 / B
    grads = torch.autograd.grad(loss, (positive, negative))
    assert grads[0].tolist() == [0.0, pull]
    assert grads[1].tolist() == [[0.0, 0.0, push]] * 2


def test_backward_keeps_one_byte_a_negative():
    kept = []
    negative = torch.rand(8, 100, requires_grad=True)
    with torch.autograd.graph.saved_tensors_hooks(lambda x: kept.append(x) or x, lambda x: x):
        CosineContrastiveLoss(0.5, 6.0)(torch.rand(8, requires_grad=True), negative, mask=torch.rand(8, 100) < 0.5)
    large = [x for x in kept if x.numel() >= 800]
    assert [x.dtype for x in large] == [torch.bool]


@pytest.mark.parametrize("margin", [1.0001, 2, 1.5, -1.0001, math.nan, math.inf, -math.inf, None, "0.5", True])
def test_bad_margin(margin):
    with pytest.raises(ValueError, match=r"margin must be a float in \[-1, 1\], got"):
        CosineContrastiveLoss(margin)


@pytest.mark.parametrize("weight", [-0.1, math.nan, math.inf, "1", False])
def test_bad_weight(weight):
    with pytest.raises(ValueError, match="negative_weight must be None or a finite float >= 0, got"):
        CosineContrastiveLoss(0.5, weight)


def test_repr_names_the_settings():
    expected = "CosineContrastiveLoss(margin=-1.0, negative_weight=None, reduction='mean')"
    assert repr(CosineContrastiveLoss(-1)) == expected


def test_a_margin_of_one_leaves_only_the_positive():
    positive, negative = torch.tensor([0.25]), torch.tensor([[1.0, 0.5]])
    assert CosineContrastiveLoss(1.0)(positive, negative) == 0.75


@pytest.mark.parametrize("shared", [False, True])
def test_masked_negatives_may_leave_the_divisor(shared):
    generator = torch.Generator().manual_seed(0)
    users, items = (torch.nn.functional.normalize(torch.randn(n, 3, generator=generator)) for n in (4, 6))
    mask = torch.rand(4, 6, generator=generator) < 0.6
    mask[3] = False
    positive, scores = torch.full((4,), 0.5), users @ items.T
    loss = CosineContrastiveLoss(0.1, 2.0, divide_by="counted", reduction="none")
    found = loss.of_shared(positive, users, items, mask=mask) if shared else loss(positive, scores, mask=mask)
    for i in range(4):
        counted = [max(float(scores[i, j]) - 0.1, 0.0) for j in range(6) if mask[i, j]]
        expected = 0.5 + 2.0 * sum(counted) / max(len(counted), 1)
        assert float(found[i].detach()) == pytest.approx(expected, abs=1e-6)
    assert "divide_by='counted'" in repr(loss)
