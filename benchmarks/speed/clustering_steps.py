"""Time of clustering, kernel by kernel, beside the time to move the bytes that each must move.

``python -m benchmarks speed clustering_steps``. One thread, a random graph of 10,000,000 edges. The bytes of a step are
those that it reads and writes in order, edge by edge; they take at least the time that as many bytes take when every
edge is read once, which is measured in the same run. What a step takes beyond that is access to scattered memory, the
best edges or the labels of the other ends, and arithmetic.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections import defaultdict
from collections.abc import Callable
from typing import Any
from unittest import mock

import numpy as np
from numpy.typing import NDArray

from benchmarks.speed import _results
from benchmarks.speed._clustering_graphs import random_graph
from benchmarks.speed._clustering_methods import LEVELS, _read_once, _undirected
from graphvid.clustering import affinity_clustering, maximum_spanning_forest
from graphvid.clustering._threads import Threads

ID, WEIGHT, SLOT = 4, 8, 4
STEPS = {  # bytes an edge, read and written in order
    "affinity clustering": {
        "best_values_chunk": ("best weight of each cluster", ID + WEIGHT),
        "best_ends_chunk": ("best edge of each cluster, ties by hash", ID + WEIGHT),
        "count_chunk": ("count the edges that stay", ID),
        "scatter_chunk": ("write them by new row", 2 * (ID + WEIGHT)),
        "combine_chunk": ("combine parallel edges", 2 * (ID + WEIGHT)),
    },
    "spanning forest": {
        "list_heavy_chunk": ("list the heaviest edges", ID + WEIGHT),
        "list_outer_chunk": ("list those between components", ID + WEIGHT),
        "best_weights_chunk": ("best weight of each component", 2 * ID + WEIGHT),
        "best_edges_chunk": ("best edge of each component", 2 * ID + WEIGHT + SLOT),
        "filter_chunk": ("relabel, leave out inner edges", 2 * (2 * ID + WEIGHT + SLOT)),
    },
}


def main(arguments: list[str]) -> None:
    """Measure and write ``clustering_steps.json`` and ``.md``."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks speed clustering_steps", description=__doc__)
    parser.add_argument("--edges", type=int, default=10**7)
    parser.add_argument("--repeats", type=int, default=5)
    options = parser.parse_args(arguments)
    graph = _undirected(random_graph(options.edges, np.random.default_rng(0)))
    read = statistics.median(_seconds(lambda: _read_once(graph, 1)) for _ in range(options.repeats + 1))
    seconds_a_byte = read / (graph.num_edges * (ID + WEIGHT))
    runs = {
        "affinity clustering": lambda: affinity_clustering(graph, num_levels=LEVELS, num_threads=1),
        "spanning forest": lambda: maximum_spanning_forest(graph, num_threads=1),
    }
    rows: list[dict[str, str | float]] = []
    for task, run in runs.items():
        run()
        records = [_record(run) for _ in range(options.repeats)]
        total = statistics.median(record["total"][0] for record in records)
        accounted = 0.0
        for kernel, (step, size) in STEPS[task].items():
            spent = statistics.median(record[kernel][0] for record in records)
            accounted += spent
            rows.append(_row(task, step, spent, records[0][kernel][1], size * seconds_a_byte, options.edges))
        rows.append(_row(task, "everything else", total - accounted, 0, 0.0, options.edges))
        rows.append(_row(task, "all", total, options.edges, (ID + WEIGHT) * seconds_a_byte, options.edges))
    title = "Clustering, kernel by kernel, one thread"
    settings = {"edges": options.edges, "levels": LEVELS, "gigabytes a second in order": 1e-9 / seconds_a_byte}
    print(_results.write("clustering_steps", title, rows, **settings))


def _row(task: str, step: str, spent: float, visited: int, floor_each: float, num_edges: int) -> dict[str, str | float]:
    floor = visited * floor_each
    return {
        "task": task,
        "step": step,
        "edges visited": visited,
        "ms": 1e3 * spent,
        "ns an input edge": 1e9 * spent / num_edges,
        "floor ms": 1e3 * floor,
        "times floor": spent / floor if floor else "",
    }


def _record(run: Callable[[], object]) -> dict[str, tuple[float, int]]:
    """Return seconds and edges visited of every kernel, and of all."""
    found: dict[str, tuple[float, int]] = defaultdict(lambda: (0.0, 0))
    plain = Threads.run

    def timed(
        self: Threads, kernel: Any, ranges: NDArray[np.int64], arguments: Callable[[int], tuple[Any, ...]], *more: Any
    ) -> Any:
        started = time.perf_counter()
        result = plain(self, kernel, ranges, arguments, *more)
        spent, edges = found[kernel.__name__]
        first = arguments(0)[0] if len(ranges) else None
        visited = (
            (first.stops - first.starts).sum() if hasattr(first, "starts") else (ranges[:, 1] - ranges[:, 0]).sum()
        )
        found[kernel.__name__] = (spent + time.perf_counter() - started, edges + int(visited))
        return result

    with mock.patch.object(Threads, "run", timed):
        found["total"] = (_seconds(run), 0)
    return found


def _seconds(call: Callable[[], object]) -> float:
    started = time.perf_counter()
    call()
    return time.perf_counter() - started
