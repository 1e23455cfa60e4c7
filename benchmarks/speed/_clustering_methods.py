"""Methods of the clustering benchmark. As a program: one method on one graph, in a process of its own, one JSON line.

A method is a pair: what is made before the clock starts (the form a user of that library already has), and what is
timed.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.sparse.csgraph import connected_components, minimum_spanning_tree

from benchmarks.speed._clustering_graphs import EdgeArrays
from graphvid._numba import njit

LEVELS = 3
INDEPENDENT = "other ends read once, ranges share nothing"


def _upper(edges: EdgeArrays) -> Any:
    num_nodes, low, high, weight = edges
    return sparse.csr_array((weight, (low, high)), shape=(num_nodes, num_nodes))


def _symmetric(edges: EdgeArrays) -> Any:
    upper = _upper(edges)
    matrix = (upper + upper.T).tocsr()
    matrix.sort_indices()
    return matrix


def _undirected(edges: EdgeArrays) -> Any:
    from graphvid.clustering import UndirectedGraph

    num_nodes, low, high, weight = edges
    return UndirectedGraph.from_coo(low, high, weight, num_nodes=num_nodes)


def _shuffled(edges: EdgeArrays) -> tuple[Any, ...]:
    num_nodes, low, high, weight = edges
    mixed = np.random.default_rng(1).permutation(len(low))
    return num_nodes, low[mixed].astype(np.int64), high[mixed].astype(np.int64), weight[mixed].astype(np.float32)


def _dgl(edges: EdgeArrays) -> Any:
    import torch

    from graphvid._dgl import dgl

    matrix = _symmetric(edges).tocoo()
    graph = dgl.graph((matrix.row.astype(np.int64), matrix.col.astype(np.int64)), num_nodes=edges[0])
    graph.edata["weight"] = torch.from_numpy(matrix.data.astype(np.float32))
    return graph


def _negated_upper(edges: EdgeArrays) -> Any:
    num_nodes, low, high, weight = edges
    return _upper((num_nodes, low, high, 4.0 - weight))  # positive: SciPy drops zeros


def _igraph(edges: EdgeArrays) -> Any:
    import igraph

    num_nodes, low, high, weight = edges
    return igraph.Graph(n=num_nodes, edges=np.stack([low, high], axis=1)), (4.0 - weight).tolist()


def _rustworkx(edges: EdgeArrays) -> Any:
    import rustworkx

    num_nodes, low, high, weight = edges
    graph = rustworkx.PyGraph(multigraph=False)
    graph.add_nodes_from(range(num_nodes))
    graph.add_edges_from(list(zip(low.tolist(), high.tolist(), (4.0 - weight).tolist())))
    return graph


def _networkx(edges: EdgeArrays) -> Any:
    import networkx

    num_nodes, low, high, weight = edges
    graph = networkx.Graph()
    graph.add_nodes_from(range(num_nodes))
    graph.add_weighted_edges_from(zip(low.tolist(), high.tolist(), weight.tolist()))
    return graph


def _forest(graph: Any, threads: int) -> float:
    from graphvid.clustering import maximum_spanning_forest

    return float(maximum_spanning_forest(graph, num_threads=threads).weight.sum())


def _affinity(graph: Any, threads: int) -> NDArray[Any]:
    from graphvid.clustering import affinity_clustering

    return affinity_clustering(graph, num_levels=LEVELS, num_threads=threads).labels[-1]


def _affinity_of_coo(edges: Any, threads: int) -> NDArray[Any]:
    from graphvid.clustering import UndirectedGraph

    num_nodes, src, dst, weight = edges
    return _affinity(UndirectedGraph.from_coo(src, dst, weight, num_nodes=num_nodes), threads)


def _affinity_by_products(matrix: Any, _: int) -> NDArray[Any]:
    """Affinity clustering with average linkage in SciPy: lexsort, connected components, sparse products."""
    num_nodes = matrix.shape[0]
    labels = np.arange(num_nodes, dtype=np.int32)
    sizes = np.ones(num_nodes)
    for level in range(LEVELS):
        coo = matrix.tocoo()
        weight = coo.data / (sizes[coo.row] * sizes[coo.col])
        order = np.lexsort((weight, coo.row))
        last = order[np.flatnonzero(np.diff(coo.row[order], append=-1))]
        chosen = sparse.csr_array((np.ones(len(last)), (coo.row[last], coo.col[last])), shape=matrix.shape)
        count, label = connected_components(chosen, directed=False)
        labels = label[labels]
        sizes = np.bincount(label, sizes)
        if level < LEVELS - 1:
            joins = sparse.csr_array((np.ones(len(label)), (np.arange(len(label)), label)), shape=(len(label), count))
            contracted = (joins.T @ matrix @ joins).tocoo()
            outside = contracted.row != contracted.col
            matrix = sparse.csr_array(
                (contracted.data[outside], (contracted.row[outside], contracted.col[outside])), shape=(count, count)
            )
    return labels


def _affinity_by_coo(matrix: Any, _: int) -> NDArray[Any]:
    """As above with the fastest calls known: maxima of row segments, and relabelled coordinates made into CSR.

    It takes all edges that reach a row's maximum, so it is right for distinct weights only.
    """
    labels, sizes = np.arange(matrix.shape[0], dtype=np.int32), np.ones(matrix.shape[0])
    for level in range(LEVELS):
        widths = np.diff(matrix.indptr)
        row = np.repeat(np.arange(matrix.shape[0], dtype=np.int32), widths)
        weight = matrix.data / (sizes[row] * sizes[matrix.indices])
        full = np.flatnonzero(widths)
        best = np.repeat(np.maximum.reduceat(weight, matrix.indptr[full]), widths[full])
        hit = np.flatnonzero(weight == best)
        chosen = sparse.csr_array((np.ones(len(hit)), (row[hit], matrix.indices[hit])), shape=matrix.shape)
        count, label = connected_components(chosen, directed=False)
        labels, sizes = label[labels], np.bincount(label, sizes)
        if level < LEVELS - 1:
            low, high = label[row], label[matrix.indices]
            outside = low != high
            coordinates = (low[outside], high[outside])
            matrix = sparse.csr_array((matrix.data[outside], coordinates), shape=(count, count))
    return labels


def _read_once(graph: Any, _: int) -> float:
    """Read every edge once and return the sum of weights: what memory allows at best."""
    return float(_sum_of_edges(graph.neighbors, graph.weights))


@njit
def _sum_of_edges(neighbors, weights):  # type: ignore[no-untyped-def]
    total, ends = 0.0, 0
    for e in range(len(weights)):
        total += weights[e]
        ends ^= neighbors[e]
    return total if ends >= 0 else -total


def _read_other_ends(graph: Any, threads: int) -> float:
    """Read a value of every edge's other end, in ranges that share nothing: what two threads gain here at best."""
    from graphvid.clustering._threads import Threads

    values = np.arange(graph.num_nodes, dtype=np.float64)
    pool = Threads(threads)
    ranges = pool.split(graph.rows(), per_thread=8)
    given = graph.starts, graph.stops, graph.neighbors, values
    return float(sum(pool.run(_sum_of_other_ends, ranges, lambda _: given)))


@njit
def _sum_of_other_ends(first, last, starts, stops, neighbors, values):  # type: ignore[no-untyped-def]
    total = 0.0
    for row in range(first, last):
        for e in range(starts[row], stops[row]):
            total += values[neighbors[e]]
    return total


def _sum_of_networkx(graph: Any, _: int) -> float:
    import networkx

    return float(sum(d["weight"] for *_, d in networkx.maximum_spanning_edges(graph)))


def _sum_of_rustworkx(graph: Any, _: int) -> float:
    import rustworkx

    return float(sum(4.0 - w for _, _, w in rustworkx.minimum_spanning_edges(graph, weight_fn=float)))


def _sum_of_igraph(given: Any, _: int) -> float:
    graph, weights = given
    return float(sum(4.0 - weights[e] for e in graph.spanning_tree(weights=weights, return_tree=False)))


def _sum_of_scipy(matrix: Any, _: int) -> float:
    tree = minimum_spanning_tree(matrix)
    return float((4.0 - tree.data).sum())


METHODS: dict[str, dict[str, tuple[Callable[[EdgeArrays], Any], Callable[[Any, int], Any]]]] = {
    "forest": {
        "graphvid": (_undirected, _forest),
        "graphvid, from symmetric CSR": (_symmetric, _forest),
        "scipy": (_negated_upper, _sum_of_scipy),
        "igraph": (_igraph, _sum_of_igraph),
        "rustworkx": (_rustworkx, _sum_of_rustworkx),
        "networkx": (_networkx, _sum_of_networkx),
        "edges read once": (_undirected, _read_once),
        INDEPENDENT: (_undirected, _read_other_ends),
    },
    "affinity": {
        "graphvid": (_undirected, _affinity),
        "graphvid, from symmetric CSR": (_symmetric, _affinity),
        "graphvid, from DGL": (_dgl, _affinity),
        "graphvid, from shuffled COO": (_shuffled, _affinity_of_coo),
        "scipy, lexsort and products": (_symmetric, _affinity_by_products),
        "scipy, reduceat and COO": (_symmetric, _affinity_by_coo),
    },
}


def measure(task: str, method: str, edges: EdgeArrays, threads: int, repeats: int) -> dict[str, Any]:
    """Return times (seconds), memory beyond the input (bytes) and the result's fingerprint."""
    prepare, run = METHODS[task][method]
    run(prepare(_small(edges)), threads)  # compiles or loads what is compiled
    given = prepare(edges)
    wall, cpu, memory = [], [], []
    for _ in range(repeats):
        before = _reset_peak()
        started = time.perf_counter(), time.process_time()
        result = run(given, threads)
        wall.append(time.perf_counter() - started[0])
        cpu.append(time.process_time() - started[1])
        memory.append(_status("VmHWM") - before)
    found = (
        float(result) if task == "forest" else int(np.bincount(result).astype(np.float64) @ np.arange(max(result) + 1))
    )
    return {"wall_s": min(wall), "cpu_s": min(cpu), "walls_s": wall, "peak_bytes": max(memory), "result": found}


def _small(edges: EdgeArrays) -> EdgeArrays:
    """Return the part of the graph among its first thousand nodes."""
    _, low, high, weight = edges
    inside = (low < 1000) & (high < 1000)
    return 1000, low[inside], high[inside], weight[inside]


def _reset_peak() -> int:
    """Forget the peak of resident memory and return the present figure, in bytes (Linux)."""
    Path("/proc/self/clear_refs").write_text("5")
    return _status("VmRSS")


def _status(name: str) -> int:
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(name):
            return int(line.split()[1]) * 1024
    raise KeyError(name)


if __name__ == "__main__":
    task, method, path, threads, repeats = sys.argv[1:]
    with np.load(path) as file:
        graph = int(file["num_nodes"]), file["low"], file["high"], file["weight"]
    print(json.dumps(measure(task, method, graph, int(threads), int(repeats))))
