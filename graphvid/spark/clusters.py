"""Affinity clustering on Spark, from a data frame of edges to a data frame of clusters."""

from __future__ import annotations

from typing import TYPE_CHECKING

from graphvid.clustering.threshold import Threshold
from graphvid.spark.engine import check_frame, engine_of
from graphvid.sql import ClusterOptions, clusters_of_ids, node_clusters, numbered_videos

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

    from graphvid.clustering.linkage import LinkageName


def number_videos(table: DataFrame) -> DataFrame:
    """Return the number of every video.

    Parameters
    ----------
    table : pyspark.sql.DataFrame
        A log with the column ``video_id``, or edges with ``src`` and ``dst``. Take the log: its videos without an edge are
        nodes too.

    Returns
    -------
    pyspark.sql.DataFrame
        Columns ``video_id`` and ``node``: 0, 1, ... in sorted order of the ids, as `WatchLog` numbers them.

    Raises
    ------
    ImportError
        PySpark is not installed, or older than 4.
    TypeError
        No data frame of a classic session; ids that are neither integers nor text, which cannot be sorted.
    ValueError
        No such column, a missing id.

    Notes
    -----
    One task sorts and numbers the distinct ids.
    """
    with engine_of(table, "table") as engine:
        return engine.session.sql(numbered_videos(engine, engine.view("table", table), "table"))


def affinity_clusters(
    edges: DataFrame,
    *,
    videos: DataFrame | None = None,
    num_nodes: int | None = None,
    num_levels: int | None = 3,
    linkage: LinkageName = "average",
    threshold: Threshold = None,
    seed: int = 0,
    checkpoint_dir: str,
    finish_below: int = 1_000_000,
) -> DataFrame:
    """Return the clusters of `graphvid.clustering.affinity_clustering` as a data frame of Spark.

    Parameters
    ----------
    edges : pyspark.sql.DataFrame
        Columns ``src``, ``dst`` and ``weight`` (finite, >= 0), each edge once in either direction, as `co_watch_edges`
        gives it. It is read several times: write it to Parquet first.
    videos : pyspark.sql.DataFrame, optional
        Result of `number_videos`; the edges then hold ids. Without it they hold numbers of nodes.
    num_nodes : int, optional
        Number of nodes, including those without an edge; required without ``videos``.
    num_levels, linkage, threshold, seed
        As in `affinity_clustering`; ties go by the hash.
    checkpoint_dir : str
        Folder that all workers share, for the tables of every level. The tables keep Spark's query plans short, and stay in
        the folder. After an interruption, another call continues from the last complete table.
    finish_below : int, default 1_000_000
        When at most this many edges between clusters are left, the Numba kernels compute the rest on the driver (about 100
        bytes an edge). The result is the same; with 0 Spark computes all.

    Returns
    -------
    pyspark.sql.DataFrame
        A row for each node: ``node``, its number; ``level_1``, ``level_2``, ...: the number of the smallest node in its
        cluster of that level; with ``videos`` also ``video_id``. Write it to Parquet, and `ClusterTree.read_parquet` reads it.

    Raises
    ------
    ImportError
        PySpark is not installed, or older than 4.
    TypeError
        No data frame of a classic session; ids that are neither integers nor text.
    ValueError
        An option out of its range; an edge that is out of range, given twice, or has a weight that is negative or not
        finite; edges of unknown videos; a ``checkpoint_dir`` of another graph.

    Notes
    -----
    All levels are those of `affinity_clustering` on the same numbers, for any order of the rows, any partitions, and ANSI
    mode on or off. Weights are put on the same grid, and summed as integers. Workers need NumPy, pandas and PyArrow, not
    graphvid.

    A level takes about 8 jobs. Until the call returns, adaptive execution and broadcast joins are off in the session, because
    they would take several times as many jobs, and ``spark.sql.shuffle.partitions`` is reduced to one for each 8 MiB of
    ``edges``.
    """
    options = ClusterOptions(num_levels, linkage, threshold, seed, finish_below)
    options.check()
    if (videos is None) == (num_nodes is None):
        given = "both" if videos is not None else "neither"
        raise ValueError(f"exactly one of videos and num_nodes must be given, got {given}")
    if not isinstance(checkpoint_dir, str) or not checkpoint_dir:
        raise TypeError(f"checkpoint_dir must be the name of a folder, got {checkpoint_dir!r}")
    with engine_of(edges, "edges", checkpoint_dir) as engine:
        table = engine.view("edges", edges)
        if videos is None:
            query = node_clusters(engine, table, num_nodes or 0, options)
        else:
            check_frame(videos, "videos")
            query = clusters_of_ids(engine, table, engine.view("videos", videos), options)
        return engine.session.sql(query)
