"""Edges and clusters on Spark are those of the Numba kernels, in one small session of two threads.

Where PySpark is not installed it is installed for these tests, which takes minutes: it is built from a source archive.
"""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from graphvid.clustering import ClusterTree, UndirectedGraph, affinity_clustering
from graphvid.data import TikTok, WatchLog
from graphvid.graphs import co_watch_graph
from graphvid.spark import affinity_clusters, co_watch_edges, number_videos
from graphvid.spark.engine import Spark, by_value
from graphvid.sql import hashes

pytestmark = [
    pytest.mark.slow,
    pytest.mark.network,
    pytest.mark.timeout(3000),
    pytest.mark.xdist_group("spark"),  # one installation, one session
    pytest.mark.filterwarnings("ignore:The copy keyword is deprecated"),  # PySpark on pandas 3
    pytest.mark.filterwarnings("ignore:PySpark does not yet fully support pandas:FutureWarning"),
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]


@pytest.fixture(scope="module")
def spark(tmp_path_factory):
    if shutil.which("java") is None and "JAVA_HOME" not in os.environ:
        pytest.skip("Spark needs Java 17, and there is no java")
    with pytest.MonkeyPatch.context() as patch:
        if importlib.util.find_spec("pyspark") is None:
            _install(tmp_path_factory.mktemp("pyspark"), patch)
        patch.setenv("PYSPARK_PYTHON", sys.executable)
        import pyspark
        from pyspark.sql import SparkSession

        assert int(pyspark.__version__.split(".")[0]) >= 4
        session = (
            SparkSession.builder.master("local[2]")
            .config("spark.driver.bindAddress", "127.0.0.1")
            .config("spark.driver.host", "127.0.0.1")
            .config("spark.ui.enabled", "false")
            .config("spark.ui.showConsoleProgress", "false")
            .config("spark.driver.memory", "2g")
            .config("spark.sql.shuffle.partitions", "3")
            .config("spark.sql.warehouse.dir", str(tmp_path_factory.mktemp("warehouse")))
            .getOrCreate()
        )
        session.sparkContext.setLogLevel("ERROR")
        yield session
        session.stop()


def _install(folder, patch) -> None:
    """Install PySpark into a folder, for this module alone."""
    command = [
        sys.executable,
        "-m",
        "pip",
        "install",
        "--quiet",
        "--target",
        str(folder),
        "--no-deps",
        "pyspark>=4",
        "py4j",
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip(f"pip cannot install pyspark: {done.stderr.strip().splitlines()[-1]}")
    patch.syspath_prepend(folder)
    patch.setenv("PYTHONPATH", os.pathsep.join(filter(None, [str(folder), os.environ.get("PYTHONPATH")])))


def draw_log(num_rows: int) -> WatchLog:
    rng = np.random.default_rng(0)
    users = (num_rows // 10 * rng.random(num_rows) ** 3).astype(int)
    videos = (num_rows // 7 * rng.random(num_rows) ** 2).astype(int)
    frame = pd.DataFrame({"user_id": users, "video_id": [f"v{value}é" for value in videos]})
    return WatchLog.from_frame(frame, duplicates="keep")


def parquet(spark, frame: pd.DataFrame, folder, partitions: int):
    """Return the rows, shuffled, as a data frame of so many files."""
    folder.mkdir(parents=True)
    rows = np.random.default_rng(partitions).permutation(len(frame))
    for at, chosen in enumerate(np.array_split(rows, partitions)):
        frame.iloc[chosen].to_parquet(folder / f"{at}.parquet", index=False)
    return spark.read.parquet(str(folder))


def assert_same_edges(got: pd.DataFrame, log: WatchLog, **options) -> None:
    graph = co_watch_graph(log, **options)
    src, dst = (ends.numpy() for ends in graph.edges(order="eid"))
    once = src < dst
    got = got.sort_values(["src", "dst"])
    assert got["src"].tolist() == log.video_ids[src[once]].tolist()
    assert got["dst"].tolist() == log.video_ids[dst[once]].tolist()
    bits = graph.edata["weight"].numpy()[once].view(np.int32)
    np.testing.assert_array_equal(got["weight"].to_numpy(np.float32).view(np.int32), bits)


def assert_same_tree(folder, expected: ClusterTree) -> None:
    got = ClusterTree.read_parquet(folder)
    assert got.num_effective_levels == expected.num_effective_levels
    for one, other in zip(got.parents, expected.parents, strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("ansi", ["true", "false"])
def test_from_log_to_tree(ansi, spark, tmp_path):
    spark.conf.set("spark.sql.ansi.enabled", ansi)
    log = draw_log(3000)
    frame = parquet(spark, log.to_frame(), tmp_path / "log", 3 if ansi == "true" else 16)
    options = {
        "weight": "npmi" if ansi == "true" else "cosine",
        "top_k": 5,
        "max_videos_per_user": 10,
        "seed": 2**64 - 1,
    }
    edges = co_watch_edges(frame, **options)
    assert_same_edges(edges.toPandas(), log, **options)
    edges.write.parquet(str(tmp_path / "edges"))
    edges = spark.read.parquet(str(tmp_path / "edges"))
    finish_below = 0 if ansi == "true" else 1000
    tree = affinity_clusters(
        edges, videos=number_videos(frame), checkpoint_dir=str(tmp_path / "kept"), finish_below=finish_below
    )
    tree.write.parquet(str(tmp_path / "tree"))
    assert_same_tree(tmp_path / "tree", affinity_clustering(co_watch_graph(log, **options)))
    assert not [table.name for table in spark.catalog.listTables() if table.name.startswith("graphvid")]


@pytest.mark.parametrize("at", range(6))
def test_tiktok(at, spark, tmp_path):
    options = [
        {},
        {"weight": "binary", "seed": 1},
        {"weight": "cosine", "top_k": 10},
        {"weight": "npmi"},
        {"top_k": None, "min_count": 2},
        {"weight": "cosine", "max_videos_per_user": 30},
    ][at]
    try:
        log = TikTok().log
    except FileNotFoundError as error:
        pytest.skip(str(error))
    frame = parquet(spark, log.to_frame()[["user_id", "video_id"]], tmp_path / "log", 3)
    assert_same_edges(co_watch_edges(frame, **options).toPandas(), log, **options)


class Stopped(Exception):
    """Stands for whatever kills a driver."""


@pytest.mark.parametrize(
    "options", [{"threshold": [3.4, 0.5], "linkage": "average"}, {"linkage": "max", "num_levels": None}]
)
def test_a_graph_of_thirds_with_isolated_nodes_stopped_and_resumed(options, spark, monkeypatch, tmp_path):
    rng = np.random.default_rng(1)
    src, dst = rng.integers(0, 900, (2, 5000))
    graph = UndirectedGraph.from_coo(src, dst, rng.integers(1, 12, 5000) / 3, num_nodes=1000, duplicates="max")
    low, high, weight = graph.edges()
    edges = parquet(spark, pd.DataFrame({"src": high, "dst": low, "weight": weight}), tmp_path / "edges", 3)
    keep, made = Spark._keep, []

    def stop_once(self, name, frame):
        if name == "labels_1" and name not in made:
            made.append(name)
            raise Stopped
        return keep(self, name, frame)

    monkeypatch.setattr(Spark, "_keep", stop_once)
    call = {"num_nodes": 1000, "checkpoint_dir": str(tmp_path / "kept"), "finish_below": 0, **options}
    with pytest.raises(Stopped):
        affinity_clusters(edges, **call)
    first = (tmp_path / "kept" / "edges_0" / "_SUCCESS").stat().st_mtime_ns
    tree = affinity_clusters(edges, **call)
    tree.write.parquet(str(tmp_path / "tree"))
    assert (tmp_path / "kept" / "edges_0" / "_SUCCESS").stat().st_mtime_ns == first
    assert_same_tree(tmp_path / "tree", affinity_clustering(graph, **options))
    with pytest.raises(ValueError, match="checkpoint_dir must be empty or hold the tables of the same graph"):
        affinity_clusters(edges, **{**call, "seed": 1})


def test_bad_input(spark, tmp_path):
    frame = spark.createDataFrame([("a", "x"), (None, "y")], ["user_id", "video_id"])
    with pytest.raises(ValueError, match="user_id of log must not be missing, got 1 missing in 2 rows"):
        co_watch_edges(frame)
    with pytest.raises(TypeError, match="video_id of log must hold integers or text"):
        co_watch_edges(spark.createDataFrame([(1, 0.5), (2, 0.5)], ["user_id", "video_id"]))
    with pytest.raises(TypeError, match="log must be a DataFrame of Spark, got DataFrame"):
        co_watch_edges(pd.DataFrame({"user_id": [1], "video_id": [1]}))
    edges = spark.createDataFrame([(0, 1, float("nan")), (1, 2, -1.0)], ["src", "dst", "weight"])
    with pytest.raises(ValueError, match=r"finite weight >= 0.*and 1 more such rows"):
        affinity_clusters(edges, num_nodes=3, checkpoint_dir=str(tmp_path / "kept"))
    for kind, rows in (("int", [1, 2]), ("text", ["p", "q"])):
        (tmp_path / "log").mkdir(exist_ok=True)
        pd.DataFrame({"user_id": rows, "video_id": rows}).to_parquet(tmp_path / "log" / f"{kind}.parquet")
    with pytest.raises(ValueError, match="columns of one kind"):
        co_watch_edges(spark.read.parquet(str(tmp_path / "log")))


def test_functions_travel_without_graphvid(spark):
    import pyspark
    from pyspark import cloudpickle

    code = cloudpickle.dumps(by_value(hashes.low_halves))
    program = (
        f"import pickle, sys, pandas; sys.path.append({str(Path(pyspark.__file__).parents[1])!r}); "
        "sys.modules['graphvid'] = None; f = pickle.loads(sys.stdin.buffer.read()); print(f(pandas.Series([1, 2])).tolist())"
    )
    loaded = subprocess.run([sys.executable, "-I", "-c", program], input=code, capture_output=True, check=True)
    assert loaded.stdout.decode().strip() == str(hashes.low_halves(np.array([1, 2])).tolist())
