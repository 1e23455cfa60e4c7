"""Affinity clustering by DuckDB: from edges in Parquet to clusters in Parquet, within a memory limit."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from graphvid._files import StrPath
from graphvid.clustering.threshold import Threshold
from graphvid.duckdb.engine import parquet_table
from graphvid.duckdb.session import Memory, session
from graphvid.sql import ClusterOptions, clusters_of_ids, node_clusters, numbered_videos

if TYPE_CHECKING:
    from graphvid.clustering.linkage import LinkageName


def number_videos(table: StrPath, out: StrPath, *, memory_limit: str | None = None, threads: int | None = None) -> None:
    """Write the number of every video to a Parquet file.

    Parameters
    ----------
    table : path-like
        Parquet file, or a folder of them: a log with the column ``video_id``, or edges with ``src`` and ``dst``. Take the
        log: its videos without an edge are nodes too.
    out : path-like
        Parquet file with the columns ``video_id`` and ``node``: 0, 1, ... in sorted order of the ids, as `WatchLog`
        numbers them.
    memory_limit, threads
        As in `co_watch_edges`.

    Raises
    ------
    ImportError, TypeError, ValueError, MemoryError
        As in `co_watch_edges`.
    """
    with session(out, [("table", table)], Memory(memory_limit, threads)) as engine:
        engine.write(f"{numbered_videos(engine, parquet_table(Path(table)), 'table')} ORDER BY node", Path(out))


def affinity_clusters(
    edges: StrPath,
    out: StrPath,
    *,
    videos: StrPath | None = None,
    num_nodes: int | None = None,
    num_levels: int | None = 3,
    linkage: LinkageName = "average",
    threshold: Threshold = None,
    seed: int = 0,
    checkpoint_dir: StrPath | None = None,
    finish_below: int = 0,
    memory_limit: str | None = None,
    threads: int | None = None,
) -> None:
    """Write the clusters of `graphvid.clustering.affinity_clustering` to a Parquet file, from edges of any number.

    Parameters
    ----------
    edges : path-like
        Parquet file, or a folder of them, with the columns ``src``, ``dst`` and ``weight`` (finite, >= 0), each edge once
        in either direction, as `co_watch_edges` writes it.
    out : path-like
        Parquet file with a row for each node: ``node``, its number; ``level_1``, ``level_2``, ...: the number of the
        smallest node in its cluster of that level; with ``videos`` also ``video_id``. `ClusterTree.read_parquet` reads it.
    videos : path-like, optional
        File of `number_videos`; the edges then hold ids. Without it they hold numbers of nodes.
    num_nodes : int, optional
        Number of nodes, including those without an edge; required without ``videos``.
    num_levels, linkage, threshold, seed
        As in `affinity_clustering`; ties go by the hash.
    checkpoint_dir : path-like, optional
        Folder for the tables of every level; it is created if absent, and stays. After an interruption, another call continues
        from the last complete table. Default: a folder that is removed at the end.
    finish_below : int, default 0
        When at most this many edges between clusters are left, the Numba kernels compute the rest in memory, outside
        ``memory_limit`` (about 100 bytes an edge). The result is the same.
    memory_limit, threads
        As in `co_watch_edges`.

    Raises
    ------
    ImportError
        DuckDB is not installed.
    TypeError
        Ids that are neither integers nor text.
    ValueError
        An option out of its range, an edge that is out of range, given twice, or has a weight that is negative or not
        finite; edges of unknown videos; a ``checkpoint_dir`` of another graph.
    MemoryError
        ``memory_limit`` is too small.

    Notes
    -----
    All levels are those of `affinity_clustering` on the same numbers. Weights are put on the same grid, and summed as
    integers.

    Examples
    --------
    >>> import pandas as pd, tempfile
    >>> folder = Path(tempfile.mkdtemp())
    >>> path = pd.DataFrame({"src": [0, 1, 2, 3], "dst": [1, 2, 3, 4], "weight": [3.0, 1.0, 2.0, 5.0]})
    >>> path.to_parquet(folder / "edges.parquet")
    >>> affinity_clusters(folder / "edges.parquet", folder / "tree.parquet", num_nodes=5, num_levels=2, threads=1)
    >>> pd.read_parquet(folder / "tree.parquet")["level_1"].tolist()
    [0, 0, 2, 2, 2]
    """
    options = ClusterOptions(num_levels, linkage, threshold, seed, finish_below)
    options.check()
    if (videos is None) == (num_nodes is None):
        raise ValueError(f"exactly one of videos and num_nodes must be given, got {videos!r} and {num_nodes!r}")
    with session(out, [("edges", edges), ("videos", videos)], Memory(memory_limit, threads), checkpoint_dir) as engine:
        table = parquet_table(Path(edges))
        if videos is None:
            query = node_clusters(engine, table, num_nodes or 0, options)
        else:
            query = clusters_of_ids(engine, table, parquet_table(Path(videos)), options)
        engine.write(f"{query} ORDER BY node", Path(out))
