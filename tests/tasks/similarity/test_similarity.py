"""The task similarity: the contract of both methods, starts from other runs, ensembles, submissions, and bad input."""

from __future__ import annotations

import contextlib
import sys
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from sklearn.feature_extraction.text import TfidfVectorizer

from graphvid.cli import main
from graphvid.data import SyntheticVideoPairs, load_features, read_submission, read_videos
from graphvid.metrics import spearman
from graphvid.models import TwinTowerConfig
from graphvid.runs import read_tensors
from graphvid.tasks import load_run, train
from graphvid.tasks.similarity import EnsembleConfig, EnsembleSource, VideoPairSource, load_similarity
from graphvid.tasks.similarity.figures import title_words
from tests.tasks.contract import Case, check_task

pytest.importorskip("transformers", reason="needs transformers, the extra 'text'")

SMALL = TwinTowerConfig(
    dim=8,
    frame_dim=6,
    num_groups=2,
    num_clusters=3,
    text_dim=8,
    text_layers=1,
    text_heads=2,
    text_hidden=16,
    batch_size=12,
    pretrain_batch_size=12,
    num_epochs=2,
    pretrain_epochs=1,
)


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """A contest in files, and its labels without the last ones."""
    path = tmp_path_factory.mktemp("files") / "contest"
    world = SyntheticVideoPairs(
        num_pointwise=30, num_videos=20, num_pairs=60, num_test_videos=10, num_test_pairs=25, frame_dim=24
    )
    world.write(path)
    labels = (path / "label.tsv").read_text().splitlines(keepends=True)
    (path / "fewer.tsv").write_text("".join(labels[:50]))
    (path / "flat.tsv").write_text("".join(line.rsplit("\t", 1)[0] + "\t0.5\n" for line in labels))
    (path / "unknown.tsv").write_text("v000031\tnobody\t0.5\n")
    return path


@pytest.fixture(scope="module")
def source(files):
    return VideoPairSource(
        videos=str(files / "pairwise.parquet"),
        pairs=str(files / "label.tsv"),
        pointwise=(str(files / "pointwise.parquet"),),
        test_videos=str(files / "test.parquet"),
        test_pairs=str(files / "test_label.tsv"),
    )


@pytest.fixture(scope="module")
def members(source, tmp_path_factory):
    """Two runs, the second from the pretraining of the first."""
    path = tmp_path_factory.mktemp("members")
    train("twin-tower", source, path / "one", SMALL, progress=False)
    again = replace(source, from_=str(path / "one" / "pretrain"))
    train("twin-tower", again, path / "two", replace(SMALL, num_epochs=3, seed=1), progress=False)
    return path


def test_contract(source, files, tmp_path, monkeypatch):
    def ask(run):
        vectors = run.vectors()
        assert vectors.num_videos == 30
        videos = read_videos(files / "test.parquet")
        found = run.embed(videos).modalities["embedding"]
        np.testing.assert_allclose(found, vectors.modalities["embedding"][:10], atol=1e-5)
        assert len(run.neighbors("v000031", top_k=3)) == 3

    config = replace(SMALL, fold=0, num_folds=2, keep="best")
    refused = [(replace(source, pairs=str(files / name)), config) for name in ("absent.tsv", "flat.tsv", "unknown.tsv")]
    refused += [
        (source, replace(config, text_encoder=str(files / "no-bert"))),
        (source, replace(config, num_folds=61, fold=0)),
    ]
    case = Case(
        "twin-tower",
        source,
        config,
        {
            "embeddings.npz",
            "predictions.npz",
            "pretrain",
            "tag_list.txt",
            "text_encoder.json",
            "tokenizer",
            "tower.safetensors",
        },
        ask,
        {"embeddings.npz", "tower.safetensors"},
        replace(source, pairs=str(files / "fewer.tsv")),
        refused,
        (1, 7, 1),
    )
    check_task(case, tmp_path, monkeypatch)


@pytest.mark.parametrize("kind", ["cross-modal", "one-stream", "differences", "no title"])
def test_every_tower_is_saved_and_read(source, files, tmp_path, kind):
    """Its weights are in the file once; read again, they give the vectors of the run."""
    changes = {"differences": {"differences": True}, "no title": {"title": False}}
    towers = changes.get(kind, {"fusion": kind, "frames": "none", "hidden": 16, "num_heads": 2})
    train("twin-tower", source, tmp_path / "run", replace(SMALL, **towers), progress=False)
    run = load_run(tmp_path / "run")
    found = run.embed(read_videos(files / "test.parquet")).modalities["embedding"]
    np.testing.assert_allclose(found, run.vectors().modalities["embedding"][:10], atol=1e-5)


def test_figures_and_folds(source, tmp_path):
    metrics = train(
        "twin-tower", source, tmp_path / "run", replace(SMALL, fold=1, num_folds=2, fold_by="row"), progress=False
    )
    assert metrics["pairs"] == {"training": 30, "validation": 30, "dropped": 0, "test": 25}
    assert [epoch["epoch"] for epoch in metrics["epochs"]] == [1, 2]
    stored = np.load(tmp_path / "run" / "predictions.npz")
    assert (stored["split"] == "test").sum() == 25
    for split in ("test", "validation"):
        rows = stored["split"] == split
        found = metrics["methods"]["twin tower"][split]
        assert found["spearman"] == pytest.approx(spearman(stored["score"][rows], stored["cosine"][rows]))
        assert sum(level["num_pairs"] for level in found["levels"]) == found["num_pairs"]
    assert set(metrics["methods"]) == {"twin tower", "mean frames", "titles, TF-IDF"}
    figures = {name: row["test"]["spearman"] for name, row in metrics["methods"].items()}
    verdict = metrics["verdict"]
    assert (verdict["value"], verdict["best"]) == (
        pytest.approx(figures.pop("twin tower")),
        pytest.approx(max(figures.values())),
    )
    assert figures[verdict["baseline"]] == pytest.approx(verdict["best"])
    assert f"{verdict['verdict']} the best baseline" in (tmp_path / "run" / "report.html").read_text()
    assert "test" in metrics["pretrained"]["pretrain"]["twin tower"]
    assert load_run(tmp_path / "run").evaluate(progress=False) == metrics["methods"]
    vectors = load_run(tmp_path / "run").vectors()
    rows = (
        vectors.ids.get_indexer(pd.Index(stored["query_id"])),
        vectors.ids.get_indexer(pd.Index(stored["candidate_id"])),
    )
    unit = vectors.modalities["embedding"]
    np.testing.assert_allclose((unit[rows[0]] * unit[rows[1]]).sum(1), stored["cosine"], atol=1e-5)


def test_evaluate_gives_the_stored_figures(members, files, tmp_path):
    run = load_run(members / "one")
    assert run.evaluate(progress=False) == run.metrics["methods"]
    source = VideoPairSource(pointwise=(str(files / "pointwise.parquet"),))
    train("twin-tower", source, tmp_path / "tags", SMALL.pretraining(), progress=False)
    with pytest.raises(ValueError, match="without validation or test pairs, so nothing can be judged"):
        load_run(tmp_path / "tags").evaluate(progress=False)


def test_tf_idf_against_scikit_learn():
    titles = ["Two cats, two dogs", "a dog", "", "the CATS sleep at noon"]
    np.testing.assert_allclose(
        title_words(titles).toarray(), TfidfVectorizer().fit_transform(titles).toarray(), atol=1e-12
    )


def test_it_starts_from_a_finished_pretraining(members, source, tmp_path):
    assert not (members / "two" / "pretrain").exists()
    frozen = replace(SMALL, learning_rate=1e-30, text_learning_rate=1e-30, num_epochs=1)
    train(
        "twin-tower",
        replace(source, from_=str(members / "one" / "pretrain")),
        tmp_path / "still",
        frozen,
        progress=False,
    )
    start, end = (
        read_tensors(path / "tower.safetensors")[0] for path in (members / "one" / "pretrain", tmp_path / "still")
    )
    learnt = [name for name in start if "running" not in name and "num_batches" not in name]
    assert all((start[name] - end[name]).abs().max() < 1e-6 for name in learnt)
    with pytest.raises(ValueError, match="holds the weights of another tower than the options describe"):
        train(
            "twin-tower",
            replace(source, from_=str(members / "one")),
            tmp_path / "no",
            replace(SMALL, dim=9),
            progress=False,
        )
    with pytest.raises(FileNotFoundError, match=r"tower\.safetensors not found: --from must name"):
        train("twin-tower", replace(source, from_=str(tmp_path)), tmp_path / "no", SMALL, progress=False)
    assert not (tmp_path / "no").exists()


@pytest.mark.parametrize("how", ["svd", "mean"])
def test_ensembles(members, files, tmp_path, how):
    """No seed and no steps, so not `check_task`: files, answers, a finished run taken up, and other members refused."""
    source = EnsembleSource(runs=(str(members / "one"), str(members / "two")))
    config = EnsembleConfig(how=how, dim=6)
    metrics = train("ensemble", source, tmp_path / "both", config, progress=False)
    own = {path.name for path in (tmp_path / "both").iterdir()}
    assert own == {"config.json", "embeddings.npz", "metrics.json", "report.html", "sessions.json"} | (
        {"axes.npz"} if how == "svd" else set()
    )
    run = load_run(tmp_path / "both")
    found = run.embed(read_videos(files / "test.parquet")).modalities["embedding"]
    np.testing.assert_allclose(found, run.vectors().modalities["embedding"][:10], atol=1e-5)
    assert set(metrics["methods"]) == {"ensemble", "one", "two"}
    assert run.evaluate() == metrics["methods"]
    for name in ("one", "two"):
        trained = load_run(members / name).metrics["methods"]["twin tower"]["test"]
        assert metrics["methods"][name]["test"] == trained
    assert train("ensemble", source, tmp_path / "both", config, resume=True, progress=False) == metrics
    with pytest.raises(ValueError, match="another configuration"):
        train(
            "ensemble", replace(source, runs=source.runs[::-1]), tmp_path / "both", config, resume=True, progress=False
        )
    with pytest.raises(FileNotFoundError, match="holds no run"):
        train("ensemble", replace(source, runs=(source.runs[0], str(files))), tmp_path / "no", config, progress=False)
    with pytest.raises(ValueError, match="must hold a run of twin-tower"):
        train(
            "ensemble",
            replace(source, runs=(source.runs[0], str(tmp_path / "both"))),
            tmp_path / "no",
            config,
            progress=False,
        )
    for runs in ((source.runs[0],), (source.runs[0], source.runs[0])):
        with pytest.raises(ValueError, match="runs must"):
            EnsembleSource(runs=runs)


def test_commands(members, files, tmp_path, monkeypatch, capsys):
    def run(*words):
        monkeypatch.setattr(sys, "argv", ["graphvid", *map(str, words)])
        with contextlib.suppress(SystemExit):
            main()
        said = capsys.readouterr()
        assert not said.err, said.err
        return said.out

    said = run("ensemble", members / "one", members / "two", "--how", "mean", "--out", tmp_path / "both")
    assert "the best member" in said
    run(
        "ensemble",
        members / "one",
        members / "two",
        "--dim",
        5,
        "--form",
        "contest",
        "--out",
        tmp_path / "result.json.zip",
    )
    ids, vectors = read_submission(tmp_path / "result.json.zip", required=read_videos(files / "test.parquet").ids)
    assert vectors.shape == (10, 5)
    monkeypatch.setattr(
        sys,
        "argv",
        [
            "graphvid",
            "ensemble",
            str(members / "one"),
            str(members / "two"),
            "--dim",
            "257",
            "--form",
            "contest",
            "--out",
            str(tmp_path / "wide.zip"),
        ],
    )
    with pytest.raises(SystemExit):
        main()
    assert "dim must be at most the 256 columns of the contest, got 257" in capsys.readouterr().err
    assert not (tmp_path / "wide").exists()
    run(
        "embed",
        "--videos",
        files / "test.parquet",
        "--run",
        members / "one",
        "--out",
        tmp_path / "one.zip",
        "--form",
        "contest",
    )
    run("embed", "--videos", files / "test.parquet", "--run", tmp_path / "both", "--out", tmp_path / "new.npz")
    assert read_submission(tmp_path / "one.zip")[0].equals(ids)
    assert load_features(tmp_path / "new.npz").dims == {"embedding": 8}


def test_members_of_different_width(members, source, tmp_path):
    again = replace(source, from_=None)
    wide = replace(SMALL, dim=10, num_epochs=1, pretrain_epochs=0)
    train("twin-tower", again, tmp_path / "ensemble", wide, progress=False)  # called as the result is
    runs = EnsembleSource(runs=(str(members / "one"), str(tmp_path / "ensemble")))
    with pytest.raises(ValueError, match=r"members must have one shape under a mean, got \[\(30, 8\), \(30, 10\)\]"):
        train("ensemble", runs, tmp_path / "mean", EnsembleConfig(how="mean"), progress=False)
    metrics = train("ensemble", runs, tmp_path / "svd", EnsembleConfig(dim=12), progress=False)
    assert metrics["columns"] == 12
    assert set(metrics["methods"]) == {"ensemble", "1: one", "2: ensemble"}


def test_members_judged_on_the_same_pairs(members, source, tmp_path):
    """A member that was trained without the test pairs is judged on those of the other."""
    unjudged = replace(source, test_pairs=None, from_=str(members / "one" / "pretrain"))
    metrics = train("twin-tower", unjudged, tmp_path / "three", replace(SMALL, num_epochs=1), progress=False)
    assert not metrics["methods"]["twin tower"]
    for order in (1, -1):
        runs = EnsembleSource(runs=(str(tmp_path / "three"), str(members / "one"))[::order])
        metrics = train("ensemble", runs, tmp_path / f"both{order}", EnsembleConfig(), progress=False)
        assert {row["test"]["num_pairs"] for row in metrics["methods"].values()} == {25}


def test_frames_on_disk(source, tmp_path):
    """Stored by the first reading, mapped by the second, and the same data as in memory."""
    kept = replace(source, frame_stores=str(tmp_path / "frames"))
    first, again = load_similarity(kept), load_similarity(kept)
    assert {path.name for path in (tmp_path / "frames").iterdir()} == {
        "pairwise.parquet",
        "pointwise.parquet",
        "test.parquet",
    }
    assert all(isinstance(table.frames.values.base, np.memmap) for table in again.tables)
    assert first.fingerprint() == again.fingerprint() == load_similarity(source).fingerprint()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"videos": None}, "pairs must be given with videos"),
        ({"pairs": None}, "videos must be given with pairs, got videos alone"),
        ({"test_videos": None}, "test_pairs must be given with test_videos"),
        ({"dataset": "tiktok"}, "dataset must be one of"),
        ({"dataset": "synthetic-video-pairs"}, "apply to files only"),
        (
            {"test_videos": "other/pairwise.parquet", "frame_stores": "frames"},
            r"names of their own with frame_stores, got \['pairwise.parquet', 'pairwise.parquet', 'pointwise.parquet'\]",
        ),
    ],
)
def test_refused_sources(source, changes, message):
    with pytest.raises(ValueError, match=message):
        replace(source, **changes)
    with pytest.raises(ValueError, match="one of dataset, videos and pointwise must be given"):
        VideoPairSource()
