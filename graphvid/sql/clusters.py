"""SQL queries of affinity clustering, with the clusters of `graphvid.clustering.affinity_clustering`.

Its smallest node identifies a cluster. The tables of a level are: ``edges`` (a < b, v the summed or largest weight in steps
of the grid, n the number of original edges, sa and sb the sizes of the ends); ``best`` (for each cluster c that may merge:
the other end o of its best edge, and its size); ``ends`` (t, a later cluster of the chain of best edges from c; in the last
table, its end); ``labels`` (m, the cluster of the next level, and its size).
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import partial
from itertools import count
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from graphvid._checks import check_choice, check_count, check_integer
from graphvid.clustering.grid import grid_exponent, halves, in_steps
from graphvid.clustering.threshold import Threshold, threshold_list
from graphvid.sql.engine import INTEGER, Engine
from graphvid.sql.hashes import edge_checks, edge_ranks
from graphvid.sql.ids import check_columns

if TYPE_CHECKING:  # the file of linkages needs Numba
    from graphvid.clustering.linkage import LinkageName

_INFINITY = "CAST('Infinity' AS DOUBLE)"
_WEIGHTS = {
    "average": "CAST(v AS DOUBLE) / (CAST(sa AS DOUBLE) * CAST(sb AS DOUBLE))",
    "max": "v",
    "sum": "CAST(v AS DOUBLE)",
    "explicit_average": "CAST(v AS DOUBLE) / CAST(n AS DOUBLE)",
    "cut_sparsity": "CAST(v AS DOUBLE) / CAST(least(sa, sb) AS DOUBLE)",
}


class ClusterOptions(NamedTuple):
    """Options of `affinity_clustering` that the queries take."""

    num_levels: int | None
    linkage: LinkageName
    threshold: Threshold
    seed: int
    finish_below: int

    def check(self) -> list[float]:
        """Return the thresholds of the levels, the last for all further ones; raise for an option out of its range."""
        check_integer("num_levels", self.num_levels, 0, 1000, none=True)
        check_choice("linkage", self.linkage, _WEIGHTS)
        check_count("seed", self.seed, -(2**63), 2**64 - 1)
        check_integer("finish_below", self.finish_below, 0)
        return threshold_list(self.threshold, self.num_levels)


class _Graph(NamedTuple):
    """Facts of the original edges."""

    num_edges: int
    largest: float
    check: int  # a checksum of the edges that identifies the graph


def node_clusters(engine: Engine, edges: str, num_nodes: int, options: ClusterOptions) -> str:
    """Return the query of the clusters of every node: ``node``, ``level_1``, ``level_2``, ...

    Parameters
    ----------
    edges : str
        Table with ``src``, ``dst`` (numbers of nodes) and ``weight`` (>= 0), each edge once, in either direction.
    """
    thresholds = options.check()
    check_integer("num_nodes", num_nodes, 0)
    check_columns(engine, edges, "edges", ("src", "dst"), ("weight",))
    kinds = [engine.types(edges)[end] for end in ("src", "dst")]
    if kinds != [INTEGER, INTEGER]:
        raise TypeError(f"src and dst of edges must be integers, numbers of nodes, got {kinds}; for ids give videos")
    engine.define("graphvid_edge_rank", partial(edge_ranks, seed=options.seed), [INTEGER, INTEGER, INTEGER])
    engine.define("graphvid_edge_check", edge_checks, [INTEGER, INTEGER, "DOUBLE", INTEGER])
    graph = _look_at(engine, edges, num_nodes)
    _claim_folder(engine, graph, num_nodes, thresholds, options)
    labels: list[str | None] = []  # of each level; None where nothing merges
    if options.num_levels != 0:
        table, power = _first_edges(engine, edges, graph, options.linkage)
        labels = _levels(engine, table, in_steps(thresholds, power), options)
    if options.num_levels is not None:
        labels += [None] * (options.num_levels - len(labels))
    return _of_nodes(labels, num_nodes)


def clusters_of_ids(engine: Engine, edges: str, videos: str, options: ClusterOptions) -> str:
    """Return the same of edges between ids, with ``video_id``; ``videos`` holds the ``node`` of each ``video_id``."""
    check_columns(engine, videos, "videos", ("video_id", "node"))
    check_columns(engine, edges, "edges", ("src", "dst"), ("weight",))
    kinds = [engine.types(videos)["video_id"], *(engine.types(edges)[end] for end in ("src", "dst"))]
    if len(set(kinds)) > 1:
        raise TypeError(
            f"src and dst of edges must be ids of the kind of those in videos, got {kinds[1:]} and {kinds[0]}"
        )
    num_videos, distinct, numbers, last = engine.row(
        f"SELECT count(*), count(DISTINCT video_id), count(DISTINCT node), coalesce(max(node), -1) FROM {videos}"
    )
    if not num_videos == distinct == numbers == last + 1:
        raise ValueError(
            f"videos must hold each video_id once, with the numbers 0 to {num_videos - 1}, got {distinct} ids and {numbers} "
            f"numbers up to {last}"
        )
    joined = (
        f"FROM {edges} AS e LEFT JOIN {videos} AS a ON a.video_id = e.src LEFT JOIN {videos} AS b ON b.video_id = e.dst"
    )
    unknown = engine.row(f"SELECT e.src, e.dst {joined} WHERE a.node IS NULL OR b.node IS NULL LIMIT 1")
    if unknown:
        raise ValueError(f"src and dst of edges must be among videos, got the edge ({unknown[0]!r}, {unknown[1]!r})")
    numbered = f"(SELECT a.node AS src, b.node AS dst, e.weight {joined}) AS numbered"
    query = node_clusters(engine, numbered, int(num_videos), options)
    return f"SELECT w.video_id, c.* FROM ({query}) AS c JOIN {videos} AS w ON w.node = c.node"


def _look_at(engine: Engine, edges: str, num_nodes: int) -> _Graph:
    """Check all edges in one pass."""
    inside = f"src >= 0 AND src < {num_nodes} AND dst >= 0 AND dst < {num_nodes}"
    sound = f"coalesce({inside} AND weight >= 0 AND weight < {_INFINITY}, false)"
    proper = f"SELECT * FROM {edges} WHERE src <> dst AND {sound}"
    rows, good = engine.row(f"SELECT count(*), count(CASE WHEN {sound} THEN 1 END) FROM {edges}")
    if good < rows:
        src, dst, weight = engine.row(f"SELECT src, dst, weight FROM {edges} WHERE NOT {sound} LIMIT 1")
        raise ValueError(
            f"edges must have ends in [0, {num_nodes}) and a finite weight >= 0, got ({src}, {dst}) with weight {weight} and "
            f"{rows - good - 1} more such rows"
        )
    num_edges, largest, check = engine.row(
        "SELECT count(*), max(weight), sum(graphvid_edge_check(least(src, dst), greatest(src, dst), CAST(weight AS DOUBLE))) "
        f"FROM ({proper}) AS proper"
    )
    return _Graph(int(num_edges), float(largest or 0), int(check or 0))


def _claim_folder(
    engine: Engine, graph: _Graph, num_nodes: int, thresholds: list[float], options: ClusterOptions
) -> None:
    """Raise if the folder holds the tables of another clustering."""
    seed = options.seed % 2**64
    now = json.dumps([1, num_nodes, *graph, options.linkage, seed, [str(value) for value in thresholds]])
    table = engine.save("about", f"SELECT '{now}' AS about")
    (kept,) = engine.row(f"SELECT about FROM {table}")
    if kept != now:
        raise ValueError(
            f"checkpoint_dir must be empty or hold the tables of the same graph and options, got those of {kept}, now {now}"
        )


def _first_edges(engine: Engine, edges: str, graph: _Graph, linkage: str) -> tuple[str, int]:
    """Return the table of edges between single nodes, and the power of two by which the weights were multiplied."""
    power, value = 0, "CAST(weight AS DOUBLE)"
    if linkage != "max" and graph.largest > 0:
        power = grid_exponent(graph.largest, graph.num_edges)
        up = " * ".join(f"{half:.17e}" for half in halves(power))
        value = f"CAST(rint({value} * {up}) AS {INTEGER})"
    elif linkage != "max":
        value = f"CAST(0 AS {INTEGER})"
    table = engine.save(
        "edges_0",
        f"SELECT a, b, max(v) AS v, count(*) AS n, CAST(1 AS {INTEGER}) AS sa, CAST(1 AS {INTEGER}) AS sb "
        f"FROM (SELECT least(src, dst) AS a, greatest(src, dst) AS b, {value} AS v FROM {edges} WHERE src <> dst) AS e "
        "GROUP BY a, b",
    )
    again = engine.row(f"SELECT a, b, n FROM {table} WHERE n > 1 LIMIT 1")
    if again:
        raise ValueError(
            f"edges must hold each pair once, in either direction, got ({again[0]}, {again[1]}) {again[2]} times"
        )
    return table, power


def _levels(engine: Engine, table: str, thresholds: list[float], options: ClusterOptions) -> list[str | None]:
    """Return the table of labels of every level, until nothing merges any more or the last level."""
    labels: list[str | None] = []
    (num_edges,) = engine.row(f"SELECT count(*) FROM {table}")
    while len(labels) != options.num_levels:
        level = len(labels) + 1
        if 0 < num_edges <= options.finish_below:
            return labels + _finish(engine, table, level, thresholds, options)
        threshold = thresholds[min(level, len(thresholds)) - 1]
        label = _merge(engine, table, level, threshold, options.linkage) if num_edges else None
        if label is None and all(later >= threshold for later in thresholds[level:]):
            break
        labels.append(label)
        if label is not None and level != options.num_levels:
            table = engine.save(f"edges_{level}", _contracted(table, label, options.linkage))
            (num_edges,) = engine.row(f"SELECT count(*) FROM {table}")
    return labels


def _merge(engine: Engine, table: str, level: int, threshold: float, linkage: str) -> str | None:
    """Return the table of labels of a level, or None if no edge reaches the threshold."""
    eligible = "" if threshold == -np.inf else f"WHERE w >= {_literal(threshold)}"
    ranked = f"SELECT a, b, sa, sb, {_WEIGHTS[linkage]} AS w, graphvid_edge_rank(a, b) AS r FROM {table}"
    sides = (
        "SELECT CASE WHEN side = 0 THEN a ELSE b END AS c, CASE WHEN side = 0 THEN b ELSE a END AS o, "
        "CASE WHEN side = 0 THEN sa ELSE sb END AS size, a, b, w, r "
        f"FROM (SELECT * FROM ({ranked}) AS ranked {eligible}) AS eligible CROSS JOIN (VALUES (0), (1)) AS sides(side)"
    )
    best = engine.save(
        f"best_{level}",
        f"SELECT c, max_by(o, struct(w, r, -a, -b)) AS o, max(size) AS size FROM ({sides}) AS sides GROUP BY c",
    )
    ends = _ends(engine, best, level)
    if ends is None:
        return None
    joined = f"SELECT t, min(c) AS m, CAST(sum(size) AS {INTEGER}) AS size FROM {ends} GROUP BY t"
    return engine.save(f"labels_{level}", f"SELECT e.c, j.m, j.size FROM {ends} AS e JOIN ({joined}) AS j ON j.t = e.t")


def _ends(engine: Engine, best: str, level: int) -> str | None:
    """Return the table of the ends of the chains of best edges, or None if there are none.

    A chain ends at two clusters that chose each other, and the smaller one represents both. Each query follows four steps of
    the previous query; the first follows four edges, and an edge that leads back identifies an end.
    """
    table, step = best, "o"
    end, moved = "CASE WHEN h3.o = h1.o THEN least(h2.o, h3.o) ELSE h3.o END", "h3.o <> h1.o"
    for at in count():
        hops = " ".join(f"JOIN {table} AS h{k + 1} ON h{k + 1}.c = h{k}.{step}" for k in range(3))
        query = f"SELECT h0.c, h0.size, {end} AS t, {moved} AS moved FROM {table} AS h0 {hops}"
        table, step, end, moved = engine.save(f"ends_{level}_{at}", query), "t", "h3.t", "h3.t <> h2.t"
        some = engine.row(f"SELECT moved FROM {table} ORDER BY moved DESC LIMIT 1")
        if not (some and some[0]):
            return table if some else None
    return None


def _contracted(table: str, labels: str, linkage: str) -> str:
    """Return the query of the edges between the clusters of the labels."""
    moved = (
        "SELECT coalesce(p.m, a) AS x, coalesce(q.m, b) AS y, coalesce(p.size, sa) AS sx, coalesce(q.size, sb) AS sy, v, n "
        f"FROM {table} AS e LEFT JOIN {labels} AS p ON p.c = e.a LEFT JOIN {labels} AS q ON q.c = e.b"
    )
    combined = "max(v)" if linkage == "max" else f"CAST(sum(v) AS {INTEGER})"
    return (
        f"SELECT least(x, y) AS a, greatest(x, y) AS b, {combined} AS v, CAST(sum(n) AS {INTEGER}) AS n, "
        "max(CASE WHEN x < y THEN sx ELSE sy END) AS sa, max(CASE WHEN x < y THEN sy ELSE sx END) AS sb "
        f"FROM ({moved}) AS moved WHERE x <> y GROUP BY least(x, y), greatest(x, y)"
    )


def _finish(
    engine: Engine, table: str, level: int, thresholds: list[float], options: ClusterOptions
) -> list[str | None]:
    """Return the tables of labels of this level and those above, computed in memory by the Numba kernels."""
    from graphvid.clustering import continue_clustering

    edges = engine.arrays(f"SELECT a, b, v, n, sa, sb FROM {table}")
    members, first = np.unique(np.concatenate([edges["a"], edges["b"]]), return_index=True)
    tree = continue_clustering(
        np.searchsorted(members, edges["a"]),
        np.searchsorted(members, edges["b"]),
        edges["v"],
        edges["n"],
        sizes=np.concatenate([edges["sa"], edges["sb"]])[first],
        members=members,
        num_levels=None if options.num_levels is None else options.num_levels - level + 1,
        linkage=options.linkage,
        threshold=thresholds[level - 1 :] or thresholds[-1:],
        seed=options.seed,
    )
    tables: list[str | None] = []
    for k, parent in enumerate(tree.parents[: tree.num_effective_levels]):
        above = members[_firsts(parent)]
        tables.append(engine.put(f"finished_{level + k}", {"c": members, "m": above[parent]}))
        members = above
    return tables + [None] * (tree.num_levels - tree.num_effective_levels)


def _firsts(parent: NDArray[Any]) -> NDArray[np.int64]:
    """Return the first child of each parent."""
    return np.unique(parent, return_index=True)[1]


def _of_nodes(labels: Sequence[str | None], num_nodes: int) -> str:
    """Return the query of every node's cluster at every level."""
    query, below = f"SELECT node FROM range(0, {num_nodes}) AS nodes(node)", "node"
    for level, table in enumerate(labels, start=1):
        name = f"level_{level}"
        if table is None:
            query = f"SELECT p.*, {below} AS {name} FROM ({query}) AS p"
        else:
            query = f"SELECT p.*, coalesce(m, {below}) AS {name} FROM ({query}) AS p LEFT JOIN {table} AS q ON q.c = p.{below}"
        below = name
    return query


def _literal(value: float) -> str:
    """Return a float as a SQL literal."""
    return _INFINITY if value == np.inf else f"{value:.17e}"
