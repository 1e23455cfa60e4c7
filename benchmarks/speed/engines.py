"""Time, memory and shuffled bytes of co-watch edges and of clusters, in memory (Numba), on DuckDB and on Spark.

``python -m benchmarks speed engines``. The logs have ten views per user, both ends skewed, and text ids; the edges that
come out are clustered in three levels. DuckDB and Spark have a limit of memory; what Spark's own process holds is not
measured. Every cell runs in a process of its own, and every engine gives the same edges and clusters.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from benchmarks._measure import Cost, in_own_process, measured
from benchmarks.speed import _results

OPTIONS: dict[str, Any] = {"weight": "cosine", "top_k": 50}


def skewed_log(num_rows: int) -> pd.DataFrame:
    """Return a log of ``num_rows / 10`` users and half as many videos, with text ids."""
    rng = np.random.default_rng(0)
    users = (num_rows / 10 * rng.random(num_rows) ** 1.5).astype(np.int64)
    videos = (num_rows / 20 * rng.random(num_rows) ** 2).astype(np.int64)
    return pd.DataFrame({"user_id": [f"user{u}" for u in users], "video_id": [f"video{v}" for v in videos]})


def figures_of(cost: Cost) -> list[float]:
    """Return seconds, CPU seconds, MiB beyond what was there before, and no shuffled MB."""
    return [cost.seconds, cost.cpu_seconds, cost.grown_mb, 0.0]


def by_numba(folder: Path, limit: str) -> list[float]:
    """Measure both steps in memory; return seconds, CPU seconds, MiB and shuffled MB of each."""
    from graphvid.clustering import affinity_clustering
    from graphvid.data import WatchLog
    from graphvid.graphs import co_watch_graph

    small = WatchLog.from_frame(skewed_log(1000), duplicates="keep")
    affinity_clustering(co_watch_graph(small, **OPTIONS))  # compiles
    graph, first = measured(lambda: co_watch_graph(WatchLog.read(folder / "log.parquet", duplicates="keep"), **OPTIONS))
    _, second = measured(affinity_clustering, graph)
    return [*figures_of(first), *figures_of(second)]


def by_duckdb(folder: Path, limit: str) -> list[float]:
    """Measure both steps on DuckDB."""
    from graphvid.duckdb import affinity_clusters, co_watch_edges, number_videos

    log, edges, videos, tree = (folder / f"{name}.parquet" for name in ("log", "edges", "videos", "tree"))
    within: dict[str, Any] = {"memory_limit": limit, "threads": 1}
    _, first = measured(lambda: co_watch_edges(log, edges, **OPTIONS, **within))
    number_videos(log, videos, **within)
    _, second = measured(lambda: affinity_clusters(edges, tree, videos=videos, **within))
    return [*figures_of(first), *figures_of(second)]


def by_spark(folder: Path, limit: str) -> list[float]:
    """Measure both steps on Spark in one process with one thread; its processor time and memory are another process's."""
    from pyspark.sql import SparkSession

    from graphvid.spark import affinity_clusters, co_watch_edges, number_videos

    os.environ["PYSPARK_PYTHON"] = sys.executable
    options = {"bindAddress": "127.0.0.1", "host": "127.0.0.1", "memory": limit}
    builder = SparkSession.builder.master("local[1]").config("spark.ui.enabled", "false")
    for name, value in options.items():
        builder = builder.config(f"spark.driver.{name}", value)
    spark = builder.config("spark.sql.shuffle.partitions", "4").getOrCreate()

    def shuffled() -> float:
        executors = spark._jsc.sc().statusStore().executorList(True)
        return sum(executors.apply(at).totalShuffleWrite() for at in range(executors.size())) / 1e6

    log = spark.read.parquet(str(folder / "log.parquet"))
    edges, tree = str(folder / "edges"), str(folder / "tree")
    co_watch_edges(log, **OPTIONS).limit(1).collect()  # starts the workers
    began = shuffled()
    _, first = measured(lambda: co_watch_edges(log, **OPTIONS).write.parquet(edges))
    between = shuffled()
    table, videos = spark.read.parquet(edges), number_videos(log)
    kept = str(folder / "kept")
    _, second = measured(
        lambda: affinity_clusters(table, videos=videos, checkpoint_dir=kept, finish_below=0).write.parquet(tree)
    )
    nothing = float("nan")
    ended = shuffled()
    spark.stop()
    return [first.seconds, nothing, nothing, between - began, second.seconds, nothing, nothing, ended - between]


ENGINES = {"numba": by_numba, "duckdb": by_duckdb, "spark": by_spark}
LIMITS = {"numba": "", "duckdb": "500MB", "spark": "2g"}


def measure(engine: str, num_rows: int) -> tuple[list[float], int]:
    """Return the figures of an engine, and the number of edges if it wrote them."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        skewed_log(num_rows).to_parquet(folder / "log.parquet")
        figures = ENGINES[engine](folder, LIMITS[engine])
        edges = folder / "edges.parquet"
        return figures, len(pd.read_parquet(edges, columns=["weight"])) if edges.exists() else 0


def main(arguments: list[str]) -> None:
    """Measure and print the table; every engine in a process of its own."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks speed engines", description=__doc__)
    parser.add_argument("--sizes", type=int, nargs="+", default=[10_000, 100_000, 1_000_000], help="rows of the log")
    parser.add_argument("--engines", nargs="+", choices=list(ENGINES), default=list(ENGINES))
    parser.add_argument("--no-write", action="store_true", help="only print the table")
    options = parser.parse_args(arguments)
    rows: list[dict[str, str | float]] = []
    for size in options.sizes:
        num_edges = 0
        for engine in options.engines:
            (figures, counted), _ = in_own_process(measure, engine, size)
            num_edges = max(num_edges, counted)
            for step, at in (("co-watch edges", 0), ("clusters", 4)):
                names = ("s", "CPU s", "grown MiB", "shuffled MB")
                cells = {key: "–" if value != value else value for key, value in zip(names, figures[at : at + 4])}
                rows.append({"step": step, "rows": size, "engine": f"{engine} {LIMITS[engine]}".strip(), **cells})
                print(*rows[-1].values(), file=sys.stderr, flush=True)
        for row in rows:
            if row["rows"] == size:
                row["edges"] = num_edges
    title = "Co-watch edges and clusters beyond one machine's memory"
    print(_results.write("engines", title, rows, write=not options.no_write))
