"""The quality tables: rows, splits, and that a killed table goes on where it was."""

from __future__ import annotations

import importlib
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from graphvid.data import SyntheticCoWatch
from graphvid.graphs import co_watch_graph, split_nodes
from graphvid.models import RGCConfig
from graphvid.tasks.co_watch import CoWatchSource, VideoGraph

SMALL = RGCConfig(hidden=(16,), dim=8, batch_size=32, num_steps=3)


@pytest.fixture
def quality(monkeypatch, tmp_path):
    """The module, with three small rows, a small world, and its results in a folder of their own."""
    monkeypatch.syspath_prepend(str(Path(__file__).parents[2]))
    module = importlib.import_module("benchmarks.quality._run")
    own = {row.name: row for row in module.rows()}
    table = [own["raw features"], own["random projection"], replace(own["neighbour softmax, L0"], model=SMALL)]
    world = SyntheticCoWatch(num_users=150, num_videos=96, watches_per_user=6.0)
    videos = VideoGraph("tiny", co_watch_graph(world.log), world.features)
    monkeypatch.setattr(module, "rows", lambda: table)
    monkeypatch.setattr(module, "load_video_graph", lambda source: videos)
    monkeypatch.setattr(module, "RESULTS", tmp_path)
    return module


@pytest.fixture
def run(quality, tmp_path, capsys):
    def main(*arguments):
        quality.main(quality.CoWatchTable("tiny", "Tiny world", CoWatchSource(dataset="synthetic")), list(arguments))
        name = "tiny_validation.json" if "--validation" in arguments else "tiny.json"
        return json.loads((tmp_path / name).read_text()), capsys.readouterr().out

    return main


def test_a_table_and_what_is_recorded_with_it(run):
    result, out = run("--seeds", "0", "1")
    assert [row["name"] for row in result["rows"]] == ["raw features", "random projection", "neighbour softmax, L0"]
    assert result["seeds"] == [0, 1]
    assert all(len(values) == 2 for row in result["rows"] for values in row["values"].values())
    assert result["rows"][2]["config"] == SMALL.to_dict()
    assert result["command"] == "python -m benchmarks quality tiny --seeds 0 1"
    assert result["versions"].keys() >= {"torch", "dgl", "graphvid"}
    assert result["data"]["num_videos"] == 96
    first = result["rows"][0]["values"]["ndcg"]
    line = next(line for line in out.splitlines() if line.startswith("| raw features |"))
    assert f"{np.mean(first):.4f} ± {np.std(first, ddof=1):.4f}" in line
    assert "| – |" in line  # nothing is retained without training
    assert out.splitlines()[0] == "| row | ndcg | map | mrr | recall | retention | seconds |"


def test_only_what_is_missing_is_run(run, quality, monkeypatch):
    first, _ = run("--seeds", "0", "--rows", "raw")
    scored = []
    score = quality._score

    def record(row, videos, split, seed):
        scored.append((row.name, seed))
        return score(row, videos, split, seed)

    monkeypatch.setattr(quality, "_score", record)
    second, _ = run("--seeds", "0", "1", "--rows", "raw", "projection")
    assert scored == [("random projection", 0), ("raw features", 1), ("random projection", 1)]
    assert second["rows"][0]["values"]["ndcg"][0] == first["rows"][0]["values"]["ndcg"][0]
    assert second["rows"][0]["seconds"][0] == first["rows"][0]["seconds"][0]


def test_a_changed_row_is_run_again(run, quality, monkeypatch):
    first, _ = run("--seeds", "0", "--rows", "softmax")
    table = [*quality.rows()[:2], replace(quality.rows()[2], model=replace(SMALL, dim=4))]
    monkeypatch.setattr(quality, "rows", lambda: table)
    second, _ = run("--seeds", "0", "--rows", "softmax")
    assert second["rows"][0]["config"]["dim"] == 4
    assert second["rows"][0]["values"] != first["rows"][0]["values"]


def test_other_data_are_refused(run, quality, monkeypatch, tmp_path):
    run("--seeds", "0", "--rows", "raw")
    world = SyntheticCoWatch(num_users=150, num_videos=96, watches_per_user=6.0, seed=5)
    other = VideoGraph("tiny", co_watch_graph(world.log), world.features)
    monkeypatch.setattr(quality, "load_video_graph", lambda source: other)
    with pytest.raises(ValueError, match="was made from other data"):
        run("--seeds", "0", "--rows", "raw")
    result, _ = run("--seeds", "0", "--rows", "raw", "--fresh")
    assert result["data"] == other.fingerprint()


@pytest.mark.parametrize("seed", [0, 1, 7])
def test_validation_never_sees_a_test_video(quality, seed):
    videos = quality.load_video_graph(None)
    outer = split_nodes(96, seed=seed)
    inner = quality._split(videos, seed, validation=True)
    assert not np.isin(np.concatenate(inner), outer.test).any()
    assert np.array_equal(np.sort(np.concatenate(inner)), outer.train)
    assert len(inner.test) == pytest.approx(len(outer.train) / 4, abs=1)
    assert all(np.array_equal(a, b) for a, b in zip(quality._split(videos, seed, validation=False), outer))


def test_validation_figures_do_not_depend_on_the_test_videos(run, quality, monkeypatch):
    first, _ = run("--seeds", "0", "--rows", "softmax", "raw", "--validation")
    assert first["name"] == "tiny_validation"
    videos, test = quality.load_video_graph(None), split_nodes(96, seed=0).test
    hidden = {name: x.copy() for name, x in videos.features.modalities.items()}
    for x in hidden.values():
        x[test] = 1e3
    other = replace(videos, features=type(videos.features)(videos.features.ids, hidden))
    monkeypatch.setattr(quality, "load_video_graph", lambda source: other)
    second, _ = run("--seeds", "0", "--rows", "softmax", "raw", "--validation", "--fresh")
    for a, b in zip(first["rows"], second["rows"]):
        assert a["values"] == b["values"]


def test_names_of_the_rows_are_distinct_and_every_row_is_trained_or_not(monkeypatch):
    monkeypatch.syspath_prepend(str(Path(__file__).parents[2]))
    table = importlib.import_module("benchmarks.quality._rows").rows()
    assert len({row.name for row in table}) == len(table)
    assert all((row.model is None) != (row.embed is None) for row in table)


def test_the_command_lists_what_there_is(monkeypatch, capsys):
    monkeypatch.syspath_prepend(str(Path(__file__).parents[2]))
    command = importlib.import_module("benchmarks.__main__")
    assert command.main(["quality", "nothing"]) == 2
    files = sorted(path.stem for path in (Path(command.__file__).parent / "quality").glob("[a-z]*.py"))
    assert len(files) > 11
    assert f"quality: {', '.join(files)}\n" in capsys.readouterr().err
