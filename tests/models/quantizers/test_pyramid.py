"""PyramidHybridPoolingQuantization: labels, links, levels of all kinds."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn

from graphvid.models.quantizers import PyramidHybridPoolingQuantization, PyramidQuantizationConfig, StandardizeLevels
from graphvid.models.quantizers.pyramid import take
from graphvid.ops import NeighborTable
from tests.models.quantizers.test_contrastive import clusters, fit

SMALL = PyramidQuantizationConfig(num_codewords=8, dim=8, batch_size=16, num_epochs=12, top_n=3, learning_rate=0.01)


def supervised(model, levels) -> float:
    """Loss of the vectors of all items, by labels or links."""
    with torch.no_grad():
        return float(model._supervise(torch.from_numpy(model.embed(levels)), torch.arange(model.num_items)))


def test_training_lowers_the_loss_of_labels():
    features, label = clusters()
    levels = list(features.values())
    model = PyramidHybridPoolingQuantization(levels, SMALL, labels=label)
    before = supervised(model, levels)
    assert supervised(fit(model), levels) < before - 0.1


def test_training_lowers_the_loss_of_links_where_there_are_no_labels():
    features, label = clusters()
    levels = list(features.values())
    src, dst = np.nonzero((label[:, None] == label) & ~np.eye(60, dtype=bool))
    graph = NeighborTable.from_edges(torch.from_numpy(src), torch.from_numpy(dst), num_nodes=60)
    model = PyramidHybridPoolingQuantization(levels, SMALL, graph=graph)
    before = supervised(model, levels)
    assert supervised(fit(model), levels) < before - 0.1


@pytest.mark.parametrize("level_aligned", [False, True])
@pytest.mark.parametrize("detach", ["none", "features", "codewords"])
def test_maps_segments_and_a_backbone(level_aligned, detach):
    class Backbone(nn.Module):
        def __init__(self):
            super().__init__()
            self.layer = nn.Conv2d(2, 4, 1)

        def forward(self, levels):
            return [self.layer(levels[0]), levels[1]]

    generator = torch.Generator().manual_seed(0)
    counts = torch.randint(0, 4, (30,), generator=generator)
    indptr = torch.cat([torch.zeros(1, dtype=torch.int64), counts.cumsum(0)])
    levels = [
        torch.randn(30, 2, 3, 3, generator=generator),
        (torch.randn(int(indptr[-1]), 5, generator=generator), indptr),
    ]
    config = replace(SMALL, level_aligned=level_aligned, num_codebooks=2, detach=detach, num_epochs=2)
    model = PyramidHybridPoolingQuantization(levels, config, labels=np.arange(30) % 3, backbone=Backbone())
    before = model.backbone.layer.weight.detach().clone()
    fit(model)
    assert not torch.equal(model.backbone.layer.weight, before)
    vectors = model.embed(levels)
    part = [take(level, torch.tensor([4, 0, 29])) for level in levels]
    np.testing.assert_allclose(model.embed(part), vectors[[4, 0, 29]], atol=1e-5)


def test_levels_are_standardised_by_the_items_they_were_fitted_on():
    levels = [torch.randn(20, 3) * 5 + 2, torch.ones(20, 1)]
    found = StandardizeLevels([3, 1]).fit(levels)(levels)
    torch.testing.assert_close(found[0].mean(0), torch.zeros(3), atol=1e-5, rtol=0)
    torch.testing.assert_close(found[0].std(0, correction=0), torch.ones(3))
    assert (found[1] == 0).all()


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda x, y: ([], SMALL, {"labels": y}), "levels must have one level at least, got none"),
        (
            lambda x, y: ([x, x[:5]], SMALL, {"labels": y}),
            r"levels must be of the same items, one at least, got \[60, 5\]",
        ),
        (lambda x, y: ([np.full_like(x, np.inf)], SMALL, {"labels": y}), r"levels\[0\] must be finite"),
        (lambda x, y: ([x], SMALL, {"labels": 0 * y}), r"labels must be of two classes at least, from 0 on, got \[0\]"),
        (lambda x, y: ([x], SMALL, {"labels": y[:4]}), "labels must be 60 integers"),
        (lambda x, y: ([x], SMALL, {}), "exactly one of labels and graph must be given"),
        (
            lambda x, y: ([x], replace(SMALL, num_codewords=64), {"labels": y}),
            "num_codewords must be at most the 60 items",
        ),
        (
            lambda x, y: ([x[:17]], replace(SMALL, norm="batch"), {"labels": y[:17]}),
            "batch_size must not leave a batch of one",
        ),
        (
            lambda x, y: (
                [x],
                SMALL,
                {"graph": NeighborTable(torch.zeros(61, dtype=torch.int64), torch.zeros(0).long())},
            ),
            "graph must link the 60 items, got 60 items and 0 links",
        ),
    ],
)
def test_bad_data(make, message):
    features, label = clusters()
    levels, config, more = make(features["a"], label)
    with pytest.raises(ValueError, match=message):
        PyramidHybridPoolingQuantization(levels, config, **more)
