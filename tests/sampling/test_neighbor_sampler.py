from __future__ import annotations

import itertools
import json
from collections import Counter

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from graphvid._dgl import dgl
from graphvid.ops import Adjacency
from graphvid.sampling import NeighborSampler, sample_neighbors, to_block

WEIGHTS = (0.5, 2.0, 0.0, 1.0, 4.0)
MODES = [(False, False), (True, False), (False, True), (True, True)]
WITHOUT_DST = {"include_dst_in_src": False}


def star(weights=WEIGHTS, copies: int = 1) -> Adjacency:
    """Each of ``copies`` destinations has an in-edge from every source; the edges are given in shuffled order."""
    src = torch.arange(len(weights)).repeat(copies)
    dst = torch.arange(copies).repeat_interleave(len(weights))
    order = torch.randperm(len(src), generator=torch.Generator().manual_seed(0))
    weight = torch.tensor(weights, dtype=torch.float64).repeat(copies)[order]
    return Adjacency.from_coo(src[order], dst[order], num_src=len(weights), num_dst=copies, weight=weight)


def rows_of(picks) -> list[tuple[int, ...]]:
    """The sources of each row, in the order of the picks."""
    return [tuple(x.tolist()) for x in picks.src.split(picks.counts.tolist())]


def draw(weights, fanout: int, number: int = 40_000, **options) -> list[tuple[int, ...]]:
    return rows_of(sample_neighbors(star(weights), torch.zeros(number, dtype=torch.int64), fanout, **options))


def fit(observed, expected: dict) -> float:
    """Probability of a worse fit of outcomes to their probabilities."""
    counts = Counter(observed)
    assert set(counts) <= set(expected), "an outcome of probability zero"
    number = sum(counts.values())
    return float(stats.chisquare([counts[x] for x in expected], [number * p for p in expected.values()]).pvalue)


def successive(weights, fanout: int) -> dict[frozenset[int], float]:
    """Probability of every set when entries are taken one after another in proportion to the weights left."""
    found: dict[frozenset[int], float] = {}
    for order in itertools.permutations([i for i, w in enumerate(weights) if w], fanout):
        left, p = sum(weights), 1.0
        for i in order:
            p *= weights[i] / left
            left -= weights[i]
        found[frozenset(order)] = found.get(frozenset(order), 0.0) + p
    return found


@pytest.mark.parametrize(("degree", "fanout"), [(2, 1), (5, 2), (5, 4), (6, 3), (9, 2)])
def test_uniform_sets_are_equally_likely(degree, fanout):
    sets = [frozenset(x) for x in itertools.combinations(range(degree), fanout)]
    drawn = draw([1.0] * degree, fanout)
    assert fit(map(frozenset, drawn), dict.fromkeys(sets, 1 / len(sets))) > 1e-3


@pytest.mark.parametrize(("degree", "fanout"), [(2, 2), (4, 3), (3, 4), (40, 1)])
def test_uniform_picks_with_replacement_are_independent(degree, fanout):
    outcomes = list(itertools.product(range(degree), repeat=fanout))
    drawn = draw([1.0] * degree, fanout, replace=True)
    assert fit(drawn, dict.fromkeys(outcomes, 1 / len(outcomes))) > 1e-3


@pytest.mark.parametrize("fanout", [1, 2, 3])
def test_weighted_picks_are_a_successive_sample(fanout):
    drawn = draw(WEIGHTS, fanout, weighted=True)
    assert fit(map(frozenset, drawn), successive(WEIGHTS, fanout)) > 1e-3


@pytest.mark.parametrize("fanout", [1, 3])
def test_weighted_picks_with_replacement_are_independent(fanout):
    positive = [i for i, w in enumerate(WEIGHTS) if w]
    expected = {
        x: float(np.prod([WEIGHTS[i] / sum(WEIGHTS) for i in x])) for x in itertools.product(positive, repeat=fanout)
    }
    assert fit(draw(WEIGHTS, fanout, weighted=True, replace=True), expected) > 1e-3


@pytest.mark.parametrize(("replace", "weighted"), MODES)
def test_rows_and_steps_are_independent(replace, weighted):
    """The picks of neighbouring rows, and of the same row in the next step, tell nothing about each other."""
    weights, options = (1.0, 2.0, 3.0) if weighted else (1.0, 1.0, 1.0), {"replace": replace, "weighted": weighted}
    if replace:
        one = {(i, j): weights[i] * weights[j] / sum(weights) ** 2 for i in range(3) for j in range(3)}
    else:
        one = successive(weights, 2)
    now, later = (draw(weights, 2, step=step, **options) for step in (3, 4))
    if not replace:
        now, later = ([frozenset(x) for x in rows] for rows in (now, later))
    pairs = {(x, y): one[x] * one[y] for x in one for y in one}
    assert fit(zip(now[::2], now[1::2]), pairs) > 1e-3
    assert fit(zip(now, later), pairs) > 1e-3


@pytest.mark.parametrize(("replace", "weighted"), MODES)
@pytest.mark.parametrize(("degree", "fanout"), [(3, 2), (5, 2), (5, 3), (2, 2)])
def test_picks_are_distributed_as_by_dgl(degree, fanout, replace, weighted):
    copies = 8_000
    adjacency = star(WEIGHTS[::-1][:degree], copies)
    ends = [adjacency.ends(side).long() for side in ("src", "dst")]
    graph = dgl.heterograph({("a", "to", "b"): tuple(ends)}, num_nodes_dict={"a": degree, "b": copies})
    graph.edata["w"] = adjacency.weight
    dgl.seed(0)
    prob = "w" if weighted else None
    theirs = dgl.sampling.sample_neighbors(graph, {"b": torch.arange(copies)}, fanout, prob=prob, replace=replace)
    src, dst = theirs.edges()
    theirs_rows = src[torch.sort(dst, stable=True).indices].split(torch.bincount(dst, minlength=copies).tolist())
    ours = sample_neighbors(adjacency, torch.arange(copies), fanout, replace=replace, weighted=weighted)
    counts = [Counter(tuple(sorted(x)) for x in rows) for rows in (rows_of(ours), [x.tolist() for x in theirs_rows])]
    outcomes = sorted(set(counts[0]) | set(counts[1]))
    if len(outcomes) > 1:
        table = np.array([[c[x] for x in outcomes] for c in counts])
        assert stats.chi2_contingency(table[:, table.sum(axis=0) >= 20]).pvalue > 1e-3


@st.composite
def relations(draw):
    num_src, num_dst = draw(st.integers(1, 6)), draw(st.integers(1, 5))
    pairs = draw(st.lists(st.tuples(st.integers(0, num_src - 1), st.integers(0, num_dst - 1)), max_size=30))
    weight = draw(st.lists(st.sampled_from([0.0, 0.5, 1.0, 3.0]), min_size=len(pairs), max_size=len(pairs)))
    src, dst = (torch.tensor([p[k] for p in pairs], dtype=torch.int64) for k in (0, 1))
    return Adjacency.from_coo(src, dst, num_src=num_src, num_dst=num_dst, weight=torch.tensor(weight))


@settings(max_examples=120, deadline=None)
@given(
    adjacency=relations(),
    fanout=st.sampled_from([-1, 1, 2, 3, 10]),
    mode=st.sampled_from(MODES),
    data=st.data(),
    turned=st.booleans(),
)
def test_picks_are_in_edges_in_the_right_number(adjacency, fanout, mode, data, turned):
    adjacency = adjacency.t() if turned else adjacency
    replace, weighted = mode
    batch = data.draw(st.lists(st.integers(0, adjacency.num_dst - 1), max_size=8))
    picks = sample_neighbors(
        adjacency, torch.tensor(batch, dtype=torch.int32), fanout, replace=replace, weighted=weighted
    )
    src, dst, weight = adjacency.ends("src").tolist(), adjacency.ends("dst").tolist(), adjacency.weight.tolist()
    assert picks.dst_ids.tolist() == batch
    assert {x.dtype for x in picks} == {torch.int64}
    assert picks.src.tolist() == [src[e] for e in picks.edge_ids.tolist()]
    assert picks.dst_index.tolist() == [i for i, n in enumerate(picks.counts.tolist()) for _ in range(n)]
    for row, edges in zip(batch, picks.edge_ids.split(picks.counts.tolist()), strict=True):
        pickable = {e for e in range(len(dst)) if dst[e] == row and (weight[e] > 0 or not weighted)}
        assert set(edges.tolist()) <= pickable
        if replace and fanout != -1:
            assert len(edges) == (fanout if pickable else 0)
        else:
            assert len(edges) == len(edges.unique()) == (min(fanout, len(pickable)) if fanout > 0 else len(pickable))


@pytest.mark.parametrize(("replace", "weighted"), MODES)
@pytest.mark.parametrize("fanout", [-1, 2])
def test_an_empty_graph_and_an_empty_batch_give_no_picks(replace, weighted, fanout):
    nothing = torch.empty(0, dtype=torch.int64)
    options = {"replace": replace, "weighted": weighted}
    bare = Adjacency.from_coo(nothing, nothing, num_src=2, num_dst=2, weight=torch.empty(0))
    picks = sample_neighbors(bare, torch.tensor([1, 0]), fanout, **options)
    assert picks.edge_ids.tolist() == picks.src.tolist() == picks.dst_index.tolist() == []
    assert picks.counts.tolist() == [0, 0]
    block = to_block(bare, picks, include_dst_in_src=True)
    assert block.src_ids.tolist() == [1, 0]
    assert block.adjacency.spmm(torch.ones(2, 1)).tolist() == [[0.0], [0.0]]
    picks = sample_neighbors(star(), nothing, fanout, **options)
    block = to_block(star(), picks, **WITHOUT_DST)
    assert block.src_ids.tolist() == block.dst_ids.tolist() == picks.counts.tolist() == []
    assert (block.adjacency.num_src, block.adjacency.num_dst, block.adjacency.num_edges) == (0, 0, 0)
    empty = Adjacency.from_coo(nothing, nothing, num_src=0, num_dst=0, weight=torch.empty(0))
    sampler = NeighborSampler(empty, [fanout, fanout], include_dst_in_src=True, **options)
    assert [len(block.src_ids) for block in sampler(nothing)] == [0, 0]


def test_a_hub_is_picked_by_weight_without_replacement():
    weight = torch.rand(100_000, generator=torch.Generator().manual_seed(0))
    adjacency = star(weight.tolist())
    picks = sample_neighbors(adjacency, torch.zeros(20, dtype=torch.int64), 10, weighted=True)
    assert [len(set(x)) for x in rows_of(picks)] == [10] * 20
    assert stats.kstest(weight[picks.src].numpy(), lambda w: w**2).pvalue > 1e-3  # density in proportion to the weight


@pytest.mark.parametrize("replace", [False, True])
def test_weights_of_a_row_do_not_disturb_those_of_others(replace):
    """Running sums over all rows would lose the small weights after 1e20."""
    weight = torch.tensor([1e20, 1e-20, 3e-20, 1e20], dtype=torch.float64)
    adjacency = Adjacency.from_coo(torch.arange(4), torch.tensor([0, 1, 1, 2]), num_src=4, num_dst=3, weight=weight)
    batch = torch.tensor([0, 1, 2]).repeat(10_000)
    picks = sample_neighbors(adjacency, batch, 1, replace=replace, weighted=True)
    assert fit(picks.src[batch == 1].tolist(), {1: 0.25, 2: 0.75}) > 1e-3


@pytest.mark.parametrize("replace", [False, True])
@pytest.mark.parametrize("weights", [(5e-324, 0.0), (0.0, 1.7e308)])
def test_extreme_weights_are_picked(replace, weights):
    drawn = draw(weights, 1, 100, replace=replace, weighted=True)
    assert drawn == [(int(np.argmax(weights)),)] * 100


def random_graph(num_nodes: int = 60, num_edges: int = 500, **options) -> Adjacency:
    generator = torch.Generator().manual_seed(1)
    src, dst = torch.randint(num_nodes, (2, num_edges), generator=generator)
    return Adjacency.from_coo(src, dst, num_src=num_nodes, num_dst=num_nodes, **options)


@pytest.mark.parametrize("include_dst_in_src", [False, True])
@pytest.mark.parametrize(("replace", "weighted"), MODES)
def test_blocks_hold_the_picked_edges(include_dst_in_src, replace, weighted):
    adjacency = random_graph(weight=torch.rand(500, 3) if not weighted else torch.rand(500))
    batch = torch.tensor([7, 3, 59, 0])
    sampler = NeighborSampler(
        adjacency, [2, 4], include_dst_in_src=include_dst_in_src, replace=replace, weighted=weighted
    )
    first, last = sampler(batch)
    assert torch.equal(first.dst_ids, last.src_ids)
    assert torch.equal(last.dst_ids, batch)
    for block, fanout in ((first, 2), (last, 4)):
        inner = block.adjacency
        assert torch.equal(block.src_ids[inner.ends("src").long()], adjacency.ends("src")[block.edge_ids].long())
        assert torch.equal(block.dst_ids[inner.ends("dst").long()], adjacency.ends("dst")[block.edge_ids].long())
        assert torch.equal(inner.weight, adjacency.weight[block.edge_ids])
        assert int(inner.degrees("dst").max()) == fanout
        assert (inner.num_src, inner.num_dst) == (len(block.src_ids), len(block.dst_ids))
        picked, own = set(adjacency.ends("src")[block.edge_ids].tolist()), set(block.dst_ids.tolist())
        if include_dst_in_src:
            assert torch.equal(block.src_ids[: inner.num_dst], block.dst_ids)
            assert block.src_ids[inner.num_dst :].tolist() == sorted(picked - own)
        else:
            assert block.src_ids.tolist() == sorted(picked)


def test_blocks_of_all_in_edges_are_those_of_dgl():
    """Node sets and messages of two layers over DGL's blocks, and the rows of two layers over the whole graph."""
    adjacency = random_graph(weight=torch.rand(500, dtype=torch.float64))
    batch = torch.tensor([7, 3, 59, 0])
    blocks = NeighborSampler(adjacency, [-1, -1], include_dst_in_src=True)(batch)
    graph = dgl.graph((adjacency.ends("src").long(), adjacency.ends("dst").long()), num_nodes=60)
    nodes, features = batch, torch.rand(60, 3, dtype=torch.float64)
    whole = adjacency.spmm(torch.relu(adjacency.spmm(features)))
    ours = blocks[1].adjacency.spmm(torch.relu(blocks[0].adjacency.spmm(features[blocks[0].src_ids])))
    torch.testing.assert_close(ours, whole[batch])
    for block in reversed(blocks):
        inner = dgl.in_subgraph(graph, nodes)
        theirs = dgl.to_block(inner, dst_nodes=nodes)
        assert torch.equal(theirs.dstdata[dgl.NID], block.dst_ids)
        assert set(theirs.srcdata[dgl.NID].tolist()) == set(block.src_ids.tolist())
        theirs.edata["w"] = adjacency.weight[inner.edata[dgl.EID][theirs.edata[dgl.EID]]]
        torch.testing.assert_close(
            Adjacency.from_block(theirs, weight="w").spmm(features[theirs.srcdata[dgl.NID]]),
            block.adjacency.spmm(features[block.src_ids]),
        )
        nodes = block.src_ids


def test_the_norm_counts_the_edges_of_the_block():
    adjacency = random_graph(norm="right")
    (block,) = NeighborSampler(adjacency, [2], **WITHOUT_DST)(torch.arange(60))
    sums = Adjacency.from_coo(
        block.adjacency.ends("src"), block.adjacency.ends("dst"), num_src=block.adjacency.num_src, num_dst=60
    ).spmm(torch.ones(block.adjacency.num_src, 1), reduce="mean")
    torch.testing.assert_close(block.adjacency.spmm(torch.ones(block.adjacency.num_src, 1)), sums)


def test_block_weights_carry_the_gradient():
    weight = torch.rand(500, requires_grad=True)
    (block,) = NeighborSampler(random_graph(weight=weight), [3], weighted=True, **WITHOUT_DST)(torch.arange(60))
    block.adjacency.spmm(torch.ones(block.adjacency.num_src, 1)).sum().backward()
    expected = torch.zeros(500)
    expected[block.edge_ids] = 1.0
    assert torch.equal(weight.grad, expected)


def test_blocks_join_two_node_types():
    adjacency = star(copies=3)
    (block,) = NeighborSampler(adjacency, [2], **WITHOUT_DST)(torch.tensor([2, 2, 0]))
    assert block.dst_ids.tolist() == [2, 2, 0]
    assert block.adjacency.degrees("dst").tolist() == [2, 2, 2]


def test_hops_are_independent():
    """A node of the batch is among the destinations of the next hop; it picks again."""
    pairs = torch.cartesian_prod(torch.arange(3), torch.arange(20_000))
    adjacency = Adjacency.from_coo(pairs[:, 0], pairs[:, 1], num_src=20_000, num_dst=20_000)
    first, last = NeighborSampler(adjacency, [1, 1], include_dst_in_src=True)(torch.arange(20_000))
    picks = (x.src_ids[x.adjacency.ends("src").long()].tolist() for x in (first, last))
    assert fit(zip(*picks), dict.fromkeys(itertools.product(range(3), repeat=2), 1 / 9)) > 1e-3


@pytest.mark.parametrize(("replace", "weighted"), MODES)
def test_a_resumed_run_equals_an_uninterrupted_one(replace, weighted):
    adjacency = random_graph(weight=torch.rand(500))

    def make(seed: int = 5) -> NeighborSampler:
        options = {"replace": replace, "weighted": weighted, "seed": seed}
        return NeighborSampler(adjacency, [2, 3], include_dst_in_src=True, **options)

    def edges(blocks) -> list[list[int]]:
        return [block.edge_ids.tolist() for block in blocks]

    batches = torch.arange(48).view(6, 8)
    whole = make()
    expected = [edges(whole(batch)) for batch in batches]
    before, after = make(), make()
    for batch in batches[:3]:
        before(batch)
    after.load_state_dict(json.loads(json.dumps(before.state_dict())))
    assert [edges(after(batch)) for batch in batches[3:]] == expected[3:]
    assert edges(after.sample(batches[1], step=1)) == expected[1]
    assert after.step == 6
    assert edges(make()(batches[1])) != expected[1]
    assert edges(make(6)(batches[0])) != expected[0]


def test_results_do_not_depend_on_other_random_numbers():
    torch.manual_seed(0)
    first = draw(WEIGHTS, 2, 100, weighted=True, seed=2**64 - 1)
    torch.manual_seed(1)
    assert draw(WEIGHTS, 2, 100, weighted=True, seed=2**64 - 1) == first


DEVICES = [
    pytest.param(
        "cuda", marks=[pytest.mark.gpu, pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")]
    )
]


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize(("replace", "weighted"), [mode for mode in MODES if mode != (False, True)])
def test_a_cuda_device_makes_the_same_picks(device, replace, weighted):
    adjacency, batch = random_graph(weight=torch.rand(500)), torch.arange(50)
    options = {"include_dst_in_src": True, "replace": replace, "weighted": weighted}
    there = NeighborSampler(adjacency.to(device), [2, 3], **options)(batch.to(device))
    for ours, theirs in zip(NeighborSampler(adjacency, [2, 3], **options)(batch), there, strict=True):
        assert theirs.adjacency.device.type == device
        assert torch.equal(ours.edge_ids, theirs.edge_ids.cpu())
        assert torch.equal(ours.src_ids, theirs.src_ids.cpu())


@pytest.mark.parametrize("device", DEVICES)
def test_a_cuda_device_picks_by_weight_without_replacement(device):
    """Logarithms may round differently there, so promised are the number of picks, distinct edges and the distribution."""
    adjacency, batch = random_graph(weight=torch.rand(500).round(decimals=1)), torch.arange(60)
    ours = sample_neighbors(adjacency, batch, 6, weighted=True)
    theirs = sample_neighbors(adjacency.to(device), batch.to(device), 6, weighted=True)
    assert theirs.src.device.type == device
    edges, rows = theirs.edge_ids.cpu(), theirs.dst_index.cpu()
    assert torch.equal(ours.counts, theirs.counts.cpu())
    assert torch.equal(ours.dst_index, rows)
    assert torch.equal(adjacency.ends("src")[edges].long(), theirs.src.cpu())
    assert torch.equal(adjacency.ends("dst")[edges].long(), batch[rows])
    assert (adjacency.weight[edges] > 0).all()
    assert len(edges.unique()) == len(edges)
    few = ours.counts[rows] < 6  # all in-edges are taken
    assert few.any()
    assert torch.equal(ours.edge_ids[few], edges[few])
    many = sample_neighbors(star().to(device), torch.zeros(40_000, dtype=torch.int64, device=device), 2, weighted=True)
    assert fit(map(frozenset, rows_of(many)), successive(WEIGHTS, 2)) > 1e-3


def test_bad_batches_are_refused():
    adjacency = star(copies=2)
    for ids, message in (([0, 2], r"dst_ids must lie in \[0, 2\), got 0 to 2"), ([-1], r"got -1 to -1")):
        with pytest.raises(ValueError, match=message):
            sample_neighbors(adjacency, torch.tensor(ids), 1)
    with pytest.raises(TypeError, match="dst_ids must be an integer tensor, got dtype"):
        sample_neighbors(adjacency, torch.tensor([0.0]), 1)
    with pytest.raises(ValueError, match=r"dst_ids must be 1-D, got shape \(1, 1\)"):
        sample_neighbors(adjacency, torch.tensor([[0]]), 1)
    with pytest.raises(ValueError, match="dst_ids must be on cpu like the adjacency, got meta"):
        sample_neighbors(adjacency, torch.zeros(1, dtype=torch.int64, device="meta"), 1)
    sampler = NeighborSampler(random_graph(), [2], include_dst_in_src=True)
    with pytest.raises(ValueError, match="dst_ids must be distinct with include_dst_in_src=True, got 4 more than once"):
        sampler(torch.tensor([5, 4, 4]))
    assert sampler.step == 0


@pytest.mark.parametrize("fanout", [0, -2, 1.0, True])
def test_bad_fanouts_are_refused(fanout):
    with pytest.raises(ValueError, match=f"fanout must be an integer >= 1, or -1 for all in-edges, got {fanout}"):
        sample_neighbors(star(), torch.tensor([0]), fanout)
    with pytest.raises(ValueError, match=rf"fanouts\[1\] must be an integer >= 1, or -1 .*, got {fanout}"):
        NeighborSampler(random_graph(), [3, fanout], include_dst_in_src=True)


def test_bad_samplers_are_refused():
    with pytest.raises(ValueError, match="fanouts must have an entry for each layer, got none"):
        NeighborSampler(star(), [], **WITHOUT_DST)
    with pytest.raises(ValueError, match="fanouts must have one entry unless num_src equals num_dst, got 2 entries"):
        NeighborSampler(star(), [1, 2], **WITHOUT_DST)
    with pytest.raises(ValueError, match=r"include_dst_in_src=True needs num_src equal to num_dst, .*num_src=5"):
        NeighborSampler(star(), [1], include_dst_in_src=True)
    for seed, message in (
        (-1, "seed must be an integer >= 0, got -1"),
        (2**64, r"seed must be an integer in \[0, 18446744073709551615\]"),
    ):
        with pytest.raises(ValueError, match=message):
            NeighborSampler(star(), [1], seed=seed, **WITHOUT_DST)
    with pytest.raises(ValueError, match="step must be an integer >= 0, got -1"):
        NeighborSampler(star(), [1], **WITHOUT_DST).sample(torch.tensor([0]), step=-1)


def test_bad_weights_are_refused():
    bare = star().with_weight(None)
    heads = star().with_weight(torch.ones(5, 2))
    for adjacency, got in ((bare, "None"), (heads, r"\(5, 2\)")):
        with pytest.raises(
            ValueError, match=rf"weighted=True needs adjacency.weight of shape \(num_edges,\), got {got}"
        ):
            NeighborSampler(adjacency, [1], weighted=True, **WITHOUT_DST)
    for value in (-1.0, float("nan"), float("inf")):
        with pytest.raises(ValueError, match=rf"must be finite and >= 0 .*, got 1 of 2 that are not, such as {value}"):
            NeighborSampler(star([1.0, value]), [1], weighted=True, **WITHOUT_DST)
    with pytest.raises(ValueError, match="must have a finite sum over the in-edges of each destination, got inf"):
        NeighborSampler(star([1e308, 1e308]), [1], weighted=True, replace=True, **WITHOUT_DST)


def test_bad_states_are_refused():
    sampler = NeighborSampler(random_graph(), [2, 3], include_dst_in_src=True)
    for change, message in (
        ({"seed": 1}, "state must come from a sampler with seed=0, got seed=1"),
        ({"fanouts": [3]}, r"state must come from a sampler with fanouts=\[2, 3\], got fanouts=\[3\]"),
        ({"step": -1}, r"state\['step'\] must be an integer >= 0, got -1"),
        ({"epoch": 0}, r"state must have the entries \['fanouts', 'seed', 'step'\], got \['epoch', "),
    ):
        with pytest.raises(ValueError, match=message):
            sampler.load_state_dict(sampler.state_dict() | change)
