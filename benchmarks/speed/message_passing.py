"""`graphvid.ops.Adjacency` on the CPU beside DGL's kernels, PyTorch's sparse matrices and PyTorch Geometric's scatter.

``python -m benchmarks speed message_passing``. Sums of unweighted messages at three sizes, four widths and two kinds of
degrees; then, at the middle size, weighted sums, sums with their gradient, products over edges and softmax over edges.
The figures are medians of calls that take turns in one process.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable

import torch

from benchmarks.speed import _results
from benchmarks.speed._message_passing import Graph, adjacency, csr, make_graph, median_ms, pyg_sum
from graphvid._dgl import DGLGraph, dgl

PEERS = {"dgl": "DGL", "torch": "torch.sparse", "pyg": "PyG scatter"}
MESSAGE_BYTES = 4e9  # PyG writes out every message; beyond this it is left out


def main(arguments: list[str]) -> None:
    """Measure, check that all methods agree, and write ``message_passing.json`` and ``.md``."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks speed message_passing", description=__doc__)
    parser.add_argument("--sizes", type=int, nargs="+", default=[10**5, 10**6, 10**7], help="numbers of edges")
    parser.add_argument("--dims", type=int, nargs="+", default=[32, 64, 128, 256])
    parser.add_argument("--no-write", action="store_true", help="only print the table")
    options = parser.parse_args(arguments)
    rows: list[dict[str, str | float]] = []
    for num_edges in options.sizes:
        for kind in ("uniform", "power-law"):
            graph = make_graph(kind, num_edges, "cpu")
            for dim in options.dims:
                rows.append(_row("sum", kind, graph, dim, _sums(graph, dim)))
    graph = make_graph("uniform", sorted(options.sizes)[len(options.sizes) // 2], "cpu")
    for operation, calls in (
        ("weighted sum", _weighted),
        ("sum and gradient", _gradients),
        ("edge dot", _dots),
        ("edge softmax", _softmax),
    ):
        rows.append(_row(operation, "uniform", graph, 64, calls(graph, 64)))
    settings = {"threads": torch.get_num_threads(), "edges per node": 10, "dtype": "float32", "indices": "int32"}
    title = "Message passing on the CPU, median milliseconds"
    print(_results.write("message_passing", title, rows, write=not options.no_write, **settings))


def _row(
    operation: str, kind: str, graph: Graph, dim: int, calls: dict[str, Callable[[], torch.Tensor]]
) -> dict[str, str | float]:
    first = calls["graphvid"]()
    for name, call in calls.items():
        torch.testing.assert_close(call(), first, rtol=1e-4, atol=1e-4, msg=f"{name} differs in {operation}")
    times = median_ms(calls, "cpu")
    row: dict[str, str | float] = {"operation": operation, "degrees": kind, "edges": len(graph.src), "dim": dim}
    row["graphvid"] = times["graphvid"]
    for name, title in PEERS.items():
        row[title] = times.get(name, "")
    for name, title in PEERS.items():
        row[f"{title} / graphvid"] = times[name] / times["graphvid"] if name in times else ""
    print(row, file=sys.stderr, flush=True)
    return row


def _dgl_graph(graph: Graph) -> DGLGraph:
    nodes = {"src": graph.num_nodes, "dst": graph.num_nodes}
    made = dgl.heterograph({("src", "to", "dst"): (graph.src, graph.dst)}, num_nodes_dict=nodes)
    made = made.formats(["csc", "csr", "coo"])
    made.create_formats_()
    return made


def _sums(graph: Graph, dim: int) -> dict[str, Callable[[], torch.Tensor]]:
    x, ours, theirs = torch.rand(graph.num_nodes, dim), adjacency(graph), _dgl_graph(graph)
    calls = {
        "graphvid": lambda: ours.spmm(x),
        "dgl": lambda: dgl.ops.copy_u_sum(theirs, x),
        "torch": lambda: graph.matrix @ x,
    }
    if 4 * len(graph.src) * dim <= MESSAGE_BYTES:
        scatter = pyg_sum(graph)
        calls["pyg"] = lambda: scatter(x)
    return calls


def _weighted(graph: Graph, dim: int) -> dict[str, Callable[[], torch.Tensor]]:
    x, weight = torch.rand(graph.num_nodes, dim), torch.rand(len(graph.src))
    ours, theirs = adjacency(graph, weight), _dgl_graph(graph)
    matrix = csr(graph.matrix.crow_indices(), graph.matrix.col_indices(), weight)
    scatter = pyg_sum(graph, weight)
    return {
        "graphvid": lambda: ours.spmm(x),
        "dgl": lambda: dgl.ops.u_mul_e_sum(theirs, x, weight[:, None]),
        "torch": lambda: matrix @ x,
        "pyg": lambda: scatter(x),
    }


def _gradients(graph: Graph, dim: int) -> dict[str, Callable[[], torch.Tensor]]:
    x, ours, theirs = torch.rand(graph.num_nodes, dim, requires_grad=True), adjacency(graph), _dgl_graph(graph)
    scatter = pyg_sum(graph)

    def gradient(function: Callable[[torch.Tensor], torch.Tensor]) -> Callable[[], torch.Tensor]:
        return lambda: torch.autograd.grad(function(x).sum(), x)[0]

    return {
        "graphvid": gradient(ours.spmm),
        "dgl": gradient(lambda x: dgl.ops.copy_u_sum(theirs, x)),
        "torch": gradient(lambda x: torch.sparse.mm(graph.matrix, x)),
        "pyg": gradient(scatter),
    }


def _dots(graph: Graph, dim: int) -> dict[str, Callable[[], torch.Tensor]]:
    u, v = torch.rand(2, graph.num_nodes, dim)
    ours, theirs, src, dst = adjacency(graph), _dgl_graph(graph), graph.src.long(), graph.dst.long()
    return {
        "graphvid": lambda: ours.sddmm(u, v),
        "dgl": lambda: dgl.ops.u_dot_v(theirs, u, v)[:, 0],
        "pyg": lambda: (u[src] * v[dst]).sum(1),
    }


def _softmax(graph: Graph, dim: int) -> dict[str, Callable[[], torch.Tensor]]:
    from torch_geometric.utils import softmax

    logits, ours, theirs, dst = torch.rand(len(graph.src)), adjacency(graph), _dgl_graph(graph), graph.dst.long()
    return {
        "graphvid": lambda: ours.edge_softmax(logits),
        "dgl": lambda: dgl.ops.edge_softmax(theirs, logits[:, None])[:, 0],
        "pyg": lambda: softmax(logits, dst, num_nodes=graph.num_nodes),
    }
