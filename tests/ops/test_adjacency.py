"""The oracle is plain PyTorch on one message at a time; every backend is held to it, forward and backward."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse
from torch import Tensor

from graphvid import ops
from graphvid._dgl import dgl
from graphvid.ops import Adjacency

NORMS = ("none", "left", "right", "both")


def _values(*shape: int, seed: int = 0, dtype: torch.dtype = torch.float64) -> Tensor:
    random = torch.Generator().manual_seed(seed)
    return torch.randn(shape, generator=random, dtype=torch.float64).to(dtype)


def _oracle(edges, x: Tensor, weight: Tensor | None, norm: str, reduce: str) -> Tensor:
    """Reduce messages node by node."""
    degree_in = [int((edges.dst == v).sum()) for v in range(edges.num_dst)]
    degree_out = [int((edges.src == u).sum()) for u in range(edges.num_src)]
    left, right = {"none": (0, 0), "left": (1, 0), "right": (0, 1), "both": (0.5, 0.5)}[norm]
    rows = []
    for v in range(edges.num_dst):
        messages = []
        for e in (edges.dst == v).nonzero().flatten().tolist():
            u = int(edges.src[e])
            factor = degree_out[u] ** -left * degree_in[v] ** -right
            message = x[u] * factor
            if weight is not None:
                message = message * (weight[e][:, None] if weight.dim() == 2 else weight[e])
            messages.append(message)
        if not messages:
            rows.append(torch.zeros_like(x[:1].sum(0)))
        elif reduce == "max":
            rows.append(torch.stack(messages).max(0).values)
        else:
            rows.append(torch.stack(messages).sum(0) / (len(messages) if reduce == "mean" else 1))
    return torch.stack(rows) if rows else x.new_zeros(0, *x.shape[1:])


def _check(result: Callable[..., Tensor], expected: Callable[..., Tensor], *inputs: Tensor) -> None:
    """Compare two functions and their gradients to 1e-10 in float64."""
    outcomes = []
    for function in (result, expected):
        leaves = [x.clone().requires_grad_() for x in inputs]
        out = function(*leaves)
        if out.requires_grad:
            (out * _values(*out.shape, seed=9)).sum().backward()
        outcomes.append([out, *(torch.zeros_like(x) if x.grad is None else x.grad for x in leaves)])
    for a, b in zip(*outcomes):
        assert a.shape == b.shape
        torch.testing.assert_close(a, b, rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("reduce", ["sum", "max"])
@pytest.mark.parametrize("weighted", ["no", "heads"])
def test_spmm_and_its_gradients(backend, edges, reduce, weighted) -> None:
    _check_spmm(edges, reduce, weighted)


@pytest.mark.parametrize("edges", ["random"], indirect=True)
@pytest.mark.parametrize("reduce", ["sum", "max"])
def test_one_weight_an_edge_counts_for_every_head(backend, edges, reduce) -> None:
    _check_spmm(edges, reduce, "one")


@pytest.mark.parametrize("edges", ["empty rows", "hub"], indirect=True)
def test_a_mean_is_a_sum_with_another_scale(backend, edges) -> None:
    _check_spmm(edges, "mean", "heads")


def _check_spmm(edges, reduce: str, weighted: str) -> None:
    adjacency = edges.adjacency(norm="both")
    x = _values(edges.num_src, 2, 3)
    if weighted == "no":
        _check(lambda x: adjacency.spmm(x, reduce=reduce), lambda x: _oracle(edges, x, None, "both", reduce), x)
        return
    weight = _values(len(edges.src), *([2] if weighted == "heads" else []), seed=1)
    _check(
        lambda x, w: adjacency.spmm(x, w, reduce=reduce), lambda x, w: _oracle(edges, x, w, "both", reduce), x, weight
    )


@pytest.mark.parametrize("edges", ["random", "empty rows"], indirect=True)
@pytest.mark.parametrize("norm", NORMS)
@pytest.mark.parametrize("transposed", [False, True])
def test_norms_and_transposes(backend, edges, norm, transposed) -> None:
    weight = _values(len(edges.src), seed=1)
    adjacency = edges.adjacency(weight=weight, norm=norm)
    if transposed:
        adjacency = adjacency.t()
        edges = edges._replace(src=edges.dst, dst=edges.src, num_src=edges.num_dst, num_dst=edges.num_src)
        norm = {"left": "right", "right": "left"}.get(norm, norm)
    x = _values(edges.num_src, 4)
    _check(adjacency.spmm, lambda x: _oracle(edges, x, weight, norm, "sum"), x)


def test_the_transposed_matrix_is_the_transposed_matrix() -> None:
    matrix = sparse.random(30, 20, 0.2, random_state=0, format="coo")
    adjacency = Adjacency.from_coo(
        torch.from_numpy(matrix.col.astype(np.int64)),
        torch.from_numpy(matrix.row.astype(np.int64)),
        num_src=20,
        num_dst=30,
        weight=torch.from_numpy(matrix.data),
    )
    x, y = _values(20, 3), _values(30, 3)
    np.testing.assert_allclose(adjacency.spmm(x), matrix @ x.numpy(), rtol=1e-12)
    np.testing.assert_allclose(adjacency.t().spmm(y), matrix.T @ y.numpy(), rtol=1e-12)
    assert (adjacency.t().num_src, adjacency.t().num_dst, adjacency.t().t().num_src) == (30, 20, 20)


@pytest.mark.parametrize("shape", [(3,), (2, 3)])
def test_sddmm_and_its_gradients(backend, edges, shape) -> None:
    u, v = _values(edges.num_src, *shape), _values(edges.num_dst, *shape, seed=1)
    _check(edges.adjacency().sddmm, lambda u, v: (u[edges.src] * v[edges.dst]).sum(-1), u, v)


@pytest.mark.parametrize("edges", ["random"], indirect=True)
@pytest.mark.parametrize("op", ["add", "sub", "mul"])
def test_the_other_sddmm_are_made_of_copies(backend, edges, op) -> None:
    u, v = _values(edges.num_src, 2, 3), _values(edges.num_dst, 2, 3, seed=1)
    plain = getattr(torch, op)
    _check(lambda u, v: edges.adjacency().sddmm(u, v, op=op), lambda u, v: plain(u[edges.src], v[edges.dst]), u, v)


def test_sddmm_copies_either_end(backend, edges) -> None:
    u, v = _values(edges.num_src, 3), _values(edges.num_dst, 2, 3)
    _check(lambda u: edges.adjacency().sddmm(u, op="copy"), lambda u: u[edges.src], u)
    _check(lambda v: edges.adjacency().t().sddmm(v, op="copy"), lambda v: v[edges.dst], v)


@pytest.mark.parametrize(("by", "heads"), [("dst", ()), ("src", (3,))])
def test_edge_softmax_and_its_gradient(backend, edges, by, heads) -> None:
    end = edges.dst if by == "dst" else edges.src

    def plain(logits: Tensor) -> Tensor:
        out = torch.zeros_like(logits)
        for v in end.unique():
            out = out.masked_scatter(
                (end == v).view(-1, *[1] * len(heads)).expand_as(out), torch.softmax(logits[end == v], 0)
            )
        return out

    logits = 30 * _values(len(edges.src), *heads)
    _check(lambda x: edges.adjacency().edge_softmax(x, by=by), plain, logits)


def test_edge_softmax_leaves_out_edges_with_minus_infinity(backend) -> None:
    adjacency = Adjacency.from_coo(torch.arange(3), torch.tensor([0, 0, 1]), num_src=3, num_dst=2)
    logits = torch.tensor([-torch.inf, 0.5, 2.0])
    assert adjacency.edge_softmax(logits).tolist() == [0.0, 1.0, 1.0]


@pytest.mark.parametrize("dtype", [torch.float32, torch.float16, torch.bfloat16])
def test_short_floats_are_summed_in_float32(backend, dtype) -> None:
    """In bfloat16 itself the sum of 600 halves would stop at 128, and in float16 a sum of 5,000 at 2,048."""
    count = 600 if dtype == torch.bfloat16 else 5000 if backend != "triton" else 100
    one = torch.zeros(count, dtype=torch.int64)
    adjacency = Adjacency.from_coo(
        one, one, num_src=1, num_dst=1
    )  # both ends have all edges: the gradient is such a sum
    x = torch.ones(1, 2, dtype=dtype, requires_grad=True)
    weight = torch.full((count,), 0.5, dtype=dtype, requires_grad=True)
    out = adjacency.spmm(x, weight)
    assert out.dtype == dtype
    assert out.tolist() == [[count / 2, count / 2]]
    out.sum().backward()
    assert (x.grad.dtype, weight.grad.dtype) == (dtype, dtype)
    assert x.grad.tolist() == [[count / 2, count / 2]]
    assert weight.grad.tolist() == [2.0] * count
    assert adjacency.sddmm(x.detach(), torch.ones(1, 2, dtype=dtype)).dtype == dtype
    assert adjacency.edge_softmax(weight.detach()).dtype == dtype


@pytest.mark.parametrize("reduce", ["sum", "max"])
def test_parity_in_float32(backend, reduce) -> None:
    nodes, count = (50, 800) if backend != "triton" else (15, 240)  # its interpreter is slow
    src, dst = torch.randint(nodes, (2, count), generator=torch.Generator().manual_seed(0))
    adjacency = Adjacency.from_coo(src, dst, num_src=nodes, num_dst=nodes, norm="both")
    x, weight = _values(nodes, 70, dtype=torch.float32), _values(count, seed=1, dtype=torch.float32)
    expected = adjacency.spmm(x.double(), weight.double(), reduce=reduce)
    torch.testing.assert_close(adjacency.spmm(x, weight, reduce=reduce).double(), expected, rtol=1e-5, atol=1e-5)


@settings(max_examples=40, deadline=None)
@given(st.data())
def test_backends_agree_on_any_graph(data) -> None:
    num_src, num_dst = data.draw(st.integers(1, 12)), data.draw(st.integers(1, 12))
    pair = st.tuples(st.integers(0, num_src - 1), st.integers(0, num_dst - 1))
    pairs = torch.tensor(data.draw(st.lists(pair, max_size=40)), dtype=torch.int64).reshape(-1, 2)
    reduce = data.draw(st.sampled_from(["sum", "mean", "max"]))
    results = []
    for name in ("numba", "torch", "dgl"):
        with ops.use_backend(name):
            adjacency = Adjacency.from_coo(*pairs.t(), num_src=num_src, num_dst=num_dst, norm="both")
            x = _values(num_src, 3).requires_grad_()
            weight = _values(len(pairs), seed=1).requires_grad_()
            out = adjacency.spmm(x, adjacency.edge_softmax(weight), reduce=reduce)
            (out * _values(num_dst, 3, seed=2)).sum().backward()
            results.append((out, x.grad, weight.grad))
    for other in results[1:]:
        for a, b in zip(results[0], other):
            torch.testing.assert_close(a, b, rtol=1e-5, atol=1e-9)


def test_nan_is_not_lost_in_a_maximum(backend) -> None:
    if backend == "dgl":
        pytest.skip("DGL's maximum passes over NaN")
    adjacency = Adjacency.from_coo(torch.arange(3), torch.zeros(3, dtype=torch.int64), num_src=3, num_dst=1)
    x = torch.tensor([[1.0, 5.0], [torch.nan, 2.0], [3.0, 7.0]])
    out = adjacency.spmm(x, reduce="max")
    assert out[0, 0].isnan()
    assert out[0, 1] == 7.0


@pytest.mark.parametrize("name", ["numba", "triton"])
def test_the_same_bits_for_any_number_of_threads_and_on_every_call(name) -> None:
    if name == "triton":
        pytest.importorskip("triton")
    random = torch.Generator().manual_seed(0)
    src, dst = torch.randint(60, (2, 40_000 if name == "numba" else 200), generator=random)
    x, weight = _values(60, 5, dtype=torch.float32), _values(len(src), seed=1, dtype=torch.float32)
    results = []
    threads = torch.get_num_threads()
    try:
        for count in (1, 2, 4) if name == "numba" else (1, 2):  # Triton's interpreter has one thread: another call
            torch.set_num_threads(count)
            with ops.use_backend(name):
                leaf = x.clone().requires_grad_()
                out = Adjacency.from_coo(src, dst, num_src=60, num_dst=60).spmm(leaf, weight)
                out.square().sum().backward()
                results.append((out.detach(), leaf.grad))
    finally:
        torch.set_num_threads(threads)
    for out, grad in results[1:]:
        assert torch.equal(out, results[0][0])
        assert torch.equal(grad, results[0][1])


def test_from_dgl_takes_relations_weights_and_the_order_of_edge_ids() -> None:
    graph = dgl.heterograph(
        {("user", "pos", "clip"): ([0, 1, 1], [2, 0, 1]), ("user", "neg", "clip"): ([0], [0])},
        num_nodes_dict={"user": 2, "clip": 3},
    )
    graph.edges["pos"].data["weight"] = torch.tensor([1.0, 10.0, 100.0])
    adjacency = Adjacency.from_dgl(graph, "pos", weight="weight")
    assert (adjacency.num_src, adjacency.num_dst, adjacency.num_edges) == (2, 3, 3)
    assert adjacency.spmm(torch.tensor([[1.0], [2.0]])).tolist() == [[20.0], [200.0], [1.0]]
    same = Adjacency.from_dgl(graph, ("user", "pos", "clip"), weight=torch.tensor([1.0, 10.0, 100.0]))
    assert torch.equal(same.spmm(torch.ones(2, 1)), adjacency.spmm(torch.ones(2, 1)))
    for etype in (None, "watched"):
        with pytest.raises(ValueError, match="etype must name one relation"):
            Adjacency.from_dgl(graph, etype)
    with pytest.raises(KeyError, match="unknown edge data 'w'"):
        Adjacency.from_dgl(graph, "pos", weight="w")
    with pytest.raises(TypeError, match="graph must be a DGLGraph, got str"):
        Adjacency.from_dgl("graph")


@pytest.mark.parametrize("norm", NORMS)
def test_it_is_dgls_graph_conv(norm) -> None:
    random = torch.Generator().manual_seed(0)
    graph = dgl.graph(tuple(torch.randint(20, (2, 60), generator=random)), num_nodes=20)
    layer = dgl.nn.GraphConv(4, 4, norm=norm, weight=False, bias=False, allow_zero_in_degree=True)
    x = _values(20, 4, dtype=torch.float32)
    torch.testing.assert_close(Adjacency.from_dgl(graph, norm=norm).spmm(x), layer(graph, x))


def test_from_block(backend) -> None:
    graph = dgl.graph(([0, 1, 2, 3, 3], [1, 2, 2, 0, 1]), num_nodes=4)
    block = dgl.to_block(dgl.in_subgraph(graph, [2, 1]), dst_nodes=torch.tensor([2, 1]))
    adjacency = Adjacency.from_block(block)
    x = torch.arange(4.0)[:, None]
    assert adjacency.spmm(x[block.srcdata[dgl.NID]]).tolist() == [[3.0], [3.0]]
    with pytest.raises(TypeError, match=r"block must be a DGLGraph made by dgl\.to_block"):
        Adjacency.from_block(graph)


def test_weights_may_need_gradients_and_be_replaced() -> None:
    ends = torch.tensor([0, 1, 1]), torch.tensor([0, 0, 1])
    weight = torch.tensor([1.0, 2.0, 3.0], requires_grad=True)
    adjacency = Adjacency.from_coo(*ends, num_src=2, num_dst=2, weight=weight)
    adjacency.spmm(torch.tensor([[1.0], [10.0]])).sum().backward()
    assert weight.grad.tolist() == [1.0, 10.0, 10.0]
    other = adjacency.with_weight(torch.tensor([0.0, 1.0, 1.0]))
    assert other.spmm(torch.ones(2, 1)).tolist() == [[1.0], [1.0]]
    assert other.with_weight(None).spmm(torch.ones(2, 1)).tolist() == [[2.0], [1.0]]
    assert adjacency.spmm(torch.ones(2, 1)).tolist() == [[3.0], [3.0]]


def test_weights_that_change_in_place_count_as_they_are_now(backend) -> None:
    weight = torch.ones(3)
    adjacency = Adjacency.from_coo(
        torch.tensor([0, 1, 0]), torch.tensor([1, 0, 1]), num_src=2, num_dst=2, weight=weight
    )
    assert adjacency.spmm(torch.ones(2, 1)).tolist() == [[1.0], [2.0]]
    weight.mul_(5)
    assert adjacency.spmm(torch.ones(2, 1)).tolist() == [[5.0], [10.0]]


def test_weights_follow_the_features_under_autocast() -> None:
    adjacency = Adjacency.from_coo(
        torch.tensor([0, 1]), torch.tensor([0, 0]), num_src=2, num_dst=1, weight=torch.tensor([2.0, 3.0])
    )
    with torch.autocast("cpu", dtype=torch.bfloat16):
        out = adjacency.spmm(torch.nn.functional.linear(torch.ones(2, 3), torch.ones(1, 3)))
    assert out.dtype == torch.bfloat16
    assert out.tolist() == [[15.0]]


def test_relu_in_the_same_pass(backend, edges) -> None:
    adjacency = edges.adjacency()
    x = _values(edges.num_src, 3)
    _check(lambda x: adjacency.spmm(x, relu=True), lambda x: _oracle(edges, x, None, "none", "sum").relu(), x)


def test_features_and_weights_may_be_views(backend) -> None:
    adjacency = Adjacency.from_coo(torch.tensor([0, 2]), torch.tensor([1, 1]), num_src=3, num_dst=2)
    x = _values(5, 3).t()[:, ::2]
    torch.testing.assert_close(adjacency.spmm(x)[1], x[0] + x[2])
    weight = torch.tensor([[1.0, 9.0], [2.0, 9.0]], dtype=torch.float64)[:, 0]
    for reduce, expected in (("sum", x[0] + 2 * x[2]), ("max", torch.maximum(x[0], 2 * x[2]))):
        torch.testing.assert_close(adjacency.spmm(x, weight, reduce=reduce)[1], expected)


def test_ids_are_int32_and_moving_keeps_the_object() -> None:
    adjacency = Adjacency.from_coo(torch.tensor([0]), torch.tensor([0]), num_src=1, num_dst=1)
    assert adjacency.ends("src").dtype == adjacency.rows("dst").indptr.dtype == torch.int32
    assert adjacency.to("cpu") is adjacency
    assert adjacency.to("meta").rows("dst").indptr.device.type == "meta"
    assert repr(adjacency) == "Adjacency(num_src=1, num_dst=1, num_edges=1, weight=None, device='cpu')"


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"src": torch.tensor([0, 1])}, ValueError, "src and dst must be 1-D of equal length"),
        ({"src": torch.tensor([3])}, ValueError, r"src must lie in \[0, 3\), got 3 to 3"),
        ({"dst": torch.tensor([-1])}, ValueError, r"dst must lie in \[0, 2\), got -1 to -1"),
        ({"dst": torch.tensor([0.0])}, TypeError, "dst must be an integer tensor"),
        ({"num_src": -1}, ValueError, "num_src must be an integer >= 0, got -1"),
        ({"norm": "sym"}, ValueError, "norm must be one of .*, got 'sym'"),
        ({"weight": torch.ones(2)}, ValueError, r"weight must have shape \(1,\) or \(1, num_heads\)"),
        ({"weight": torch.ones(1, dtype=torch.int64)}, TypeError, "weight must be float32"),
        ({"weight": torch.ones(1, device="meta")}, ValueError, "weight must be on cpu like the edges, got meta"),
        ({"dst": torch.zeros(1, dtype=torch.int64, device="meta")}, ValueError, "dst must be on cpu"),
    ],
)
def test_bad_edges(options, error, message) -> None:
    arguments = {"src": torch.tensor([0]), "dst": torch.tensor([0]), "num_src": 3, "num_dst": 2, **options}
    with pytest.raises(error, match=message):
        Adjacency.from_coo(arguments.pop("src"), arguments.pop("dst"), **arguments)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda a: a.spmm(torch.ones(2, 4)), ValueError, r"x must have shape \(3, dim\) or .*got \(2, 4\)"),
        (lambda a: a.spmm(torch.ones(3)), ValueError, "x must have shape"),
        (lambda a: a.spmm(torch.ones(3, 4).long()), TypeError, "x must be float32"),
        (lambda a: a.spmm(torch.ones(3, 4, device="meta")), ValueError, "x must be on cpu"),
        (lambda a: a.spmm(torch.ones(3, 4), torch.ones(2)), ValueError, "weight must have shape"),
        (lambda a: a.spmm(torch.ones(3, 4), torch.ones(1).double()), TypeError, "weight and x must have one dtype"),
        (lambda a: a.spmm(torch.ones(3, 4), torch.ones(1, 2)), ValueError, "x must have the 2 heads of weight"),
        (lambda a: a.spmm(torch.ones(3, 4), reduce="min"), ValueError, "reduce must be one of .*, got 'min'"),
        (
            lambda a: a.sddmm(torch.ones(3, 4), torch.ones(2, 4), op="div"),
            ValueError,
            "op must be one of .*, got 'div'",
        ),
        (lambda a: a.sddmm(torch.ones(3, 4)), ValueError, "v must be left out"),
        (lambda a: a.sddmm(torch.ones(3, 4), torch.ones(2, 4), op="copy"), ValueError, "v must be left out"),
        (lambda a: a.sddmm(torch.ones(3, 4), torch.ones(2, 5)), ValueError, "u and v must agree"),
        (lambda a: a.sddmm(torch.ones(3, 4), torch.ones(2, 4).double()), ValueError, "u and v must agree"),
        (lambda a: a.edge_softmax(torch.ones(2)), ValueError, "logits must have shape"),
        (lambda a: a.edge_softmax(torch.ones(1), by="in"), ValueError, "by must be one of .*, got 'in'"),
    ],
)
def test_bad_features(call, error, message) -> None:
    adjacency = Adjacency.from_coo(torch.tensor([0]), torch.tensor([1]), num_src=3, num_dst=2)
    with pytest.raises(error, match=message):
        call(adjacency)


def test_rows_are_the_relation_they_were_taken_from(edges) -> None:
    order = torch.sort(edges.dst, stable=True).indices
    indptr = torch.cat(
        [torch.zeros(1, dtype=torch.int64), torch.bincount(edges.dst, minlength=edges.num_dst).cumsum(0)]
    )
    weight = _values(len(edges.src), seed=1)
    made = Adjacency.from_rows(indptr, edges.src[order], num_src=edges.num_src, weight=weight[order], norm="both")
    given = edges.adjacency(weight=weight, norm="both")
    assert (made.num_src, made.num_dst, made.num_edges) == (given.num_src, given.num_dst, given.num_edges)
    assert torch.equal(made.ends("dst"), given.ends("dst")[order])
    assert made.ends("src").dtype == made.ends("dst").dtype == made.rows("dst").indptr.dtype == torch.int32
    _check(made.spmm, given.spmm, _values(edges.num_src, 3))
    _check(made.t().spmm, given.t().spmm, _values(edges.num_dst, 3))


@pytest.mark.parametrize("norm", NORMS)
def test_the_norm_is_the_one_given_and_turns_with_the_relation(norm) -> None:
    adjacency = Adjacency.from_rows(torch.tensor([0, 1]), torch.tensor([0]), num_src=1, norm=norm)
    assert adjacency.norm == adjacency.with_weight(torch.ones(1)).norm == adjacency.t().t().norm == norm
    assert adjacency.t().norm == {"left": "right", "right": "left"}.get(norm, norm)


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        (
            {"indptr": torch.empty(0).long()},
            ValueError,
            r"indptr must have shape \(num_dst \+ 1,\) .*got \(0,\) and \(2,\)",
        ),
        ({"indptr": torch.zeros(1, 2).long()}, ValueError, r"src shape \(num_edges,\), got \(1, 2\) and"),
        ({"src": torch.zeros(2, 1).long()}, ValueError, r"src shape \(num_edges,\), got \(3,\) and \(2, 1\)"),
        ({"indptr": torch.tensor([0.0, 1.0, 2.0])}, TypeError, "indptr must be an integer tensor, got dtype"),
        ({"src": torch.tensor([True, False])}, TypeError, "src must be an integer tensor, got dtype"),
        ({"src": torch.zeros(2, device="meta").long()}, ValueError, "indptr must be on meta like the edges, got cpu"),
        ({"num_src": 1.0}, ValueError, "num_src must be an integer >= 0, got 1.0"),
        ({"norm": "sym"}, ValueError, "norm must be one of .*, got 'sym'"),
        ({"weight": torch.ones(3)}, ValueError, r"weight must have shape \(2,\) or \(2, num_heads\)"),
    ],
)
def test_bad_rows(options, error, message) -> None:
    arguments = {"indptr": torch.tensor([0, 2, 2]), "src": torch.tensor([0, 1]), "num_src": 2, **options}
    with pytest.raises(error, match=message):
        Adjacency.from_rows(arguments.pop("indptr"), arguments.pop("src"), **arguments)
