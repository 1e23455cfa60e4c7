"""
A log larger than its memory
============================

By the end you will be able to

- count co-watches in a log that is larger than the memory limit;
- cluster the resulting graph, and continue after an interruption;
- see that the result equals that of the kernels in memory.

Time to run: about half a minute on one CPU core. Needs the extra ``duckdb``.
"""

# %%
# A log on disk
# -------------
# The log has 600,000 views in three Parquet files, like the output of a pipeline. The ids are
# pseudonyms of 64 characters. DuckDB gets 70 MB; the two columns alone need more than that in
# memory.
import hashlib
import tempfile
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

from graphvid.clustering import ClusterTree, affinity_clustering
from graphvid.data import WatchLog
from graphvid.duckdb import affinity_clusters, co_watch_edges, number_videos
from graphvid.graphs import co_watch_graph

LIMIT = "70MB"
folder = Path(tempfile.mkdtemp())
(folder / "log").mkdir()
rng = np.random.default_rng(0)
topic_of = {}
num_rows = 0
num_bytes = 0


def pseudonyms(kind, numbers):
    """Return the text that stands for each number in the log."""
    distinct, place = np.unique(numbers, return_inverse=True)
    return np.array(
        [hashlib.sha256(f"{kind} {x}".encode()).hexdigest() for x in distinct], dtype=object
    )[place]


for part in range(3):
    topic = rng.integers(0, 200, 200_000)
    user = 250 * topic + rng.integers(0, 250, 200_000)
    video = np.where(rng.random(200_000) < 0.8, topic, rng.integers(0, 200, 200_000)) * 60
    video += (60 * rng.random(200_000) ** 2).astype(int)
    frame = pd.DataFrame(
        {"user_id": pseudonyms("user", user), "video_id": pseudonyms("video", video)}
    )
    frame.to_parquet(folder / "log" / f"{part}.parquet", index=False)
    topic_of.update(zip(frame["video_id"], video // 60))
    num_rows += len(frame)
    num_bytes += int(frame["user_id"].str.len().sum() + frame["video_id"].str.len().sum())
print(f"{num_rows:,} rows, {num_bytes / 1e6:.0f} MB of text; limit {LIMIT}")

# %%
# Edges
# -----
# Data beyond the limit goes to a folder beside the output, which is removed at the end.
co_watch_edges(folder / "log", folder / "edges.parquet", top_k=10, memory_limit=LIMIT, threads=1)
edges = pd.read_parquet(folder / "edges.parquet")
print(f"{len(edges):,} edges")
print(edges.head(3).to_string(index=False))

# %%
# Clusters
# --------
# The tables of every level stay in ``checkpoint_dir``. A second call finds all of them there and
# has nothing left to do; after a crash it continues from the last complete one.
number_videos(folder / "log", folder / "videos.parquet", memory_limit=LIMIT, threads=1)
for _ in range(2):
    affinity_clusters(
        folder / "edges.parquet",
        folder / "tree.parquet",
        videos=folder / "videos.parquet",
        checkpoint_dir=folder / "kept",
        memory_limit=LIMIT,
        threads=1,
    )
tree = ClusterTree.read_parquet(folder / "tree.parquet")
print(tree)

# %%
# The same as in memory
# ---------------------
# This log is small enough for a check: the kernels make the same edges, the same bits of the
# weights and the same clusters.
log = WatchLog.read(folder / "log", duplicates="keep")
graph = co_watch_graph(log, top_k=10)
src, dst = (ends.numpy() for ends in graph.edges(order="eid"))
once = src < dst
ids = log.video_ids.to_numpy()
print(
    "edges equal:",
    (ids[src[once]] == edges["src"]).all() and (ids[dst[once]] == edges["dst"]).all(),
)
print("weights equal:", (graph.edata["weight"].numpy()[once] == edges["weight"]).all())
in_memory = affinity_clustering(graph)
print(
    "clusters equal:",
    all((a == b).all() for a, b in zip(tree.labels, in_memory.labels, strict=True)),
)

# %%
# What the clusters are
# ---------------------
# Videos were drawn by topic, 60 videos each; the clusters find them.
topic_of_video = np.array([topic_of[video] for video in log.video_ids])
share = [
    pd.crosstab(labels, topic_of_video).max(axis=1).sum() / tree.num_nodes
    for labels in tree.labels[1:]
]
fig, ax = plt.subplots(figsize=(5, 3))
ax.bar(
    [f"level {k}\n{tree.num_clusters(k):,} clusters" for k in range(1, tree.num_levels + 1)], share
)
ax.set_ylabel("share in the cluster's main topic")
ax.set_ylim(0, 1)
fig.tight_layout()

# %%
# ``graphvid train rgc --edges edges.parquet --clusters tree.parquet --features features.npz
# --train-fraction 1`` continues from these two files. :doc:`/beyond_one_machine` describes Spark.
