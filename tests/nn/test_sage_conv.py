"""SAGEConv against loops and dgl.nn.SAGEConv, on every backend."""

from __future__ import annotations

import pytest
import torch

from graphvid._dgl import dgl
from graphvid._random import seeded
from graphvid.nn import SAGEConv
from graphvid.ops import Adjacency, available_backends, use_backend

WIDTHS = [(5, 2), (3, 3), (2, 5)]  # out_dim below, at and above in_dim


@pytest.fixture(autouse=True)
def _fixed_draws():
    with seeded(0):
        yield


def edges(num_src: int = 6, num_dst: int = 5, num_edges: int = 14) -> tuple[torch.Tensor, torch.Tensor]:
    """Return random edges, with duplicates; the last source and destination have none."""
    return torch.randint(num_src - 1, (num_edges,)), torch.randint(num_dst - 1, (num_edges,))


def by_loops(layer: SAGEConv, src, dst, weight, x_src, x_dst) -> torch.Tensor:
    """Compute the equation destination by destination, message by message."""
    out = []
    for v in range(len(x_dst)):
        messages = [w * x_src[s] for s, d, w in zip(src.tolist(), dst.tolist(), weight, strict=True) if d == v]
        pooled = torch.zeros_like(x_src[0])
        if messages:
            pooled = sum(messages) / len(messages) if layer.reduce == "mean" else torch.stack(messages).amax(0)
        out.append(layer.fc_self.weight @ x_dst[v] + layer.fc_self.bias + layer.fc_neigh.weight @ pooled)
    return torch.stack(out)


@pytest.mark.parametrize("backend", available_backends())
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("reduce", ["mean", "max"])
@pytest.mark.parametrize("widths", WIDTHS)
def test_it_is_its_equation_with_its_gradients(backend, dtype, reduce, widths):
    src, dst = edges(num_edges=9)
    distinct = torch.unique(torch.stack([src, dst]), dim=1)  # a maximum over duplicates has no one gradient
    src, dst = distinct[:, torch.randperm(distinct.shape[1])]
    weight = 0.5 + torch.rand(len(src), dtype=dtype)
    x_src = torch.randn(6, widths[0], dtype=dtype, requires_grad=True)
    x_dst = torch.randn(5, 4, dtype=dtype, requires_grad=True)
    layer = SAGEConv((widths[0], 4), widths[1], reduce=reduce).to(dtype)
    expected = by_loops(layer, src, dst, weight, x_src, x_dst)
    with use_backend(backend):
        found = layer(Adjacency.from_coo(src, dst, num_src=6, num_dst=5, weight=weight), (x_src, x_dst))
        pull, inputs = torch.randn_like(found), [x_src, x_dst, *layer.parameters()]
        gradients = torch.autograd.grad(found, inputs, pull)
    torch.testing.assert_close(found, expected)
    torch.testing.assert_close(gradients, torch.autograd.grad(expected, inputs, pull))


@pytest.mark.parametrize("widths", WIDTHS)
@pytest.mark.parametrize("weighted", [False, True])
def test_the_mean_is_the_layer_of_dgl(widths, weighted):
    graph = dgl.graph(edges(6, 6), num_nodes=6)
    peer = dgl.nn.SAGEConv(*widths, aggregator_type="mean")
    layer, x, weight = SAGEConv(*widths), torch.randn(6, widths[0]), torch.rand(14)
    layer.load_state_dict(peer.state_dict())
    found = layer(Adjacency.from_dgl(graph, weight=weight if weighted else None), x)
    torch.testing.assert_close(found, peer(graph, x, edge_weight=weight if weighted else None))


def test_the_maximum_is_the_pooling_layer_of_dgl_behind_its_fully_connected_layer():
    graph = dgl.graph(edges(6, 6), num_nodes=6)
    peer, layer, x = dgl.nn.SAGEConv(4, 2, aggregator_type="pool"), SAGEConv(4, 2, reduce="max"), torch.randn(6, 4)
    state = peer.state_dict()
    layer.load_state_dict({name: value for name, value in state.items() if not name.startswith("fc_pool")})
    found = layer(Adjacency.from_dgl(graph), (torch.relu(peer.fc_pool(x)), x))
    torch.testing.assert_close(found, peer(graph, x))


@pytest.mark.parametrize("backend", available_backends())
def test_a_block_has_its_destinations_first(backend):
    graph = dgl.graph(edges(40, 40, 200), num_nodes=40)
    seeds = torch.tensor([3, 39, 7, 0])  # 39 has no edge
    block = dgl.to_block(dgl.sampling.sample_neighbors(graph, seeds, fanout=3), dst_nodes=seeds)
    peer, layer = dgl.nn.SAGEConv(4, 3, aggregator_type="mean"), SAGEConv(4, 3)
    layer.load_state_dict(peer.state_dict())
    x, adjacency = torch.randn(block.num_src_nodes(), 4), Adjacency.from_block(block)
    with use_backend(backend):
        found = layer(adjacency, x)
    assert found.shape == (4, 3)
    torch.testing.assert_close(found, peer(block, x))
    assert torch.equal(layer(adjacency, x), layer(adjacency, (x, x[:4])))


@pytest.mark.parametrize("backend", available_backends())
@pytest.mark.parametrize("reduce", ["mean", "max"])
@pytest.mark.parametrize(("num_src", "num_dst"), [(3, 4), (1, 1), (0, 2), (2, 0)])
def test_without_an_edge_the_own_features_are_left(backend, reduce, num_src, num_dst):
    none = torch.empty(0, dtype=torch.int64)
    layer, x_dst = SAGEConv(3, 2, reduce=reduce), torch.randn(num_dst, 3)
    adjacency = Adjacency.from_coo(none, none, num_src=num_src, num_dst=num_dst)
    with use_backend(backend):
        found = layer(adjacency, (torch.ones(num_src, 3), x_dst))
        found.sum().backward()
    torch.testing.assert_close(found, layer.fc_self(x_dst))
    assert not layer.fc_neigh.weight.grad.any()


@pytest.mark.parametrize("reduce", ["mean", "max"])
def test_relabelled_nodes_relabel_the_result(reduce):
    (src, dst), x = edges(6, 6), torch.randn(6, 3)
    layer, place = SAGEConv(3, 2, reduce=reduce), torch.randperm(6)
    moved = torch.empty_like(x)
    moved[place] = x
    found = layer(Adjacency.from_coo(place[src], place[dst], num_src=6, num_dst=6), moved)
    torch.testing.assert_close(found[place], layer(Adjacency.from_coo(src, dst, num_src=6, num_dst=6), x))


@pytest.mark.parametrize("reduce", ["mean", "max"])
@pytest.mark.parametrize("widths", [(3, 2), (2, 3)])
def test_gradient(reduce, widths):
    src, dst = edges()
    layer = SAGEConv((widths[0], 4), widths[1], reduce=reduce).double()
    adjacency = Adjacency.from_coo(src, dst, num_src=6, num_dst=5)
    x_src, x_dst = torch.randn(6, widths[0]).double().requires_grad_(), torch.randn(5, 4).double().requires_grad_()
    names = [name for name, _ in layer.named_parameters()]

    def call(x_src, x_dst, *values):
        parameters = dict(zip(names, values, strict=True))
        return torch.func.functional_call(layer, parameters, (adjacency, (x_src, x_dst)))

    assert torch.autograd.gradcheck(call, (x_src, x_dst, *layer.parameters()))


def test_start_has_the_bounds_of_dgl_and_reset_draws_all_anew():
    layer, peer = SAGEConv(64, 32), dgl.nn.SAGEConv(64, 32, aggregator_type="mean")
    before = {name: value.clone() for name, value in layer.state_dict().items()}
    layer.reset_parameters()
    glorot = (2 * 6 / (64 + 32)) ** 0.5
    bounds = {"fc_self.weight": glorot, "fc_neigh.weight": glorot, "fc_self.bias": 64**-0.5}
    for name, value in layer.state_dict().items():
        assert not torch.equal(value, before[name])
        for drawn in (value, peer.state_dict()[name]):
            assert 0.8 * bounds[name] < drawn.abs().max() <= bounds[name]


@pytest.mark.parametrize(
    ("reduce", "widths", "carried"), [("mean", (5, 2), 2), ("mean", (2, 5), 2), ("max", (5, 2), 5), ("max", (2, 5), 2)]
)
def test_messages_have_the_smaller_width_where_the_reduction_allows(monkeypatch, reduce, widths, carried):
    seen, spmm = [], Adjacency.spmm
    monkeypatch.setattr(
        Adjacency, "spmm", lambda self, x, **options: seen.append(x.shape[1]) or spmm(self, x, **options)
    )
    src, dst = edges()
    adjacency = Adjacency.from_coo(src, dst, num_src=6, num_dst=5)
    SAGEConv(widths[0], widths[1], reduce=reduce)(adjacency, torch.ones(6, widths[0]))
    assert seen == [carried]


def test_without_a_bias_there_is_none():
    layer = SAGEConv((2, 4), 3, bias=False)
    assert [name for name, _ in layer.named_parameters()] == ["fc_neigh.weight", "fc_self.weight"]
    assert "SAGEConv(\n  (2, 4), 3, reduce='mean'" in repr(layer)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"in_dim": 0, "out_dim": 1}, "in_dim must be an integer >= 1, got 0"),
        ({"in_dim": (1, 0), "out_dim": 1}, "in_dim must be an integer >= 1, got 0"),
        ({"in_dim": 1, "out_dim": 1.5}, "out_dim must be an integer >= 1, got 1.5"),
        ({"in_dim": 1, "out_dim": 1, "reduce": "pool"}, r"reduce must be one of \['mean', 'max'\], got 'pool'"),
    ],
)
def test_bad_arguments(arguments, message):
    with pytest.raises(ValueError, match=message):
        SAGEConv(**arguments)


def test_bad_features():
    src, dst = edges()
    adjacency, layer = Adjacency.from_coo(src, dst, num_src=6, num_dst=5), SAGEConv((3, 4), 2)
    with pytest.raises(ValueError, match=r"x_src must have shape \(num_src, in_dim\) = \(6, 3\), got \(6, 4\)"):
        layer(adjacency, (torch.ones(6, 4), torch.ones(5, 4)))
    with pytest.raises(ValueError, match=r"x_dst must have shape \(num_dst, in_dim\) = \(5, 4\), got \(6, 4\)"):
        layer(adjacency, (torch.ones(6, 3), torch.ones(6, 4)))
    with pytest.raises(ValueError, match=r"x_dst must have shape \(num_dst, in_dim\) = \(5, 4\), got \(5, 3\)"):
        layer(adjacency, torch.ones(6, 3))
    with pytest.raises(ValueError, match=r"x must be a pair .*, got one tensor with num_src=5 and num_dst=6"):
        layer(adjacency.t(), torch.ones(5, 3))
