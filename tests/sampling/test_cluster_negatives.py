from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
import torch
from scipy import stats

from graphvid._dgl import dgl
from graphvid.clustering import affinity_clustering
from graphvid.sampling import ClusterNegatives, TripletSampler


@pytest.fixture(scope="module")
def graph():
    rng = np.random.default_rng(0)
    src, dst = rng.integers(0, 24, (2, 60))
    kept = dgl.to_simple(dgl.to_bidirected(dgl.remove_self_loop(dgl.graph((src, dst), num_nodes=24))))
    kept.edata["weight"] = torch.ones(kept.num_edges())
    return kept


@pytest.fixture(scope="module")
def tree(graph):
    return affinity_clustering(graph, num_levels=2)


@pytest.mark.parametrize("pool", ["sibling", "inclusive"])
@pytest.mark.parametrize("by", ["video", "cluster"])
def test_the_negatives_of_an_anchor_have_the_distribution_of_the_triplets(graph, tree, pool, by) -> None:
    options = {"level_probs": (0.5, 0.3, 0.2), "pool": pool, "by": by, "seed": 5}
    triplets = TripletSampler(graph, tree, batch_size=60_000, **options).sample(0)
    anchor = int(torch.mode(triplets.anchor).values)
    expected = Counter(triplets.negative[triplets.anchor == anchor].tolist())
    edge = int(graph.out_edges(anchor, form="eid")[0])
    draw = ClusterNegatives(graph, tree, num_negatives=20_000, **options)
    found = Counter(draw(graph, torch.tensor([edge]))[1].tolist())
    videos = sorted(set(expected) | set(found))
    table = np.array([[counted[video] for video in videos] for counted in (expected, found)])
    assert stats.chi2_contingency(table).pvalue > 1e-3


def test_ends_and_exact_exclusion(graph, tree) -> None:
    eids = torch.arange(graph.num_edges()).flip(0)
    anchor, negative = ClusterNegatives(graph, tree, num_negatives=7, level_probs=(1, 0, 0))(graph, eids)
    assert torch.equal(anchor, graph.find_edges(eids)[0].repeat_interleave(7))
    assert not graph.has_edges_between(anchor, negative).any()
    assert not (anchor == negative).any()


def test_a_batch_is_a_function_of_seed_epoch_and_edges(graph, tree) -> None:
    def drawn(seed=0, epoch=0, before=False):
        draw = ClusterNegatives(graph, tree, level_probs=(0, 0, 1), num_negatives=20, seed=seed)
        draw.epoch = epoch
        if before:
            draw(graph, torch.tensor([1, 2]))
        return draw(graph, torch.tensor([3, 4, 9]))[1]

    assert torch.equal(drawn(), drawn(before=True))
    assert not torch.equal(drawn(), drawn(epoch=1))
    assert not torch.equal(drawn(), drawn(seed=1))


@pytest.mark.filterwarnings("ignore:Dataloader CPU affinity")
def test_the_loop_of_dgl_gives_blocks_for_all_ends(graph, tree) -> None:
    draw = ClusterNegatives(graph, tree, level_probs=(1, 0, 0), num_negatives=2)
    sampler = dgl.dataloading.as_edge_prediction_sampler(dgl.dataloading.NeighborSampler([4]), negative_sampler=draw)
    loader = dgl.dataloading.DataLoader(graph, torch.arange(graph.num_edges()), sampler, batch_size=16, shuffle=True)
    seen = 0
    for inputs, positive, negative, (block,) in loader:
        seen += positive.num_edges()
        assert negative.num_edges() == 2 * positive.num_edges()
        source, destination = (block.dstdata[dgl.NID][end] for end in negative.edges())
        assert not graph.has_edges_between(source, destination).any()
        assert set(block.dstdata[dgl.NID].tolist()) <= set(inputs.tolist())
    assert seen == graph.num_edges()


def test_bad_input(graph, tree) -> None:
    with pytest.raises(ValueError, match="num_negatives must be"):
        ClusterNegatives(graph, tree, num_negatives=0, level_probs=(1, 0, 0))
    draw = ClusterNegatives(graph, tree, level_probs=(1, 0, 0))
    with pytest.raises(TypeError, match="eids must be a tensor"):
        draw(graph, {("video", "co_watch", "video"): torch.tensor([0])})
    with pytest.raises(ValueError, match="graph must have the 24 nodes"):
        draw(dgl.add_nodes(graph, 1), torch.tensor([0]))
    star = dgl.to_bidirected(dgl.graph(([0, 0, 0, 1], [1, 2, 3, 2])))
    alone = ClusterNegatives(star, None, level_probs=(1.0,))
    with pytest.raises(ValueError, match="got anchor 0 without one"):
        alone(star, torch.tensor([0]))
