"""Edges and clusters on Spark are those of the Numba kernels, in one small session of two threads.

Where PySpark is not installed it is installed for these tests, which takes minutes: it is built from a source archive.
"""

from __future__ import annotations

import importlib.util
import os
import secrets
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from graphvid.clustering import ClusterTree, affinity_clustering
from graphvid.data import TikTok
from graphvid.graphs import co_watch_graph
from graphvid.spark import affinity_clusters, co_watch_edges, number_videos
from graphvid.spark.engine import Spark, by_value, engine_of
from graphvid.sql import clusters, hashes

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
            .config("spark.driver.extraJavaOptions", "-XX:TieredStopAtLevel=1")  # compiles faster, not better
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


def shuffled(spark, frame: pd.DataFrame, folder, partitions: int):
    """Return the rows, shuffled, as a data frame of so many partitions."""
    folder.mkdir(parents=True)
    frame.sample(frac=1, random_state=partitions).to_parquet(folder / "rows.parquet", index=False)
    return spark.read.parquet(str(folder)).repartition(partitions)


def assert_same_edges(got: pd.DataFrame, expected: pd.DataFrame) -> None:
    got = got.sort_values(["src", "dst"])
    for end in ("src", "dst"):
        assert got[end].tolist() == expected[end].tolist()
    bits = [edges["weight"].to_numpy(np.float32).view(np.int32) for edges in (got, expected)]
    np.testing.assert_array_equal(*bits)


def assert_same_tree(folder, expected: ClusterTree) -> None:
    got = ClusterTree.read_parquet(folder)
    assert got.num_effective_levels == expected.num_effective_levels
    for one, other in zip(got.parents, expected.parents, strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize(("ansi", "partitions"), [("true", 3), ("false", 16)])
def test_from_log_to_tree(ansi, partitions, spark, skewed_log, numba_edges, tmp_path):
    spark.conf.set("spark.sql.ansi.enabled", ansi)
    log = skewed_log(3000, text=True)
    frame = shuffled(spark, log.to_frame(), tmp_path / "log", partitions)
    options = {
        "weight": "npmi" if ansi == "true" else "cosine",
        "top_k": 5,
        "max_videos_per_user": 10,
        "seed": 2**64 - 1,
    }
    co_watch_edges(frame, **options).write.parquet(str(tmp_path / "edges"))
    edges = spark.read.parquet(str(tmp_path / "edges"))
    assert_same_edges(edges.toPandas(), numba_edges(log, **options))
    finish_below = 0 if ansi == "true" else 1000
    tree = affinity_clusters(
        edges, videos=number_videos(frame), checkpoint_dir=str(tmp_path / "kept"), finish_below=finish_below
    )
    tree.write.parquet(str(tmp_path / "tree"))
    assert_same_tree(tmp_path / "tree", affinity_clustering(co_watch_graph(log, **options)))
    assert not [table.name for table in spark.catalog.listTables() if table.name.startswith("graphvid")]


@pytest.mark.parametrize(("partitions", "options"), [(3, {"weight": "cosine"}), (16, {})])
def test_a_larger_log(partitions, options, spark, skewed_log, numba_edges, tmp_path):
    log = skewed_log(100_000, text=True)
    frame = shuffled(spark, log.to_frame(), tmp_path / "log", partitions)
    assert_same_edges(co_watch_edges(frame, **options).toPandas(), numba_edges(log, **options))


@pytest.mark.parametrize("at", range(6))
def test_tiktok(at, spark, numba_edges, tmp_path):
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
    frame = shuffled(spark, log.to_frame()[["user_id", "video_id"]], tmp_path / "log", [3, 16][at % 2])
    assert_same_edges(co_watch_edges(frame, **options).toPandas(), numba_edges(log, **options))


class Stopped(Exception):
    """Stands for whatever kills a driver."""


SETTINGS = ("spark.sql.adaptive.enabled", "spark.sql.autoBroadcastJoinThreshold", "spark.sql.shuffle.partitions")


@pytest.mark.parametrize(
    ("size", "kind", "partitions", "options"),
    [
        (10_000, "thirds", 3, {"threshold": [3.4, 0.5]}),
        (10_000, "count", 16, {"linkage": "max"}),
        (100_000, "cosine", 3, {}),
    ],
)
def test_graphs_stopped_and_resumed(size, kind, partitions, options, spark, weighted_edges, monkeypatch, tmp_path):
    graph, frame = weighted_edges(size // 10, size, kind)
    edges = shuffled(spark, frame, tmp_path / "edges", partitions)
    spark.conf.set("spark.sql.shuffle.partitions", partitions)
    monkeypatch.setattr("graphvid.spark.engine._PARTITION_BYTES", 1)
    keep, made, jobs = Spark._keep, [], jobs_of_levels(spark, monkeypatch)

    def stop_once(self, name, frame):
        table = keep(self, name, frame)
        if name == "labels_1" and name not in made:
            made.append(name)
            (tmp_path / "kept" / name / "_SUCCESS").unlink()  # as if it was still being written
            raise Stopped
        return table

    monkeypatch.setattr(Spark, "_keep", stop_once)
    before = [spark.conf.get(name) for name in SETTINGS]
    call = {"num_nodes": size // 10, "checkpoint_dir": str(tmp_path / "kept"), "finish_below": 0, **options}
    with pytest.raises(Stopped):
        affinity_clusters(edges, **call)
    spark.sparkContext.setJobGroup("before", "all levels")
    assert [spark.conf.get(name) for name in SETTINGS] == before
    first = (tmp_path / "kept" / "edges_0" / "_SUCCESS").stat().st_mtime_ns
    tree = affinity_clusters(edges, **call)
    assert [spark.conf.get(name) for name in SETTINGS] == before
    numbers = jobs()
    tree.write.parquet(str(tmp_path / "tree"))
    assert (tmp_path / "kept" / "edges_0" / "_SUCCESS").stat().st_mtime_ns == first
    expected = affinity_clustering(graph, **options)
    assert_same_tree(tmp_path / "tree", expected)
    assert len(numbers) >= expected.num_effective_levels >= 2  # in a last one nothing merges
    assert 3 <= min(numbers) <= max(numbers) <= 15  # those of the first level with the second start
    with pytest.raises(ValueError, match="checkpoint_dir must be empty or hold the tables of the same graph"):
        affinity_clusters(edges, **{**call, "seed": 1})


def jobs_of_levels(spark, monkeypatch) -> Callable[[], list[int]]:
    """Put the jobs of every level into a group of their own; return a function that counts them."""
    merge, groups = clusters._merge, {}

    def grouped(engine, table, level, *rest):
        groups.setdefault(level, secrets.token_hex(4))
        spark.sparkContext.setJobGroup(groups[level], f"level {level}")
        return merge(engine, table, level, *rest)

    monkeypatch.setattr(clusters, "_merge", grouped)
    tracker = spark.sparkContext.statusTracker()
    return lambda: [len(tracker.getJobIdsForGroup(group)) for group in groups.values()]


def test_small_data_need_few_partitions(spark, weighted_edges, tmp_path):
    edges = shuffled(spark, weighted_edges(100, 1000, "equal")[1], tmp_path / "edges", 3)
    spark.conf.set("spark.sql.shuffle.partitions", 16)
    with engine_of(edges, "edges", "kept"):
        assert spark.conf.get("spark.sql.shuffle.partitions") == "1"
    with engine_of(edges, "edges"):
        assert spark.conf.get("spark.sql.shuffle.partitions") == "16"


def test_bad_input(spark, tmp_path):
    frame = spark.createDataFrame([("a", "x"), (None, "y")], ["user_id", "video_id"])
    with pytest.raises(ValueError, match="user_id of log must not be missing, got 1 missing in 2 rows"):
        co_watch_edges(frame)
    with pytest.raises(ValueError, match="video_id of table must not be missing, got 1 missing in 2 rows"):
        number_videos(spark.createDataFrame([("a", "x"), ("b", None)], ["user_id", "video_id"]))
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


def test_no_java(spark, tmp_path):
    code = "from pyspark.sql import SparkSession; SparkSession.builder.master('local[1]').getOrCreate()"
    without = {**os.environ, "JAVA_HOME": str(tmp_path)}
    done = subprocess.run([sys.executable, "-c", code], env=without, capture_output=True, text=True, check=False)
    assert done.returncode != 0
    assert "[JAVA_GATEWAY_EXITED]" in done.stderr


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
