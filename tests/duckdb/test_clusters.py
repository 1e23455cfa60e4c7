"""Clusters that DuckDB makes are those of the Numba kernels, at all levels; stopped work goes on."""

from __future__ import annotations

import signal
import subprocess
import sys

import pandas as pd
import pytest

from graphvid.clustering import ClusterTree, affinity_clustering
from graphvid.duckdb import affinity_clusters, co_watch_edges, number_videos
from graphvid.duckdb.engine import DuckDB
from graphvid.graphs import co_watch_graph

pytest.importorskip("duckdb")

CASES = [
    ("thirds", {}),
    ("thirds", {"num_levels": None, "seed": -4}),
    ("distinct", {"linkage": "max", "num_levels": None}),
    ("distinct", {"linkage": "explicit_average", "threshold": [0.9, 0.2]}),
    ("thirds", {"linkage": "cut_sparsity", "threshold": [3.5, 1.0, 2.0], "num_levels": 4}),
    ("thirds", {"linkage": "explicit_average", "threshold": [9.0, 2.0], "num_levels": 5}),
    ("equal", {"linkage": "sum", "num_levels": 4, "threshold": 0.1}),
    ("distinct", {"threshold": 5.0}),
    ("distinct", {"num_levels": 0}),
    ("distinct", {"num_levels": None, "linkage": "max", "threshold": [0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.9, 0.8]}),
]


def assert_same(got: ClusterTree, expected: ClusterTree) -> None:
    assert got.num_levels == expected.num_levels
    assert got.num_effective_levels == expected.num_effective_levels
    for one, other in zip(got.parents, expected.parents, strict=True):
        assert one.tolist() == other.tolist()


@pytest.mark.parametrize("finish_below", [0, 1000])
@pytest.mark.parametrize("at", range(len(CASES)))
def test_all_levels_whatever_the_files(at, finish_below, weighted_edges, in_parts, tmp_path):
    kind, options = CASES[at]
    graph, frame = weighted_edges(400, 2500, kind)
    folder = in_parts(frame, tmp_path / "edges", 1 + at % 3)
    out = tmp_path / "tree.parquet"
    affinity_clusters(folder, out, num_nodes=400, threads=1, finish_below=finish_below, **options)
    assert_same(ClusterTree.read_parquet(out), affinity_clustering(graph, **options))


@pytest.mark.parametrize("finish_below", [0, 10**6])
def test_int64_sums(finish_below, weighted_edges, monkeypatch, tmp_path):
    monkeypatch.setattr("graphvid.clustering.grid.FLOAT_EDGES", 10)
    graph, frame = weighted_edges(300, 2000, "thirds")
    frame.to_parquet(tmp_path / "edges.parquet")
    out = tmp_path / "tree.parquet"
    options = {"num_levels": 4, "threshold": [3.0, 0.5]}
    affinity_clusters(tmp_path / "edges.parquet", out, num_nodes=300, finish_below=finish_below, threads=1, **options)
    assert_same(ClusterTree.read_parquet(out), affinity_clustering(graph, **options))


LARGER = [
    (10_000, "count", {}),
    (10_000, "cosine", {"num_levels": None}),
    (10_000, "thirds", {"threshold": [3.0, 0.5, 0.1]}),
    (10_000, "cosine", {"linkage": "max", "num_levels": None}),
    (100_000, "count", {"linkage": "max"}),
    (100_000, "cosine", {"threshold": [0.02, 0.001]}),
    (100_000, "thirds", {}),
    pytest.param(1_000_000, "count", {"threshold": [2.0, 0.5]}, marks=pytest.mark.slow),
    pytest.param(1_000_000, "cosine", {"linkage": "max"}, marks=pytest.mark.slow),
    pytest.param(1_000_000, "thirds", {}, marks=pytest.mark.slow),
]


@pytest.mark.parametrize(("size", "kind", "options"), LARGER)
def test_larger_graphs(size, kind, options, weighted_edges, tmp_path):
    graph, frame = weighted_edges(size // 10, size, kind)
    frame.to_parquet(tmp_path / "edges.parquet")
    call = {"num_nodes": size // 10, "memory_limit": "1GB", "threads": 1, **options}
    affinity_clusters(tmp_path / "edges.parquet", tmp_path / "tree.parquet", **call)
    tree = ClusterTree.read_parquet(tmp_path / "tree.parquet")
    assert tree.num_effective_levels >= 2
    assert_same(tree, affinity_clustering(graph, **options))


def test_from_log_to_tree(skewed_log, tmp_path):
    log = skewed_log(1500, text=True)
    paths = {name: tmp_path / f"{name}.parquet" for name in ("log", "edges", "videos", "tree")}
    log.to_frame().to_parquet(paths["log"])
    co_watch_edges(paths["log"], paths["edges"], weight="cosine", top_k=5, threads=1)
    number_videos(paths["log"], paths["videos"], threads=1)
    affinity_clusters(paths["edges"], paths["tree"], videos=paths["videos"], threads=1)
    expected = affinity_clustering(co_watch_graph(log, weight="cosine", top_k=5))
    assert_same(ClusterTree.read_parquet(paths["tree"], ids=log.video_ids), expected)


class Stopped(Exception):
    """Stands for whatever kills a process."""


def test_stopped_work_goes_on(weighted_edges, monkeypatch, tmp_path):
    graph, frame = weighted_edges(300, 1500, "thirds")
    frame.to_parquet(tmp_path / "edges.parquet")
    save, made = DuckDB.write, []

    def stop_at_every_other(self, query, path):
        if path.name not in made:
            made.append(path.name)
            if len(made) % 2:
                raise Stopped
        save(self, query, path)

    monkeypatch.setattr(DuckDB, "write", stop_at_every_other)
    call = {"num_nodes": 300, "checkpoint_dir": tmp_path / "kept", "threads": 1}
    stops = 0
    while stops < 100:
        try:
            affinity_clusters(tmp_path / "edges.parquet", tmp_path / "tree.parquet", **call)
            break
        except Stopped:
            stops += 1
    assert stops >= 5
    assert_same(ClusterTree.read_parquet(tmp_path / "tree.parquet"), affinity_clustering(graph))
    frame.assign(weight=frame["weight"] * 2).to_parquet(tmp_path / "edges.parquet")
    with pytest.raises(ValueError, match="checkpoint_dir must be empty or hold the tables of the same graph"):
        affinity_clusters(tmp_path / "edges.parquet", tmp_path / "tree.parquet", **call)


def test_killed_while_it_writes(weighted_edges, tmp_path):
    graph, frame = weighted_edges(300, 1500, "thirds")
    frame.to_parquet(tmp_path / "edges.parquet")
    program = (
        "import os, signal, sys; from graphvid.duckdb import affinity_clusters; from graphvid.duckdb.engine import DuckDB\n"
        "copy = DuckDB._copy\n"
        "def die(self, query, path):\n"
        "    copy(self, query, path)\n"
        "    if 'labels_2' in path.name: os.truncate(path, 100); os.kill(os.getpid(), signal.SIGKILL)\n"
        "DuckDB._copy = die\n"
        "affinity_clusters(sys.argv[1], sys.argv[2], num_nodes=300, checkpoint_dir=sys.argv[3], threads=1)"
    )
    paths = [str(tmp_path / name) for name in ("edges.parquet", "tree.parquet", "kept")]
    done = subprocess.run([sys.executable, "-c", program, *paths], check=False)
    assert done.returncode == -signal.SIGKILL
    assert not (tmp_path / "tree.parquet").exists()
    first = (tmp_path / "kept" / "labels_1.parquet").stat().st_mtime_ns
    affinity_clusters(*paths[:2], num_nodes=300, checkpoint_dir=paths[2], threads=1)
    assert (tmp_path / "kept" / "labels_1.parquet").stat().st_mtime_ns == first
    assert_same(ClusterTree.read_parquet(paths[1]), affinity_clustering(graph))


def test_a_folder_of_other_edges_between_ids_is_refused(tmp_path):
    edges, videos, out = (tmp_path / f"{name}.parquet" for name in ("edges", "videos", "tree"))
    pd.DataFrame({"video_id": ["a", "b", "c"], "node": [0, 1, 2]}).to_parquet(videos)
    for dst in ("b", "c"):
        pd.DataFrame({"src": ["a"], "dst": [dst], "weight": [1.0]}).to_parquet(edges)
        call = {"videos": videos, "checkpoint_dir": tmp_path / "kept", "threads": 1}
        if dst == "b":
            affinity_clusters(edges, out, **call)
            continue
        with pytest.raises(ValueError, match="checkpoint_dir must be empty or hold the tables of the same graph"):
            affinity_clusters(edges, out, **call)


BAD = {
    "negative": ({"src": [0, 1], "dst": [1, 2], "weight": [1.0, -2.0]}, ValueError, r"got \(1, 2\) with weight -2.0"),
    "nan": ({"src": [0], "dst": [1], "weight": [float("nan")]}, ValueError, "finite weight >= 0"),
    "infinite": ({"src": [0], "dst": [1], "weight": [float("inf")]}, ValueError, "finite weight >= 0"),
    "null weight": ({"src": [0, 1], "dst": [1, 2], "weight": [1.0, None]}, ValueError, "finite weight >= 0"),
    "null end": (
        {"src": pd.array([0, None], "Int64"), "dst": [1, 2], "weight": [1.0, 2.0]},
        ValueError,
        r"edges must have ends in \[0, 3\).*got \(None, 2\)",
    ),
    "range": ({"src": [0], "dst": [3], "weight": [1.0]}, ValueError, r"edges must have ends in \[0, 3\)"),
    "twice": ({"src": [0, 1], "dst": [1, 0], "weight": [1.0, 2.0]}, ValueError, r"each pair once.*\(0, 1\) 2 times"),
    "text": ({"src": ["a"], "dst": ["b"], "weight": [1.0]}, TypeError, "numbers of nodes.*for ids give videos"),
    "weight": ({"src": [0], "dst": [1], "weight": ["1"]}, TypeError, "weight of edges must hold numbers, got STRING"),
    "column": ({"src": [0], "dst": [1]}, ValueError, "edges must have the columns"),
}


@pytest.mark.parametrize("name", list(BAD))
def test_bad_edges(name, tmp_path):
    columns, error, match = BAD[name]
    pd.DataFrame(columns).to_parquet(tmp_path / "edges.parquet")
    with pytest.raises(error, match=match):
        affinity_clusters(tmp_path / "edges.parquet", tmp_path / "tree.parquet", num_nodes=3, threads=1)


def test_memory(weighted_edges, tmp_path):
    weighted_edges(2000, 20_000, "thirds")[1].to_parquet(tmp_path / "edges.parquet")
    call = {"num_nodes": 2000, "memory_limit": "2MB", "threads": 1}
    with pytest.raises(MemoryError, match="memory_limit must be larger for this input, got 2MB"):
        affinity_clusters(tmp_path / "edges.parquet", tmp_path / "tree.parquet", **call)
    assert [path.name for path in tmp_path.iterdir()] == ["edges.parquet"]


def test_bad_videos(tmp_path):
    edges, videos, out = (tmp_path / f"{name}.parquet" for name in ("edges", "videos", "tree"))
    pd.DataFrame({"src": ["a"], "dst": ["b"], "weight": [1.0]}).to_parquet(edges)
    for ids, numbers, match in (
        (["a", "c"], [0, 1], "must be among videos"),
        (["a", "b"], [0, 2], "with the numbers 0 to 1"),
        (["a", "a"], [0, 1], "each video_id once"),
    ):
        pd.DataFrame({"video_id": ids, "node": numbers}).to_parquet(videos)
        with pytest.raises(ValueError, match=match):
            affinity_clusters(edges, out, videos=videos, threads=1)
    pd.DataFrame({"video_id": [1, 2], "node": [0, 1]}).to_parquet(videos)
    with pytest.raises(TypeError, match="ids of the kind of those in videos"):
        affinity_clusters(edges, out, videos=videos, threads=1)
    with pytest.raises(ValueError, match="exactly one of videos and num_nodes"):
        affinity_clusters(edges, out)


@pytest.mark.parametrize("columns", [{"src": [], "dst": [], "weight": []}, {"src": [1], "dst": [1], "weight": [2.0]}])
def test_graphs_without_edges(columns, tmp_path):
    frame = pd.DataFrame(columns).astype({"src": "int64", "dst": "int64", "weight": "float64"})
    frame.to_parquet(tmp_path / "edges.parquet")
    affinity_clusters(tmp_path / "edges.parquet", tmp_path / "tree.parquet", num_nodes=3, num_levels=2, threads=1)
    tree = ClusterTree.read_parquet(tmp_path / "tree.parquet")
    assert tree.num_levels == 2
    assert tree.num_effective_levels == 0
    assert tree.num_clusters(2) == 3
