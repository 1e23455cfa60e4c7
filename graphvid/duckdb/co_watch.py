"""Co-watch edges by DuckDB: from a watch log in Parquet to edges in Parquet, within a memory limit."""

from __future__ import annotations

from pathlib import Path

from graphvid._files import StrPath
from graphvid.duckdb.engine import parquet_table
from graphvid.duckdb.session import Memory, session
from graphvid.sql import CoWatchOptions, Weight, check_columns, check_present, co_watches, numbered_videos


def co_watch_edges(
    log: StrPath,
    out: StrPath,
    *,
    weight: Weight = "count",
    min_count: int = 1,
    top_k: int | None = 50,
    max_videos_per_user: int | None = 100,
    seed: int = 0,
    memory_limit: str | None = None,
    threads: int | None = None,
) -> None:
    """Write the edges of `graphvid.graphs.co_watch_graph` to a Parquet file, from a log that need not fit in memory.

    Parameters
    ----------
    log : path-like
        Parquet file, or a folder of them, with the columns ``user_id`` and ``video_id``: integers, or text.
    out : path-like
        Parquet file with the columns ``src`` and ``dst``, ids of videos as in the log, and ``weight``, float32; each edge
        once, sorted by the two ids. Written completely or not at all.
    weight, min_count, top_k, max_videos_per_user, seed
        As in `co_watch_graph`.
    memory_limit : str, optional
        Memory limit of DuckDB, such as ``"500MB"``; further data go to a folder beside ``out``, which is removed at the end.
        Default: DuckDB's default, 80 % of the memory.
    threads : int, optional
        Default: DuckDB's default, one for each core. More threads need more memory.

    Raises
    ------
    ImportError
        DuckDB is not installed.
    TypeError
        Ids that are neither integers nor text.
    ValueError
        An option out of its range, no such columns, a missing id, files with ids of several kinds, a log of one user or
        without an edge.
    MemoryError
        ``memory_limit`` is too small.

    Notes
    -----
    Edges and the bits of their weights are those of `co_watch_graph`, for any order of the rows and any number of files.
    "npmi" takes logarithms, whose last bit of 64 depends on the platform; it changes about one of 10**8 weights of 32 bits.
    Time O(sum over users of d^2 log), disk about 40 bytes a pair of videos that are watched together.

    Examples
    --------
    >>> import pandas as pd, tempfile
    >>> folder = Path(tempfile.mkdtemp())
    >>> frame = pd.DataFrame({"user_id": [1, 1, 1, 2, 2], "video_id": ["a", "b", "c", "a", "b"]})
    >>> frame.to_parquet(folder / "log.parquet")
    >>> co_watch_edges(folder / "log.parquet", folder / "edges.parquet", memory_limit="200MB", threads=1)
    >>> pd.read_parquet(folder / "edges.parquet").values.tolist()
    [['a', 'b', 2.0], ['a', 'c', 1.0], ['b', 'c', 1.0]]
    """
    options = CoWatchOptions(weight, min_count, top_k, max_videos_per_user, seed)
    options.check()
    with session(out, [("log", log)], Memory(memory_limit, threads)) as engine:
        table = parquet_table(Path(log))
        check_columns(engine, table, "log", ("user_id", "video_id"))
        check_present(engine, table, "log", ("user_id", "video_id"))
        videos = engine.save("videos", numbered_videos(engine, table, "log"))
        users = engine.save(
            "users", f"SELECT user_id, row_number() OVER () AS u FROM (SELECT DISTINCT user_id FROM {table}) AS users"
        )
        views = (
            f"(SELECT u, node AS v FROM {table} AS l JOIN {users} AS m ON m.user_id = l.user_id "
            f"JOIN {videos} AS n ON n.video_id = l.video_id) AS views"
        )
        kind = engine.types(videos)["video_id"]
        query = co_watches(engine, views, f"(SELECT node AS v, video_id FROM {videos}) AS ids", kind, options)
        edges = engine.save("edges", query)
        if not engine.row(f"SELECT 1 FROM {edges} LIMIT 1"):
            raise ValueError(
                f"the log has no edge: no two videos share min_count={min_count} users with a positive {weight} weight"
            )
        engine.write(
            f"SELECT a.video_id AS src, b.video_id AS dst, weight FROM {edges} AS e "
            f"JOIN {videos} AS a ON a.node = low JOIN {videos} AS b ON b.node = high ORDER BY low, high",
            Path(out),
        )
