"""Sources: which combinations name one, what each kind loads, and when two are the same data."""

from __future__ import annotations

import os
import re
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import torch
from scipy import sparse

from graphvid.data import Features
from graphvid.tasks import load_run, train
from graphvid.tasks.co_watch import CoWatchSource, VideoGraph, load_video_graph

needs_data = pytest.mark.skipif(
    "GRAPHVID_DATA" not in os.environ, reason="reads the real data sets, which GRAPHVID_DATA must point to"
)


@pytest.fixture
def edge_source(tmp_path):
    (tmp_path / "edges.csv").write_text("src,dst,weight\na,b,2\nc,b,1\n")
    Features(["a", "b", "c"], {"x": np.eye(3)}).save(tmp_path / "features.npz")
    return CoWatchSource(edges=str(tmp_path / "edges.csv"), features=str(tmp_path / "features.npz"))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({}, "exactly one of dataset, log and edges must be given, got none"),
        ({"features": "f.npy"}, "exactly one of dataset, log and edges must be given, got none"),
        ({"log": "l.csv", "edges": "e.csv", "features": "f"}, "must be given, got ['log', 'edges']"),
        ({"dataset": "tiktok", "log": "l.csv"}, "must be given, got ['dataset', 'log']"),
        ({"log": "l.csv"}, "features must be given with log and edges, and not with dataset"),
        ({"edges": "e.csv"}, "features must be given with log and edges, and not with dataset"),
        ({"dataset": "tiktok", "features": "f.npy"}, "features must be given with log and edges, and not with dataset"),
        (
            {"dataset": "youtube"},
            "dataset must be one of ['synthetic', 'tiktok', 'amazon-photo', 'amazon-computers', 'cora_ml'",
        ),
        ({"edges": "e", "features": "f", "top_k": 3}, "['top_k'] apply to watch logs only; this source is a ready"),
        ({"dataset": "amazon-photo", "min_count": 2}, "['min_count'] apply to watch logs only"),
        ({"dataset": "ogbn-arxiv", "weight": "npmi"}, "['weight'] apply to watch logs only"),
        (
            {"dataset": "synthetic", "data_dir": "d"},
            "data_dir must be given only with a dataset that is read from files",
        ),
        ({"log": "l", "features": "f", "data_dir": "d"}, "data_dir must be given only with a dataset"),
    ],
)
def test_refused_combinations(options, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        CoWatchSource(**options)


def test_round_trip_with_absolute_paths_and_no_limit(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    values = CoWatchSource(log="l.csv", features="f.npy", top_k=None, seed=3).to_dict()
    assert values["log"] == str(tmp_path / "l.csv")
    assert values["top_k"] is None
    assert values["dataset"] is None
    assert CoWatchSource(**values).to_dict() == values


def test_a_log(source, world):
    videos = load_video_graph(source, progress=False)
    assert videos.name == "log.csv"
    assert videos.graph.canonical_etypes == [("video", "co_watch", "video")]
    assert videos.graph.num_nodes() == 96
    assert np.array_equal(videos.features.modalities["audio"], world.features.modalities["audio"])
    assert videos.oracle is None


def test_edges(edge_source):
    videos = load_video_graph(edge_source, progress=False)
    assert (videos.name, videos.graph.num_nodes(), videos.graph.num_edges()) == ("edges.csv", 3, 4)
    src, dst = videos.graph.edges()
    weights = {(int(a), int(b)): float(w) for a, b, w in zip(src, dst, videos.graph.edata["weight"])}
    assert weights == {(0, 1): 2.0, (1, 0): 2.0, (1, 2): 1.0, (2, 1): 1.0}


def test_the_synthetic_world_has_an_oracle_and_follows_the_seed():
    videos = load_video_graph(CoWatchSource(dataset="synthetic", seed=1), progress=False)
    assert videos.oracle is not None
    assert len(videos.oracle) == videos.graph.num_nodes() == videos.features.num_videos
    assert (
        videos.fingerprint()
        != load_video_graph(CoWatchSource(dataset="synthetic", seed=2), progress=False).fingerprint()
    )


@needs_data
@pytest.mark.parametrize(
    ("name", "num_videos"), [("tiktok", 6710), ("amazon-photo", 7650), ("amazon-computers", 13752)]
)
def test_named_data_sets(name, num_videos):
    videos = load_video_graph(CoWatchSource(dataset=name), progress=False)
    assert videos.graph.num_nodes() == videos.features.num_videos == num_videos
    assert videos.fingerprint() == load_video_graph(CoWatchSource(dataset=name), progress=False).fingerprint()


@pytest.mark.parametrize("name", ["tiktok", "amazon-photo", "amazon-computers", "ogbn-arxiv"])
def test_absent_data_sets_say_what_is_expected(name, tmp_path):
    with pytest.raises(FileNotFoundError, match=re.escape(str(tmp_path))):
        load_video_graph(CoWatchSource(dataset=name, data_dir=str(tmp_path)), progress=False)


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([(1, "a"), (1, "b")], "log must have at least 2 users who watched something, got 1"),
        ([(1, "a"), (2, "b")], "the log has no edge: no two videos share min_count=1 users"),
        ([(1, "a"), (1, "zebra")], "zebra"),
    ],
)
def test_logs_without_a_graph(rows, message, tmp_path):
    pd.DataFrame(rows, columns=["user_id", "video_id"]).to_csv(tmp_path / "log.csv", index=False)
    Features(["a", "b"], {"x": np.eye(2)}).save(tmp_path / "f.npz")
    with pytest.raises(ValueError, match=re.escape(message)):
        load_video_graph(CoWatchSource(log=str(tmp_path / "log.csv"), features=str(tmp_path / "f.npz")), progress=False)


def test_the_fingerprint_follows_edges_weights_and_features(edge_source, tmp_path):
    def fingerprint(edges="src,dst,weight\na,b,2\nc,b,1\n", features=None):
        (tmp_path / "edges.csv").write_text(edges)
        Features(["a", "b", "c"], {"x": np.eye(3) if features is None else features}).save(tmp_path / "features.npz")
        return load_video_graph(edge_source, progress=False).fingerprint()

    first = fingerprint()
    assert first["num_videos"] == 3
    assert first["num_edges"] == 2
    assert fingerprint() == first
    other = np.eye(3)
    other[2, 1] = 1e-6
    changed = [
        fingerprint(edges="src,dst,weight\na,b,2\nc,a,1\n"),
        fingerprint(edges="src,dst,weight\na,b,2\nc,b,1.5\n"),
        fingerprint(features=other),
    ]
    assert len({first["crc32"], *(one["crc32"] for one in changed)}) == 4


def test_the_fingerprint_leaves_the_graph_alone(edge_source):
    videos = load_video_graph(edge_source, progress=False)
    before = videos.graph.edata["weight"].clone()
    assert isinstance(videos, VideoGraph)
    videos.fingerprint()
    assert torch.equal(before, videos.graph.edata["weight"])


def test_runs_on_sparse_and_mapped_features_equal_dense_ones_and_embed_new_videos(world, world_files, config, tmp_path):
    table = world.features.concatenate() * (np.random.default_rng(0).random((96, 1)) < 0.9)
    table = np.where(table > 0.5, table, 0).astype(np.float32)
    ids = world.features.ids.to_numpy()
    (tmp_path / "shards").mkdir()
    np.savez(tmp_path / "dense.npz", features=table, ids=ids)
    np.save(tmp_path / "shards" / "part-2.npy", table[:40])
    np.save(tmp_path / "shards" / "part-10.npy", table[40:])
    np.save(tmp_path / "shards" / "ids.npy", ids)
    Features(ids, {"features": sparse.csr_array(table)}).save(tmp_path / "csr.npz")
    row, column = np.nonzero(table)
    entries = pd.DataFrame({"video_id": ids[row], "column": column, "weight": table[row, column]})
    options = replace(config, num_steps=3)
    metrics = {}
    for name in ("dense.npz", "shards", "csr.npz"):
        source = CoWatchSource(log=str(world_files / "log.csv"), features=str(tmp_path / name))
        metrics[name] = train("rgc", source, tmp_path / f"run-{name}", options, progress=False)
    assert metrics["shards"] == metrics["dense.npz"]
    for method in ("raw features", "standardised features"):
        assert metrics["csr.npz"]["cold_start"][method] == metrics["dense.npz"]["cold_start"][method]
    run = load_run(tmp_path / "run-csr.npz")
    assert run.evaluate(progress=False) == metrics["csr.npz"]["cold_start"]
    own = run.vectors()
    few = entries[(entries["column"] < 3) & (entries["video_id"] == ids[row[0]])]
    entries.to_parquet(tmp_path / "all.parquet")
    few.to_parquet(tmp_path / "few.parquet")
    found = run.embed(run.read_inputs(tmp_path / "all.parquet"))
    of_run = own.align(found.ids).modalities["embedding"]
    np.testing.assert_allclose(found.modalities["embedding"], of_run, atol=1e-6)
    assert run.embed(run.read_inputs(tmp_path / "few.parquet")).num_videos == len(few["video_id"].unique())
