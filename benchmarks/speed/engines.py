"""Time, memory and shuffled bytes of co-watch edges and of clusters, in memory (Numba), on DuckDB and on Spark.

``python -m benchmarks speed engines``. The logs have ten views per user, both ends skewed, and text ids; the edges that
come out are clustered in three levels. DuckDB has a limit of memory, Spark one of Java's heap; memory is that of all
processes, Spark's workers too. Every engine runs in a process of its own, and all must give the same edges and clusters.
"""

from __future__ import annotations

import argparse
import hashlib
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pandas as pd

from benchmarks._measure import Cost, in_own_process, measured
from benchmarks.speed import _results, _spark

if TYPE_CHECKING:
    from graphvid.clustering import ClusterTree

OPTIONS: dict[str, Any] = {"weight": "cosine", "top_k": 50}


def skewed_log(num_rows: int) -> pd.DataFrame:
    """Return a log of ``num_rows / 10`` users and half as many videos, with text ids."""
    rng = np.random.default_rng(0)
    users = (num_rows / 10 * rng.random(num_rows) ** 1.5).astype(np.int64)
    videos = (num_rows / 20 * rng.random(num_rows) ** 2).astype(np.int64)
    return pd.DataFrame({"user_id": [f"user{u}" for u in users], "video_id": [f"video{v}" for v in videos]})


class Outcome(NamedTuple):
    """Outcome of an engine: what it took for both steps, and what tells its results from others."""

    costs: list[tuple[Cost, float]]  # of each step, with the MB that were shuffled
    results: tuple[int, int, str]  # edges, a sum of hashes of them, a digest of the tree


def by_numba(folder: Path, limit: str) -> Outcome:
    """Run both steps in memory."""
    from graphvid.clustering import affinity_clustering
    from graphvid.data import WatchLog
    from graphvid.graphs import co_watch_graph

    small = WatchLog.from_frame(skewed_log(1000), duplicates="keep")
    affinity_clustering(co_watch_graph(small, **OPTIONS))  # compiles
    path = folder / "log.parquet"
    graph, first = measured(lambda: co_watch_graph(WatchLog.read(path, duplicates="keep"), **OPTIONS))
    tree, second = measured(affinity_clustering, graph)
    src, dst = (ends.numpy() for ends in graph.edges(order="eid"))
    once, ids = src < dst, WatchLog.read(path, duplicates="keep").video_ids.to_numpy()
    edges = {"src": ids[src[once]], "dst": ids[dst[once]], "weight": graph.edata["weight"].numpy()[once]}
    return Outcome([(first, 0.0), (second, 0.0)], results_of(pd.DataFrame(edges), tree))


def by_duckdb(folder: Path, limit: str) -> Outcome:
    """Run both steps on DuckDB."""
    from graphvid.clustering import ClusterTree
    from graphvid.duckdb import affinity_clusters, co_watch_edges, number_videos

    log, edges, videos, tree = (folder / f"{name}.parquet" for name in ("log", "edges", "videos", "tree"))
    within: dict[str, Any] = {"memory_limit": limit, "threads": 1}
    _, first = measured(lambda: co_watch_edges(log, edges, **OPTIONS, **within))
    number_videos(log, videos, **within)
    _, second = measured(lambda: affinity_clusters(edges, tree, videos=videos, **within))
    return Outcome([(first, 0.0), (second, 0.0)], results_of(pd.read_parquet(edges), ClusterTree.read_parquet(tree)))


def by_spark(folder: Path, limit: str) -> Outcome:
    """Run both steps on Spark."""
    from graphvid.clustering import ClusterTree
    from graphvid.spark import affinity_clusters, co_watch_edges, number_videos

    edges, tree, kept = (str(folder / name) for name in ("edges", "tree", "kept"))
    with _spark.session(limit) as spark:
        log = spark.read.parquet(str(folder / "log.parquet"))
        co_watch_edges(log, **OPTIONS).limit(1).collect()  # starts the workers
        first = _spark.measured(spark, lambda: co_watch_edges(log, **OPTIONS).write.parquet(edges))
        given: dict[str, Any] = {"videos": number_videos(log), "checkpoint_dir": kept, "finish_below": 0}
        table = spark.read.parquet(edges)
        second = _spark.measured(spark, lambda: affinity_clusters(table, **given).write.parquet(tree))
    return Outcome([first, second], results_of(pd.read_parquet(edges), ClusterTree.read_parquet(tree)))


def results_of(edges: pd.DataFrame, tree: ClusterTree) -> tuple[int, int, str]:
    """Return what the results of all engines must have in common, in whatever order they wrote it."""
    hashes = pd.util.hash_pandas_object(edges[["src", "dst", "weight"]].astype({"weight": np.float32}), index=False)
    digest = hashlib.sha256(b"".join(np.asarray(parent, np.int64).tobytes() for parent in tree.parents))
    return len(edges), int(hashes.to_numpy().sum()), digest.hexdigest()


ENGINES = {"numba": by_numba, "duckdb": by_duckdb, "spark": by_spark}
LIMITS = {"numba": "", "duckdb": "500MB", "spark": "2g"}


def measure(engine: str, num_rows: int) -> Outcome:
    """Return what an engine made of a log, and what it took."""
    with tempfile.TemporaryDirectory() as name:
        skewed_log(num_rows).to_parquet(Path(name) / "log.parquet")
        return ENGINES[engine](Path(name), LIMITS[engine])


def main(arguments: list[str]) -> None:
    """Measure and print the table; every engine in a process of its own, and all must agree."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks speed engines", description=__doc__)
    parser.add_argument("--sizes", type=int, nargs="+", default=[10_000, 100_000, 1_000_000], help="rows of the log")
    parser.add_argument("--engines", nargs="+", choices=list(ENGINES), default=list(ENGINES))
    parser.add_argument("--no-write", action="store_true", help="only print the table")
    options = parser.parse_args(arguments)
    rows: list[dict[str, str | float]] = []
    for size in options.sizes:
        results = {}
        for engine in options.engines:
            outcome, _ = in_own_process(measure, engine, size)
            results[engine] = outcome.results
            for step, (cost, shuffled) in zip(("co-watch edges", "clusters"), outcome.costs, strict=True):
                rows.append({"step": step, "rows": size, "edges": outcome.results[0]})
                rows[-1] |= {
                    "engine": f"{engine} {LIMITS[engine]}".strip(),
                    "s": cost.seconds,
                    "CPU s": cost.cpu_seconds,
                }
                rows[-1] |= {"peak MiB": cost.peak_mb, "grown MiB": cost.grown_mb, "shuffled MB": shuffled}
                print(*rows[-1].values(), file=sys.stderr, flush=True)
        if len(set(results.values())) > 1:
            raise RuntimeError(f"engines do not agree on {size} rows: {results}")
    title = "Co-watch edges and clusters beyond one machine's memory"
    print(_results.write("engines", title, rows, write=not options.no_write))
