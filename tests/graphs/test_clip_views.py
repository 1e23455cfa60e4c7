"""Clip graphs: what recipes refuse, and losses on their edges equal to the dense formulas of the methods."""

from __future__ import annotations

import pytest
import torch
from torch.nn.functional import cross_entropy, normalize

from graphvid.graphs import ClipGraph, EdgeRecipe, EdgeRule
from graphvid.losses import EdgeInfoNCE, EdgeMargin

MOCO = EdgeRecipe([EdgeRule("same_clip", (0, 1)), EdgeRule("other_video", among="queue")])


def vectors(number: int, seed: int = 0) -> torch.Tensor:
    return normalize(torch.randn(number, 8, generator=torch.Generator().manual_seed(seed)), dim=1)


def test_info_nce_of_background_erasing_equals_the_dense_cross_entropy():
    recipe = EdgeRecipe(
        [
            EdgeRule("static_mixed", (0, 1)),
            EdgeRule("other_segment", (0, 2), weight=8.0),
            EdgeRule("other_video", among="queue"),
        ]
    )
    video, queue_video = torch.arange(6), torch.arange(100, 120)
    z, queue = vectors(18), vectors(20, seed=1)
    q, k, n = z.reshape(3, 6, 8)
    own = (q * n).sum(1, keepdim=True) / 0.07 + torch.log(torch.tensor(8.0))
    logits = torch.cat([(q * k).sum(1, keepdim=True) / 0.07, q @ queue.T / 0.07, own], dim=1)
    dense = cross_entropy(logits, torch.zeros(6, dtype=torch.int64))
    graph = ClipGraph.from_batch(video, recipe)
    wide, loss = graph.with_queue(queue_video), EdgeInfoNCE(0.07)
    torch.testing.assert_close(loss(torch.cat([z, queue]), wide.pull(), wide.push()), dense, atol=1e-5, rtol=0)
    excluded = graph.same_video(queue_video)
    shared = loss(z, graph.pull(), graph.push(), queue=queue, excluded=excluded)
    torch.testing.assert_close(shared, dense, atol=1e-5, rtol=0)


@pytest.mark.parametrize("batch", [4, 5])
def test_margin_of_the_dsm_triplets_equals_the_two_terms(batch):
    recipe = EdgeRecipe(
        [
            EdgeRule("scene_broken", (0, 1)),
            EdgeRule("motion_broken", (0, 2)),
            EdgeRule("other_video", (0, 2), among="reversed"),
        ]
    )
    z = vectors(3 * batch)
    a, p, n = z.reshape(3, batch, 8)
    triplet = torch.nn.TripletMarginLoss(margin=0.5, eps=0.0)
    graph = ClipGraph.from_batch(torch.arange(batch), recipe)
    loss = EdgeMargin(0.5)(z, graph.pull(), graph.push())
    torch.testing.assert_close(loss, triplet(a, p, n) + triplet(a, p, n.flip(0)), atol=1e-5, rtol=0)


def test_dsm_without_its_own_negatives_is_moco_with_a_warped_query():
    dsm = EdgeRecipe(
        [
            EdgeRule("scene_broken", (0, 1)),
            EdgeRule("motion_broken", (0, 2), weight=0.0),
            EdgeRule("other_video", among="queue"),
        ]
    )
    z, queue, videos, old = vectors(15), vectors(7, seed=1), torch.arange(5), torch.tensor([0, 1, 9, 9, 8, 7, 4])
    found = []
    for recipe, rows in ((dsm, z), (MOCO, z[:10])):
        graph = ClipGraph.from_batch(videos, recipe).with_queue(old)
        found.append(EdgeInfoNCE(0.1)(torch.cat([rows, queue]), graph.pull(), graph.push()))
    torch.testing.assert_close(found[0], found[1], atol=1e-5, rtol=0)


def test_simclr_equals_the_normalised_cross_entropy_of_both_views():
    recipe = EdgeRecipe([EdgeRule("same_clip", (0, 1)), EdgeRule("other_video", among="batch")], both_ways=True)
    z, batch = vectors(10), 5
    logits = (z @ z.T / 0.2).fill_diagonal_(-torch.inf)
    dense = cross_entropy(logits, torch.arange(10).roll(batch))
    graph = ClipGraph.from_batch(torch.arange(batch), recipe)
    torch.testing.assert_close(EdgeInfoNCE(0.2)(z, graph.pull(), graph.push()), dense, atol=1e-5, rtol=0)


def test_nodes_and_edges_say_what_they_are():
    recipe = EdgeRecipe([EdgeRule("same_clip", (0, 1)), EdgeRule("other_segment", (0, 2))])
    start = torch.tensor([[0, 8], [0, 8], [4, 40]])
    graph = ClipGraph.from_batch(torch.tensor([7, 3]), recipe, start=start, stride=2, length=8, encoder=(0, 1, 0))
    data = graph.graph.edges["other_segment"].data
    assert (data["gap"].tolist(), data["overlap"].tolist()) == ([4, 32], [0.75, 0.0])
    assert graph.graph.ndata["encoder"].tolist() == [0, 0, 1, 1, 0, 0]
    wide = graph.with_queue(torch.tensor([3, 9]))
    assert wide.graph.ndata["view"].tolist() == [0, 0, 1, 1, 2, 2, -1, -1]
    assert wide.negatives_of(0).tolist() == [4, 6, 7]
    assert wide.negatives_of(1).tolist() == [5, 7]
    assert graph.with_queue(torch.tensor([3, 9]), mask_same_video=False).negatives_of(1).tolist() == [5, 6, 7]


def test_batches_that_do_not_fit():
    for call, message in (
        (lambda: ClipGraph.from_batch(torch.tensor([1, 1]), MOCO), "video must be 1-D without repetition"),
        (lambda: ClipGraph.from_batch(torch.arange(2), MOCO, start=torch.ones(1, 2).long()), r"start must have shape"),
        (
            lambda: ClipGraph.from_batch(torch.arange(2), MOCO, encoder=(0,)),
            "encoder must hold 0 or 1 for each of the 2",
        ),
    ):
        with pytest.raises(ValueError, match=message):
            call()
