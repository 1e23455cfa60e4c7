"""The task recommendation: its figures, its protocols, and what a run recommends; the contract holds the rest."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from graphvid.data import Features, Interactions, load_features
from graphvid.models import MFConfig, SimpleXConfig, TwoTowerConfig
from graphvid.models.recommenders import CCL, CrossBatch, Shared
from graphvid.runs import RunDirectory
from graphvid.tasks import load_run, train
from graphvid.tasks.recommendation import InteractionSource, load_interactions
from tests.compare_runs import compare

NUM_USERS, NUM_ITEMS, NUM_TOPICS = 200, 200, 10


def _lines(pairs):
    rows = [[user, *pairs.items[pairs.indptr[user] : pairs.indptr[user + 1]]] for user in range(pairs.num_users)]
    return "".join(" ".join(map(str, row)) + "\n" for row in rows if len(row) > 1)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Ten groups of users, each with favourite items: files of splits, a log, and features of the items."""
    path = tmp_path_factory.mktemp("pairs")
    rng = np.random.default_rng(0)
    group, topic = np.arange(NUM_USERS) % NUM_TOPICS, np.arange(NUM_ITEMS) % NUM_TOPICS
    chance = np.where(group[:, None] == topic, 0.5, 0.01)
    users, items = np.nonzero(rng.random((NUM_USERS, NUM_ITEMS)) < chance)
    everything = Interactions.from_pairs(users, items, num_users=NUM_USERS, num_items=NUM_ITEMS)
    train, test = everything.hold_out(0.3, 1)
    (path / "train.txt").write_text(_lines(train))
    (path / "test.txt").write_text(_lines(test))
    names = {"user_id": [f"u{u}" for u in users], "video_id": [f"v{i}" for i in items]}
    pd.DataFrame(names).to_csv(path / "log.csv", index=False)
    ids = pd.Index([f"v{i}" for i in range(NUM_ITEMS)])
    table = np.eye(NUM_TOPICS)[topic] + 0.1 * rng.normal(size=(NUM_ITEMS, NUM_TOPICS))
    Features(ids, {"look": table.astype(np.float32)}).save(path / "features.npz")
    return path


@pytest.fixture(scope="module")
def source(folder):
    return InteractionSource(train=str(folder / "train.txt"), test=str(folder / "test.txt"), validation_fraction=0.2)


@pytest.fixture(scope="module")
def towers_source(folder):
    return InteractionSource(log=str(folder / "log.csv"), features=str(folder / "features.npz"))


CONFIG = SimpleXConfig(
    dim=8,
    gate=0.5,
    negatives=Shared(num_negatives=50),
    loss=CCL(margin=0.3, negative_weight=4.0),
    batch_size=32,
    num_epochs=6,
    learning_rate=0.01,
)
TOWERS = TwoTowerConfig(
    dim=8, batch_size=64, num_epochs=3, negatives=CrossBatch(memory_size=150), hidden=8, dropout=0.2
)


@pytest.fixture(scope="module")
def finished(source, tmp_path_factory):
    out = tmp_path_factory.mktemp("runs") / "simplex"
    train("simplex", source, out, CONFIG, progress=False)
    return out


def test_figures_are_those_of_the_stored_vectors(finished, source) -> None:
    """Recall@10 by loops over the vectors on disk."""
    stored = np.load(finished / "embeddings.npz")
    splits = load_interactions(source).splits
    scores = stored["user"].astype(np.float64) @ stored["item"].T.astype(np.float64)
    found = []
    for user in range(NUM_USERS):
        relevant = splits.test.items[splits.test.indptr[user] : splits.test.indptr[user + 1]]
        for known in (splits.train, splits.validation):
            scores[user, known.items[known.indptr[user] : known.indptr[user + 1]]] = -np.inf
        if len(relevant):
            top = np.argsort(-scores[user], kind="stable")[:10]
            found.append(len(set(top) & set(relevant)) / len(relevant))
    metrics = RunDirectory(finished).read_metrics()
    assert metrics["methods"]["SimpleX"]["10"]["recall"] == pytest.approx(np.mean(found), abs=1e-9)
    assert metrics["methods"]["SimpleX"]["10"]["recall"] > 1.5 * metrics["methods"]["popularity"]["10"]["recall"]
    assert metrics["best_epoch"] == 1 + int(np.argmax([epoch["recall"] for epoch in metrics["epochs"]]))
    best = max(epoch["recall"] for epoch in metrics["epochs"])
    assert pd.read_csv(finished / "epochs.csv")["recall"].max() == pytest.approx(best)


def test_published_protocol_trains_on_all_and_chooses_by_the_test(folder, tmp_path) -> None:
    source = InteractionSource(train=str(folder / "train.txt"), test=str(folder / "test.txt"), selection="test")
    metrics = train("mf", source, tmp_path / "run", MFConfig(dim=8, num_epochs=2), progress=False)
    splits = load_interactions(source).splits
    assert splits.validation is None
    assert metrics["selection"] == "test"
    best = metrics["epochs"][metrics["best_epoch"] - 1]
    assert metrics["methods"]["matrix factorisation"]["20"]["recall"] == pytest.approx(best["recall"])


def test_recommendations_need_no_source(towers_source, folder, tmp_path) -> None:
    log = tmp_path / "log.csv"
    log.write_bytes((folder / "log.csv").read_bytes())
    train("two-tower", replace(towers_source, log=str(log)), tmp_path / "run", TOWERS, progress=False)
    before = load_run(tmp_path / "run").recommend("u3", top_k=5)
    log.unlink()
    assert load_run(tmp_path / "run").recommend("u3", top_k=5).equals(before)


def test_recommendations_leave_out_what_is_known(finished, source) -> None:
    table = load_run(finished).recommend(3, top_k=5, keep_test=True)
    stored = np.load(finished / "embeddings.npz")
    splits = load_interactions(source).splits
    scores = stored["item"] @ stored["user"][3]
    for known in (splits.train, splits.validation):
        scores[known.items[known.indptr[3] : known.indptr[4]]] = -np.inf
    assert table["item_id"].tolist() == np.argsort(-scores, kind="stable")[:5].tolist()
    everything = load_run(finished).recommend("3", top_k=1000, keep_test=True)
    assert len(everything) == np.isfinite(scores).sum()
    taken = splits.test.items[splits.test.indptr[3] : splits.test.indptr[4]]
    fresh = load_run(finished).recommend("3", top_k=1000)
    assert set(everything["item_id"]) - set(fresh["item_id"]) == set(taken)


def test_recommendations_for_many_users_are_those_for_each(finished) -> None:
    run = load_run(finished)
    for top_k in (4, 1000):  # with 1000 each user has another number of items left
        found = run.recommend([7, "3", 7], top_k=top_k)
        parts = [run.recommend(user, top_k=top_k).assign(user_id=user) for user in (7, 3, 7)]
        pd.testing.assert_frame_equal(found, pd.concat(parts, ignore_index=True)[found.columns.tolist()], atol=1e-6)
        assert found.columns.tolist() == ["user_id", "item_id", "score"]
    with pytest.raises(KeyError, match=r"user_id must be one of .*, got 'nobody' \(1 of 2 are not\)"):
        run.recommend([3, "nobody"])


def test_ids_of_a_log_are_kept(towers_source, tmp_path) -> None:
    train("two-tower", towers_source, tmp_path / "run", TOWERS, progress=False)
    assert load_run(tmp_path / "run").recommend("u3", top_k=2)["item_id"].str.startswith("v").all()
    with pytest.raises(KeyError, match=r"user_id must be one of the 200 users of .*, got 'w3'"):
        load_run(tmp_path / "run").recommend("w3")


def test_bad_arguments(source, finished, tmp_path) -> None:
    with pytest.raises(ValueError, match=r"method must be one of .*, got 'svd'"):
        train("svd", source, tmp_path / "run")
    with_features = InteractionSource(log=str(tmp_path / "log.csv"), features=str(tmp_path / "features.npz"))
    with pytest.raises(ValueError, match="features are read by method 'two-tower' alone, got them with 'mf'"):
        train("mf", with_features, tmp_path / "run")
    with pytest.raises(TypeError, match="config must be a MFConfig with method 'mf', got SimpleXConfig"):
        train("mf", source, tmp_path / "run", CONFIG)
    with pytest.raises(ValueError, match="features must be given for a content tower, got none"):
        train("two-tower", source, tmp_path / "run", TOWERS)
    with pytest.raises(ValueError, match="top_k must be an integer >= 1, got 0"):
        load_run(finished).recommend(3, top_k=0)
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({}, "exactly one of dataset, train and log must be given, got none"),
        ({"dataset": "gowalla", "log": "x.csv"}, "exactly one of dataset, train and log"),
        ({"dataset": "netflix"}, "dataset must be one of .*, got 'netflix'"),
        ({"train": "a.txt"}, "train and test must be given together"),
        ({"log": "a.csv", "validation": "b.txt"}, "validation must be given with train and test"),
        ({"dataset": "gowalla", "features": "b.npz"}, "features apply to files only"),
        ({"log": "a.csv", "test_fraction": 1.0}, r"test_fraction must be a number in \[0, 1\), got 1.0"),
        ({"log": "a.csv", "selection": "train"}, "selection must be one of"),
    ],
)
def test_bad_sources(options, message) -> None:
    with pytest.raises(ValueError, match=message):
        InteractionSource(**options)


def test_the_final_fit_trains_on_all_pairs(folder, tmp_path) -> None:
    source = InteractionSource(log=str(folder / "log.csv"), test_fraction=0.0, validation_fraction=0.0)
    metrics = train("mf", source, tmp_path / "run", MFConfig(dim=8, num_epochs=2), progress=False)
    log = pd.read_csv(folder / "log.csv").drop_duplicates()
    run = load_run(tmp_path / "run")
    assert run.config["data"]["train"] == len(log)
    assert (metrics["methods"], metrics["epochs"], metrics["selection"]) == ({}, [], "none")
    assert not set(run.recommend("u3", top_k=5)["item_id"]) & set(log["video_id"][log["user_id"] == "u3"])
    with pytest.raises(ValueError, match="selection must be 'validation' where nothing is tested"):
        train("mf", replace(source, selection="test"), tmp_path / "other", progress=False)


def test_splits_that_hold_nothing_are_refused_before_training(tmp_path) -> None:
    frame = pd.DataFrame({"user_id": range(50), "video_id": [i % 7 for i in range(50)]})
    frame.to_csv(tmp_path / "log.csv", index=False)
    with pytest.raises(ValueError, match=r"the (validation|test) pairs must not be empty: of 50 users"):
        train("mf", InteractionSource(log=str(tmp_path / "log.csv")), tmp_path / "run", progress=False)
    assert not (tmp_path / "run").exists()


def test_columns_that_are_not_used_are_not_read(folder, tmp_path) -> None:
    frame = pd.read_csv(folder / "log.csv").assign(timestamp="2024-01-01T00:00", watch_time=-124)
    frame.to_csv(tmp_path / "log.csv", index=False)
    train(
        "mf",
        InteractionSource(log=str(tmp_path / "log.csv")),
        tmp_path / "run",
        MFConfig(dim=8, num_epochs=1),
        progress=False,
    )
    assert (tmp_path / "run" / "report.html").exists()


def test_a_run_killed_after_it_was_stopped_by_patience_is_completed(source, tmp_path, monkeypatch) -> None:
    """The best weights come back where the checkpoint leaves nothing to train, and no epoch is added."""
    config = replace(CONFIG, learning_rate=0.2, patience=1, num_epochs=30)
    whole = train("simplex", source, tmp_path / "whole", config, progress=False)
    assert whole["best_epoch"] < len(whole["epochs"]) < 30

    def killed(*_) -> None:
        raise SystemExit(9)

    with monkeypatch.context() as patch:
        patch.setattr("graphvid.runs.engine.write_json", killed)
        with pytest.raises(SystemExit):
            train("simplex", source, tmp_path / "killed", config, progress=False)
    train("simplex", source, tmp_path / "killed", config, resume=True, progress=False)
    assert all(line.startswith("equal") for line in compare(tmp_path / "whole", tmp_path / "killed"))


def test_a_run_is_judged_again_from_what_it_keeps(source, tmp_path):
    metrics = train("simplex", source, tmp_path / "run", CONFIG, progress=False)
    expected = {"k": 20, **metrics["methods"]["SimpleX"]["20"]}
    assert load_run(tmp_path / "run").evaluate(progress=False)["SimpleX"] == pytest.approx(expected, abs=1e-6)


def test_two_towers_embed_items_that_were_not_there(folder, towers_source, tmp_path):
    config = TwoTowerConfig(dim=8, hidden=16, num_epochs=1, batch_size=64, negatives=CrossBatch(memory_size=64))
    train("two-tower", towers_source, tmp_path / "run", config, progress=False)
    run, stored = load_run(tmp_path / "run"), load_features(folder / "features.npz")
    learnt = run.vectors("item")
    again = run.embed(stored.align(learnt.ids)).modalities["embedding"]
    np.testing.assert_allclose(again, learnt.modalities["embedding"], atol=1e-6)
    fresh = Features(["new"], {"look": stored.modalities["look"][:1]})
    np.testing.assert_allclose(
        run.embed(fresh).modalities["embedding"][0], run.embed(stored).modalities["embedding"][0]
    )
    with pytest.raises(ValueError, match=r"features must have the modalities \{'look': 10\}, got \{'look': 3\}"):
        run.embed(Features(["new"], {"look": np.ones((1, 3), np.float32)}))
    assert load_run(tmp_path / "run").answers() == ["evaluate", "embed", "neighbors", "recommend"]
