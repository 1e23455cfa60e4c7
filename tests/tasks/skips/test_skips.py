"""The task skips: its parts, its figures, and its answers; the contract holds the rest."""

from __future__ import annotations

import re
import shutil
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import log_loss, roc_auc_score

from graphvid.data import ClipFeatures, WatchLog, split_by_time
from graphvid.models import FRAMEConfig
from graphvid.runs import Report, RunDirectory
from graphvid.tasks import load_run, train
from graphvid.tasks.skips import ViewSource, load_views
from tests.compare_runs import compare


def train_frame(source, folder, config, *, ablation=True, **options):
    return train("frame", replace(source, ablation=ablation), folder, config, **options)


def load_frame(path):
    run = load_run(path)
    return run.model(), run.training_views()


def predict_frame(path, log, **options):
    return load_run(path).predict(log, **options)


@pytest.fixture
def copy(skip_finished, tmp_path):
    return RunDirectory(shutil.copytree(skip_finished, tmp_path / "run"))


@pytest.fixture
def no_report(monkeypatch):
    """Leave the report out, which takes longer than all else here; it is a function of the files that are compared."""
    monkeypatch.setattr("graphvid.tasks.skips.Skips.report", lambda *_: Report("", "", []))


class TestDirectory:
    @pytest.mark.usefixtures("no_report")
    def test_a_folder_of_fewer_clips_is_a_run_of_its_own(self, skip_source, skip_config, skip_finished, tmp_path):
        options = {"ablation": False, "checkpoint_every": 4, "log_every": 3, "progress": False}
        train_frame(skip_source, tmp_path / "run", replace(skip_config, num_clips=1), **options)
        assert all(line.startswith("equal") for line in compare(tmp_path / "run", skip_finished / "clips-1"))
        assert RunDirectory(tmp_path / "run").read_metrics()["ablation"] == []

    @pytest.mark.usefixtures("no_report")
    @pytest.mark.parametrize(("num_clips", "fewer"), [(1, []), (2, [1]), (4, [2, 1])])
    def test_which_fewer_clips(self, monkeypatch, skip_source, skip_config, tmp_path, num_clips, fewer):
        monkeypatch.setattr("graphvid.runs.engine.fit", lambda *_, **__: None)
        config = replace(skip_config, num_clips=num_clips)
        metrics = train_frame(skip_source, tmp_path / "run", config, progress=False)
        assert [found["num_clips"] for found in metrics["ablation"]] == fewer
        assert list(RunDirectory(tmp_path / "run").read_config()["parts"]) == [f"clips-{count}" for count in fewer]

    @pytest.mark.usefixtures("no_report")
    def test_what_is_trained_is_said(self, monkeypatch, capsys, skip_source, skip_config, tmp_path):
        monkeypatch.setattr("graphvid.runs.engine.fit", lambda *_, **__: None)
        train_frame(skip_source, tmp_path / "run", skip_config)
        said = re.findall(r"Training with \d clips? a video", capsys.readouterr().out)
        assert said == [
            "Training with 4 clips a video",
            "Training with 1 clip a video",
            "Training with 8 clips a video",
        ]

    def test_the_split_is_that_of_time(self, skip_finished, skip_files):
        log = WatchLog.read(skip_files / "log.csv")
        windows, stored = split_by_time(log), np.load(skip_finished / "split.npz")
        assert stored["test"].tolist() == windows.test.tolist()
        assert stored["train"].tolist() == sorted([*windows.graph, *windows.supervision])

    def test_predictions_are_of_the_test_views(self, skip_finished, skip_files):
        stored = np.load(skip_finished / "predictions.npz")
        frame = pd.read_csv(skip_files / "log.csv")
        test = frame.iloc[np.load(skip_finished / "split.npz")["test"]]
        assert stored["user_id"].tolist() == test["user_id"].tolist()
        assert stored["video_id"].tolist() == test["video_id"].tolist()
        assert stored["stop"].tolist() == [min(int(seconds // 1), 8) for seconds in test["watch_time"]]
        assert stored["watch_time"] == pytest.approx(test["watch_time"].clip(upper=8.0))
        assert stored["drop_off"].shape == (len(test), 9)
        assert stored["complete"] == pytest.approx(stored["stay"].prod(axis=1), rel=1e-5)


class TestResuming:
    @pytest.mark.parametrize(
        ("change", "options", "message"),
        [
            ({"dim": 9}, {}, r"model\.dim was 8, now 9"),
            ({}, {"ablation": False}, r"parts\.clips-1 was \{.*\}, now None; parts\.clips-4"),
        ],
    )
    def test_other_options_are_refused_by_name(self, skip_source, skip_config, copy, change, options, message):
        with pytest.raises(ValueError, match=f"another configuration: {message}"):
            train_frame(skip_source, copy.path, replace(skip_config, **change), resume=True, progress=False, **options)


class TestFigures:
    @pytest.fixture
    def stored(self, skip_finished):
        return np.load(skip_finished / "predictions.npz")

    @pytest.fixture
    def metrics(self, skip_finished):
        return RunDirectory(skip_finished).read_metrics()

    @pytest.fixture
    def training(self, skip_files, skip_finished):
        frame = pd.read_csv(skip_files / "log.csv")
        frame["stop"] = [min(int(seconds // 1), 8) for seconds in frame["watch_time"]]
        return frame.iloc[np.load(skip_finished / "split.npz")["train"]]

    def test_of_the_model_against_scikit_learn_and_loops(self, metrics, stored, training):
        found, complete = metrics["methods"]["FRAME"], stored["stop"] == 8
        assert found["auc"] == pytest.approx(roc_auc_score(complete, stored["complete"]))
        assert found["log_loss"] == pytest.approx(log_loss(complete, stored["complete"]))
        rate = (training["stop"] == 8).mean()
        assert metrics["base_rate_log_loss"] == pytest.approx(log_loss(complete, np.full(len(complete), rate)))
        areas, sizes = [], []
        for user in np.unique(stored["user_id"]):
            rows = stored["user_id"] == user
            if 0 < complete[rows].sum() < rows.sum():
                areas.append(roc_auc_score(complete[rows], stored["complete"][rows]))
                sizes.append(rows.sum())
        assert found["gauc"]["value"] == pytest.approx(np.average(areas, weights=sizes))
        assert (found["gauc"]["num_users"], found["gauc"]["num_left_out"]) == (len(areas), 20 - len(areas))
        expected = stored["watch_ratio"] * 8.0
        assert found["watch_time"]["mean_absolute_error"] == pytest.approx(
            np.abs(expected - stored["watch_time"]).mean(), rel=1e-5
        )

    def test_of_the_position_prior_by_counting(self, metrics, stored, training):
        hazard = []
        for clip in range(8):
            reached, left = (training["stop"] >= clip).sum(), (training["stop"] == clip).sum()
            hazard.append((left + 0.5) / (reached + 1))
        alive = np.concatenate([[1.0], np.cumprod(1 - np.array(hazard))])
        lands = alive[:8] * hazard / (1 - alive[8])
        skips = stored["stop"][stored["stop"] < 8]
        found = metrics["methods"]["position prior"]
        assert found["skip_clip"]["log_likelihood"] == pytest.approx(np.log(lands[skips]).mean())
        assert found["skip_clip"]["accuracy"] == pytest.approx((skips == lands.argmax()).mean())
        assert found["gauc"]["value"] == 0.5
        seconds = 8 * (lands @ (np.arange(8) + 0.5) / 8 * (1 - alive[8]) + alive[8])
        mae = np.abs(stored["watch_time"] - seconds).mean()
        assert found["watch_time"]["mean_absolute_error"] == pytest.approx(mae)

    @pytest.mark.parametrize(("method", "column"), [("rate of the user", "user_id"), ("rate of the video", "video_id")])
    def test_of_the_rates_by_counting(self, metrics, stored, training, method, column):
        overall = (training["stop"] == 8).mean()
        score = []
        for value in stored[column]:
            rows = training[training[column] == value]
            score.append(((rows["stop"] == 8).sum() + 10 * overall) / (len(rows) + 10))
        found = metrics["methods"][method]
        assert found["log_loss"] == pytest.approx(log_loss(stored["stop"] == 8, score))
        assert (found["skip_clip"], found["watch_time"]) == (None, None)

    def test_fewer_clips_are_compared_on_the_same_views(self, metrics, skip_finished):
        for found in metrics["ablation"]:
            own = RunDirectory(skip_finished / f"clips-{found['num_clips']}").read_metrics()["methods"]["FRAME"]
            assert {name: found[name] for name in own} == own
            gain = found["gauc_difference"]
            fine = metrics["methods"]["FRAME"]["gauc"]["value"]
            assert gain["difference"] == pytest.approx(fine - own["gauc"]["value"])
            assert gain["lower"] <= gain["difference"] <= gain["upper"]

    def test_leaving_clips_by_counting(self, metrics, training, skip_finished):
        usual, shares = {}, {}
        for clip in range(8):
            usual[clip] = ((training["stop"] == clip).sum() + 0.5) / ((training["stop"] >= clip).sum() + 1)
            for video, rows in training.groupby("video_id"):
                left, reached = (rows["stop"] == clip).sum(), (rows["stop"] >= clip).sum()
                if left:
                    shares[video, clip] = ((left + 10 * usual[clip]) / (reached + 10), left, reached)
        top = sorted((share for share, _, _ in shares.values()), reverse=True)[:15]
        model, views = load_frame(skip_finished)
        assert len(metrics["clips"]) == 15
        for row, expected in zip(metrics["clips"], top, strict=True):
            share, left, reached = shares[row["video_id"], row["clip"]]
            assert share == pytest.approx(expected)
            assert (row["left"], row["reached"]) == (left, reached)
            assert row["usual"] == pytest.approx(usual[row["clip"]])
            said = model.predict(np.arange(20), np.full(20, views.video_ids.get_loc(row["video_id"])))
            there = said.drop_off[:, row["clip"]]
            leave = there * (1 - said.stay[:, row["clip"]])
            assert row["predicted"] == pytest.approx(leave.sum() / there.sum(), rel=1e-5)

    def test_counts_of_views(self, metrics, stored, training):
        new = sum(video not in set(training["video_id"]) for video in stored["video_id"])
        assert new == 2
        assert metrics["views"] == {
            "training": 180,
            "test": 60,
            "test_of_new_users": 0,
            "test_of_new_videos": new,
            "dropped": {},
        }

    @pytest.mark.parametrize("preset", ["paper", "official"])
    def test_other_heads_say_nothing_of_hazards(self, skip_source, tmp_path, preset):
        config = replace(FRAMEConfig.preset(preset), dim=8, hidden=8, num_epochs=1)
        metrics = train_frame(skip_source, tmp_path / "run", config, ablation=False, progress=False)
        found = metrics["methods"]["FRAME"]
        assert (found["skip_clip"], found["watch_time"]) == (None, None)
        assert "drop_off" not in np.load(tmp_path / "run" / "predictions.npz")
        assert "so it has no row and no line" in (tmp_path / "run" / "report.html").read_text()
        log = WatchLog.from_frame(pd.DataFrame({"user_id": ["u1"], "video_id": ["v1"]}))
        table = predict_frame(tmp_path / "run", log)
        assert table.columns.tolist() == ["user_id", "video_id", "complete", "offending_clip", "best_clip"]


class TestPredicting:
    def pairs(self, users, videos, **columns):
        return WatchLog.from_frame(pd.DataFrame({"user_id": users, "video_id": videos, **columns}), duplicates="keep")

    def test_the_test_views_again(self, skip_finished):
        stored = np.load(skip_finished / "predictions.npz")
        table = predict_frame(skip_finished, self.pairs(stored["user_id"], stored["video_id"], duration=8.0))
        assert table["user_id"].tolist() == stored["user_id"].tolist()
        assert np.array_equal(table["complete"], stored["complete"])
        assert table["offending_clip"].tolist() == stored["stay"].argmin(axis=1).tolist()
        assert table["best_clip"].tolist() == stored["stay"].argmax(axis=1).tolist()
        assert table["watch_time"].to_numpy() == pytest.approx(8 * stored["watch_ratio"])

    def test_new_users_and_videos(self, skip_finished):
        model, views = load_frame(skip_finished)
        array = np.random.default_rng(0).normal(size=(2, 16, 32)).astype(np.float32)
        new = ClipFeatures(["new", "v3"], array)
        log = self.pairs(["u4", "nobody", "u4"], ["new", "v3", "unseen"])
        table = predict_frame(skip_finished, log, clips=new)
        user = views.user_ids.get_loc("u4")
        assert table["complete"][0] == model.predict([user], [0], clips=new.pool(8)).complete[0]
        assert table["complete"][1] == model.predict([-1], [views.video_ids.get_loc("v3")]).complete[0]
        assert table["watch_time"].isna().tolist() == [True, False, True]  # nobody knows their durations
        seconds = predict_frame(skip_finished, self.pairs(["u4"], ["new"], duration=[20.0]), clips=new)
        assert seconds["watch_time"][0] == pytest.approx(20 * table["watch_ratio"][0])

    @pytest.mark.usefixtures("no_report")
    def test_integer_ids_are_found_as_text(self, skip_files, skip_config, tmp_path):
        frame = pd.read_csv(skip_files / "log.csv")
        frame["user_id"] = frame["user_id"].str[1:].astype(int)
        frame.to_parquet(tmp_path / "log.parquet")
        source = ViewSource(log=str(tmp_path / "log.parquet"), clips=str(skip_files / "clips"))
        train_frame(source, tmp_path / "run", skip_config, ablation=False, progress=False)
        tables = [predict_frame(tmp_path / "run", self.pairs(users, ["v1"] * 2)) for users in ([3, 4], ["3", "4"])]
        assert np.array_equal(tables[0]["complete"], tables[1]["complete"])

    @pytest.mark.parametrize("clips", [None, ClipFeatures(["other"], np.zeros((1, 8, 32)))])
    def test_an_unknown_video_needs_clips(self, skip_finished, clips):
        message = "clips must be given for the 1 videos that the run does not know, got none for 'new'"
        with pytest.raises(ValueError, match=message):
            predict_frame(skip_finished, self.pairs(["u1", "u2"], ["new", "new"]), clips=clips)

    @pytest.mark.parametrize(
        ("shape", "message"),
        [
            ((1, 12, 32), "num_clips must divide the 12 of the clip features, got 8"),
            ((1, 8, 31), "clips must have 8 clips of 32 columns, got 8 of 31"),
        ],
    )
    def test_clips_of_another_form(self, skip_finished, shape, message):
        with pytest.raises(ValueError, match=message):
            predict_frame(skip_finished, self.pairs(["u1"], ["new"]), clips=ClipFeatures(["new"], np.zeros(shape)))

    @pytest.mark.parametrize("damage", ["truncated", "other model"])
    def test_damaged_weights_are_named(self, copy, damage):
        file = copy.path / "network.safetensors"
        if damage == "truncated":
            file.write_bytes(file.read_bytes()[:-1])
        else:
            copy.config.write_text(copy.config.read_text().replace('"dim": 8', '"dim": 9'))
        message = {
            "truncated": "is not .* or it is truncated or corrupt",
            "other model": "holds the weights of another model than",
        }
        with pytest.raises(ValueError, match=rf"network\.safetensors {message[damage]}"):
            load_frame(copy.path)

    def test_unfinished_and_other_runs(self, copy, skip_finished):
        (copy.path / "network.safetensors").unlink()
        with pytest.raises(FileNotFoundError, match=r"unfinished run without network\.safetensors"):
            load_frame(copy.path)
        for name in ("neighbors", "embed", "recommend"):
            message = rf"holds a run of FRAME, which does not answer '{name}'; it answers \['evaluate', 'predict'\]"
            with pytest.raises(ValueError, match=message):
                load_run(skip_finished).answer(name)


def test_evaluate_gives_the_stored_figures_exactly(skip_finished, copy):
    run = load_run(skip_finished)
    assert run.evaluate(progress=False) == run.metrics["methods"]
    text = copy.config.read_text()
    copy.config.write_text(text.replace('"crc32": ', '"crc32": 1'))
    with pytest.raises(ValueError, match=r"the source of .*run has changed: it was"):
        load_run(copy.path).evaluate(progress=False)


class TestRefusedBeforeTraining:
    def refuse(self, source, config, tmp_path, message, **options):
        with pytest.raises(ValueError, match=message):
            train_frame(source, tmp_path / "run", config, progress=False, **options)
        assert not (tmp_path / "run").exists()

    def test_another_number_of_clips(self, skip_source, skip_config, tmp_path):
        config = replace(skip_config, num_clips=3)
        self.refuse(skip_source, config, tmp_path, "num_clips must divide the 8 of the clip features, got 3")

    @pytest.mark.parametrize(
        ("watched", "message"),
        [
            (lambda test: 8.0, r"at least 2 users must have both .* among the test views, got 0: 240 of 240"),
            (lambda test: 3.0, r"at least 2 users must have both .* got 0: 0 of 60 test views are complete"),
            (lambda test: np.where(test, 8.0, 3.0), "at least 2 users must have both"),
        ],
    )
    def test_test_views_of_one_kind(self, skip_files, skip_config, tmp_path, watched, message):
        frame = pd.read_csv(skip_files / "log.csv")
        last = frame.groupby("user_id")["timestamp"].rank(method="first") > 9
        frame.assign(watch_time=watched(last)).to_csv(tmp_path / "log.csv", index=False)
        source = ViewSource(log=str(tmp_path / "log.csv"), clips=str(skip_files / "clips"))
        self.refuse(source, skip_config, tmp_path, message.replace("240", "60"))

    def test_training_views_of_one_kind(self, skip_files, skip_config, tmp_path):
        frame = pd.read_csv(skip_files / "log.csv")
        early = frame.groupby("user_id")["timestamp"].rank(method="first") <= 9
        frame.loc[early, "watch_time"] = 8.0
        frame.to_csv(tmp_path / "log.csv", index=False)
        source = ViewSource(log=str(tmp_path / "log.csv"), clips=str(skip_files / "clips"))
        self.refuse(
            source, skip_config, tmp_path, "log must have both complete views and skips, got 180 complete of 180"
        )

    def test_a_zero_duration_with_strict(self, skip_files, skip_config, tmp_path):
        for row in (0, 239):  # in training, in test
            frame = pd.read_csv(skip_files / "log.csv").sort_values("timestamp")
            frame.iloc[row, frame.columns.get_loc("duration")] = 0.0
            frame.to_csv(tmp_path / "log.csv", index=False)
            source = ViewSource(log=str(tmp_path / "log.csv"), clips=str(skip_files / "clips"), strict=True)
            self.refuse(source, skip_config, tmp_path, r"1 rows of the log have no duration > 0")

    @pytest.mark.usefixtures("no_report")
    def test_short_views_are_counted(self, skip_source, skip_config, tmp_path):
        config = replace(skip_config, min_watch_time=0.5)
        metrics = train_frame(skip_source, tmp_path / "run", config, ablation=False, progress=False)
        views = load_views(skip_source)
        short = sum(int((log.watch_time < 0.5).sum()) for log in (views.train, views.test))
        assert short > 0
        assert metrics["views"]["dropped"] == {"min_watch_time": short}
        assert metrics["views"]["training"] + metrics["views"]["test"] == 240 - short


def test_the_final_fit_trains_on_all_views(skip_source, skip_config, tmp_path):
    source = replace(skip_source, test_fraction=0.0)
    metrics = train("frame", source, tmp_path / "run", replace(skip_config, num_epochs=1), progress=False)
    assert (metrics["methods"], metrics["verdicts"], metrics["views"]["training"]) == ({}, [], 240)
    assert sorted(entry.name for entry in (tmp_path / "run").iterdir() if entry.is_dir()) == ["clips"]
    assert "nothing is judged" in (tmp_path / "run" / "report.html").read_text()
    log = WatchLog.from_frame(pd.DataFrame({"user_id": ["u1"], "video_id": ["v1"]}))
    run = load_run(tmp_path / "run")
    assert run.predict(log)["complete"].between(0, 1).all()
    with pytest.raises(ValueError, match=r"trained on all views, so nothing can be judged"):
        run.evaluate()
