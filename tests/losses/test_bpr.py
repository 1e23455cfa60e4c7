"""BPRLoss against loops and cases computed by hand."""

from __future__ import annotations

import math

import pytest
import torch

from graphvid.losses import BPRLoss


@pytest.mark.parametrize("with_mask", [False, True])
def test_equals_loops(with_mask):
    generator = torch.Generator().manual_seed(0)
    positive = torch.randn(7, generator=generator, dtype=torch.float64)
    negative = torch.randn(7, 9, generator=generator, dtype=torch.float64) * 3
    mask = torch.rand(7, 9, generator=generator) < 0.5
    expected = []
    for i in range(7):
        parts = [
            -math.log(1 / (1 + math.exp(float(negative[i, j] - positive[i]))))
            for j in range(9)
            if mask[i, j] or not with_mask
        ]
        expected.append(sum(parts) / len(parts))
    loss = BPRLoss(reduction="none")(positive, negative, mask=mask if with_mask else None)
    assert loss.tolist() == pytest.approx(expected, rel=1e-12)


def test_by_hand():
    # differences of log 3 and 0: log(1 + 3) and log(1 + 1)
    negative = torch.tensor([[math.log(3.0), 0.0]])
    assert BPRLoss()(torch.zeros(1), negative).item() == pytest.approx((math.log(4) + math.log(2)) / 2)


def test_only_differences_matter():
    positive, negative = torch.tensor([0.5, -1.0]), torch.tensor([[0.0, 1.0], [2.0, -3.0]])
    torch.testing.assert_close(BPRLoss()(positive + 7, negative + 7), BPRLoss()(positive, negative))


def test_large_differences_overflow_nowhere():
    loss = BPRLoss(reduction="none")(torch.tensor([0.0, 1e4]), torch.tensor([[1e4], [0.0]]))
    assert loss.tolist() == [1e4, 0.0]


def test_repr_names_the_settings():
    assert repr(BPRLoss(reduction="sum")) == "BPRLoss(reduction='sum')"
