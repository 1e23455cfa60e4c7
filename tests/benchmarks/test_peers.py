"""Peers: what they are given, what is accepted from them, how it is scored, and that a killed table goes on."""

from __future__ import annotations

import importlib
import json
import subprocess
from argparse import Namespace
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss, roc_auc_score

from graphvid import metrics
from graphvid.data import SyntheticSkip

REPOSITORY = Path(__file__).parents[2]
BUDGET = Namespace(trials=1, epochs=1, patience=1)


@pytest.fixture(autouse=True)
def _benchmarks(monkeypatch):
    monkeypatch.syspath_prepend(str(REPOSITORY))


def module(name):
    return importlib.import_module(f"benchmarks.peers.{name}")


def small_world(**options):
    return SyntheticSkip(**{"num_users": 12, "num_videos": 40, "impressions_per_user": 24, **options})


def task_of(world):
    return module("_task").make_task(world.log, world.clips.array, world.windows)


@pytest.fixture
def tiny():
    """Two users and three videos of two clips; all by hand."""
    columns = [*module("_contract").INPUTS, *module("_contract").TARGETS]
    train = pd.DataFrame(
        [
            (0, 0, 0, 2.0, 0, 0.0, False, 2.0, 1, 2),
            (1, 0, 1, 2.0, 0, 1.0, False, 1.5, 0, 1),
            (2, 1, 1, 4.0, 1, 2.0, False, 1.5, 0, 0),
            (3, 1, 2, 4.0, 1, 3.0, False, 0.0, 0, 0),
            (4, 0, 2, 2.0, 0, 4.0, True, 4.5, 1, 2),
        ],
        columns=columns,
    )
    valid = pd.DataFrame([(5, 1, 0, 4.0, 1, 5.0, True, 2.5, 0, 1)], columns=columns)
    test = pd.DataFrame([(6, 0, 1, 2.0, 0, 6.0), (7, 1, 2, 4.0, 1, 7.0)], columns=columns[:6])
    clips = np.array([[[1, 0], [0, 2]], [[3, 0], [0, 4]], [[5, 0], [0, 6]]], dtype=np.float32)
    return module("_contract").SkipTask(train, valid, test, clips, num_users=2, num_duration_buckets=2)


# What a peer is given


def test_the_rows_of_a_task_are_those_of_the_windows_and_the_last_ones_validate():
    world = small_world(seed=3)
    task, truth = task_of(world)
    training = np.concatenate([world.windows.graph, world.windows.supervision])
    assert sorted([*task.train["row_id"], *task.valid["row_id"]]) == sorted(training)
    assert task.test["row_id"].tolist() == truth["row_id"].tolist() == world.windows.test.tolist()
    for user in range(12):
        own = [frame[frame["user"] == user] for frame in (task.train, task.valid, task.test)]
        assert [len(rows) for rows in own] == [15, 3, 6]
        assert own[0]["timestamp"].max() < own[1]["timestamp"].min()
        assert own[1]["timestamp"].max() < own[2]["timestamp"].min()
    for frame in (task.train, task.valid, truth):
        for row_id, label, stop in zip(frame["row_id"], frame["label"], frame["stop"]):
            seconds = world.log.watch_time[row_id]  # of videos with eight clips of one second
            assert (label, stop) == (int(seconds >= 8), min(int(seconds), 8))
    assert set(task.known.loc[task.known["supervision"], "row_id"]) == set(world.windows.supervision)
    np.testing.assert_array_equal(task.pooled, world.clips.array.mean(axis=1))


def test_a_user_with_one_training_row_validates_nothing():
    world = small_world(impressions_per_user=4)
    windows = type(world.windows)(np.arange(0, 48, 4), np.empty(0, dtype=np.int64), np.arange(3, 48, 4))
    task, _ = module("_task").make_task(world.log, world.clips.array, windows)
    assert len(task.train) == 12
    assert not len(task.valid)


def test_duration_buckets_are_tenths_of_the_training_rows_and_one_if_all_are_equal():
    world = small_world()
    assert task_of(world).task.num_duration_buckets == 1
    training = np.concatenate([world.windows.graph, world.windows.supervision])
    duration = np.full(world.log.num_interactions, 1e6)  # of the test rows, which must not matter
    duration[training] = np.arange(1, len(training) + 1)
    log = replace(world.log, duration=duration)
    task, _ = module("_task").make_task(log, world.clips.array, world.windows)
    assert task.num_duration_buckets == 10
    share = task.known["duration_bucket"].value_counts(normalize=True)
    assert share.between(0.09, 0.11).all()
    assert (task.test["duration_bucket"] == 9).all()


def test_outcomes_of_test_rows_change_no_byte_of_a_task(tmp_path):
    world = small_world()
    watched = world.log.watch_time.copy()
    watched[world.windows.test] = 0.0
    folders = []
    for name, log in (("as it is", world.log), ("relabelled", replace(world.log, watch_time=watched))):
        folders.append(tmp_path / name)
        folders[-1].mkdir()
        task, _ = module("_task").make_task(log, world.clips.array, world.windows)
        module("_contract").write_task(folders[-1], task)
    first, second = ({path.name: path.read_bytes() for path in folder.iterdir()} for folder in folders)
    assert first == second
    assert len(first) == 5
    assert list(pd.read_parquet(folders[0] / "test.parquet").columns) == list(module("_contract").INPUTS)


def test_a_task_is_read_as_it_was_written_and_test_labels_are_refused(tiny, tmp_path):
    contract = module("_contract")
    contract.write_task(tmp_path, tiny)
    found = contract.read_task(tmp_path)
    for name in ("train", "valid", "test"):
        pd.testing.assert_frame_equal(getattr(found, name), getattr(tiny, name))
    np.testing.assert_array_equal(found.clips, tiny.clips)
    assert (found.num_users, found.num_duration_buckets) == (2, 2)
    leaking = replace(tiny, test=tiny.test.assign(label=1))
    with pytest.raises(ValueError, match=r"test\.parquet must have the columns .*'timestamp'\), got .*'label'\)"):
        contract.write_task(tmp_path, leaking)


# The peers


def test_rates_by_hand(tiny):
    simple = module("_simple")
    assert simple.base_rate(tiny, seed=0).score == pytest.approx([2 / 6, 2 / 6])
    user = simple.user_rate(tiny, seed=0)
    # Of the five training rows 0.4 are complete, the user of the validation row never completed: little smoothing wins.
    assert user.about == {"strength": 1.0}
    assert user.score == pytest.approx([(2 + 1 / 3) / (3 + 1), (0 + 1 / 3) / (3 + 1)])
    video = simple.popularity(tiny, seed=0)
    assert video.about == {"strength": 100.0}  # the video of the validation row was completed in training
    assert video.score == pytest.approx([(0 + 100 / 3) / (2 + 100), (1 + 100 / 3) / (2 + 100)])


def test_position_prior_by_hand(tiny):
    answer = module("_simple").position_prior(tiny, seed=0)
    everyone = [(2 + 0.5) / (6 + 1), (2 + 0.5) / (4 + 1)]  # two of six leave at clip 0, two of four at clip 1
    first = [(0 + everyone[0]) / (3 + 1), (1 + everyone[1]) / (3 + 1)]
    second = [(2 + everyone[0]) / (3 + 1), (1 + everyone[1]) / (1 + 1)]
    np.testing.assert_allclose(answer.hazards, [first, second])
    assert answer.score == pytest.approx([(1 - a) * (1 - b) for a, b in (first, second)])


def test_logistic_regression_against_scikit_learn():
    rng = np.random.default_rng(0)
    features = rng.normal(size=(500, 2)) * [0.01, 30] + [5, -2]
    label = (rng.random(500) < 1 / (1 + np.exp(-200 * (features[:, 0] - 5) - 0.02 * features[:, 1]))).astype(int)
    found = module("_simple").Logistic.fit(features, label, ridge=0.0)
    scaled = (features - features.mean(axis=0)) / features.std(axis=0)
    other = LogisticRegression(C=np.inf, tol=1e-10).fit(scaled, label).predict_proba(scaled)[:, 1]
    np.testing.assert_allclose(found.predict(features), other, atol=1e-6)


def test_logistic_regression_of_separable_data_is_finite():
    found = module("_simple").Logistic.fit(np.array([[0.0], [1.0]]), np.array([0, 1]))
    assert np.isfinite(found.coefficients).all()
    assert found.predict(np.array([[0.0], [1.0]])) == pytest.approx([0, 1], abs=1e-2)


@pytest.mark.parametrize("num_clips", [1, 4])
def test_products_against_loops(num_clips):
    world = small_world(seed=1)
    task, _ = task_of(world)
    clips = world.clips.array.reshape(40, num_clips, 8 // num_clips, 32).mean(axis=2)
    graph, rows = task.known[~task.known["supervision"]], task.test
    found = module("_simple").products(graph, rows, clips, task)
    for at, (user, video) in enumerate(zip(rows["user"], rows["video"])):
        own = graph[graph["user"] == user]
        positive = [clip for shown in own.loc[own["label"] == 1, "video"] for clip in clips[shown]]
        skips = own[own["label"] == 0]
        negative = [clips[shown, stop * num_clips // 8] for shown, stop in zip(skips["video"], skips["stop"])]
        for side, vectors in enumerate((positive, negative)):
            mean = np.mean(vectors, axis=0) if vectors else np.zeros(32)
            np.testing.assert_allclose(found[at, :, side], clips[video] @ mean, atol=1e-6)


def test_a_user_without_edges_has_products_of_zero(tiny):
    simple = module("_simple")
    graph = tiny.train[tiny.train["user"] == 1]
    found = simple.products(graph, tiny.test, tiny.clips, tiny)
    assert (found[0] == 0).all()
    assert found[1].tolist() == [[0, (3 + 5) / 2 * 5], [0, 0]]  # left videos 1 and 2 at clip 0


def test_clips_that_do_not_divide_are_refused(tiny):
    with pytest.raises(ValueError, match="num_clips must divide the 2 clips of the task, got 3"):
        module("_simple").graph_mean(tiny, seed=0, num_clips=3)


def test_the_logistic_peers_reach_their_reference_values():
    """The specification's GAUC for N_c = 8 and 1 are .804 and .734, of the hazard .809; the oracle has .838."""
    simple = module("_simple")
    values = []
    for seed in range(3):
        world = SyntheticSkip(seed=seed)
        task, truth = task_of(world)
        answers = [simple.graph_mean(task, 0, 8), simple.graph_mean(task, 0, 1), simple.clip_hazard(task, 0, 8)]
        values.append([metrics.gauc(truth["label"], answer.score, truth["user"]).value for answer in answers])
    fine, coarse, hazard = np.mean(values, axis=0)
    assert (fine, coarse, hazard) == pytest.approx((0.804, 0.734, 0.809), abs=0.015)
    assert fine - coarse >= 0.05
    assert max(fine, hazard) <= 0.838 + 0.01


@pytest.mark.parametrize("peer", ["graph_mean", "clip_hazard"])
def test_labels_in_random_order_teach_nothing(peer):
    task, truth = task_of(SyntheticSkip(seed=0))
    known = task.known
    order = np.random.default_rng(0).permutation(len(known))
    known[["label", "stop"]] = known[["label", "stop"]].to_numpy()[order]
    shuffled = replace(task, train=known, valid=known[:0])
    answer = getattr(module("_simple"), peer)(shuffled, seed=0, num_clips=8)
    assert metrics.gauc(truth["label"], answer.score, truth["user"]).value == pytest.approx(0.5, abs=0.02)


def test_hazards_of_coarser_clips_are_not_those_of_the_task():
    task, _ = task_of(small_world())
    answer = module("_simple").clip_hazard(task, seed=0, num_clips=1)
    assert answer.hazards is None
    known = task.known[task.known["supervision"]]
    assert answer.score.mean() == pytest.approx(known["label"].mean(), abs=0.1)


def test_gauc_of_the_tuned_peers_is_that_of_the_scorer():
    rng = np.random.default_rng(0)
    user, score = rng.integers(0, 20, 400), rng.integers(0, 5, 400) / 4
    label = (rng.random(400) < 0.5).astype(np.int8)  # whose sums must not overflow
    label[user == 3] = 1
    assert module("_deepctr").gauc(user, label, score) == pytest.approx(metrics.gauc(label, score, user).value)


def test_the_log_that_frame_is_trained_on_has_all_rows_with_a_label_and_no_other():
    world = small_world(seed=2)
    task, _ = task_of(world)
    log = module("_frame").training_log(task)
    wanted = world.log.select(np.sort(np.concatenate([world.windows.graph, world.windows.supervision])))
    pd.testing.assert_frame_equal(log.to_frame(), wanted.to_frame())
    assert (log.num_users, log.num_videos) == (12, 40)


@pytest.mark.parametrize(
    ("preset", "num_clips", "has_hazards"), [("survival", 8, True), ("survival", 1, False), ("paper", 8, False)]
)
def test_frame_answers(preset, num_clips, has_hazards):
    task, truth = task_of(small_world())
    answer = module("_frame").frame(task, seed=0, preset=preset, num_clips=num_clips)
    assert answer.score.shape == (len(truth),)
    assert len(np.unique(answer.score)) > 10
    assert answer.about["config"]["num_clips"] == num_clips
    assert (answer.hazards is not None) == has_hazards
    if has_hazards:
        np.testing.assert_allclose((1 - answer.hazards).prod(axis=1), answer.score, rtol=1e-4)


def test_trials_use_every_value_of_the_grid_about_equally_often():
    deepctr = module("_deepctr")
    trials = deepctr.draw_trials(12, seed=5)
    assert trials == deepctr.draw_trials(12, seed=5) != deepctr.draw_trials(12, seed=6)
    for name, values in deepctr.GRID.items():
        used = [trial[name] for trial in trials]
        assert all(used.count(value) == 12 / len(values) for value in values)
    assert sorted(trial["learning_rate"] for trial in deepctr.draw_trials(4, seed=0)) == [1e-4, 3e-4, 1e-3, 3e-3]


# What is accepted, and how it is scored


@pytest.fixture
def answered(tiny, tmp_path):
    """The truth of the tiny task, and a function that writes an answer after a change."""
    truth = tiny.test[["row_id", "user", "video"]].assign(label=[1, 0], stop=[2, 1])
    contract = module("_contract")
    measured = {"seconds": 0.1, "peak_memory_mb": 9, "versions": {"numpy": "2"}}
    folder = tmp_path / "answer"
    folder.mkdir()

    def write(change=None, without=(), hazards=None):
        answer = contract.Answer(np.array([0.75, 0.5]), num_parameters=3, hazards=hazards, about={"chosen": 1})
        contract.write_answer(folder, tiny, answer, {k: v for k, v in measured.items() if k not in without})
        if change:
            scores = pd.read_parquet(folder / "scores.parquet")
            change(scores).to_parquet(folder / "scores.parquet", index=False)
        return folder

    return write, truth


def test_an_answer_is_read_with_its_facts(answered):
    write, truth = answered
    scores, about = module("_scorer").read_answer(write(hazards=np.full((2, 2), 0.5)), truth, 2)
    assert list(scores.columns) == ["row_id", "score", "hazard_0", "hazard_1"]
    assert (about["num_parameters"], about["about"], about["peak_memory_mb"]) == (3, {"chosen": 1}, 9)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda s: s.iloc[:1], r"scores\.parquet must have 2 rows, one a test row, got 1"),
        (lambda s: s.iloc[::-1], r"must have the test rows in their order, got row_id 7 for 6 in row 0"),
        (lambda s: s.assign(row_id=[6, 9]), r"got row_id 9 for 7 in row 1"),
        (lambda s: s.assign(score=[0.5, np.nan]), r"must hold probabilities, got score nan in row 1"),
        (lambda s: s.assign(score=[np.inf, 0.5]), r"must hold probabilities, got score inf in row 0"),
        (lambda s: s.assign(score=[0.5, 1.001]), r"must hold probabilities, got score 1\.001 in row 1"),
        (lambda s: s.assign(hazard_0=0.5, hazard_1=[0.5, -0.1]), r"got hazard_1 -0\.1 in row 1"),
        (lambda s: s.assign(hazard_0=0.5), r"row_id, score and no or 2 hazards as columns, got \[.*'hazard_0'\]"),
        (lambda s: s.drop(columns="score"), r"row_id, score and no or 2 hazards as columns, got \['row_id'\]"),
    ],
)
def test_a_wrong_answer_is_refused(answered, change, message):
    write, truth = answered
    with pytest.raises(ValueError, match=message):
        module("_scorer").read_answer(write(change), truth, 2)


def test_an_answer_without_its_cost_is_refused(answered):
    write, truth = answered
    with pytest.raises(ValueError, match=r"answer\.json must have .*, \['seconds'\] are absent"):
        module("_scorer").read_answer(write(without=["seconds"]), truth, 2)


def test_figures_against_scikit_learn_and_loops():
    rng = np.random.default_rng(0)
    truth = pd.DataFrame({"user": np.repeat(np.arange(10), 20), "video": np.tile(np.arange(20), 10)})
    truth["stop"] = rng.integers(0, 5, 200)
    truth["label"] = (truth["stop"] == 4).astype(int)
    scores = pd.DataFrame({"score": rng.random(200)})
    found = module("_scorer").figures(scores, truth)
    assert tuple(found) == module("_scorer").METRICS
    assert found["auc"] == pytest.approx(roc_auc_score(truth["label"], scores["score"]))
    assert found["log_loss"] == pytest.approx(log_loss(truth["label"], scores["score"]))
    rows = [truth.index[truth["user"] == user] for user in range(10)]
    own = [(truth["label"][r], scores["score"][r]) for r in rows if truth["label"][r].nunique() == 2]
    assert found["gauc"] == pytest.approx(np.mean([roc_auc_score(*pair) for pair in own]))
    hits = [(label[score.nlargest(3).index].sum() / label.sum()) for label, score in own]
    assert found["recall@3"] == pytest.approx(np.mean(hits))
    assert found["skip_accuracy"] is found["skip_log_likelihood"] is None
    hazards = pd.DataFrame(rng.random((200, 4)), columns=[f"hazard_{clip}" for clip in range(4)])
    with_clips = module("_scorer").figures(scores.join(hazards), truth)
    survived = np.column_stack([np.ones(200), np.cumprod(1 - hazards.to_numpy(), axis=1)[:, :-1]])
    leaves = (survived * hazards.to_numpy())[truth["stop"] < 4]
    stop = truth.loc[truth["stop"] < 4, "stop"].to_numpy()
    assert with_clips["skip_accuracy"] == pytest.approx((leaves.argmax(axis=1) == stop).mean())
    shares = leaves[np.arange(len(stop)), stop] / leaves.sum(axis=1)
    assert with_clips["skip_log_likelihood"] == pytest.approx(np.log(shares).mean())


# The table


@pytest.fixture
def in_process(monkeypatch):
    """Peers answer in this process, which is faster; returns what they were called with."""
    called = []

    def start(command, **options):
        called.append(command[3])
        module("_peer").main(command[3:])
        return subprocess.CompletedProcess(command, 0, "", "")

    monkeypatch.setattr(subprocess, "run", start)
    return called


@pytest.fixture
def run(monkeypatch, tmp_path):
    """Run a contest of small worlds with two quick rows; returns the record, or raises."""
    runner, rows = module("_run"), module("_rows")
    monkeypatch.setattr(runner, "RESULTS", tmp_path)
    own = {row.name: row for row in rows.rows(BUDGET)}
    table = [own["position prior"], own["graph-mean logistic, 8 clips"]]
    monkeypatch.setattr(runner, "rows", lambda settings: table)

    def main(*arguments, rows=None, noise=0.35):
        if rows is not None:
            monkeypatch.setattr(runner, "rows", lambda settings: rows)
        contest = runner.Contest(
            "tiny", "Tiny", "By chance.", lambda seed: (task_of(small_world(seed=seed, noise=noise)), None)
        )
        runner.main(contest, "python -m benchmarks peers tiny", list(arguments))
        return json.loads((tmp_path / "tiny.json").read_text())

    return main


def test_a_table_and_what_is_recorded_with_it(run, in_process, tmp_path, capsys):
    record = run("--seeds", "0", "1")
    assert [row["name"] for row in record["rows"]] == ["position prior", "graph-mean logistic, 8 clips"]
    assert record["command"] == "python -m benchmarks peers tiny --seeds 0 1"
    prior, logistic = record["rows"]
    assert prior["values"]["gauc"] == [0.5, 0.5]
    assert len(set(logistic["values"]["gauc"])) == 2
    assert logistic["values"]["skip_accuracy"] == [None, None]
    assert prior["gauc_minus_reference"]["difference"] == pytest.approx(
        0.5 - np.mean(logistic["values"]["gauc"]), abs=0.02
    )
    assert prior["gauc_minus_reference"]["lower"] < prior["gauc_minus_reference"]["upper"]
    assert prior["versions"].keys() == {"python", "numpy", "pandas"}
    text = (tmp_path / "tiny.md").read_text()
    assert capsys.readouterr().out == text + "\n"
    mean, spread = np.mean(logistic["values"]["auc"]), np.std(logistic["values"]["auc"], ddof=1)
    assert "| graph-mean logistic, 8 clips | " in text
    assert f"| {mean:.4f} ± {spread:.4f} |" in text
    spec = importlib.util.spec_from_file_location("results_rst", REPOSITORY / "docs" / "_ext" / "results_rst.py")
    documentation = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(documentation)
    assert "list-table" in documentation.render("quality", record)


def test_a_peer_is_a_process_of_its_own(run):
    (row,) = run("--seeds", "0", "--rows", "prior")["rows"]
    assert row["values"]["gauc"] == [0.5]
    assert 20 < row["peak_memory_mb"][0] < 400  # without torch, which this process has loaded


def test_only_what_is_missing_or_of_another_task_is_run(run, in_process):
    run("--seeds", "0", "--rows", "prior")
    started = in_process
    started.clear()
    run("--seeds", "0")
    assert started == ["benchmarks.peers._simple:graph_mean"]
    run("--seeds", "0", "--rows", "prior", noise=0.3)
    assert started[1:] == ["benchmarks.peers._simple:position_prior"]
    table = module("_run").rows(BUDGET)
    changed = run(
        "--seeds", "0", "--rows", "8 clips", rows=[table[0], replace(table[1], options={"num_clips": 4})], noise=0.3
    )
    assert started[2:] == ["benchmarks.peers._simple:graph_mean"]
    assert [row["config"] for row in changed["rows"]] == [{}, {"num_clips": 4}]
    run("--seeds", "0", "--rows", "prior", "--fresh", noise=0.3)
    assert started[3:] == ["benchmarks.peers._simple:position_prior"]


def test_a_peer_that_fails_or_answers_wrongly_leaves_no_answer(run, monkeypatch, tmp_path):
    (row, _) = module("_run").rows(BUDGET)
    absent = replace(row, function="benchmarks.peers._simple:absent")
    with pytest.raises(RuntimeError, match=r"(?s)position prior, seed 0, failed: .*has no attribute 'absent'"):
        run("--seeds", "0", rows=[absent])

    def start(command, **options):
        out = Path(command[5])
        pd.DataFrame({"row_id": [0], "score": [0.5]}).to_parquet(out / "scores.parquet")
        return subprocess.CompletedProcess(command, 0, "", "")

    monkeypatch.setattr(subprocess, "run", start)
    with pytest.raises(ValueError, match=r"position prior, seed 0: scores\.parquet must have 72 rows"):
        run("--seeds", "0", rows=[row])
    assert not (tmp_path / ".tiny" / "seed0" / "position-prior").exists()
    assert not (tmp_path / "tiny.json").exists()


def test_a_row_above_the_oracle_is_an_error():
    check = module("_report").check_oracle
    rows = [
        {"name": name, "values": {"gauc": values}} for name, values in (("a", [0.8, 0.86]), ("oracle", [0.8, 0.84]))
    ]
    check({"rows": rows})  # 0.83 against 0.82 + 0.01
    rows[0]["values"]["gauc"] = [0.8, 0.861]
    with pytest.raises(RuntimeError, match=r"must be at most 0\.8300, the oracle's \+ 0\.01, got \{'a': 0\.8305\}"):
        check({"rows": rows})


def test_every_row_has_a_folder_of_its_own_and_tuned_peers_the_same_budget():
    rows = module("_rows").rows(Namespace(trials=3, epochs=7, patience=2))
    assert len({module("_run")._folder_of(row, Path()) for row in rows}) == len(rows)
    tuned = [row.options for row in rows if row.environment == "deepctr"]
    assert [options["model"] for options in tuned] == ["DeepFM", "NFM", "AutoInt", "DIFM", "AFN"]
    assert all({**options, "model": ""} == {"model": "", "trials": 3, "epochs": 7, "patience": 2} for options in tuned)


def test_the_benchmark_is_found_by_its_name(capsys):
    assert importlib.import_module("benchmarks.__main__").main(["peers"]) == 2
    assert "peers: frame" in capsys.readouterr().err


@pytest.mark.slow
@pytest.mark.timeout(900)  # makes an environment
@pytest.mark.network
def test_the_models_of_deepctr_answer_in_their_own_environment(run):
    rows = [row for row in module("_rows").rows(BUDGET) if row.environment == "deepctr"]
    record = run("--seeds", "0", rows=rows)
    assert [row["name"] for row in record["rows"]] == ["DeepFM", "NFM", "AutoInt", "DIFM", "AFN"]
    assert all(row["versions"]["deepctr-torch"] == "0.3.0" for row in record["rows"])
    assert all(set(row["found"][0]["chosen"]) >= set(module("_deepctr").GRID) for row in record["rows"])
