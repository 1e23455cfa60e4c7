"""BCELoss against PyTorch's binary cross entropy on labelled pairs, and cases computed by hand."""

from __future__ import annotations

import math

import pytest
import torch
from torch.nn.functional import binary_cross_entropy_with_logits

from graphvid.losses import BCELoss


@pytest.mark.parametrize("weight", [None, 0.0, 1.0, 30.0])
@pytest.mark.parametrize("with_mask", [False, True])
def test_equals_binary_cross_entropy_of_labelled_pairs(weight, with_mask):
    generator = torch.Generator().manual_seed(0)
    positive = torch.randn(6, generator=generator, dtype=torch.float64) * 3
    negative = torch.randn(6, 5, generator=generator, dtype=torch.float64) * 3
    mask = torch.rand(6, 5, generator=generator) < 0.5
    factor = 1.0 if weight is None else weight / 5
    expected = []
    for i in range(6):
        kept = negative[i][mask[i]] if with_mask else negative[i]
        logits = torch.cat([positive[i : i + 1], kept])
        label, scale = torch.zeros_like(logits), torch.full_like(logits, factor)
        label[0] = scale[0] = 1
        expected.append(float(binary_cross_entropy_with_logits(logits, label, scale, reduction="sum")))
    loss = BCELoss(weight, reduction="none")(positive, negative, mask=mask if with_mask else None)
    assert loss.tolist() == pytest.approx(expected, rel=1e-12)


def test_by_hand():
    positive, negative = torch.tensor([math.log(3.0)]), torch.tensor([[0.0, 0.0]])
    first, second = math.log(4 / 3), math.log(2)
    assert BCELoss()(positive, negative).item() == pytest.approx(first + 2 * second)
    assert BCELoss(1.0)(positive, negative).item() == pytest.approx(first + second)
    assert BCELoss(0.0)(positive, negative).item() == pytest.approx(first)
    mask = torch.tensor([[True, False]])
    assert BCELoss(1.0)(positive, negative, mask=mask).item() == pytest.approx(first + second / 2)  # 2 were drawn


@pytest.mark.parametrize("weight", [-0.1, math.nan, math.inf, "1", True])
def test_bad_weight(weight):
    with pytest.raises(ValueError, match="negative_weight must be None or a finite float >= 0, got"):
        BCELoss(weight)


def test_repr_names_the_settings():
    assert repr(BCELoss(2)) == "BCELoss(negative_weight=2.0, reduction='mean')"
