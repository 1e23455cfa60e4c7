"""Pyramids of levels against their parts, levels in time and in a graph against loops, and the classifier of cosines."""

from __future__ import annotations

import itertools

import pytest
import torch

from graphvid._random import seeded
from graphvid.nn import CosineClassifier, GraphDepth, PyramidHybridPooling, time_levels
from graphvid.ops import Adjacency


@pytest.fixture(autouse=True)
def _fixed_draws():
    with seeded(0):
        yield


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


def test_hidden_units_stand_between_the_joined_levels_and_the_result():
    pool = PyramidHybridPooling([3, 2], 4, hidden=7, norm="batch")
    assert [linear.out_features for linear in pool.maps] == [3, 4]  # of the 7 hidden units
    levels = [torch.randn(5, 3), torch.randn(5, 2)]
    joined = torch.cat([pool.maps[k](pool.norms[k](pool.pools[k](x))) for k, x in enumerate(levels)], 1)
    torch.testing.assert_close(pool(levels), pool.mix[1](joined.relu()))
    assert all(isinstance(norm, torch.nn.BatchNorm1d) for norm in pool.norms)


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
        (lambda: PyramidHybridPooling([], 4), "dims must name one level at least, got none"),
        (lambda: PyramidHybridPooling([2, 2, 2], 2), "out_dim must be at least the 3 levels, got 2"),
        (lambda: PyramidHybridPooling([2, 2], 4, level_aligned=True), "level_aligned needs num_codebooks"),
        (lambda: PyramidHybridPooling([2, 2], 4)([torch.ones(1, 2)]), "levels must be the 2 of dims, got 1"),
        (
            lambda: PyramidHybridPooling([2, 2], 4)([torch.ones(1, 2), torch.ones(3, 2)]),
            "levels must be of the same sets",
        ),
        (lambda: time_levels(torch.ones(3, 2), torch.tensor([0, 3]), ()), "num_parts must name one level"),
        (lambda: PyramidHybridPooling([2, 2], 4, hidden=-1), "hidden must be an integer >= 0, got -1"),
        (
            lambda: PyramidHybridPooling([2, 2], 4, hidden=3, level_aligned=True, num_codebooks=2),
            "hidden must be 0 with level_aligned, got 3",
        ),
        (lambda: PyramidHybridPooling([2, 2], 4, hidden=1), "hidden must be at least the 2 levels, got 1"),
        (lambda: CosineClassifier(2, 1), "num_classes must be at least 2, got 1"),
    ],
)
def test_bad_input(make, message):
    with pytest.raises(ValueError, match=message):
        make()
