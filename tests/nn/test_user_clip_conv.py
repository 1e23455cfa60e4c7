"""Two hops over users and clips, against dense matrices and `dgl.nn.GraphConv` relation by relation."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from graphvid._dgl import dgl
from graphvid._random import seeded
from graphvid.graphs import ClipLabels, edge_norms, user_clip_graph
from graphvid.nn import UserClipConv
from graphvid.ops import Adjacency, available_backends, use_backend

NUM_USERS, NUM_VIDEOS, NUM_CLIPS, IN_DIM, DIM = 6, 5, 3, 4, 2
NORMS = ["sym", "mean", "official"]


@pytest.fixture(autouse=True)
def _fixed_draws():
    with seeded(0):
        yield


def random_conv(in_dim, dim, **options):
    """Return the layer with weights that are not the identity it starts at."""
    torch.manual_seed(0)
    conv = UserClipConv(in_dim, dim, **options)
    with torch.no_grad():
        for weight in conv.parameters():
            weight.normal_(mean=0.5)  # so that ReLU leaves something
    return conv


def random_graph(seed, *, num_rows=20, **options):
    """Of a log in which the last user and the last video do not occur, and rows repeat."""
    rng = np.random.default_rng(seed)
    labels = ClipLabels(
        rng.integers(0, NUM_USERS - 1, num_rows),
        rng.integers(0, NUM_VIDEOS - 1, num_rows),
        rng.choice([*range(NUM_CLIPS), NUM_CLIPS, NUM_CLIPS], num_rows),
        np.ones(num_rows, np.int64),
        np.arange(num_rows),
        NUM_CLIPS,
        {},
    )
    return user_clip_graph(labels, num_users=NUM_USERS, num_videos=NUM_VIDEOS, **options)


def forward_type(graph, relation):
    return next(etype for etype in graph.canonical_etypes if etype[:2] == ("user", relation))


def hops(graph, norm, dtype=torch.float64, order=None):
    """Relations into users and into clips with the weights of `edge_norms`."""
    into_users, into_clips = [], []
    for relation in ("pos", "neg"):
        etype = forward_type(graph, relation)
        user, node = graph.edges(etype=etype)
        sizes = graph.num_nodes("user"), graph.num_nodes(etype[2])
        to_user, to_clip = (x.to(dtype) for x in edge_norms(graph, relation, norm=norm))
        if order is not None:
            shuffled = torch.randperm(len(user), generator=torch.Generator().manual_seed(order))
            user, node, to_user, to_clip = (x[shuffled] for x in (user, node, to_user, to_clip))
        into_users.append(Adjacency.from_coo(node, user, num_src=sizes[1], num_dst=sizes[0], weight=to_user))
        into_clips.append(Adjacency.from_coo(user, node, num_src=sizes[0], num_dst=sizes[1], weight=to_clip))
    return into_users, into_clips


def dense(graph, norm):
    """Matrices (relation, user, clip) of both hops; an edge with a video is one with each of its clips."""
    matrices = np.zeros((2, 2, NUM_USERS, NUM_VIDEOS * NUM_CLIPS))
    for r, relation in enumerate(("pos", "neg")):
        etype = forward_type(graph, relation)
        adjacency = np.zeros((NUM_USERS, NUM_VIDEOS * NUM_CLIPS))
        weights = graph.edges[etype].data["weight"].tolist()
        for user, node, weight in zip(*(x.tolist() for x in graph.edges(etype=etype)), weights):
            shared = etype[2] == "video"
            for clip in range(node * NUM_CLIPS, (node + 1) * NUM_CLIPS) if shared else [node]:
                adjacency[user, clip] += weight
        of_user, of_clip = adjacency.sum(1, keepdims=True), adjacency.sum(0, keepdims=True)
        there, back = {
            "sym": (np.sqrt(of_user * of_clip),) * 2,
            "mean": (of_user + 0 * of_clip, 0 * of_user + of_clip),
            "official": (of_user + 0 * of_clip,) * 2,
        }[norm]
        for hop, divisor in enumerate((there, back)):
            matrices[hop, r] = np.divide(adjacency, divisor, out=np.zeros_like(adjacency), where=adjacency > 0)
    return matrices


def dense_conv(matrices, conv, x):
    first, second = (w.detach().numpy()[[0, -1]] for w in (conv.user_weight, conv.clip_weight))
    users = [np.maximum(matrices[0, r] @ x @ first[r], 0) for r in range(2)]
    clips = [np.maximum(matrices[1, r].T @ users[r] @ second[r], 0) for r in range(2)]
    return np.stack(users), (clips[0] + clips[1]) / 2


def clips_input(dtype=torch.float64):
    return torch.randn(NUM_VIDEOS * NUM_CLIPS, IN_DIM, dtype=dtype)


OPTIONS = [
    {},
    {"shared_positives": True},
    {"positive_mode": "prefix"},
    {"multiplicity": "count", "shared_positives": True},
    {"multiplicity": "count", "negative_mode": "official", "positive_mode": "prefix"},
]


@pytest.mark.parametrize(
    ("backend", "norm", "options"),
    [
        (backend, norm, options)
        for backend in available_backends()
        for norm in NORMS
        for options in OPTIONS
        # Triton's interpreter is slow, and tests/ops hold its kernels to the others.
        if backend != "triton" or (norm, options) == ("sym", OPTIONS[-1])
    ],
)
def test_equals_dense_matrices(backend, norm, options):
    conv = random_conv(IN_DIM, DIM, share_weights=norm == "official").double()
    for seed in range(4):
        graph, x = random_graph(seed, **options), clips_input()
        expected = dense_conv(dense(graph, norm), conv, x.numpy())
        assert expected[1].any()
        into_users, into_clips = hops(graph, norm)
        with use_backend(backend):
            found = conv(into_users, into_clips, x)
        for ours, theirs in zip(found, expected):
            np.testing.assert_allclose(ours.detach().numpy(), theirs, atol=1e-6)  # edge_norms gives float32


@pytest.mark.parametrize("norm", ["sym", "mean"])
def test_equals_graph_conv_of_dgl_called_once_a_relation(norm):
    """One GraphConv a relation and hop: without bias, zero in-degrees allowed, zeros for what DGL would leave out."""
    graph, x, conv = random_graph(7), clips_input(torch.float32), random_conv(IN_DIM, DIM)
    clips = torch.zeros(len(x), DIM)
    into_users, into_clips = hops(graph, norm, torch.float32)
    users, found = conv(into_users, into_clips, x)
    kind = "both" if norm == "sym" else "right"

    def hop(etype, given, weight):
        module = dgl.nn.GraphConv(*weight.shape, norm=kind, weight=False, bias=False, allow_zero_in_degree=True)
        relation = graph[etype]
        empty = given.new_zeros(relation.num_dst_nodes(), 1)  # only looked at for its number of dimensions
        return module(relation, (given, empty), weight=weight)

    for r, name in enumerate(("pos", "neg")):
        of_users = hop(("clip", f"{name}_by", "user"), x, conv.user_weight[r]).relu()
        torch.testing.assert_close(users[r], of_users)
        clips = clips + hop(("user", name, "clip"), of_users, conv.clip_weight[r]).relu() / 2
    torch.testing.assert_close(found, clips)


@pytest.mark.parametrize("shared", [False, True])
def test_nodes_without_edges_get_zeros(shared):
    graph, conv = random_graph(1, shared_positives=shared), random_conv(IN_DIM, DIM).double()
    users, clips = conv(*hops(graph, "sym"), clips_input())
    assert not users[:, -1].any()
    assert not clips[-NUM_CLIPS:].any()


@pytest.mark.parametrize("norm", NORMS)
@pytest.mark.parametrize("shared", [False, True])
def test_an_empty_relation_is_zeros_and_the_mean_still_divides_by_two(norm, shared):
    graph = random_graph(2, negative_mode="none", shared_positives=shared)
    conv, x = UserClipConv(IN_DIM, DIM).double(), clips_input()
    into_users, into_clips = hops(graph, norm)
    users, clips = conv(into_users, into_clips, x)
    assert not users[1].any()
    alone = torch.relu(into_clips[0].spmm(users[0] @ conv.clip_weight[0]))
    assert alone.any()
    torch.testing.assert_close(clips, (alone.repeat_interleave(NUM_CLIPS, 0) if shared else alone) / 2)


@pytest.mark.parametrize("norm", NORMS)
def test_shared_positives_change_nothing(norm):
    conv, x = UserClipConv(IN_DIM, DIM).double(), clips_input()
    plain, shared = (conv(*hops(random_graph(3, shared_positives=flag), norm), x) for flag in (False, True))
    for a, b in zip(plain, shared):
        torch.testing.assert_close(a, b, atol=1e-6, rtol=0)


@pytest.mark.parametrize("shared", [False, True])
def test_the_order_of_edges_changes_rounding_only(shared):
    graph, conv, x = random_graph(4, shared_positives=shared), random_conv(IN_DIM, DIM).double(), clips_input()
    for a, b in zip(conv(*hops(graph, "sym"), x), conv(*hops(graph, "sym", order=5), x)):
        torch.testing.assert_close(a, b)


@pytest.mark.parametrize("norm", NORMS)
def test_relabelled_nodes_relabel_the_result(norm):
    conv, x, into = UserClipConv(IN_DIM, DIM).double(), clips_input(), hops(random_graph(5), norm)
    user_place, clip_place = torch.randperm(NUM_USERS), torch.randperm(len(x))

    def relabelled(adjacency, src_place, dst_place):
        src, dst = adjacency.ends("src").long(), adjacency.ends("dst").long()
        sizes = {"num_src": adjacency.num_src, "num_dst": adjacency.num_dst}
        return Adjacency.from_coo(src_place[src], dst_place[dst], weight=adjacency.weight, **sizes)

    moved = torch.empty_like(x)
    moved[clip_place] = x
    users, clips = conv(*into, x)
    new_users, new_clips = conv(
        [relabelled(a, clip_place, user_place) for a in into[0]],
        [relabelled(a, user_place, clip_place) for a in into[1]],
        moved,
    )
    torch.testing.assert_close(new_users[:, user_place], users)
    torch.testing.assert_close(new_clips[clip_place], clips)


@pytest.mark.parametrize("shared", [False, True])
@pytest.mark.parametrize("share_weights", [False, True])
def test_gradients(shared, share_weights):
    into_users, into_clips = hops(random_graph(6, shared_positives=shared), "sym")
    conv = random_conv(IN_DIM, DIM, share_weights=share_weights).double()
    x = clips_input().requires_grad_()

    def run(x, *weights):
        names = [name for name, _ in conv.named_parameters()]
        return torch.func.functional_call(conv, dict(zip(names, weights)), (into_users, into_clips, x))

    assert torch.autograd.gradcheck(run, (x, *(w.detach().clone().requires_grad_() for w in conv.parameters())))


@pytest.mark.parametrize("norm", NORMS)
def test_users_from_kept_sums_are_those_of_forward(norm):
    into_users, into_clips = hops(random_graph(8), norm)
    conv, x = UserClipConv(IN_DIM, DIM).double(), clips_input()
    users, clips = conv(into_users, into_clips, x)
    torch.testing.assert_close(conv.users(torch.stack([a.spmm(x) for a in into_users])), users)
    assert torch.equal(conv.clips(into_clips, users), clips)


@pytest.mark.parametrize("sizes", [(5, 3), (3, 5)])
def test_weights_start_at_the_identity_and_shared_ones_are_one_set(sizes):
    conv = UserClipConv(*sizes)
    assert conv.user_weight.shape == (2, *sizes)
    for weight in (*conv.user_weight, *conv.clip_weight):
        assert torch.equal(weight, torch.eye(*weight.shape))
    assert [len(w) for w in UserClipConv(*sizes, share_weights=True).parameters()] == [1, 1]
    assert repr(conv) == f"UserClipConv({sizes[0]}, {sizes[1]}, share_weights=False)"


def test_bad_input():
    for sizes, message in (((0, 2), "in_dim must be .*, got 0"), ((2, 0), "dim must be .*, got 0")):
        with pytest.raises(ValueError, match=message):
            UserClipConv(*sizes)
    into_users, into_clips = hops(random_graph(0), "mean")
    conv, x = UserClipConv(IN_DIM, DIM).double(), clips_input()
    with pytest.raises(ValueError, match="into_users must be a positive and a negative relation, got 1 relations"):
        conv(into_users[:1], into_clips, x)
    with pytest.raises(ValueError, match="into_clips must be a positive and a negative relation, got 3 relations"):
        conv(into_users, [*into_clips, into_clips[0]], x)


@pytest.mark.parametrize("shared", [False, True])
def test_sigmoid_after_each_sum(shared):
    conv = random_conv(IN_DIM, DIM, activation="sigmoid").double()
    x = torch.randn(NUM_VIDEOS * NUM_CLIPS, IN_DIM, dtype=torch.float64)
    into_users, into_clips = hops(random_graph(1), "sym")
    matrices = [[a.spmm(torch.eye(a.num_src, dtype=x.dtype)) for a in hop] for hop in (into_users, into_clips)]
    users = [torch.sigmoid(matrices[0][r] @ x @ conv.user_weight[r]) for r in (0, 1)]
    clips = sum(torch.sigmoid(matrices[1][r] @ users[r] @ conv.clip_weight[r]) for r in (0, 1)) / 2
    found = conv(*(hops(random_graph(1, shared_positives=True), "sym") if shared else (into_users, into_clips)), x)
    assert torch.allclose(found[0], torch.stack(users))
    assert torch.allclose(found[1], clips)
    assert repr(conv).endswith("activation='sigmoid')")
