"""GraphConv against dense matrices and dgl.nn.GraphConv, on every backend."""

from __future__ import annotations

import pytest
import torch

from graphvid._dgl import dgl
from graphvid._random import seeded
from graphvid.nn import GraphConv
from graphvid.ops import Adjacency, available_backends, use_backend

WIDTHS = [(5, 2), (3, 3), (2, 5)]  # out_dim below, at and above in_dim


@pytest.fixture(autouse=True)
def _fixed_draws():
    with seeded(0):
        yield


def edges(num_src: int = 6, num_dst: int = 5, num_edges: int = 14) -> tuple[torch.Tensor, torch.Tensor]:
    """Return random edges, with duplicates; the last source and destination have none."""
    return torch.randint(num_src - 1, (num_edges,)), torch.randint(num_dst - 1, (num_edges,))


def dense(src: torch.Tensor, dst: torch.Tensor, shape: tuple[int, int], weight: torch.Tensor) -> torch.Tensor:
    matrix = torch.zeros(shape, dtype=weight.dtype)
    for s, d, w in zip(src.tolist(), dst.tolist(), weight, strict=True):
        matrix[d, s] += w
    return matrix


@pytest.mark.parametrize("backend", available_backends())
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("widths", WIDTHS)
def test_it_is_the_product_of_three_matrices_with_its_gradients(backend, dtype, widths):
    (src, dst), x = edges(), torch.randn(6, widths[0], dtype=dtype, requires_grad=True)
    weight = torch.rand(14, dtype=dtype)
    adjacency = Adjacency.from_coo(src, dst, num_src=6, num_dst=5, weight=weight)
    layer = GraphConv(*widths).to(dtype)
    torch.nn.init.normal_(layer.bias)
    expected = dense(src, dst, (5, 6), weight) @ x @ layer.weight + layer.bias
    with use_backend(backend):
        found = layer(adjacency, x)
        pull, inputs = torch.randn_like(found), [x, layer.weight, layer.bias]
        gradients = torch.autograd.grad(found, inputs, pull)
    torch.testing.assert_close(found, expected)
    torch.testing.assert_close(gradients, torch.autograd.grad(expected, inputs, pull))
    assert torch.equal(found[4], layer.bias)


@pytest.mark.parametrize("widths", WIDTHS)
@pytest.mark.parametrize("norm", ["none", "left", "right", "both"])
def test_it_is_the_layer_of_dgl(widths, norm):
    graph = dgl.graph(edges(6, 6), num_nodes=6)
    peer = dgl.nn.GraphConv(*widths, norm=norm, activation=torch.tanh, allow_zero_in_degree=True)
    torch.nn.init.normal_(peer.bias)
    layer, x = GraphConv(*widths, activation=torch.tanh), torch.randn(6, widths[0])
    layer.load_state_dict(peer.state_dict())
    torch.testing.assert_close(layer(Adjacency.from_dgl(graph, norm=norm), x), peer(graph, x))


@pytest.mark.parametrize("backend", available_backends())
def test_it_is_the_layer_of_dgl_on_a_sampled_block(backend):
    graph = dgl.graph(edges(40, 40, 200), num_nodes=40)
    seeds = torch.tensor([3, 39, 7, 0])  # 39 has no edge
    block = dgl.to_block(dgl.sampling.sample_neighbors(graph, seeds, fanout=3), dst_nodes=seeds)
    peer, layer = dgl.nn.GraphConv(4, 3, allow_zero_in_degree=True), GraphConv(4, 3)
    layer.load_state_dict(peer.state_dict())
    x = torch.randn(block.num_src_nodes(), 4)
    with use_backend(backend):
        found = layer(Adjacency.from_block(block, norm="both"), x)
    assert found.shape == (4, 3)
    torch.testing.assert_close(found, peer(block, x))


def test_of_a_pair_it_reads_the_sources():
    src, dst = edges()
    adjacency, x = Adjacency.from_coo(src, dst, num_src=6, num_dst=5), torch.randn(6, 3)
    layer = GraphConv(3, 2)
    assert torch.equal(layer(adjacency, (x, torch.empty(5, 0))), layer(adjacency, x))


@pytest.mark.parametrize("backend", available_backends())
@pytest.mark.parametrize(("num_src", "num_dst"), [(3, 4), (1, 1), (0, 2), (2, 0)])
@pytest.mark.parametrize("widths", WIDTHS)
def test_without_an_edge_the_bias_is_left(backend, num_src, num_dst, widths):
    none = torch.empty(0, dtype=torch.int64)
    layer = GraphConv(*widths)
    torch.nn.init.normal_(layer.bias)
    with use_backend(backend):
        found = layer(Adjacency.from_coo(none, none, num_src=num_src, num_dst=num_dst), torch.ones(num_src, widths[0]))
        found.sum().backward()
    assert torch.equal(found, layer.bias.expand(num_dst, widths[1]))
    assert torch.equal(layer.weight.grad, torch.zeros(widths))


def test_relabelled_nodes_relabel_the_result():
    (src, dst), x = edges(6, 6), torch.randn(6, 3)
    layer, place = GraphConv(3, 2), torch.randperm(6)
    moved = torch.empty_like(x)
    moved[place] = x
    found = layer(Adjacency.from_coo(place[src], place[dst], num_src=6, num_dst=6, norm="both"), moved)
    expected = layer(Adjacency.from_coo(src, dst, num_src=6, num_dst=6, norm="both"), x)
    torch.testing.assert_close(found[place], expected)


@pytest.mark.parametrize("widths", [(3, 2), (2, 3)])
def test_gradient(widths):
    src, dst = edges()
    layer = GraphConv(*widths, activation=torch.tanh).double()
    x, weight = torch.randn(6, widths[0]).double().requires_grad_(), torch.rand(14).double().requires_grad_()

    def call(x, weight, w, b):
        adjacency = Adjacency.from_coo(src, dst, num_src=6, num_dst=5, weight=weight, norm="both")
        return torch.func.functional_call(layer, {"weight": w, "bias": b}, (adjacency, x))

    assert torch.autograd.gradcheck(call, (x, weight, layer.weight, layer.bias))


def test_start_is_that_of_dgl_and_reset_draws_anew():
    with seeded(3):
        layer = GraphConv(4, 3)
    with seeded(3):
        peer = dgl.nn.GraphConv(4, 3)
    assert {name: p.shape for name, p in layer.named_parameters()} == {
        name: p.shape for name, p in peer.named_parameters()
    }
    fresh = torch.empty(4, 3)
    with seeded(3):
        torch.nn.init.xavier_uniform_(fresh)
    assert torch.equal(layer.weight, fresh)
    assert not layer.bias.any()
    torch.nn.init.normal_(layer.bias)
    layer.reset_parameters()
    assert not torch.equal(layer.weight, fresh)
    assert not layer.bias.any()


@pytest.mark.parametrize("widths", WIDTHS)
def test_messages_have_the_smaller_of_the_two_widths(monkeypatch, widths):
    seen, spmm = [], Adjacency.spmm
    monkeypatch.setattr(Adjacency, "spmm", lambda self, x: seen.append(x.shape[1]) or spmm(self, x))
    src, dst = edges()
    GraphConv(*widths)(Adjacency.from_coo(src, dst, num_src=6, num_dst=5), torch.ones(6, widths[0]))
    assert seen == [min(widths)]


def test_without_a_bias_there_is_none():
    layer = GraphConv(2, 3, bias=False)
    assert [name for name, _ in layer.named_parameters()] == ["weight"]
    assert repr(layer) == "GraphConv(2, 3, bias=False)"
    src, dst = edges()
    assert not layer(Adjacency.from_coo(src, dst, num_src=6, num_dst=5), torch.ones(6, 2))[4].any()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((0, 1), "in_dim must be an integer >= 1, got 0"),
        ((1, 2.0), "out_dim must be an integer >= 1, got 2.0"),
        ((True, 1), "in_dim must be an integer >= 1, got True"),
    ],
)
def test_bad_widths(arguments, message):
    with pytest.raises(ValueError, match=message):
        GraphConv(*arguments)


@pytest.mark.parametrize("shape", [(6, 4), (5, 3), (6,), (6, 1, 3)])
def test_bad_features(shape):
    src, dst = edges()
    adjacency = Adjacency.from_coo(src, dst, num_src=6, num_dst=5)
    with pytest.raises(ValueError, match=r"x must have shape \(num_src, in_dim\) = \(6, 3\), got \(\d"):
        GraphConv(3, 2)(adjacency, torch.ones(shape))
