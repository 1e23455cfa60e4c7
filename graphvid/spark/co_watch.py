"""Co-watch edges on Spark, from a data frame of a watch log to a data frame of edges."""

from __future__ import annotations

from typing import TYPE_CHECKING

from graphvid.spark.engine import engine_of
from graphvid.sql import CoWatchOptions, Weight, check_columns, check_present, co_watches, ids_of_videos

if TYPE_CHECKING:
    from pyspark.sql import DataFrame


def co_watch_edges(
    log: DataFrame,
    *,
    weight: Weight = "count",
    min_count: int = 1,
    top_k: int | None = 50,
    max_videos_per_user: int | None = 100,
    seed: int = 0,
) -> DataFrame:
    """Return the edges of `graphvid.graphs.co_watch_graph` as a data frame of Spark.

    Parameters
    ----------
    log : pyspark.sql.DataFrame
        Columns ``user_id`` and ``video_id``: integers, or text.
    weight, min_count, top_k, max_videos_per_user, seed
        As in `co_watch_graph`.

    Returns
    -------
    pyspark.sql.DataFrame
        Columns ``src`` and ``dst``, ids of videos as in the log, the smaller one first, and ``weight``, float; each edge
        once, in no order. It has no rows if no two videos make an edge, because Spark computes it later, on use.

    Raises
    ------
    ImportError
        PySpark is not installed, or older than 4.
    TypeError
        No data frame of a classic session; ids that are neither integers nor text.
    ValueError
        An option out of its range, no such columns, a missing id, files with ids of several kinds, a log of one user.

    Notes
    -----
    Edges and the bits of their weights are those of `co_watch_graph`, for any order of the rows, any partitions, and ANSI
    mode on or off. "npmi" takes logarithms, whose last bit of 64 depends on the platform; it changes about one of 10**8
    weights of 32 bits. Missing ids and users are counted at once, in two passes over the log. A partition of the work is one of
    users, then one of videos: with ``max_videos_per_user`` no user makes more than 4,950 pairs. Workers need NumPy, pandas
    and PyArrow, not graphvid.
    """
    options = CoWatchOptions(weight, min_count, top_k, max_videos_per_user, seed)
    options.check()
    with engine_of(log, "log") as engine:
        table = engine.view("log", log)
        check_columns(engine, table, "log", ("user_id", "video_id"))
        check_present(engine, table, "log", ("user_id", "video_id"))
        ids = engine.save("ids", f"SELECT video_id AS v, video_id FROM ({ids_of_videos(engine, table, 'log')}) AS ids")
        views = engine.save("rows", f"SELECT user_id AS u, video_id AS v FROM {table}")
        query = co_watches(engine, views, ids, engine.types(ids)["video_id"], options)
        return engine.session.sql(f"SELECT low AS src, high AS dst, weight FROM ({query}) AS edges")
