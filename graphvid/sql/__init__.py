"""SQL queries of co-watch edges and affinity clusters, shared by the engines `graphvid.duckdb` and `graphvid.spark`."""

from __future__ import annotations

from graphvid.sql import hashes
from graphvid.sql.clusters import ClusterOptions, clusters_of_ids, node_clusters
from graphvid.sql.co_watch import CoWatchOptions, Weight, co_watches
from graphvid.sql.engine import INTEGER, TEXT, Engine
from graphvid.sql.ids import check_columns, check_present, ids_of_videos, numbered_videos

__all__ = [
    "INTEGER",
    "TEXT",
    "ClusterOptions",
    "CoWatchOptions",
    "Engine",
    "Weight",
    "check_columns",
    "check_present",
    "clusters_of_ids",
    "co_watches",
    "hashes",
    "ids_of_videos",
    "node_clusters",
    "numbered_videos",
]
