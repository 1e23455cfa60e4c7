"""The message where DuckDB is not installed."""

from __future__ import annotations

import sys

import pandas as pd
import pytest

from graphvid.duckdb import affinity_clusters, co_watch_edges, number_videos


@pytest.mark.parametrize("function", [co_watch_edges, number_videos, affinity_clusters])
def test_no_duckdb(function, monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "duckdb", None)
    pd.DataFrame({"user_id": [1, 2], "video_id": [1, 1]}).to_parquet(tmp_path / "in.parquet")
    options = {"num_nodes": 2} if function is affinity_clusters else {}
    with pytest.raises(ImportError, match=r"graphvid.duckdb needs DuckDB: pip install 'graphvid\[duckdb\]'"):
        function(tmp_path / "in.parquet", tmp_path / "out.parquet", **options)
    assert [path.name for path in tmp_path.iterdir()] == ["in.parquet"]
