"""Triplets a second of `graphvid.sampling.TripletSampler` beside two ways a user would take without it.

``python -m benchmarks speed sampling``. The graphs have planted communities of about 30 videos, the trees are those of
affinity clustering with 3 levels. All methods draw anchor, positive and a negative that is no neighbour:

- numpy: all rows at once; a position in the two ranges of the pool, rows that hit a neighbour (found by binary search
  in the sorted edge keys) drawn again until none is left. Rows with an empty pool are left out, nothing climbs;
- python: a loop over the rows with sets of neighbours and lists of cluster members.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable

import numpy as np
import torch

from benchmarks.speed import _results
from graphvid._dgl import DGLGraph, dgl
from graphvid.clustering import ClusterTree, affinity_clustering
from graphvid.sampling import TripletSampler, _kernels, _tensor
from graphvid.sampling._stream import stream_key
from graphvid.sampling.triplet_tables import with_tensors

BATCH = 9_600
DEGREES = {10_000: 30, 100_000: 50, 1_000_000: 20}  # by number of videos


def communities(num_nodes: int, degree: int) -> DGLGraph:
    """Return a graph whose nodes, numbered at random, have most partners among the 30 beside them on a ring."""
    rng = np.random.default_rng(0)
    name = rng.permutation(num_nodes)
    src = np.repeat(np.arange(num_nodes), degree // 2)
    dst = (src + rng.geometric(1 / 15, size=len(src)) * rng.choice([-1, 1], size=len(src))) % num_nodes
    src, dst = name[src[src != dst]], name[dst[src != dst]]
    key = np.unique(np.minimum(src, dst) * num_nodes + np.maximum(src, dst))
    low, high = (torch.from_numpy(x) for x in np.divmod(key, num_nodes))
    graph = dgl.graph((torch.cat([low, high]), torch.cat([high, low])), num_nodes=num_nodes)
    graph.edata["weight"] = torch.from_numpy(rng.random(len(key), dtype=np.float32)).repeat(2)
    return graph


def numpy_sampler(graph: DGLGraph, tree: ClusterTree) -> Callable[[int], np.ndarray]:
    """Return a function that gives the negatives of a batch from level 0."""
    num_nodes = tree.num_nodes
    src, dst = (x.numpy() for x in graph.edges())
    keys = np.sort(src * num_nodes + dst)
    indptr = np.searchsorted(keys, np.arange(num_nodes + 1) * num_nodes)
    usable = np.flatnonzero(np.diff(indptr))
    start, stop, outer_start, outer_stop = (
        (tree.starts[k] + (tree.sizes[k] if end else 0))[tree.labels[k]] for k in (1, 2) for end in (False, True)
    )
    order = tree.order

    def draw(seed: int) -> np.ndarray:
        rng = np.random.default_rng(seed)
        anchor = rng.choice(usable, BATCH)
        keys[indptr[anchor] + rng.integers(0, indptr[anchor + 1] - indptr[anchor])]  # the positives
        size = outer_stop[anchor] - outer_start[anchor] - (stop[anchor] - start[anchor])
        anchor, size = anchor[size > 0], size[size > 0]
        negative, open_ = np.empty_like(anchor), np.arange(len(anchor))
        for _ in range(50):  # a pool full of neighbours would never end
            a = anchor[open_]
            place = outer_start[a] + rng.integers(0, size[open_])
            place += np.where(place >= start[a], stop[a] - start[a], 0)
            negative[open_] = order[place]
            key = a * num_nodes + negative[open_]
            at = np.searchsorted(keys, key)
            open_ = open_[keys[np.minimum(at, len(keys) - 1)] == key]
            if not len(open_):
                break
        return negative

    return draw


def python_sampler(graph: DGLGraph, tree: ClusterTree) -> Callable[[int], list[int]]:
    """Return a function that gives the negatives of a batch from level 0."""
    near: list[list[int]] = [[] for _ in range(tree.num_nodes)]
    for a, b in zip(*(x.tolist() for x in graph.edges())):
        near[a].append(b)
    barred = [set(x) for x in near]
    usable = [v for v, x in enumerate(near) if x]

    def draw(seed: int) -> list[int]:
        rng = np.random.default_rng(seed)
        negatives = []
        for a in rng.choice(usable, BATCH).tolist():
            near[a][rng.integers(len(near[a]))]  # the positive
            pool = [v for v in tree.siblings(a, 1).tolist() if v not in barred[a]]
            if pool:
                negatives.append(pool[rng.integers(len(pool))])
        return negatives

    return draw


def negatives_alone(sampler: TripletSampler) -> Callable[[int], object]:
    """Return a function that draws the negatives of a batch whose anchors and their rows are there already."""
    tables, prepared = sampler._tables, []
    for step in range(64):
        anchor = sampler.sample(step).anchor.numpy()
        prepared.append((tables.indptr[anchor], tables.indptr[anchor + 1], anchor))
    outputs = [np.empty(BATCH, dtype=np.int64) for _ in range(3)]
    return lambda step: _kernels._draw_negatives(
        tables, np.uint64(stream_key(0, step)), tables.neighbors, *prepared[step % 64], *outputs
    )


def best_of(draw: Callable[[int], object], repeats: int) -> float:
    """Return the CPU seconds of the fastest batch, after a first one that compiles."""
    draw(0)
    times = []
    for step in range(1, repeats + 1):
        start = time.process_time()
        draw(step)
        times.append(time.process_time() - start)
    return min(times)


def main(arguments: list[str]) -> None:
    """Run all sizes and methods, one thread each, and write the table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks speed sampling", description=__doc__)
    parser.add_argument("--repeats", type=int, default=200, help="batches a method (fewer for python)")
    parser.add_argument("--sizes", type=int, nargs="+", default=list(DEGREES), help="videos")
    settings = parser.parse_args(arguments)
    torch.set_num_threads(1)
    rows = []
    for num_nodes in settings.sizes:
        graph = communities(num_nodes, DEGREES.get(num_nodes, 30))
        tree = affinity_clustering(graph, num_levels=3)
        methods: dict[str, Callable[[int], object]] = {}
        for name, options in {
            "graphvid L0": {},
            "graphvid mixture": {"level_probs": (0.25, 0.25, 0.25, 0.25)},
            "graphvid random": {"level_probs": (0, 0, 0, 1)},
            "graphvid L0 by cluster": {"by": "cluster"},
            "graphvid L0, positives by weight": {"positive": "weight"},
        }.items():
            methods[name] = TripletSampler(graph, tree, batch_size=BATCH, **options).sample
        sampler = TripletSampler(graph, tree, batch_size=BATCH)
        methods["graphvid L0, negatives alone"] = negatives_alone(sampler)
        by_cluster = TripletSampler(graph, tree, batch_size=BATCH, by="cluster")
        methods["graphvid L0 by cluster, negatives alone"] = negatives_alone(by_cluster)
        tables = with_tensors(sampler._tables, "cpu")
        methods["graphvid L0, tensor operations"] = lambda step, tables=tables: _tensor.draw(
            tables, stream_key(0, step), BATCH, True
        )
        methods["numpy, L0"] = numpy_sampler(graph, tree)
        if num_nodes <= 100_000:
            methods["python, L0"] = python_sampler(graph, tree)
        for name, draw in methods.items():
            seconds = best_of(draw, 3 if name.startswith("python") else settings.repeats)
            row = {"videos": num_nodes, "edges": graph.num_edges() // 2, "method": name}
            rows.append(row | {"million triplets/s": BATCH / seconds / 1e6, "ns a triplet": seconds / BATCH * 1e9})
            print(*rows[-1].values())
    print(
        _results.write(
            "sampling", "Triplets with exact exclusion, one thread", rows, batch=BATCH, repeats=settings.repeats
        )
    )
