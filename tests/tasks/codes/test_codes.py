"""The task codes beyond the contract: the vectors and the graph of a run, its report, bad input."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from graphvid.models import ContrastiveQuantizationConfig, PyramidQuantizationConfig
from graphvid.retrieval import CodeIndex
from graphvid.tasks import load_run, train
from graphvid.tasks.codes import CodesSource, load_codes
from graphvid.tasks.codes.figures import Trial, faiss_scores, means, split_rows

CONFIG = PyramidQuantizationConfig(num_codewords=8, dim=8, batch_size=32, num_epochs=2, top_n=3)


def test_codes_of_a_runs_vectors_from_its_graph(finished, tmp_path):
    source = CodesSource(from_run=str(finished), graph=True)
    metrics = train("phpq", source, tmp_path / "codes", CONFIG, progress=False)
    run = load_run(tmp_path / "codes")
    assert run.config["data"]["num_links"] > 0
    assert sorted(run.codes().ids.astype(str)) == sorted(run.vectors().ids.astype(str))
    assert metrics["bytes"] == 1
    assert "map" not in metrics["quality"]["PHPQ-style"]
    page = run.directory.report.read_text()
    for word in ("PHPQ-style", "Quality against bytes", "Use of the codewords", "perplexity"):
        assert word in page


def test_labels_give_map_and_faiss_rows_where_it_is_installed(tmp_path):
    pytest.importorskip("faiss")
    config = ContrastiveQuantizationConfig(
        num_codewords=16, dim=8, hidden=16, num_epochs=1, memory_size=32, memory_from=0, batch_size=512
    )
    metrics = train("mecoq", CodesSource(dataset="synthetic"), tmp_path / "codes", config, progress=False)
    quality = metrics["quality"]
    assert list(quality)[:3] == ["MeCoQ", "MeCoQ, queries coded too", "MeCoQ, vectors before coding"]
    assert list(quality)[3:] == [
        "features, 512 bytes",
        "FAISS PQ2x4, 1 byte",
        "FAISS OPQ2x4, 1 byte",
        "FAISS PQ4x4, 2 bytes",
        "FAISS PQ8x4, 4 bytes",
        "FAISS PQ16x4, 8 bytes",
    ]
    assert all(0 <= row["map"] <= 1 for row in quality.values())
    assert quality["features, 512 bytes"]["overlap"] == 1
    verdict = metrics["verdict"]
    same_size = {name: quality[name]["map"] for name in ("FAISS PQ2x4, 1 byte", "FAISS OPQ2x4, 1 byte")}
    assert verdict["value"] == pytest.approx(quality["MeCoQ"]["map"])
    assert (verdict["baseline"], verdict["best"]) == (
        max(same_size, key=same_size.get),
        pytest.approx(max(same_size.values())),
    )
    assert f"{verdict['verdict']} the best baseline" in load_run(tmp_path / "codes").directory.report.read_text()
    assert (tmp_path / "codes" / "codes.safetensors").stat().st_size > 0
    assert isinstance(load_run(tmp_path / "codes").codes(), CodeIndex)


def test_scores_of_faiss_are_negative_distances_to_what_it_stores():
    pytest.importorskip("faiss")
    rng = np.random.default_rng(0)
    base, asked = (rng.normal(size=(n, 6)).astype(np.float32) for n in (300, 5))
    for kind in ("PQ", "OPQ"):
        scores = faiss_scores(kind, base, asked, 4, 4)  # 6 columns are padded to 8
        distance = ((asked[:, None] - base) ** 2).sum(-1)
        assert scores.shape == (5, 300)
        assert np.corrcoef(scores.ravel(), -distance.ravel())[0, 1] > 0.7


def test_figures_of_a_perfect_and_of_a_constant_search():
    features, labels = np.random.default_rng(0).normal(size=(34, 5)).astype(np.float32), np.arange(34) % 4
    rows = np.arange(4), np.arange(4, 34)
    unlabelled, trial = Trial(features, None, *rows), Trial(features, labels, *rows)
    cosine = features @ features.T / np.linalg.norm(features, axis=1) / np.linalg.norm(features, axis=1)[:, None]
    np.testing.assert_allclose(trial.exact, cosine[:4, 4:], atol=1e-6)
    assert means(unlabelled.judge(unlabelled.exact)) == {"overlap": 1.0, "one_recall": 1.0}
    found = means(trial.judge((labels[:4, None] == labels[4:]).astype(np.float32)))
    assert found["map"] == 1.0
    constant = means(trial.judge(np.zeros((4, 30), np.float32)))
    assert constant["map"] < 0.6
    assert constant["overlap"] == pytest.approx(np.mean(np.argsort(-cosine[:4, 4:])[:, :10] < 10), abs=1e-6)


def test_the_split_holds_every_video_once():
    split = split_rows(101, 3)
    assert sorted(np.concatenate(split).tolist()) == list(range(101))
    assert (len(split.validation), len(split.queries)) == (10, 10)
    assert split_rows(30_000, 0).queries.size == 1000
    with pytest.raises(ValueError, match="the source must have at least 20 videos, got 19"):
        split_rows(19, 0)


def test_sources_that_do_not_name_one(finished):
    for options, message in (
        ({}, "exactly one of dataset, features and from_run must be given, got none"),
        ({"features": "a.npz", "from_run": "b"}, "exactly one of"),
        ({"dataset": "synthetic", "labels": "a.csv"}, "labels must not be given with dataset"),
        ({"features": "a.npz", "graph": True}, "graph needs from_run"),
    ):
        with pytest.raises(ValueError, match=message):
            CodesSource(**options)
    data = load_codes(CodesSource(from_run=str(finished)), progress=False)
    assert (data.labels, data.graph) == (None, None)


def test_labels_or_links_are_needed_by_the_method_that_learns_from_them(tmp_path, finished, skip_finished):
    with pytest.raises(ValueError, match="method 'phpq' learns from labels or links"):
        train("phpq", CodesSource(from_run=str(finished)), tmp_path / "codes", CONFIG, progress=False)
    with pytest.raises(ValueError, match="from_run must be a run that has vectors"):
        load_codes(CodesSource(from_run=str(skip_finished)))
    source = CodesSource(from_run=str(finished), graph=True)
    with pytest.raises(ValueError, match="num_codewords must be at most the"):
        train("phpq", source, tmp_path / "codes", replace(CONFIG, num_codewords=128), progress=False)
    assert not (tmp_path / "codes").exists()
