"""Edges that DuckDB counts are those of the Numba kernels, to the bits of their weights."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from graphvid.data import TikTok
from graphvid.duckdb import co_watch_edges, number_videos

pytest.importorskip("duckdb")

SETTINGS = [
    {"weight": "count", "top_k": 3},
    {"weight": "binary", "top_k": 3, "seed": 9},
    {"weight": "cosine", "top_k": 5, "max_videos_per_user": 8, "seed": 2**64 - 1},
    {"weight": "npmi", "top_k": 5},
    {"weight": "cosine", "top_k": None, "max_videos_per_user": None, "min_count": 2},
    {"weight": "npmi", "top_k": None, "max_videos_per_user": 20},
]


def assert_same(got: pd.DataFrame, expected: pd.DataFrame) -> None:
    assert got["src"].tolist() == expected["src"].tolist()
    assert got["dst"].tolist() == expected["dst"].tolist()
    assert got["weight"].dtype == np.float32
    np.testing.assert_array_equal(got["weight"].to_numpy().view(np.int32), expected["weight"].to_numpy().view(np.int32))


@pytest.mark.parametrize("at", range(len(SETTINGS)))
def test_edges_and_bits_whatever_the_files(at, skewed_log, numba_edges, in_parts, tmp_path):
    log = skewed_log(1500, text=at % 2 == 0)
    folder = in_parts(log.to_frame(), tmp_path / "log", [1, 3, 16][at % 3], seed=at)
    co_watch_edges(folder, tmp_path / "edges.parquet", threads=1 + at % 2, **SETTINGS[at])
    expected = numba_edges(log, **SETTINGS[at])
    assert len(expected) > 200
    assert_same(pd.read_parquet(tmp_path / "edges.parquet"), expected)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["edges.parquet", "log"]


@pytest.mark.slow
@pytest.mark.parametrize("at", range(len(SETTINGS)))
def test_tiktok(at, numba_edges, in_parts, tmp_path):
    try:
        log = TikTok().log
    except FileNotFoundError as error:
        pytest.skip(str(error))
    folder = in_parts(log.to_frame()[["user_id", "video_id"]], tmp_path / "log", 3)
    co_watch_edges(folder, tmp_path / "edges.parquet", memory_limit="1GB", **SETTINGS[at])
    assert_same(pd.read_parquet(tmp_path / "edges.parquet"), numba_edges(log, **SETTINGS[at]))


@pytest.mark.parametrize(
    ("num_rows", "num_files", "options"),
    [
        (100_000, 3, {"weight": "cosine"}),
        (100_000, 16, {}),
        pytest.param(1_000_000, 16, {"weight": "npmi"}, marks=pytest.mark.slow),
    ],
)
def test_larger_logs(num_rows, num_files, options, skewed_log, numba_edges, in_parts, tmp_path):
    log = skewed_log(num_rows, text=True)
    folder = in_parts(log.to_frame(), tmp_path / "log", num_files)
    co_watch_edges(folder, tmp_path / "edges.parquet", memory_limit="500MB", threads=1, **options)
    assert_same(pd.read_parquet(tmp_path / "edges.parquet"), numba_edges(log, **options))


@pytest.mark.parametrize("text", [False, True])
def test_videos_are_numbered_as_the_log_numbers_them(text, skewed_log, in_parts, tmp_path):
    log = skewed_log(300, text)
    number_videos(in_parts(log.to_frame(), tmp_path / "log", 3), tmp_path / "videos.parquet", threads=1)
    videos = pd.read_parquet(tmp_path / "videos.parquet")
    assert videos["video_id"].tolist() == list(log.video_ids)
    assert videos["node"].tolist() == list(range(log.num_videos))


def test_a_limit_that_the_pairs_exceed_gives_the_same(skewed_log, numba_edges, tmp_path):
    log = skewed_log(20_000, text=False)
    log.to_frame().to_parquet(tmp_path / "log.parquet")
    options = {"top_k": 20, "max_videos_per_user": 300}
    co_watch_edges(tmp_path / "log.parquet", tmp_path / "edges.parquet", memory_limit="100MB", threads=1, **options)
    assert_same(pd.read_parquet(tmp_path / "edges.parquet"), numba_edges(log, **options))


BAD = {
    "missing": (
        {"user_id": [1, None, 2], "video_id": [1, 2, 3]},
        TypeError,
        "user_id of log must hold integers or text",
    ),
    "null": ({"user_id": ["a", None], "video_id": ["x", "y"]}, ValueError, "user_id of log must not be missing, got 1"),
    "column": (
        {"user": [1, 2], "video_id": [1, 2]},
        ValueError,
        r"log must have the columns \['user_id', 'video_id'\]",
    ),
    "kind": (
        {"user_id": [1, 2], "video_id": [0.5, 1.5]},
        TypeError,
        "video_id of log must hold integers or text.*DOUBLE",
    ),
    "empty": ({"user_id": ["a"][:0], "video_id": ["b"][:0]}, (TypeError, ValueError), "log"),
    "one user": ({"user_id": [1, 1], "video_id": [1, 2]}, ValueError, "at least 2 users"),
    "no edge": ({"user_id": [1, 2], "video_id": [1, 2]}, ValueError, "the log has no edge"),
}


@pytest.mark.parametrize("name", list(BAD))
def test_bad_logs(name, tmp_path):
    columns, error, match = BAD[name]
    pd.DataFrame(columns).to_parquet(tmp_path / "log.parquet")
    with pytest.raises(error, match=match):
        co_watch_edges(tmp_path / "log.parquet", tmp_path / "edges.parquet", threads=1)
    assert [path.name for path in tmp_path.iterdir()] == ["log.parquet"]


def test_files_with_ids_of_several_kinds(tmp_path):
    (tmp_path / "log").mkdir()
    pd.DataFrame({"user_id": [1, 2], "video_id": [1, 2]}).to_parquet(tmp_path / "log" / "a.parquet")
    pd.DataFrame({"user_id": ["x", "y"], "video_id": [1, 2]}).to_parquet(tmp_path / "log" / "b.parquet")
    with pytest.raises(ValueError, match="columns of one kind"):
        co_watch_edges(tmp_path / "log", tmp_path / "edges.parquet", threads=1)


def test_memory(skewed_log, tmp_path):
    skewed_log(20_000, text=True).to_frame().to_parquet(tmp_path / "log.parquet")
    with pytest.raises(MemoryError, match="memory_limit must be larger for this input, got 2MB"):
        co_watch_edges(tmp_path / "log.parquet", tmp_path / "edges.parquet", memory_limit="2MB", threads=1)
    for limit in ("much", 5, "1"):
        with pytest.raises(ValueError, match="memory_limit must be None or a size such as"):
            co_watch_edges(tmp_path / "log.parquet", tmp_path / "edges.parquet", memory_limit=limit)
    with pytest.raises(FileNotFoundError, match="log not found"):
        co_watch_edges(tmp_path / "other.parquet", tmp_path / "edges.parquet")
