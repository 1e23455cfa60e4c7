"""Hybrid pooling against loops, and the task that it was chosen by."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import torch

from graphvid._random import seeded
from graphvid.nn import CosineClassifier, GraphDepth, HybridPooling, PyramidHybridPooling, time_levels
from graphvid.ops import Adjacency

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


@pytest.mark.parametrize("level_aligned", [False, True])
def test_a_pyramid_joins_maps_and_segments(level_aligned):
    pool = PyramidHybridPooling([3, 5, 2], 16, level_aligned=level_aligned, num_codebooks=8)
    maps, rows, indptr, flat = (
        torch.randn(4, 3, 2, 2),
        torch.randn(7, 5),
        torch.tensor([0, 2, 2, 3, 7]),
        torch.randn(4, 2),
    )
    found = pool([maps, (rows, indptr), flat])
    parts = []
    for k, pooled in enumerate((pool.pools[0](maps), pool.pools[1](rows, indptr), pool.pools[2](flat))):
        parts.append(pool.maps[k](pool.norms[k](pooled)))
    torch.testing.assert_close(found, pool.mix(torch.cat(parts, 1)))
    if level_aligned:  # 2, 3 and 3 of 8 codebooks with 2 columns each
        assert [part.shape[1] for part in parts] == [4, 6, 6]
        moved = pool([maps + 1, (rows, indptr), flat])
        assert torch.equal(moved[:, 4:], found[:, 4:])


def test_parts_of_time_are_means_of_frames():
    frames, indptr = torch.randn(12, 2), torch.tensor([0, 7, 7, 9, 12])
    for count, (values, of_video) in zip((4, 2, 1, 0), time_levels(frames, indptr, (4, 2, 1, 0)), strict=True):
        at = 0
        for v, (start, stop) in enumerate(zip(indptr[:-1].tolist(), indptr[1:].tolist(), strict=True)):
            length = stop - start
            bounds = [start + k * length // count for k in range(count + 1)] if count else list(range(start, stop + 1))
            means = [frames[a:b].mean(0) for a, b in itertools.pairwise(bounds) if b > a]
            assert int(of_video[v + 1] - of_video[v]) == len(means)
            for mean in means:
                torch.testing.assert_close(values[at], mean)
                at += 1
        assert at == len(values)


def test_depth_gives_the_states_of_every_round():
    adjacency = Adjacency.from_coo(torch.tensor([0, 1, 2]), torch.tensor([1, 2, 0]), num_src=3, num_dst=3)
    depth, x = GraphDepth(2, 3, 2), torch.randn(3, 2)
    levels = depth(adjacency, x)
    assert depth.dims == [2, 3, 3]
    dense = torch.zeros(3, 3)
    dense[[1, 2, 0], [0, 1, 2]] = 1
    one = torch.relu(dense @ x @ depth.layers[0].weight + depth.layers[0].bias)
    torch.testing.assert_close(levels[0], x)
    torch.testing.assert_close(levels[1], one)
    torch.testing.assert_close(levels[2], torch.relu(dense @ one @ depth.layers[1].weight + depth.layers[1].bias))
    pooled = PyramidHybridPooling(depth.dims, 6)(levels)
    assert pooled.shape == (3, 6)


def test_the_classifier_scores_cosines_less_a_margin():
    classifier, x = CosineClassifier(4, 3, scale=5.0, margin=0.2), torch.randn(6, 4)
    cosine = torch.nn.functional.cosine_similarity(x[:, None], classifier.prototypes[None], dim=2)
    torch.testing.assert_close(classifier(x), 5 * cosine)
    labels = torch.tensor([0, 1, 2, 0, 1, 2])
    torch.testing.assert_close(classifier(x, labels), 5 * (cosine - 0.2 * torch.eye(3)[labels]))


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: HybridPooling(0), "dim must be an integer >= 1, got 0"),
        (lambda: HybridPooling(2, "median"), "hybrid must be one of"),
        (lambda: HybridPooling(2, "gem", power=0.5), "power must be a finite float >= 1, got 0.5"),
        (lambda: PyramidHybridPooling([], 4), "dims must name one level at least, got none"),
        (lambda: PyramidHybridPooling([2, 2, 2], 2), "out_dim must be at least the 3 levels, got 2"),
        (lambda: PyramidHybridPooling([2, 2], 4, level_aligned=True), "level_aligned needs num_codebooks"),
        (lambda: PyramidHybridPooling([2, 2], 4)([torch.ones(1, 2)]), "levels must be the 2 of dims, got 1"),
        (
            lambda: PyramidHybridPooling([2, 2], 4)([torch.ones(1, 2), torch.ones(3, 2)]),
            "levels must be of the same sets",
        ),
        (lambda: HybridPooling(2)(torch.ones(3, 4)), r"x must have shape \(num_sets, 2, \*positions\), got \(3, 4\)"),
        (lambda: time_levels(torch.ones(3, 2), torch.tensor([0, 3]), ()), "num_parts must name one level"),
        (lambda: CosineClassifier(2, 1), "num_classes must be at least 2, got 1"),
    ],
)
def test_bad_input(make, message):
    with pytest.raises(ValueError, match=message):
        make()
