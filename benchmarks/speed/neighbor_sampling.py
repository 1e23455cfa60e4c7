"""`graphvid.sampling.NeighborSampler` on the CPU beside ``dgl.sampling.sample_neighbors`` and ``dgl.to_block``.

``python -m benchmarks speed neighbor_sampling``. One hop of a batch of random nodes, from ids to a block, one thread
each, the edges given in random order. Both read int32 ids from edges grouped by destination beforehand; graphvid's
table of weights is made beforehand too. Every pair of blocks is checked to have the same in-degrees. The figures are
medians of calls that take turns in one process; each call has the next of 16 batches.
"""

from __future__ import annotations

import argparse
import itertools
import sys
from collections.abc import Callable

import torch

from benchmarks.speed import _results
from benchmarks.speed._message_passing import EDGES_PER_NODE, make_graph, median_ms
from graphvid._dgl import DGLGraph, dgl
from graphvid.ops import Adjacency
from graphvid.sampling import NeighborSampler

NUM_BATCHES = 16


def main(arguments: list[str]) -> None:
    """Measure, check that the in-degrees agree, and write ``neighbor_sampling.json`` and ``.md``."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks speed neighbor_sampling", description=__doc__)
    parser.add_argument("--edges", type=int, default=10**7, help=f"with {EDGES_PER_NODE} to a node")
    parser.add_argument("--batch", type=int, default=10_000)
    parser.add_argument("--fanouts", type=int, nargs="+", default=[5, 10, 20])
    parser.add_argument("--no-write", action="store_true", help="only print the table")
    options = parser.parse_args(arguments)
    torch.set_num_threads(1)
    dgl.utils.set_num_threads(1)
    rows: list[dict[str, str | float]] = []
    for kind in ("uniform", "power-law"):
        adjacency, graph = _graphs(kind, options.edges)
        random = torch.Generator().manual_seed(1)
        batches = [
            torch.randperm(adjacency.num_dst, generator=random)[: options.batch].int() for _ in range(NUM_BATCHES)
        ]
        for weighted, replace in itertools.product((False, True), repeat=2):
            for fanout in options.fanouts:
                row = {"degrees": kind, "picks": "weighted" if weighted else "uniform"}
                row |= {"replacement": "with" if replace else "without", "fanout": fanout}
                rows.append(row | _times(adjacency, graph, batches, fanout, weighted, replace))
                print(rows[-1], file=sys.stderr, flush=True)
    settings = {"threads": 1, "nodes": adjacency.num_dst, "edges": options.edges, "batch": options.batch}
    title = "Sampling one hop of neighbours on the CPU, median milliseconds a batch"
    print(_results.write("neighbor_sampling", title, rows, write=not options.no_write, **settings))


def _graphs(kind: str, num_edges: int) -> tuple[Adjacency, DGLGraph]:
    """Return the same weighted edges, in random order, as both take them."""
    made = make_graph(kind, num_edges, "cpu")
    random = torch.Generator().manual_seed(2)
    order = torch.randperm(num_edges, generator=random)
    src, dst, weight = made.src[order], made.dst[order], torch.rand(num_edges, generator=random)
    adjacency = Adjacency.from_coo(src, dst, num_src=made.num_nodes, num_dst=made.num_nodes, weight=weight)
    adjacency.rows("dst")
    graph = dgl.graph((src, dst), num_nodes=made.num_nodes)
    graph.edata["weight"] = weight
    graph = graph.formats(["csc"])
    graph.create_formats_()
    return adjacency, graph


def _times(
    adjacency: Adjacency, graph: DGLGraph, batches: list[torch.Tensor], fanout: int, weighted: bool, replace: bool
) -> dict[str, str | float]:
    options = {"replace": replace, "weighted": weighted, "include_dst_in_src": True}
    sampler = NeighborSampler(adjacency if weighted else adjacency.with_weight(None), [fanout], **options)
    prob = "weight" if weighted else None

    def theirs(batch: torch.Tensor) -> DGLGraph:
        picked = dgl.sampling.sample_neighbors(graph, batch, fanout, prob=prob, replace=replace)
        return dgl.to_block(picked, dst_nodes=batch)

    def in_turn(call: Callable[[torch.Tensor], object]) -> Callable[[], object]:
        turns = itertools.cycle(batches)
        return lambda: call(next(turns))

    for batch in batches[:2]:
        assert torch.equal(sampler(batch)[0].adjacency.degrees("dst"), theirs(batch).in_degrees().long())
    times = median_ms({"graphvid": in_turn(sampler), "DGL": in_turn(theirs)}, "cpu")
    return {**times, "DGL / graphvid": times["DGL"] / times["graphvid"]}
