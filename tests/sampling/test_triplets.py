from __future__ import annotations

import json
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import torch
from scipy import stats

from graphvid._dgl import dgl
from graphvid.clustering import affinity_clustering
from graphvid.sampling import TripletSampler, _kernels, _tensor
from graphvid.sampling._stream import stream_key
from graphvid.sampling.triplet_tables import with_tensors

MIXED = (0.3, 0.3, 0.2, 0.2)


def neighbors_of(graph) -> list[set[int]]:
    found: list[set[int]] = [set() for _ in range(graph.num_nodes())]
    for a, b in zip(*(x.tolist() for x in graph.edges()), strict=True):
        found[a].add(b)
    return found


def cluster(tree, level: int, video: int) -> set[int]:
    """All videos of the cluster after ``level`` levels, and all there are above the last level."""
    if level > tree.num_levels:
        return set(range(tree.num_nodes))
    return set(np.flatnonzero(tree.labels[level] == tree.labels[level][video]).tolist())


def exact_pool(tree, pool: str, level: int, anchor: int, barred: set[int]) -> set[int]:
    """The definition of the pool of a level; ``num_levels`` is the random level."""
    if level == tree.num_levels:
        videos = set(range(tree.num_nodes)) - {anchor}
    elif pool == "sibling":
        videos = cluster(tree, level + 2, anchor) - cluster(tree, level + 1, anchor)
    else:
        videos = cluster(tree, level + 1, anchor) - {anchor}
    return videos - barred


def exact_probabilities(tree, pool: str, by: str, level: int, anchor: int, barred: set[int]) -> dict[int, float]:
    """Probability of each negative given the anchor and the drawn level, climbing included."""
    while not (videos := exact_pool(tree, pool, level, anchor, barred)):
        level += 1
    child = {"sibling": level + 1, "inclusive": level}[pool]
    if by == "video" or level == tree.num_levels or child == 0:
        return dict.fromkeys(videos, 1 / len(videos))
    sizes = Counter(tree.labels[child][v] for v in videos)
    return {v: 1 / len(sizes) / sizes[tree.labels[child][v]] for v in videos}


def chi_square(observed: Counter, expected: dict[tuple[int, int], float]) -> float:
    """Probability of a worse fit of counts per (group, outcome); each group's total is given."""
    assert set(observed) <= set(expected), "an outcome of probability zero"
    groups = {group for group, _ in expected}
    statistic = sum((observed[key] - number) ** 2 / number for key, number in expected.items())
    return float(stats.chi2.sf(statistic, len(expected) - len(groups)))


@pytest.mark.parametrize("pool", ["sibling", "inclusive"])
@pytest.mark.parametrize("by", ["video", "cluster"])
@pytest.mark.parametrize("level", [0, 1, 2, 3])
def test_negatives_have_the_exact_distribution(world, pool, by, level):
    graph, tree = world
    probs = [float(k == level) for k in range(4)]
    sampler = TripletSampler(graph, tree, batch_size=60_000, level_probs=probs, pool=pool, by=by)
    anchor, _, negative = (x.tolist() for x in sampler.sample(0))
    barred = neighbors_of(graph)
    drawn = Counter(anchor)
    expected = {
        (a, n): number * p
        for a, number in drawn.items()
        for n, p in exact_probabilities(tree, pool, by, level, a, barred[a]).items()
    }
    assert chi_square(Counter(zip(anchor, negative, strict=True)), expected) > 1e-3


@pytest.mark.parametrize("pool", ["sibling", "inclusive"])
@pytest.mark.parametrize("by", ["video", "cluster"])
def test_without_neighbor_exclusion_only_the_positive_is_barred(world, pool, by):
    graph, tree = world
    sampler = TripletSampler(
        graph, tree, batch_size=60_000, level_probs=(1, 0, 0, 0), pool=pool, by=by, exclude_neighbors=False
    )
    anchor, positive, negative = (x.tolist() for x in sampler.sample(0))
    pairs = list(zip(anchor, positive, strict=True))
    expected = {
        (pair, n): number * p
        for pair, number in Counter(pairs).items()
        for n, p in exact_probabilities(tree, pool, by, 0, pair[0], {pair[1]}).items()
    }
    assert chi_square(Counter(zip(pairs, negative, strict=True)), expected) > 1e-3


def test_clusters_are_enumerated_when_almost_all_are_full_of_neighbors(make_graph, make_tree):
    """Video 0 knows all but the last 3 of 60 clusters of two, so 16 tries fail in 2 draws of 5."""
    pairs = [(0, v) for v in range(2, 114)]
    graph = make_graph(pairs, 120)
    tree = make_tree(np.arange(120) // 2, [0] * 120)
    sampler = TripletSampler(graph, tree, batch_size=150_000, level_probs=(1, 0, 0), by="cluster")
    anchor, _, negative = sampler.sample(0)
    counts = torch.bincount(negative[anchor == 0], minlength=120)
    assert counts.nonzero().squeeze(1).tolist() == [114, 115, 116, 117, 118, 119]
    assert stats.chisquare(counts[114:].numpy()).pvalue > 1e-3


@pytest.mark.parametrize("weighted", [False, True])
def test_positives_are_distributed_as_by_dgl(world, weighted):
    graph, tree = world
    sampler = TripletSampler(graph, tree, batch_size=60_000, positive="weight" if weighted else "uniform")
    anchor, positive, _ = sampler.sample(0)
    dgl.seed(0)
    tables = []
    for video in anchor.unique().tolist():
        ours = torch.bincount(positive[anchor == video], minlength=48)
        drawn = dgl.sampling.sample_neighbors(
            graph, [video], int(ours.sum()), edge_dir="out", prob="weight" if weighted else None, replace=True
        )
        table = torch.stack([ours, torch.bincount(drawn.edges()[1], minlength=48)])
        tables.append(table[:, table.sum(dim=0) > 0].numpy())
    results = [stats.chi2_contingency(table) for table in tables if table.shape[1] > 1]
    statistic, freedom = sum(r.statistic for r in results), sum(r.dof for r in results)
    assert stats.chi2.sf(statistic, freedom) > 1e-3


def test_anchors_and_positives_have_the_exact_distribution(world):
    graph, tree = world
    near = neighbors_of(graph)
    weight = {(a, b): w for a, b, w in zip(*(x.tolist() for x in (*graph.edges(), graph.edata["weight"])), strict=True)}
    anchor, positive, _ = TripletSampler(graph, tree, batch_size=60_000, positive="weight").sample(0)
    usable = [v for v in range(48) if near[v]]
    assert 0 < len(usable) < 48
    counts = torch.bincount(anchor, minlength=48)
    assert not counts[[v for v in range(48) if not near[v]]].any()
    assert stats.chisquare(counts[usable].numpy()).pvalue > 1e-3
    expected = {
        (a, b): int(counts[a]) * w / sum(weight[a, c] for c in near[a]) for (a, b), w in weight.items() if counts[a]
    }
    assert chi_square(Counter(zip(anchor.tolist(), positive.tolist(), strict=True)), expected) > 1e-3


def test_positives_of_weight_zero_are_never_drawn(make_graph):
    graph = make_graph([(0, 1), (0, 2), (0, 3), (1, 2), (3, 4)], 6, weights=[0.0, 1.0, 0.0, 3.0, 2.0])
    sampler = TripletSampler(graph, None, batch_size=5000, level_probs=(0, 0, 0, 1), positive="weight")
    pairs = set(zip(*(x.tolist() for x in sampler.sample(0)[:2]), strict=True))
    assert pairs == {(0, 2), (2, 0), (2, 1), (1, 2), (3, 4), (4, 3)}


def test_positives_of_the_own_cluster(make_graph, make_tree):
    graph = make_graph([(0, 1), (0, 2), (2, 3), (4, 0)], 6)
    tree = make_tree([0, 0, 0, 1, 2, 2], [0] * 6)
    sampler = TripletSampler(graph, tree, batch_size=4000, level_probs=(0, 0, 1), positive="cluster")
    anchor, positive, _ = next(sampler)
    assert set(zip(anchor.tolist(), positive.tolist(), strict=True)) == {(0, 1), (0, 2), (1, 0), (2, 0), (3, 2), (4, 0)}
    assert sampler.counters["positive_outside_cluster"] == int(((anchor == 3) | (anchor == 4)).sum()) > 0


def test_empty_pools_climb_and_are_counted(make_graph, make_tree):
    graph = make_graph([(0, 1), (2, 3), (0, 2)], 8)
    tree = make_tree([0, 0, 1, 1, 2, 2, 3, 3], [0, 0, 0, 0, 1, 1, 2, 2], [0, 0, 0, 0, 0, 0, 1, 1])
    sampler = TripletSampler(graph, tree, batch_size=4000)
    anchor, _, negative = next(sampler)
    pools = {a: set(negative[anchor == a].tolist()) for a in range(4)}
    # level 0 of video 0 is {2, 3} without 2, of video 2 {0, 1} without 0
    assert pools == {0: {3}, 1: {2, 3}, 2: {1}, 3: {0, 1}}
    assert sampler.counters == {
        "triplets": 4000,
        "L0": 4000,
        "L1": 0,
        "L2": 0,
        "random": 0,
        "climbed": 0,
        "positive_outside_cluster": 0,
        "skipped_anchors": 0,
    }
    graph = make_graph([(0, 1), (2, 3), (0, 2), (0, 3)], 8)  # now nothing is left at level 0 of video 0
    sampler = TripletSampler(graph, tree, batch_size=4000)
    anchor, _, negative = next(sampler)
    assert set(negative[anchor == 0].tolist()) == {4, 5}
    climbed = int((anchor == 0).sum())
    assert sampler.counters["climbed"] == sampler.counters["L1"] == climbed > 0
    assert sampler.counters["L0"] == 4000 - climbed


def test_climbs_to_all_videos(make_graph, make_tree):
    graph = make_graph([(0, 1)], 4)
    tree = make_tree([0, 0, 1, 2], [0, 0, 1, 2], [0, 0, 1, 2])  # nothing merges above level 1
    sampler = TripletSampler(graph, tree, batch_size=300, pool="inclusive")
    assert set(next(sampler).negative.tolist()) == {2, 3}
    assert sampler.counters["random"] == sampler.counters["climbed"] == 300


def test_videos_without_a_possible_negative(make_graph):
    graph = make_graph([(0, 1), (0, 2), (0, 3), (1, 2)], 4)
    none = {"tree": None, "batch_size": 500, "level_probs": (0, 0, 0, 1)}
    with pytest.raises(ValueError, match=r"got 1 anchors without, such as 0 \(on_shortfall='skip'"):
        TripletSampler(graph, **none)
    sampler = TripletSampler(graph, **none, on_shortfall="skip")
    assert sampler.sample(0).anchor.unique().tolist() == [1, 2, 3]
    assert sampler.counters["skipped_anchors"] == 1
    sampler = TripletSampler(graph, **none, exclude_neighbors=False)
    assert sampler.sample(0).anchor.unique().tolist() == [0, 1, 2, 3]
    with pytest.raises(ValueError, match="got 2 anchors without"):
        TripletSampler(make_graph([(0, 1)], 2), **none, on_shortfall="skip")


@pytest.mark.parametrize("pool", ["sibling", "inclusive"])
@pytest.mark.parametrize("by", ["video", "cluster"])
@pytest.mark.parametrize("positive", ["uniform", "weight", "cluster"])
@pytest.mark.parametrize("exclude_neighbors", [True, False])
def test_tensor_operations_draw_the_same_triplets(world, pool, by, positive, exclude_neighbors):
    graph, tree = world
    options = {"level_probs": MIXED, "pool": pool, "by": by, "positive": positive}
    sampler = TripletSampler(graph, tree, batch_size=700, exclude_neighbors=exclude_neighbors, **options)
    arguments = stream_key(3, 4), 700, exclude_neighbors
    ours = _kernels.draw(sampler._tables, *arguments)
    theirs = _tensor.draw(with_tensors(sampler._tables, "cpu"), *arguments)
    assert all(np.array_equal(x, y.numpy()) for x, y in zip(ours, theirs, strict=True))


def test_tensor_operations_enumerate_the_same_clusters(make_graph, make_tree):
    graph = make_graph([(0, v) for v in range(2, 114)], 120)
    tree = make_tree(np.arange(120) // 2, [0] * 120)
    sampler = TripletSampler(graph, tree, batch_size=2000, level_probs=(1, 0, 0), by="cluster")
    ours = _kernels.draw(sampler._tables, stream_key(0, 0), 2000, True)
    theirs = _tensor.draw(with_tensors(sampler._tables, "cpu"), stream_key(0, 0), 2000, True)
    assert all(np.array_equal(x, y.numpy()) for x, y in zip(ours, theirs, strict=True))


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
@pytest.mark.parametrize("by", ["video", "cluster"])
def test_cuda_draws_the_same_triplets(world, by):
    graph, tree = world
    ours, theirs = (
        TripletSampler(graph, tree, batch_size=5000, level_probs=MIXED, by=by, positive="weight", device=device)
        for device in ("cpu", "cuda")
    )
    for x, y in zip(next(ours), next(theirs), strict=True):
        assert y.is_cuda
        assert torch.equal(x, y.cpu())
    assert ours.counters == theirs.counters


def test_a_batch_depends_on_seed_and_step_only(world):
    graph, tree = world
    sampler = TripletSampler(graph, tree, batch_size=200, level_probs=MIXED, seed=5)
    forward = [next(sampler) for _ in range(4)]
    other = TripletSampler(graph, tree, batch_size=200, level_probs=MIXED, seed=5)
    with ThreadPoolExecutor(4) as pool:
        backward = list(pool.map(other.sample, [3, 2, 1, 0]))[::-1]
    assert all(torch.equal(x, y) for a, b in zip(forward, backward, strict=True) for x, y in zip(a, b, strict=True))
    assert other.step == other.counters["triplets"] == 0
    assert not torch.equal(forward[0].negative, forward[1].negative)
    assert not torch.equal(forward[0].anchor, TripletSampler(graph, tree, batch_size=200).sample(0).anchor)


ANNEALED = {"level_probs": (0.0, 0.2, 0.8, 0.0), "final_level_probs": (0.0, 0.7, 0.3, 0.0), "anneal_steps": 50}


@pytest.mark.parametrize(("step", "share"), [(0, 0.0), (7, 1 / 7), (42, 6 / 7), (49, 1.0), (50, 1.0), (10**6, 1.0)])
def test_levels_move_linearly_to_the_final_probabilities(world, step, share):
    graph, tree = world
    start, final = (np.array(ANNEALED[name]) for name in ("level_probs", "final_level_probs"))
    annealed = TripletSampler(graph, tree, batch_size=500, **ANNEALED)
    constant = TripletSampler(graph, tree, batch_size=500, level_probs=start + share * (final - start))
    batch = annealed.sample(step)
    assert all(torch.equal(x, y) for x, y in zip(batch, constant.sample(step), strict=True))
    annealed._on_device = with_tensors(annealed._tables, "cpu")  # as on a device
    assert all(torch.equal(x, y) for x, y in zip(batch, annealed.sample(step), strict=True))


def test_an_annealed_sampler_never_draws_levels_that_neither_end_has(world):
    """The running sum stays exactly 1 from the last level on, or a draw near 1 would take the next."""
    graph, tree = world
    sampler = TripletSampler(graph, tree, batch_size=1, **(ANNEALED | {"anneal_steps": 1001}))
    ends = np.array([sampler._level_cdf(step) for step in range(1001)])
    assert (ends[:, 0] == 0).all()
    assert (ends[:, 2:] == 1).all()
    assert (np.diff(ends[:, 1]) > 0).all()


def test_one_step_of_annealing_is_the_first(world):
    graph, tree = world
    one = TripletSampler(graph, tree, batch_size=300, **(ANNEALED | {"anneal_steps": 1}))
    first = TripletSampler(graph, tree, batch_size=300, level_probs=ANNEALED["level_probs"])
    assert all(torch.equal(x, y) for x, y in zip(one.sample(0), first.sample(0), strict=True))


def test_rows_do_not_depend_on_the_batch_size(world):
    graph, tree = world
    large, small = (TripletSampler(graph, tree, batch_size=n, level_probs=MIXED).sample(2) for n in (300, 11))
    assert all(torch.equal(x[:11], y) for x, y in zip(large, small, strict=True))


def test_order_of_the_edges_does_not_matter(world):
    graph, tree = world
    src, dst = graph.edges()
    order = torch.randperm(len(src), generator=torch.Generator().manual_seed(0))
    moved = dgl.graph((src[order], dst[order]), num_nodes=48)
    moved.edata["weight"] = graph.edata["weight"][order]
    for positive in ("uniform", "weight"):
        a, b = (TripletSampler(g, tree, batch_size=400, positive=positive).sample(0) for g in (graph, moved))
        assert all(torch.equal(x, y) for x, y in zip(a, b, strict=True))


def test_resumes_where_it_stopped(world):
    graph, tree = world
    sampler, other = (TripletSampler(graph, tree, batch_size=100, level_probs=MIXED) for _ in range(2))
    for _ in range(3):
        next(sampler)
    other.load_state_dict(json.loads(json.dumps(sampler.state_dict())))
    for x, y in zip(next(sampler), next(other), strict=True):
        assert torch.equal(x, y)
    assert sampler.state_dict() == other.state_dict()
    assert sampler.step == 4
    assert sum(sampler.counters[name] for name in ("L0", "L1", "L2", "random")) == sampler.counters["triplets"] == 400


def test_works_on_real_clusters_and_other_depths(world):
    graph, _ = world
    for num_levels in (1, 2, 5):
        tree = affinity_clustering(graph, num_levels=num_levels)
        probs = [1 / (num_levels + 1)] * (num_levels + 1)
        anchor, positive, negative = TripletSampler(graph, tree, batch_size=1000, level_probs=probs).sample(0)
        assert graph.has_edges_between(anchor, positive).all()
        assert not graph.has_edges_between(anchor, negative).any()
        assert (anchor != negative).all()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"pool": "parents"}, r"pool must be one of \['sibling', 'inclusive'\], got 'parents'"),
        ({"by": "user"}, r"by must be one of \['video', 'cluster'\], got 'user'"),
        ({"positive": "near"}, r"positive must be one of \['uniform', 'weight', 'cluster'\], got 'near'"),
        ({"on_shortfall": "repeat"}, r"on_shortfall must be one of \['raise', 'skip'\], got 'repeat'"),
        ({"batch_size": 0}, "batch_size must be an integer >= 1, got 0"),
        ({"batch_size": 2.0}, "batch_size must be an integer >= 1, got 2.0"),
        ({"seed": -1}, "seed must be an integer >= 0, got -1"),
        ({"seed": 2**64}, r"seed must be an integer in \[0, 18446744073709551615\], got 18446744073709551616"),
        (
            {"level_probs": (1, 0, 0)},
            r"one entry for each of the 3 levels of tree and one for all videos, got \[1, 0, 0\]",
        ),
        ({"level_probs": (0.5, 0, 0, 0.4)}, r"level_probs must be at least 0 and sum to 1, got \[0.5, 0, 0, 0.4\]"),
        ({"level_probs": (2, -1, 0, 0)}, "level_probs must be at least 0 and sum to 1"),
        ({"level_probs": (float("nan"), 0, 0, 1)}, "level_probs must be at least 0 and sum to 1"),
        ({"tree": None}, "level_probs must be 1 in the last entry without a tree"),
        (
            {"final_level_probs": (0, 0, 1), "anneal_steps": 5},
            "final_level_probs must have one entry for each of the 3 levels",
        ),
        (
            {"final_level_probs": (0, 0, 0.5, 0), "anneal_steps": 5},
            r"final_level_probs must be at least 0 and sum to 1, got \[0, 0, 0.5, 0\]",
        ),
        ({"final_level_probs": (0, 0, 0, 1)}, r"must be given together or not at all, got \(0, 0, 0, 1\) and None"),
        ({"anneal_steps": 5}, "must be given together or not at all, got None and 5"),
        ({"final_level_probs": (0, 0, 0, 1), "anneal_steps": 0}, "anneal_steps must be an integer >= 1, got 0"),
        ({"tree": None, "level_probs": (0, 0, 0, 1), "by": "cluster"}, "pool and by need a tree, got tree=None"),
        ({"tree": None, "level_probs": (0, 0, 0, 1), "positive": "cluster"}, "positive='cluster' needs a tree"),
    ],
)
def test_bad_options(world, change, message):
    graph, tree = world
    with pytest.raises(ValueError, match=message):
        TripletSampler(**({"graph": graph, "tree": tree, "batch_size": 10} | change))


@pytest.mark.parametrize(
    ("pairs", "num_nodes", "weights", "message"),
    [
        ([(0, 1)], 5, [1.0], "tree must have the 5 nodes of graph, got 4"),
        ([], 4, [], "graph must have edges, got none between its 4 nodes"),
        ([(0, 1), (2, 3)], 4, [1.0, -1.0], r"'weight'\] must be 1-D, finite and >= 0, got -1.0 to 1.0"),
        ([(0, 1), (2, 3)], 4, [1.0, float("nan")], "must be 1-D, finite and >= 0, got nan to nan"),
        ([(0, 1), (2, 3)], 4, [1.0, 0.0], "must be above 0 on an edge of each video, got zeros at video 2"),
    ],
)
def test_bad_graphs(make_graph, make_tree, pairs, num_nodes, weights, message):
    graph, tree = make_graph(pairs, num_nodes, weights), make_tree([0, 0, 1, 1])
    with pytest.raises(ValueError, match=message):
        TripletSampler(graph, tree, batch_size=2, level_probs=(0, 1), positive="weight")


def test_weight_without_weights(world):
    graph, tree = world
    bare = dgl.graph(graph.edges(), num_nodes=48)
    with pytest.raises(ValueError, match=r"graph must have edata\['weight'\] for positive='weight', got edata \[\]"):
        TripletSampler(bare, tree, batch_size=2, positive="weight")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"seed": 1}, "sampler with seed=0, got seed=1"),
        ({"batch_size": 9}, "sampler with batch_size=10, got batch_size=9"),
        ({"step": -1}, r"state\['step'\] must be an integer >= 0, got -1"),
        ({"epoch": 1}, "state must have the entries .* got .*epoch"),
        ({"counters": {"triplets": 0}}, r"state\['counters'\] must have the entries"),
    ],
)
def test_bad_state(world, change, message):
    graph, tree = world
    sampler = TripletSampler(graph, tree, batch_size=10)
    with pytest.raises(ValueError, match=message):
        sampler.load_state_dict(sampler.state_dict() | change)


@pytest.mark.parametrize(
    ("name", "message"), [("L0", "must be an integer >= 0, got -5"), ("skipped_anchors", "of a graph with 0")]
)
def test_bad_counters(world, name, message):
    graph, tree = world
    sampler = TripletSampler(graph, tree, batch_size=10)
    state = sampler.state_dict()
    state["counters"][name] = -5
    with pytest.raises(ValueError, match=message):
        sampler.load_state_dict(state)
    assert sampler.counters[name] == 0


def test_negative_step(world):
    graph, tree = world
    with pytest.raises(ValueError, match="step must be an integer >= 0, got -1"):
        TripletSampler(graph, tree, batch_size=10).sample(-1)
