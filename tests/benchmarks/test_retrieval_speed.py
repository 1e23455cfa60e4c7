"""The speed benchmark of searches at a tiny size: what is measured, and what is only extrapolated."""

from __future__ import annotations

import importlib
from pathlib import Path

import pytest

pytest.importorskip("faiss")


@pytest.fixture
def speed(monkeypatch):
    monkeypatch.syspath_prepend(str(Path(__file__).parents[2]))
    module = importlib.import_module("benchmarks.speed.retrieval")
    for name, value in {"SCANNED": 500, "SCAN_QUERIES": 4, "QUERIES": 6, "LARGEST_GRAPH": 300}.items():
        monkeypatch.setattr(module, name, value)
    return module


def test_scans_stand_beside_faiss(speed):
    rows = list(speed.scan_rows(repeats=1))
    assert [row["bytes an item"] for row in rows] == [4, 4, 4, 8, 8, 8, 16, 16, 16]
    assert [row["times IndexPQ"] for row in rows if row["method"] == "FAISS IndexPQ"] == [1.0] * 3


def test_what_was_not_measured_says_so(speed):
    rows = list(speed.index_rows([300, 600]))
    measured = [row for row in rows if row["how"] == "measured"]
    assert [(row["items"], row["index"]) for row in measured if row["index"] == "FAISS hnsw"] == [(300, "FAISS hnsw")]
    exact = [row for row in measured if row["index"] in ("graphvid VectorIndex", "FAISS flat")]
    assert {row["overlap"] for row in exact} == {1.0}
    assert len(measured) == 13
    for row in rows[13:]:
        size = 300 if row["index"] == "FAISS hnsw" else 600
        assert row["how"] == f"extrapolated from {size}"
        like = next(x for x in measured if (x["items"], x["index"]) == (size, row["index"]))
        assert row["MB"] == pytest.approx(like["MB"] * row["items"] / size)
        assert (row["overlap"], row["s to build"]) == ("", "")
        assert (row["ms a query"] == "") == (row["index"] == "FAISS hnsw")
