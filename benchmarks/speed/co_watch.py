"""Time and peak memory of `graphvid.graphs.co_watch_graph` beside two ways a user would take without it.

``python -m benchmarks speed co_watch``. The logs have ten views per user, both ends skewed. The
baselines stop at the strongest partners of each video and build no graph:

- scipy: the whole product of the sparse user-video matrix with itself, then the largest values of each row;
- pandas: the log merged with itself on the user, grouped by pair, then the largest counts of each video.
"""

from __future__ import annotations

import argparse
import statistics
import sys

import numpy as np
import pandas as pd
from scipy import sparse

from benchmarks._measure import in_own_process, measured
from benchmarks.speed import _results
from graphvid.data import WatchLog
from graphvid.graphs import co_watch_graph

TOP_K = 50


def skewed_log(num_interactions: int) -> WatchLog:
    """Return a log of ``num_interactions / 10`` users and half as many videos."""
    rng = np.random.default_rng(0)
    num_users, num_videos = num_interactions // 10, num_interactions // 20
    user = (num_users * rng.random(num_interactions) ** 1.5).astype(np.int64)
    video = (num_videos * rng.random(num_interactions) ** 2).astype(np.int64)
    return WatchLog(user, video, pd.RangeIndex(num_users), pd.RangeIndex(num_videos))


def by_graphvid(log: WatchLog) -> int:
    """Return the number of half edges of the graph."""
    return int(co_watch_graph(log, top_k=TOP_K, max_videos_per_user=None).num_edges())


def by_scipy(log: WatchLog) -> int:
    """Return the number of kept (video, partner) pairs."""
    views = sparse.csr_matrix((np.ones(log.num_interactions, np.int32), (log.user, log.video)))
    views.sum_duplicates()
    views.data[:] = 1
    together = (views.T @ views).tocsr()
    together.setdiag(0)
    together.eliminate_zeros()
    kept = 0
    for start, stop in zip(together.indptr[:-1], together.indptr[1:]):
        counts = together.data[start:stop]
        kept += len(counts) if len(counts) <= TOP_K else len(np.argpartition(counts, -TOP_K)[-TOP_K:])
    return kept


def by_pandas(log: WatchLog) -> int:
    """Return the number of kept (video, partner) pairs."""
    views = pd.DataFrame({"user": log.user, "video": log.video}).drop_duplicates()
    pairs = views.merge(views, on="user")
    pairs = pairs[pairs["video_x"] != pairs["video_y"]]
    counts = pairs.groupby(["video_x", "video_y"], sort=False).size().sort_values(ascending=False)
    return len(counts.groupby(level=0, sort=False).head(TOP_K))


METHODS = {"graphvid": by_graphvid, "scipy": by_scipy, "pandas": by_pandas}


def main(arguments: list[str]) -> None:
    """Measure and print the table; every cell in a process of its own."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks speed co_watch", description=__doc__)
    parser.add_argument("--sizes", type=int, nargs="+", default=[10_000, 100_000, 1_000_000], help="interactions")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--no-write", action="store_true", help="only print the table")
    options = parser.parse_args(arguments)
    rows: list[dict[str, str | float]] = []
    for size in options.sizes:
        for method in METHODS:
            (seconds, grown_mb), _ = in_own_process(measure, method, size, options.repeats)
            rows.append({"interactions": size, "method": method, "s": seconds, "peak MiB": grown_mb})
            print(*rows[-1].values(), file=sys.stderr, flush=True)
    title = f"The {TOP_K} strongest partners of every video"
    print(_results.write("co_watch", title, rows, write=not options.no_write, repeats=options.repeats))


def measure(method: str, num_interactions: int, repeats: int) -> tuple[float, float]:
    """Return the median seconds and the growth of the peak memory, kernels compiled before."""
    METHODS[method](skewed_log(1_000))
    log = skewed_log(num_interactions)
    costs = [measured(METHODS[method], log)[1] for _ in range(repeats)]
    return statistics.median(cost.seconds for cost in costs), max(cost.grown_mb for cost in costs)
