"""Messages where PySpark is not installed, or another version is."""

from __future__ import annotations

import sys
from types import ModuleType

import pytest

from graphvid.spark import affinity_clusters, co_watch_edges, number_videos


def call(function):
    return function(None, num_nodes=1, checkpoint_dir="kept") if function is affinity_clusters else function(None)


@pytest.mark.parametrize("function", [co_watch_edges, number_videos, affinity_clusters])
def test_no_pyspark(function, monkeypatch):
    monkeypatch.setitem(sys.modules, "pyspark", None)
    with pytest.raises(ImportError, match=r"PySpark 4 or later, and Java 17: pip install 'graphvid\[spark\]'"):
        call(function)


def test_another_version(monkeypatch):
    modules = {name: ModuleType(name) for name in ("pyspark", "pyspark.sql")}
    modules["pyspark"].__version__ = "3.5.1"
    modules["pyspark.sql"].DataFrame = type("DataFrame", (), {})
    for name, module in modules.items():
        monkeypatch.setitem(sys.modules, name, module)
    with pytest.raises(ImportError, match=r"PySpark 4 or later, got 3\.5\.1"):
        co_watch_edges(None)


def test_options_are_checked_first():
    with pytest.raises(ValueError, match="top_k must be None or an integer >= 1, got 0"):
        co_watch_edges(None, top_k=0)
    with pytest.raises(ValueError, match="linkage must be one of"):
        affinity_clusters(None, num_nodes=3, linkage="median", checkpoint_dir="kept")
    with pytest.raises(TypeError, match="checkpoint_dir must be the name of a folder, got None"):
        affinity_clusters(None, num_nodes=3, checkpoint_dir=None)
    with pytest.raises(ValueError, match="exactly one of videos and num_nodes must be given, got neither"):
        affinity_clusters(None, checkpoint_dir="kept")
