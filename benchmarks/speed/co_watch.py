"""Time and peak memory of `graphvid.graphs.co_watch_graph` beside two ways a user would take without it.

For asv, or as a table: ``python -m benchmarks.speed.co_watch``. The logs have ten views per user, both ends skewed. The
baselines stop at the strongest partners of each video and build no graph:

- scipy: the whole product of the sparse user-video matrix with itself, then the largest values of each row;
- pandas: the log merged with itself on the user, grouped by pair, then the largest counts of each video.
"""

from __future__ import annotations

import platform
import resource
import subprocess
import sys
import time

import numpy as np
import pandas as pd
from scipy import sparse

from graphvid.data import WatchLog
from graphvid.graphs import co_watch_graph

SIZES = (10_000, 100_000, 1_000_000)
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


class CoWatch:
    """The asv benchmark: one graph per method and size."""

    params = (list(METHODS), list(SIZES))
    param_names = ("method", "num_interactions")
    timeout = 600

    def setup(self, method: str, num_interactions: int) -> None:
        """Make the log and compile the kernels."""
        METHODS[method](skewed_log(1_000))
        self.log = skewed_log(num_interactions)

    def time_graph(self, method: str, num_interactions: int) -> None:
        """Time of the strongest partners of every video."""
        METHODS[method](self.log)

    def peakmem_graph(self, method: str, num_interactions: int) -> None:
        """Peak memory of the process."""
        METHODS[method](self.log)


def _measure(method: str, num_interactions: int) -> None:
    """Print best time of three and the growth of peak memory, in this process."""
    benchmark = CoWatch()
    benchmark.setup(method, num_interactions)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    times = []
    for _ in range(3):
        start = time.perf_counter()
        benchmark.time_graph(method, num_interactions)
        times.append(time.perf_counter() - start)
    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
    print(f"| {num_interactions:,} | {method} | {min(times):.2f} | {grown:,.0f} |", flush=True)


def main() -> None:
    """Print the table; every cell in a process of its own."""
    print(f"{platform.processor() or platform.machine()}, Python {platform.python_version()}, NumPy {np.__version__}")
    print("| interactions | method | seconds | MiB |\n|---|---|---|---|", flush=True)
    for num_interactions in SIZES:
        for method in METHODS:
            subprocess.run(
                [sys.executable, "-m", "benchmarks.speed.co_watch", method, str(num_interactions)], check=True
            )


if __name__ == "__main__":
    if len(sys.argv) == 3:
        _measure(sys.argv[1], int(sys.argv[2]))
    else:
        main()
