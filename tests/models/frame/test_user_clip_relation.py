"""A step's edges without its targets' own, against a graph that was made again without the targets' rows."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from graphvid.graphs import ClipLabels, edge_norms, user_clip_graph
from graphvid.models.frame.user_clip_relation import UserClipRelation

NUM_USERS, NUM_VIDEOS, NUM_CLIPS, DIM = 6, 5, 3, 2
NORMS = ["sym", "mean", "official"]
MODES = {
    "shared": {"shared_positives": True},
    "clipwise": {},
    "prefix": {"positive_mode": "prefix"},
    "shared, counted": {"shared_positives": True, "multiplicity": "count"},
    "official": {"positive_mode": "prefix", "negative_mode": "official", "multiplicity": "count"},
}


def labels_of(rows):
    table = np.array(rows, np.int64).reshape(-1, 3)
    return ClipLabels(*table.T.copy(), np.ones(len(table), np.int64), np.arange(len(table)), NUM_CLIPS, {})


def graph_of(rows, num_users=NUM_USERS, num_videos=NUM_VIDEOS, **options):
    return user_clip_graph(labels_of(rows), num_users=num_users, num_videos=num_videos, **options)


def random_rows(seed, num_rows=40, num_users=NUM_USERS, num_videos=NUM_VIDEOS):
    rng = np.random.default_rng(seed)
    return np.stack(
        [
            rng.integers(0, num_users, num_rows),
            rng.integers(0, num_videos, num_rows),
            rng.choice([0, 1, 2, 3, 3], num_rows),
        ],
        axis=1,
    ).tolist()


def clips_of(num_videos=NUM_VIDEOS, seed=0):
    return torch.from_numpy(np.random.default_rng(seed).normal(size=(num_videos, NUM_CLIPS, DIM)))


def dense(graph, name, norm):
    """Both hops of a relation as matrices (user, clip), the degrees of users, and those of clips."""
    etype = next(etype for etype in graph.canonical_etypes if etype[:2] == ("user", name))
    user, node = (ends.numpy() for ends in graph.edges(etype=etype))
    num_clips = graph.num_nodes("clip")
    there, back, weight = (np.zeros((graph.num_nodes("user"), num_clips)) for _ in range(3))
    wide = NUM_CLIPS if etype[2] == "video" else 1
    factors = edge_norms(graph, name, norm=norm)
    for matrix, values in zip((there, back, weight), (*factors, graph.edges[etype].data["weight"])):
        for i in range(wide):
            matrix[user, node * wide + i] = values.numpy()
    return there, back, weight.sum(1), weight.sum(0)


def step_of(graph, name, norm, videos, users, targets, *, fanout=-1, step=0, clips=None):
    """Normalised sums of users, their degrees, the second hop as a matrix (user, clip), and the degrees of the clips."""
    clips = clips_of(graph.num_nodes("clip") // NUM_CLIPS) if clips is None else clips
    relation = UserClipRelation(graph, name, NUM_CLIPS, norm)
    sums = relation.sums(torch.arange(len(clips)), clips)
    edges = relation.edges(videos, targets, fanout, 7, step)
    users = torch.unique(torch.cat([users, edges.picks.src]))
    normalised, degree = relation.user_sums(sums, users, edges if targets is not None else None, clips[videos])
    hop = relation.into_nodes(users, degree, edges, torch.float64)
    matrix = hop.spmm(torch.eye(len(users), dtype=torch.float64)).T
    return users, normalised, degree, matrix.repeat_interleave(relation.clips_per_node, 1), edges


def assert_equals_the_graph_without(graph, rebuilt, name, norm, videos, users, targets):
    users, sums, degree, hop, edges = step_of(graph, name, norm, videos, users, targets)
    users = users.numpy()
    there, back, user_degree, clip_degree = dense(rebuilt, name, norm)
    seen = (videos[:, None] * NUM_CLIPS + torch.arange(NUM_CLIPS)).flatten()
    np.testing.assert_allclose(sums, (there @ clips_of().flatten(0, 1).numpy())[users], atol=1e-6)
    np.testing.assert_array_equal(degree, user_degree[users])
    np.testing.assert_array_equal(edges.degree.repeat_interleave(len(seen) // len(edges.degree)), clip_degree[seen])
    expected = back[:, seen]
    np.testing.assert_allclose(hop, expected[users], atol=1e-6)
    assert not np.delete(expected, users, axis=0).any()  # all who have an edge there were found


views = st.tuples(st.integers(0, NUM_USERS - 1), st.integers(0, NUM_VIDEOS - 1), st.integers(0, NUM_CLIPS))


@settings(deadline=None, max_examples=60)
@given(
    rows=st.lists(views, min_size=1, max_size=30),
    picked=st.lists(st.integers(0, 10**6), min_size=1, max_size=8),
    more_videos=st.sets(st.integers(0, NUM_VIDEOS - 1)),
    norm=st.sampled_from(NORMS),
    mode=st.sampled_from(list(MODES)),
    name=st.sampled_from(["pos", "neg"]),
)
def test_a_step_equals_the_graph_without_the_targets(rows, picked, more_videos, norm, mode, name):
    targets = sorted({tuple(rows[i % len(rows)][:2]) for i in picked})
    rebuilt = graph_of([row for row in rows if tuple(row[:2]) not in targets], **MODES[mode])
    pairs = torch.tensor(targets)
    videos = torch.tensor(sorted({video for _, video in targets} | more_videos))
    graph = graph_of(rows, **MODES[mode])
    assert_equals_the_graph_without(graph, rebuilt, name, norm, videos, pairs[:, 0], pairs)


@pytest.mark.parametrize("norm", NORMS)
@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("name", ["pos", "neg"])
def test_without_targets_a_step_is_the_graph(norm, mode, name):
    graph = graph_of(random_rows(1), **MODES[mode])
    everyone, videos = torch.arange(NUM_USERS), torch.arange(NUM_VIDEOS)
    assert_equals_the_graph_without(graph, graph, name, norm, videos, everyone, None)
    nobody = torch.tensor([[0, 0]])  # a target that has no edge
    graph = graph_of([row for row in random_rows(1) if row[:2] != [0, 0]], **MODES[mode])
    assert_equals_the_graph_without(graph, graph, name, norm, videos, everyone, nobody)


@pytest.mark.parametrize("norm", NORMS)
def test_all_edges_are_targets(norm):
    rows = random_rows(2)
    pairs = torch.tensor(sorted({tuple(row[:2]) for row in rows}))
    for name in ("pos", "neg"):
        _, sums, degree, hop, _ = step_of(
            graph_of(rows, shared_positives=True), name, norm, torch.arange(NUM_VIDEOS), pairs[:, 0], pairs
        )
        assert not sums.any()
        assert not degree.any()
        assert not hop.any()


def test_by_hand():
    """User 0 finished videos 0 and 1, user 1 finished video 0; the step predicts user 0 on video 0."""
    graph = graph_of([(0, 0, 3), (0, 1, 3), (1, 0, 3)], shared_positives=True)
    clips = torch.arange(30, dtype=torch.float64).view(NUM_VIDEOS, NUM_CLIPS, DIM)
    users, sums, degree, hop, edges = step_of(
        graph, "pos", "mean", torch.tensor([0]), torch.tensor([0]), torch.tensor([[0, 0]]), clips=clips
    )
    assert users.tolist() == [0, 1]
    assert sums.tolist() == [clips[1].mean(0).tolist(), clips[0].mean(0).tolist()]
    assert degree.tolist() == [3, 3]
    assert hop.tolist() == [[0, 0, 0], [1, 1, 1]]
    assert edges.degree.tolist() == [1]


@pytest.mark.parametrize("norm", NORMS)
@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("fanout", [1, 3])
def test_picked_messages_are_right_on_average(norm, mode, fanout):
    """Over many videos with the same edges the mean message is the whole one, within 3 standard errors."""
    copies, num_users = 2000, 40
    rng = np.random.default_rng(5)
    ends = [(user, stop) for user in range(num_users) for stop in rng.choice([0, 1, 2, 3, 3], 2)]
    table = np.array([(user, video, stop) for video in range(copies) for user, stop in ends])
    graph = graph_of(table, num_users, copies, **MODES[mode])
    videos, everyone = torch.arange(copies), torch.arange(num_users)
    targets = torch.cartesian_prod(torch.arange(3), videos)  # three users of every video
    values = torch.randn(num_users, 2, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    for name in ("pos", "neg"):
        relation = UserClipRelation(graph, name, NUM_CLIPS, norm)
        degree = relation.user_degree
        whole, picked = (
            relation.into_nodes(everyone, degree, relation.edges(videos, targets, k, 7, 0), torch.float64)
            .spmm(values)
            .view(copies, -1, 2)
            for k in (-1, fanout)
        )
        torch.testing.assert_close(whole, whole[:1].expand_as(whole))
        error = picked.std(0) / copies**0.5
        assert (error > 0).any()
        assert ((picked.mean(0) - whole[0]).abs() <= 3 * error + 1e-9).all()


def test_fanout_beyond_every_degree_is_the_whole_step():
    graph, videos = graph_of(random_rows(4), shared_positives=True), torch.arange(NUM_VIDEOS)
    pairs = torch.tensor([[0, 1], [2, 3]])
    for name in ("pos", "neg"):
        whole, sampled = (
            step_of(graph, name, "sym", videos, pairs[:, 0], pairs, fanout=fanout) for fanout in (-1, 1000)
        )
        for a, b in zip(whole[:4], sampled[:4]):
            torch.testing.assert_close(a, b)


class Sizes(TorchDispatchMode):
    """Keep the number of values of every tensor that an operation returns."""

    def __init__(self):
        super().__init__()
        self.seen = []

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        result = func(*args, **(kwargs or {}))
        self.seen += [x.numel() for x in tree_leaves(result) if isinstance(x, torch.Tensor)]
        return result


@pytest.mark.parametrize("norm", NORMS)
@pytest.mark.parametrize("name", ["pos", "neg"])
@pytest.mark.parametrize("fanout", [-1, 2])
def test_a_step_is_of_one_size_however_many_clips_there_are(norm, name, fanout):
    """Ten times the videos with the same rows each: the same step makes the same tensors."""
    found = []
    for num_videos in (30, 300):
        rows = [[user, video, (user + video) % 4] for video in range(num_videos) for user in range(NUM_USERS)]
        relation = UserClipRelation(graph_of(rows, num_videos=num_videos, shared_positives=True), name, NUM_CLIPS, norm)
        clips = clips_of(num_videos)
        sums = relation.sums(torch.arange(num_videos), clips)  # also groups the edges by node, once
        videos, pairs = torch.tensor([3, 5]), torch.tensor([[0, 3], [4, 5]])
        with Sizes() as sizes:
            edges = relation.edges(videos, pairs, fanout, 0, 0)
            users = torch.unique(torch.cat([pairs[:, 0], edges.picks.src]))
            _, degree = relation.user_sums(sums, users, edges, clips[videos])
            hop = relation.into_nodes(users, degree, edges, torch.float64)
        found.append((sizes.seen, hop.num_edges))
    assert found[0] == found[1]
    assert max(found[0][0]) < 30 * NUM_USERS  # fewer than the rows of the smaller log
