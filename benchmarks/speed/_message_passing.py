"""Graphs, peers and clocks of the message-passing benchmarks, for any device; needs no DGL unless a peer is DGL."""

from __future__ import annotations

import gc
import statistics
import time
import warnings
from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor

from graphvid.ops import Adjacency

EDGES_PER_NODE = 10


class Graph(NamedTuple):
    """Edges sorted by destination, and the same as a sparse matrix."""

    src: Tensor
    dst: Tensor
    num_nodes: int
    matrix: Tensor  # torch.sparse CSR, rows are destinations


def make_graph(kind: str, num_edges: int, device: str) -> Graph:
    """Return ten edges a node: ends at random (``uniform``), or with probability rank ** -0.5 (``power-law``)."""
    num_nodes = num_edges // EDGES_PER_NODE
    random = torch.Generator(device).manual_seed(0)
    if kind == "uniform":
        src, dst = torch.randint(num_nodes, (2, num_edges), generator=random, device=device, dtype=torch.int32)
    else:
        name = torch.randperm(num_nodes, generator=random, device=device).int()
        ranks = torch.rand(2, num_edges, generator=random, device=device, dtype=torch.float64).square_()
        src, dst = name[(ranks * num_nodes).long()]
    dst, order = torch.sort(dst)
    src = src[order]
    indptr = torch.zeros(num_nodes + 1, dtype=torch.int32, device=device)
    indptr[1:] = torch.bincount(dst, minlength=num_nodes).cumsum(0)
    return Graph(src, dst, num_nodes, csr(indptr, src, torch.ones(num_edges, device=device)))


def csr(indptr: Tensor, indices: Tensor, values: Tensor) -> Tensor:
    """Return a square sparse matrix."""
    num_nodes = len(indptr) - 1
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # "Sparse CSR tensor support is in beta state"
        return torch.sparse_csr_tensor(indptr, indices, values, size=(num_nodes, num_nodes), check_invariants=False)


def adjacency(graph: Graph, weight: Tensor | None = None) -> Adjacency:
    """Return the graph as graphvid takes it."""
    nodes = graph.num_nodes
    return Adjacency.from_coo(graph.src, graph.dst, num_src=nodes, num_dst=nodes, weight=weight)


def pyg_sum(graph: Graph, weight: Tensor | None = None) -> Callable[[Tensor], Tensor]:
    """Return the sum of messages as PyTorch Geometric makes it: one row of messages an edge, then a scatter."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # it uses torch.jit.script
        from torch_geometric.utils import scatter

    src, dst = graph.src.long(), graph.dst.long()

    def aggregate(x: Tensor) -> Tensor:
        messages = x.index_select(0, src)
        messages = messages if weight is None else messages * weight[:, None]
        return scatter(messages, dst, dim=0, dim_size=graph.num_nodes, reduce="sum")

    return aggregate


def median_ms(calls: dict[str, Callable[[], object]], device: str, budget_s: float = 1.0) -> dict[str, float]:
    """Return the median milliseconds of every call.

    The calls take turns, in blocks of a few repeats, so that whatever slows the machine down slows down all of them.
    """
    for call in calls.values():
        call()
    spent: dict[str, list[float]] = {name: [] for name in calls}
    for _ in range(3):
        for name, call in calls.items():
            call()
            for _ in range(7):
                spent[name].append(_milliseconds(call, device))
                if sum(spent[name]) > 1e3 * budget_s and len(spent[name]) > 1:
                    break
    gc.collect()
    return {name: statistics.median(times) for name, times in spent.items()}


def _milliseconds(call: Callable[[], object], device: str) -> float:
    if device == "cuda":
        begin, end = torch.cuda.Event(enable_timing=True), torch.cuda.Event(enable_timing=True)
        begin.record()
        call()
        end.record()
        torch.cuda.synchronize()
        return float(begin.elapsed_time(end))
    started = time.perf_counter()
    call()
    return 1e3 * (time.perf_counter() - started)
