"""SQL queries of the co-watch graph, with the edges and weights of `graphvid.graphs.co_watch_graph`."""

from __future__ import annotations

from functools import partial
from typing import Literal, NamedTuple, get_args

from graphvid._checks import check_choice, check_integer, check_seed
from graphvid.sql.engine import INTEGER, Engine
from graphvid.sql.hashes import high_halves, low_halves, pair_ranks, video_keys, view_ranks

Weight = Literal["count", "binary", "cosine", "npmi"]

_SCORES = {
    "count": "CAST(together AS DOUBLE)",
    "binary": "CAST(together AS DOUBLE)",
    "cosine": "CAST(CAST(together / sqrt(CAST(a.n * b.n AS DOUBLE)) AS FLOAT) AS DOUBLE)",
    "npmi": "CAST(CAST(CASE WHEN together * {users} > a.n * b.n"
    " THEN ln(CAST(together * {users} AS DOUBLE) / CAST(a.n * b.n AS DOUBLE))"
    " / -ln(CAST(together AS DOUBLE) / CAST({users} AS DOUBLE)) ELSE -1 END AS FLOAT) AS DOUBLE)",
}


class CoWatchOptions(NamedTuple):
    """Options of `co_watch_graph` that the queries take."""

    weight: Weight
    min_count: int
    top_k: int | None
    max_videos_per_user: int | None
    seed: int

    def check(self) -> None:
        """Raise for an option out of its range."""
        check_choice("weight", self.weight, get_args(Weight))
        check_integer("min_count", self.min_count, 1)
        check_integer("top_k", self.top_k, 1, none=True)
        check_integer("max_videos_per_user", self.max_videos_per_user, 2, none=True)
        check_seed(self.seed)


def co_watches(engine: Engine, views: str, ids: str, kind: str, options: CoWatchOptions) -> str:
    """Return the query of the edges: ``low``, ``high`` and ``weight``.

    Parameters
    ----------
    views : str
        Table with a user ``u`` and a video ``v`` in each row; pairs may be repeated. ``v`` sorts as the videos' ids do.
    ids : str
        Table of all videos once: ``v``, and ``video_id`` of the type ``kind``.
    """
    _define(engine, kind, options.seed)
    keys = engine.save("keys", f"SELECT v, graphvid_video_key(video_id) AS k FROM {ids}")
    views = engine.save("views", f"SELECT DISTINCT u, v FROM {views}")
    (users,) = engine.row(f"SELECT count(DISTINCT u) FROM {views}")
    if users < 2:
        raise ValueError(f"log must have at least 2 users who watched something, got {users}")
    kept = views if options.max_videos_per_user is None else _kept(engine, views, keys, options.max_videos_per_user)
    known = engine.save(
        "known",
        f"SELECT p.v, p.n, k FROM (SELECT v, count(*) AS n FROM {kept} GROUP BY v) AS p JOIN {keys} AS q ON q.v = p.v",
    )
    pairs = engine.save(
        "pairs",
        f"SELECT a.v AS low, b.v AS high, count(*) AS together FROM {kept} AS a JOIN {kept} AS b ON a.u = b.u AND a.v < b.v "
        f"GROUP BY a.v, b.v HAVING count(*) >= {options.min_count}",
    )
    rank = "graphvid_pair_rank(a.k, b.k)" if options.top_k else "0"
    score = _SCORES[options.weight].format(users=f"CAST({users} AS {INTEGER})")
    scored = engine.save(
        "scored",
        f"SELECT low, high, score, r FROM (SELECT low, high, {score} AS score, {rank} AS r FROM {pairs} AS p "
        f"JOIN {known} AS a ON a.v = low JOIN {known} AS b ON b.v = high) AS s WHERE score >= 0",
    )
    weight = "1" if options.weight == "binary" else "score"
    edges = scored if options.top_k is None else f"({_strongest(scored, options.top_k)}) AS strongest"
    return f"SELECT low, high, CAST({weight} AS FLOAT) AS weight FROM {edges}"


def _define(engine: Engine, kind: str, seed: int) -> None:
    engine.define("graphvid_video_key", partial(video_keys, seed=seed), [kind, INTEGER])
    engine.define("graphvid_low_half", low_halves, [INTEGER, INTEGER])
    engine.define("graphvid_high_half", high_halves, [INTEGER, INTEGER])
    engine.define("graphvid_view_rank", view_ranks, [INTEGER, INTEGER, INTEGER, INTEGER])
    engine.define("graphvid_pair_rank", pair_ranks, [INTEGER, INTEGER, INTEGER])


def _kept(engine: Engine, views: str, keys: str, limit: int) -> str:
    """Return the table of views that count: of users with more than ``limit`` videos, that many with the smallest hashes."""
    heavy = engine.save("heavy", f"SELECT u FROM {views} GROUP BY u HAVING count(*) > {limit}")
    theirs = engine.save(
        "theirs", f"SELECT w.u, w.v, k FROM {views} AS w JOIN {heavy} AS h ON h.u = w.u JOIN {keys} AS q ON q.v = w.v"
    )
    halves = (
        f"SELECT u, CAST(sum(graphvid_low_half(k)) AS {INTEGER}) AS low, CAST(sum(graphvid_high_half(k)) AS {INTEGER}) AS high "
        f"FROM {theirs} GROUP BY u"
    )
    ranked = (
        f"SELECT t.u, t.v, graphvid_view_rank(low, high, k) AS r FROM {theirs} AS t JOIN ({halves}) AS s ON s.u = t.u"
    )
    placed = f"SELECT u, v, row_number() OVER (PARTITION BY u ORDER BY r, v) AS place FROM ({ranked}) AS ranked"
    return engine.save(
        "kept",
        f"SELECT u, v FROM {views} AS w WHERE NOT EXISTS (SELECT 1 FROM {heavy} AS h WHERE h.u = w.u) "
        f"UNION ALL SELECT u, v FROM ({placed}) AS placed WHERE place <= {limit}",
    )


def _strongest(scored: str, top_k: int) -> str:
    """Return the query of the edges that are among the ``top_k`` heaviest of either end."""
    ends = (
        f"SELECT low, high, score, r, CASE WHEN side = 0 THEN low ELSE high END AS v, "
        f"CASE WHEN side = 0 THEN high ELSE low END AS o FROM {scored} CROSS JOIN (VALUES (0), (1)) AS sides(side)"
    )
    place = "row_number() OVER (PARTITION BY v ORDER BY score DESC, r, o) AS place"
    placed = f"SELECT low, high, score, {place} FROM ({ends}) AS ends"
    return f"SELECT DISTINCT low, high, score FROM ({placed}) AS placed WHERE place <= {top_k}"
