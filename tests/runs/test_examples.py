"""Examples in reports: neighbours against a sort, the picture's directions against an SVD, and sessions."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest

from graphvid.runs import RunDirectory, write_vectors
from graphvid.runs.examples import _flatten, examples
from graphvid.runs.sessions import describe_sessions, session


def test_neighbours_are_those_of_a_sort(tmp_path):
    vectors = np.random.default_rng(0).normal(size=(40, 6)).astype(np.float32)
    write_vectors(RunDirectory(tmp_path), embedding=(pd.Index([f"$v{i}" for i in range(40)]), vectors))
    (section,) = examples(RunDirectory(tmp_path))
    unit = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    assert len(section.table.rows) == 5
    for name, *near in section.table.rows:
        cosine = unit @ unit[int(name[2:])]
        order = np.argsort(-cosine)[1:6]
        assert near == [f"$v{i} ({cosine[i]:.2f})" for i in order]


def test_a_run_without_vectors_has_no_examples(tmp_path):
    assert examples(RunDirectory(tmp_path)) == []


@pytest.mark.parametrize("dim", [1, 2, 7])
def test_the_picture_shows_the_directions_of_most_variance(dim):
    vectors = np.random.default_rng(1).normal(size=(50, dim)).astype(np.float32) + 1
    flat, share = _flatten(vectors, np.arange(50))
    unit = vectors.astype(np.float64) / np.linalg.norm(vectors, axis=1, keepdims=True)
    left, singular, _ = np.linalg.svd(unit - unit.mean(axis=0), full_matrices=False)
    expected = np.zeros((50, 2))
    expected[:, : min(dim, 2)] = (left * singular)[:, :2]
    np.testing.assert_allclose(np.abs(flat), np.abs(expected), atol=1e-5)
    assert share == pytest.approx((singular[:2] ** 2).sum() / (singular**2).sum(), abs=1e-5)


def test_sessions_add_up_and_a_killed_one_is_said(tmp_path):
    run = RunDirectory(tmp_path)
    assert describe_sessions(run) == ""
    with pytest.raises(RuntimeError), session(run, "graphvid train mf"):
        raise RuntimeError
    with session(run, None):
        pass
    stored = json.loads(run.sessions.read_text())["sessions"]
    assert [one["command"] for one in stored] == ["graphvid train mf", None]
    stored[0] |= {"started": "2026-01-02T03:04:05+00:00", "seconds": 3723.0}
    stored[1]["seconds"] = 7.0
    killed = {**stored[0], "seconds": None}
    run.sessions.write_text(json.dumps({"sessions": stored}))
    assert describe_sessions(run) == (
        "Started 2026-01-02 03:04 UTC, 2 sessions, 1 h 2 min together. Command: `graphvid train mf`"
    )
    run.sessions.write_text(json.dumps({"sessions": [killed, stored[1]]}))
    assert "2 sessions, 7 s together, less those that were killed." in describe_sessions(run)
