"""Co-watch edges and affinity clusters by DuckDB, for a log or a graph that is larger than memory."""

from __future__ import annotations

from graphvid.duckdb.clusters import affinity_clusters, number_videos
from graphvid.duckdb.co_watch import co_watch_edges

__all__ = ["affinity_clusters", "co_watch_edges", "number_videos"]
