"""Co-watch edges and affinity clusters on Spark: from data frames to data frames, with the results of the Numba kernels."""

from __future__ import annotations

from graphvid.spark.clusters import affinity_clusters, number_videos
from graphvid.spark.co_watch import co_watch_edges

__all__ = ["affinity_clusters", "co_watch_edges", "number_videos"]
