"""Hybrid pooling against loops, and the task that it was chosen by."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import torch

from graphvid._random import seeded
from graphvid.nn import HybridPooling

MODES = ["concat", "mix", "channel_mix", "gem", "attention"]


@pytest.fixture(autouse=True)
def _fixed_draws():
    with seeded(0):
        yield


def by_loops(pool: HybridPooling, rows: torch.Tensor) -> torch.Tensor:
    """Pool one set."""
    if not len(rows):
        return torch.zeros(pool.out_dim, dtype=rows.dtype)
    mean, top = rows.mean(0), rows.max(0).values
    if pool.hybrid == "concat":
        return torch.cat([mean, top])
    if pool.hybrid in ("mix", "channel_mix"):
        gate = torch.sigmoid(pool.gate)
        return gate * mean + (1 - gate) * top
    if pool.hybrid == "gem":
        power = 1 + torch.nn.functional.softplus(pool.raw_power)
        return (rows.clamp(min=1e-6) ** power).mean(0) ** (1 / power)
    return (torch.softmax(rows @ pool.query, 0)[:, None] * rows).sum(0)


@pytest.mark.parametrize("mode", MODES)
def test_segments_and_maps_are_pooled_as_loops_pool_them(mode):
    pool = HybridPooling(3, mode).double()
    for parameter in pool.parameters():
        torch.nn.init.normal_(parameter)
    x, indptr = torch.randn(9, 3).double(), torch.tensor([0, 4, 4, 9])
    expected = torch.stack([by_loops(pool, x[a:b]) for a, b in itertools.pairwise(indptr)])
    torch.testing.assert_close(pool(x, indptr), expected)
    assert (pool(x, indptr)[1] == 0).all()
    maps = torch.randn(2, 3, 4, 5).double()
    expected = torch.stack([by_loops(pool, one.flatten(1).T) for one in maps])
    torch.testing.assert_close(pool(maps), expected)
    torch.testing.assert_close(
        pool(maps[..., 0, 0]), torch.stack([by_loops(pool, one[None]) for one in maps[..., 0, 0]])
    )


@pytest.mark.parametrize("mode", MODES)
def test_gradients_and_order(mode):
    pool = HybridPooling(2, mode).double()
    x, indptr = (torch.rand(6, 2) + 0.1).double().requires_grad_(), torch.tensor([0, 2, 2, 6])
    torch.autograd.gradcheck(lambda v: pool(v, indptr), (x,))
    pool(x, indptr).sum().backward()
    assert all(torch.isfinite(p.grad).all() for p in pool.parameters())
    torch.testing.assert_close(pool(x[[1, 0, 5, 3, 4, 2]], indptr), pool(x, indptr))


def test_the_gate_starts_even_gem_at_its_power_and_stays_above_one():
    x, indptr = torch.rand(4, 2), torch.tensor([0, 4])
    even = (x.mean(0) + x.max(0).values) / 2
    torch.testing.assert_close(HybridPooling(2, "mix")(x, indptr)[0], even)
    for power in (1.0, 2.0, 5.0):
        expected = (x**power).mean(0) ** (1 / power)
        torch.testing.assert_close(HybridPooling(2, "gem", power=power)(x, indptr)[0], expected, atol=1e-5, rtol=1e-5)
    pool = HybridPooling(2, "gem")
    with torch.no_grad():
        pool.raw_power.fill_(-100.0)
    torch.testing.assert_close(pool(x, indptr)[0], x.mean(0))


def test_bfloat16_is_summed_in_float32():
    x = torch.cat([torch.full((1, 1), 256.0), torch.ones(255, 1)]).bfloat16()
    mean, top = HybridPooling(1)(x, torch.tensor([0, 256]))[0].tolist()
    assert (mean, top) == (torch.tensor(511 / 256).bfloat16().item(), 256.0)


def cues(seed: int) -> tuple[torch.Tensor, np.ndarray]:
    """Sets of 49 vectors with a weak cue at all positions and a strong one at one; the class is both."""
    rng = np.random.default_rng(seed)
    weak, strong = rng.integers(0, 2, 3000), rng.integers(0, 2, 3000)
    x = rng.normal(size=(3000, 16, 49)).astype(np.float32)
    x[:, 0] += np.where(weak, 0.25, -0.25)[:, None]
    x[np.arange(3000), 1 + strong, rng.integers(0, 49, 3000)] += 4
    return torch.from_numpy(x), 2 * weak + strong


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_concat_sees_both_cues_and_a_single_pooling_does_not(seed):
    linear = pytest.importorskip("sklearn.linear_model")
    x, label = cues(seed)
    pooled = HybridPooling(16)(x).numpy()
    accuracy = {}
    for name, columns in (("mean", slice(16)), ("maximum", slice(16, None)), ("concat", slice(None))):
        fitted = linear.LogisticRegression(max_iter=500).fit(pooled[:2000, columns], label[:2000])
        accuracy[name] = fitted.score(pooled[2000:, columns], label[2000:])
    assert accuracy["concat"] >= 0.86
    assert max(accuracy["mean"], accuracy["maximum"]) <= 0.72


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: HybridPooling(0), "dim must be an integer >= 1, got 0"),
        (lambda: HybridPooling(2, "median"), "hybrid must be one of"),
        (lambda: HybridPooling(2, "gem", power=0.5), "power must be a finite float >= 1, got 0.5"),
        (lambda: HybridPooling(2)(torch.ones(3, 4)), r"x must have shape \(num_sets, 2, \*positions\), got \(3, 4\)"),
    ],
)
def test_bad_input(make, message):
    with pytest.raises(ValueError, match=message):
        make()
