"""Feature drift against loops and cases computed by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from graphvid.metrics import feature_drift


@pytest.mark.parametrize("seed", range(3))
def test_equals_loops(seed):
    rng = np.random.default_rng(seed)
    now, before = rng.normal(size=(2, 9, 4))
    total = sum(math.dist(x, y) for x, y in zip(now, before, strict=True))
    drift = feature_drift(now, before)
    assert drift.total == pytest.approx(total)
    assert drift.mean == pytest.approx(total / 9)
    assert drift.relative == pytest.approx(total / 9 / np.mean([math.hypot(*x) for x in now]))


def test_by_hand():
    now, before = torch.tensor([[1.0, 0.0], [0.0, 3.0]]), torch.tensor([[1.0, 1.0], [0.0, 0.0]])
    assert feature_drift(now, before) == (4.0, 2.0, 1.0)


def test_nothing_moved():
    x = torch.randn(5, 3, generator=torch.Generator().manual_seed(0), requires_grad=True)
    assert feature_drift(x, x.detach().clone()) == (0.0, 0.0, 0.0)


def test_relative_drift_does_not_depend_on_scale_or_number():
    now, before = torch.randn(2, 6, 4, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    one = feature_drift(now, before)
    scaled = feature_drift((now * 8).repeat(3, 1), (before * 8).repeat(3, 1))
    assert scaled.relative == pytest.approx(one.relative)
    assert scaled.mean == pytest.approx(8 * one.mean)
    assert scaled.total == pytest.approx(24 * one.total)


def test_sums_are_in_float64():
    now, before = torch.ones(4097, 1), torch.zeros(4097, 1)
    before[0] = 2.0**27
    assert feature_drift(now, before).total == 2**27 - 1 + 4096


@pytest.mark.parametrize(
    ("now", "before", "error", "message"),
    [
        (
            torch.ones(2, 3),
            torch.ones(3, 3),
            ValueError,
            r"one shape \(num_nodes, dim\) with a node at least, got \(2, 3\)",
        ),
        (torch.ones(3), torch.ones(3), ValueError, r"one shape .* got \(3,\) and \(3,\)"),
        (torch.ones(0, 3), torch.ones(0, 3), ValueError, "with a node at least"),
        (torch.ones(2, 3).int(), torch.ones(2, 3), TypeError, "now must be floating point, got dtype torch.int32"),
        (torch.ones(2, 3), torch.ones(2, 3).int(), TypeError, "before must be floating point, got dtype torch.int32"),
        (
            torch.full((2, 3), torch.nan),
            torch.ones(2, 3),
            ValueError,
            "now and before must be finite, got a drift of nan",
        ),
        (
            torch.ones(2, 3),
            torch.full((2, 3), torch.inf),
            ValueError,
            "now and before must be finite, got a drift of inf",
        ),
        (torch.zeros(2, 3), torch.ones(2, 3), ValueError, "now must have a vector other than zero, got only zeros"),
    ],
)
def test_bad_input(now, before, error, message):
    with pytest.raises(error, match=message):
        feature_drift(now, before)
