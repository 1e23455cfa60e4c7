"""The command: what it prints, what it writes, and that a mistake is one sentence and exit code 2."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest

import graphvid
from graphvid._quickstart import WORLDS
from graphvid._train_command import parse_options
from graphvid.cli import main
from graphvid.data import ClipFeatures, Features, SyntheticCoWatch, SyntheticSkip, load_features
from graphvid.runs import Report
from graphvid.tasks import METHODS, task_of

SMALL = ["--set", "hidden=[16]", "--set", "dim=8", "--set", "batch_size=32", "--set", "num_steps=4", "--quiet"]

SMALL_FRAME = ["--set", "hidden=8", "--set", "dim=8", "--set", "num_epochs=1", "--set", "num_clips=2", "--quiet"]


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    folder = tmp_path_factory.mktemp("world")
    world = SyntheticCoWatch(num_users=150, num_videos=96, watches_per_user=6.0)
    world.log.to_frame().to_csv(folder / "log.csv", index=False)
    Features([f"v{i}" for i in range(96)], world.features.modalities).save(folder / "named.npz")
    world.features.save(folder / "features.npz")
    skips = SyntheticSkip(num_users=20, num_videos=40, impressions_per_user=12)
    skips.log.to_frame().to_csv(folder / "views.csv", index=False)
    skips.clips.save(folder / "clips")
    return folder


@pytest.fixture
def run(monkeypatch, capsys):
    def command(*arguments):
        monkeypatch.setattr(sys, "argv", ["graphvid", *map(str, arguments)])
        with pytest.raises(SystemExit) as ended:
            main()
        captured = capsys.readouterr()
        return ended.value.code, captured.out, captured.err

    return command


@pytest.fixture
def train(run, files):
    def command(out, *more):
        source = ["--log", files / "log.csv", "--features", files / "features.npz", "--tune", "none"]
        return run("train", "rgc", "--out", out, *source, *SMALL, *more)

    return command


@pytest.fixture(scope="module")
def finished(files, tmp_path_factory):
    from graphvid.models import RGCConfig
    from graphvid.tasks import train
    from graphvid.tasks.co_watch import CoWatchSource

    out = tmp_path_factory.mktemp("runs") / "finished"
    source = CoWatchSource(log=str(files / "log.csv"), features=str(files / "features.npz"), tune="none")
    train("rgc", source, out, RGCConfig(hidden=(16,), dim=8, batch_size=32, num_steps=4), progress=False)
    return out


def assert_sentence(result, pattern):
    code, _, err = result
    assert code == 2
    assert "Traceback" not in err
    assert re.fullmatch(rf"graphvid: .*{pattern}.*\n", err), err


def test_train_prints_the_table_and_writes_the_run(train, finished, tmp_path):
    code, out, err = train(tmp_path / "run")
    assert code == 0, err
    assert "videos that training never saw" in out.splitlines()[0]
    assert re.match(r"method +NDCG@60 +MAP +MRR +Recall@60 +Hit@60 +x features$", out.splitlines()[2])
    ndcg = json.loads((tmp_path / "run" / "metrics.json").read_text())["cold_start"]["graphvid"]["ndcg"]
    assert re.search(rf"^graphvid +{ndcg:.4f} ", out, re.MULTILINE)
    assert f"Report: {tmp_path / 'run' / 'report.html'}" in out
    same = "encoder.safetensors"
    assert (tmp_path / "run" / same).read_bytes() == (finished / same).read_bytes()


def test_a_folder_with_a_run_is_refused_and_resumed_on_request(train, finished):
    assert_sentence(train(finished), r"already holds a run; resume it \(--resume\) or choose another folder")
    code, out, err = train(finished, "--resume")
    assert code == 0, err
    assert "videos that training never saw" in out


def test_resuming_with_another_option_names_it(train, finished):
    assert_sentence(train(finished, "--resume", "--set", "dropout=0"), r"model\.dropout was 0\.3, now 0")


@pytest.mark.parametrize(
    ("option", "message"),
    [
        ("dropout", r"--set must be NAME=VALUE, got 'dropout'"),
        ("size=3", r"unknown options \['size'\]; known are \["),
        ("=3", r"unknown options \[''\]"),
        ("num_steps=many", "num_steps must be an integer >= 1, got 'many'"),
        ("hidden=32", "hidden must be a list of integers >= 1, got 32"),
        ("mining=true", "mining must be False unless loss is 'triplet'"),
        ("learning_rate=NaN", "learning_rate must be a finite number > 0, got nan"),
        ("loss=", r"loss must be one of \['neighbor_softmax', 'softmax', 'triplet'\], got ''"),
    ],
)
def test_wrong_settings_leave_no_folder(train, tmp_path, option, message):
    assert_sentence(train(tmp_path / "run", "--set", option), message)
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--preset", "big"], r"preset must be one of \['default', 'paper'\], got 'big'"),
        (["--weight", "tfidf"], r"weight must be one of .*, got 'tfidf'"),
        (["--top-k", "0"], "top_k must be null or an integer >= 1, got 0"),
        (["--min-count", "1000"], "the log has no edge: no two videos share min_count=1000 users"),
        (["--checkpoint-every", "0"], "checkpoint_every must be an integer >= 1, got 0"),
        (["--dataset", "tiktok"], r"exactly one of dataset, log and edges must be given, got \['dataset', 'log'\]"),
    ],
)
def test_wrong_arguments_leave_no_folder(train, tmp_path, arguments, message):
    assert_sentence(train(tmp_path / "run", *arguments), message)
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("user_id,video_id\n1,0\n1,1\n", "log must have at least 2 users who watched something, got 1"),
        ("user_id,video_id\n1,0\n2,1\n", "the log has no edge"),
        ("user_id,video\n1,0\n", "the log must have the columns"),
        ("user_id,video_id\n", "the log must have at least one row, got an empty log"),
        ("user_id,video_id\n1,0\n1,999\n2,0\n", "999"),
    ],
)
def test_wrong_logs(run, files, tmp_path, content, message):
    (tmp_path / "log.csv").write_text(content)
    source = ["--log", tmp_path / "log.csv", "--features", files / "features.npz"]
    assert_sentence(run("train", "rgc", "--out", tmp_path / "run", *source, *SMALL), message)
    assert not (tmp_path / "run").exists()


def test_a_log_of_another_form_trains_the_same_run(run, finished, files, tmp_path):
    log = pd.read_csv(files / "log.csv").rename(columns={"user_id": "userId", "video_id": "clip"})
    log.astype(object).to_csv(tmp_path / "log.csv", sep=";", index=False)
    with (tmp_path / "log.csv").open("a") as file:
        file.write(";".join(["" if name == "userId" else "3" for name in log]) + "\n")
    asked = [
        "train",
        "rgc",
        "--features",
        files / "features.npz",
        "--log",
        tmp_path / "log.csv",
        "--tune",
        "none",
        *SMALL,
    ]
    asked += ["--columns", "user_id=userId", "--columns", "video_id=clip", "--delimiter", ";"]
    assert_sentence(run(*asked, "--out", tmp_path / "run"), "userId must not be missing, got 1 missing")
    with pytest.warns(UserWarning, match="1 of "):
        code, _, err = run(*asked, "--missing", "drop", "--out", tmp_path / "run")
    assert code == 0, err
    same = "encoder.safetensors"
    assert (tmp_path / "run" / same).read_bytes() == (finished / same).read_bytes()


@pytest.mark.parametrize("method", ["rgc", "mf", "frame"])
@pytest.mark.parametrize(
    ("option", "message"),
    [
        ("user", "columns must be NAME=NAME_IN_THE_FILE with a name among .*, got 'user'"),
        ("item_id=item", "columns must be NAME=NAME_IN_THE_FILE with a name among .*, got 'item_id=item'"),
        ("user_id=none", r"the log must have the columns \['none', 'video_id'"),
    ],
)
def test_wrong_columns(run, files, tmp_path, method, option, message):
    more = {"rgc": ["--features", files / "features.npz"], "mf": [], "frame": ["--clips", files / "clips"]}[method]
    log = files / ("views.csv" if method == "frame" else "log.csv")
    asked = run("train", method, "--log", log, *more, "--out", tmp_path / "run", "--columns", option)
    assert_sentence(asked, message)
    assert not (tmp_path / "run").exists()


def test_missing_files(run, files, tmp_path):
    source = ["--log", tmp_path / "no.csv", "--features", files / "features.npz"]
    assert_sentence(run("train", "rgc", "--out", tmp_path / "run", *source), r"no\.csv not found")
    assert_sentence(run("evaluate", "--run", tmp_path), r"holds no run: there is no config\.json in it")


def test_evaluate_prints_the_table_of_the_training(run, finished):
    code, out, _ = run("evaluate", "--run", finished, "--quiet")
    ndcg = json.loads((finished / "metrics.json").read_text())["cold_start"]["graphvid"]["ndcg"]
    assert code == 0
    assert f"{ndcg:.4f}" in out


def test_embed_writes_ids_and_vectors(run, finished, files, tmp_path):
    code, out, err = run("embed", "--run", finished, "--features", files / "named.npz", "--out", tmp_path / "new.npz")
    assert code == 0, err
    assert out == f"96 embeddings of 8 columns in {tmp_path / 'new.npz'}\n"
    new, old = load_features(tmp_path / "new.npz"), load_features(finished / "embeddings.npz")
    assert new.ids[0] == "v0"
    assert np.array_equal(new.modalities["embedding"], old.modalities["embedding"])


def test_embed_refuses_other_features_and_damaged_weights(run, finished, files, tmp_path):
    np.save(tmp_path / "f.npy", np.eye(3))
    options = ["--out", tmp_path / "new.npz"]
    assert_sentence(
        run("embed", "--run", finished, "--features", tmp_path / "f.npy", *options), "must have the modalities"
    )
    broken = shutil.copytree(finished, tmp_path / "broken")
    (broken / "encoder.safetensors").write_bytes(b"not weights")
    assert_sentence(run("embed", "--run", broken, "--features", files / "named.npz", *options), "truncated or corrupt")
    assert not (tmp_path / "new.npz").exists()


def test_neighbors(run, finished):
    code, out, _ = run("neighbors", "5", "--run", finished, "--top-k", "3")
    assert code == 0
    assert out.split()[:2] == ["video_id", "score"]
    assert len(out.splitlines()) == 4
    assert_sentence(run("neighbors", "v5", "--run", finished), "video_id must be one of the 96 videos of .*, got 'v5'")
    assert_sentence(run("neighbors", "5", "--run", finished, "--top-k", "0"), "top_k must be an integer >= 1, got 0")


def test_neighbors_of_many_videos_as_rows_and_as_a_file(run, finished, tmp_path):
    (tmp_path / "ids.txt").write_text("5\n17\n")
    asked = ["neighbors", "--run", finished, "--ids", tmp_path / "ids.txt", "--top-k", "3"]
    code, out, err = run(*asked, "--json")
    assert code == 0, err
    rows = json.loads(out)
    assert [row["query_id"] for row in rows] == [5, 5, 5, 17, 17, 17]
    one = json.loads(run("neighbors", "17", "--run", finished, "--top-k", "3", "--json")[1])
    assert one == [{name: row[name] for name in ("video_id", "score")} for row in rows[3:]]
    code, out, err = run(*asked, "--out", tmp_path / "found.parquet")
    assert (code, out) == (0, f"6 rows in {tmp_path / 'found.parquet'}\n"), err
    assert pd.read_parquet(tmp_path / "found.parquet").to_dict("records") == rows


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "exactly one of VIDEO_ID and --ids must be given, got neither"),
        (["5", "--ids", "ids.txt"], r"options must be among \[\] for this run, got '5'"),
        (["--ids", "none.txt"], "none.txt must hold an id, got none"),
        (["--ids", "absent.txt"], "absent.txt not found"),
        (["--ids", "other.txt"], r"video_id must be one of the 96 videos of .*, got 'v1' \(1 of 2 are not\)"),
        (["--ids", "ids.txt", "--out", "ids.txt"], r"out must end in \.csv or \.parquet, got 'ids.txt'"),
        (["--ids", "ids.csv", "--out", "ids.csv"], "ids.csv"),
        (["5", "--json", "--out", "a.csv"], "json is a form of what is printed; it must not be given with out"),
    ],
)
def test_wrong_questions(run, finished, tmp_path, monkeypatch, arguments, message):
    monkeypatch.chdir(tmp_path)
    for name, text in {"ids.txt": "5\n", "none.txt": "\n", "other.txt": "5\nv1\n", "ids.csv": "video_id\n5\n"}.items():
        (tmp_path / name).write_text(text)
    assert_sentence(run("neighbors", "--run", finished, *arguments), message)
    assert (tmp_path / "ids.csv").read_text() == "video_id\n5\n"


def test_ids_may_begin_with_a_minus(run, finished, files, tmp_path):
    renamed = shutil.copytree(finished, tmp_path / "renamed")
    learnt = load_features(finished / "embeddings.npz")
    Features([f"-{i}x" for i in range(96)], learnt.modalities).save(renamed / "embeddings.npz")
    code, out, err = run("neighbors", "-5x", "--run", renamed, "--top-k", "1", "--json")
    assert code == 0, err
    code, found, err = run("search", "--video", "-5x", "--run", renamed, "--top-k", "1", "--json")
    assert code == 0, err
    assert json.loads(found)[0]["video_id"] == json.loads(out)[0]["video_id"]


def test_the_configuration_of_a_run_is_fed_back(run, finished, tmp_path):
    fed = ["train", "rgc", "--config", finished / "config.json", "--quiet"]
    assert_sentence(
        run(*fed, "--preset", "paper", "--out", tmp_path / "a"), "preset must not be given with config, which has every"
    )
    assert_sentence(
        run("train", "mf", *fed[2:], "--out", tmp_path / "a"), "config must be that of a run of 'mf', got one of 'rgc'"
    )
    assert_sentence(
        run(*fed, "--device", "tpu", "--out", tmp_path / "a"), r"device must be one of \['auto', 'cpu', 'cuda'\]"
    )
    code, _, err = run(*fed, "--out", tmp_path / "same")
    assert code == 0, err
    same = "encoder.safetensors"
    assert (tmp_path / "same" / same).read_bytes() == (finished / same).read_bytes()
    code, _, err = run(*fed, "--out", tmp_path / "other", "--seed", "3", "--top-k", "7", "--set", "num_steps=2")
    assert code == 0, err
    old, new = (json.loads((path / "config.json").read_text()) for path in (finished, tmp_path / "other"))
    assert new["source"] == {**old["source"], "seed": 3, "top_k": 7}
    assert new["model"] == {**old["model"], "seed": 3, "num_steps": 2}
    sessions = json.loads((tmp_path / "other" / "sessions.json").read_text())["sessions"]
    assert [one["command"].split()[:3] for one in sessions] == [["graphvid", "train", "rgc"]]
    page = (tmp_path / "other" / "report.html").read_text()
    assert "Command: <code>graphvid train rgc --config" in page
    assert "What is near what?" in page


def test_progress_is_on_the_standard_error(run, finished, tmp_path):
    fed = ["train", "rgc", "--config", finished / "config.json", "--out", tmp_path / "run"]
    code, out, err = run(*fed)
    assert code == 0
    assert "Epoch 0" in err
    assert out.startswith("graphvid ")
    assert "Epoch" not in out


def test_threads_are_told_to_what_computes(run, monkeypatch):
    monkeypatch.setattr("os.environ", {**os.environ})
    assert_sentence(run("--threads", "0", "--version"), "threads must be an integer >= 1, got 0")
    run("--threads", "3", "neighbors", "--help")
    assert {os.environ[name] for name in ("OMP_NUM_THREADS", "NUMBA_NUM_THREADS")} == {"3"}


def test_choices_are_completed_without_importing_a_task():
    code = (
        "import sys; sys.argv = ['graphvid']\n"
        "from graphvid.cli import app\n"
        "try: app(prog_name='graphvid')\n"
        "finally: assert 'torch' not in sys.modules\n"
    )
    for words, expected in {"train link-": "link-local\nlink-global\nlink-graph", "export --kind i": "ivfpq"}.items():
        asked = {
            "_GRAPHVID_COMPLETE": "complete_bash",
            "COMP_WORDS": f"graphvid {words}",
            "COMP_CWORD": str(words.count(" ") + 1),
        }
        done = subprocess.run([sys.executable, "-c", code], env={**os.environ, **asked}, capture_output=True, text=True)
        assert done.stdout.strip() == expected, done.stderr


def test_a_traceback_can_be_asked_for(run, tmp_path, monkeypatch):
    asked = ["evaluate", "--run", tmp_path / "none"]
    assert_sentence(run(*asked), "none")
    monkeypatch.setenv("GRAPHVID_DEBUG", "1")
    monkeypatch.setattr(sys, "argv", ["graphvid", *map(str, asked)])
    with pytest.raises(OSError, match="none"):
        main()


def test_the_version_and_the_command_as_a_module(run):
    code, out, _ = run("--version")
    assert (code, out) == (0, f"graphvid {graphvid.__version__}\n")
    done = subprocess.run([sys.executable, "-m", "graphvid", "--version"], capture_output=True, text=True, check=True)
    assert done.stdout == out


@pytest.fixture
def train_frame(run, files):
    def command(out, *more, log=files / "views.csv", clips=files / "clips"):
        return run("train", "frame", "--out", out, "--log", log, "--clips", clips, *SMALL_FRAME, *more)

    return command


@pytest.fixture(scope="module")
def frame_run(files, tmp_path_factory):
    from graphvid.models import FRAMEConfig
    from graphvid.tasks import train
    from graphvid.tasks.skips import ViewSource

    out = tmp_path_factory.mktemp("runs") / "frame"
    source = ViewSource(log=str(files / "views.csv"), clips=str(files / "clips"))
    train("frame", source, out, FRAMEConfig(dim=8, hidden=8, num_epochs=1, num_clips=2), progress=False)
    return out


class TestFrame:
    def test_train_prints_the_table_and_writes_the_run(self, train_frame, frame_run, tmp_path):
        code, out, err = train_frame(tmp_path / "run")
        assert code == 0, err
        lines = out.splitlines()
        assert re.match(r"FRAME (beats|loses to|is level with) the best baseline, .*: GAUC .* log loss", lines[0])
        assert "180 training views, 60 test views." in lines[0]
        assert re.match(r"method +GAUC +AUC +log loss +ECE +NDCG@3 ", lines[2])
        metrics = json.loads((tmp_path / "run" / "metrics.json").read_text())
        assert re.search(rf"^FRAME +{metrics['methods']['FRAME']['gauc']['value']:.4f} ", out, re.MULTILINE)
        assert [found["num_clips"] for found in metrics["ablation"]] == [1]
        assert lines[-1] == f"Report: {tmp_path / 'run' / 'report.html'}"
        same = "network.safetensors"
        assert (tmp_path / "run" / same).read_bytes() == (frame_run / same).read_bytes()

    def test_a_run_is_resumed_on_request(self, train_frame, frame_run):
        assert_sentence(train_frame(frame_run), r"already holds a run; resume it \(--resume\)")
        code, out, err = train_frame(frame_run, "--resume")
        assert code == 0, err
        assert "position prior" in out
        assert_sentence(train_frame(frame_run, "--resume", "--no-ablation"), r"parts\.clips-1 was \{.*\}, now None")

    def test_rows_left_out_are_said(self, train_frame, files, tmp_path):
        text = (files / "views.csv").read_text()
        (tmp_path / "bad.csv").write_text(text + "3,3,1.0,0.0,99999.0\n")
        with pytest.warns(UserWarning, match="1 of 241 rows dropped"):
            code, _, err = train_frame(tmp_path / "run", "--no-ablation", log=tmp_path / "bad.csv")
        assert code == 0, err
        assert json.loads((tmp_path / "run" / "metrics.json").read_text())["views"]["dropped"] == {"duration zero": 1}
        failed = train_frame(tmp_path / "strict", "--strict", log=tmp_path / "bad.csv")
        assert_sentence(failed, "1 rows of the log have no duration > 0")
        assert not (tmp_path / "strict").exists()

    @pytest.mark.parametrize(
        ("arguments", "message"),
        [
            (["--preset", "big"], r"preset must be one of \['survival', 'paper', 'official'\], got 'big'"),
            (["--set", "num_clips=3"], "num_clips must divide the 8 of the clip features, got 3"),
            (["--set", "width=3"], r"unknown options \['width'\]"),
            (["--test-fraction", "1"], r"test_fraction must be a number in \[0, 1\), got 1.0"),
            (["--milliseconds", "speed"], r"milliseconds must name columns among .*, got \['speed'\]"),
            (["--checkpoint-every", "0"], "checkpoint_every must be an integer >= 1, got 0"),
            (["--dataset", "synthetic-skip"], "exactly one of dataset and log must be given"),
            (["--seed", "-1"], "seed must be an integer >= 0, got -1"),
        ],
    )
    def test_wrong_arguments_leave_no_folder(self, train_frame, tmp_path, arguments, message):
        assert_sentence(train_frame(tmp_path / "run", *arguments), message)
        assert not (tmp_path / "run").exists()

    def test_a_video_without_clips(self, train_frame, files, tmp_path):
        ClipFeatures(range(39), np.ones((39, 8, 2))).save(tmp_path / "clips")
        failed = train_frame(tmp_path / "run", clips=tmp_path / "clips")
        assert_sentence(failed, r"video_id must be among the 39 of video_ids, got 39")

    def test_a_test_log_that_leaks(self, train_frame, files, tmp_path):
        failed = train_frame(tmp_path / "run", "--test-log", files / "views.csv")
        assert_sentence(failed, "test rows must not be training rows, but 240 of 240 are")

    def test_a_seed_is_of_the_world_and_of_training(self, monkeypatch, run, tmp_path):
        called = {}

        def train(task, method, source, out, config, **options):
            called.update(source=source, config=config, **options)
            raise ValueError("far enough")

        monkeypatch.setattr("graphvid.runs.train", train)
        options = ["--seed", "3", "--preset", "paper", "--set", "norm=mean", "--no-ablation"]
        assert_sentence(run("train", "frame", "--dataset", "synthetic-skip", "--out", tmp_path, *options), "far enough")
        assert (called["source"].dataset, called["source"].seed, called["config"].seed) == ("synthetic-skip", 3, 3)
        assert (called["config"].head, called["config"].norm) == ("mean_prob", "mean")
        assert (called["source"].ablation, called["progress"], called["resume"]) == (False, True, False)

    @pytest.mark.parametrize("suffix", ["csv", "parquet"])
    def test_predict_writes_a_row_for_every_row(self, run, frame_run, tmp_path, suffix):
        (tmp_path / "ask.csv").write_text("user_id,video_id,duration\n3,5,8000\n999,5,8000\n3,5,4000\n")
        out = tmp_path / f"said.{suffix}"
        asked = ["--run", frame_run, "--log", tmp_path / "ask.csv", "--milliseconds", "duration"]
        code, said, err = run("predict", *asked, "--out", out)
        assert code == 0, err
        assert said == f"3 rows in {out}\n"
        table = pd.read_csv(out) if suffix == "csv" else pd.read_parquet(out)
        assert table.columns.tolist() == [
            "user_id",
            "video_id",
            "complete",
            "offending_clip",
            "best_clip",
            "watch_ratio",
            "watch_time",
        ]
        assert table["user_id"].tolist() == [3, 999, 3]
        assert table["complete"].between(0, 1).all()
        assert table["watch_time"][0] == pytest.approx(2 * table["watch_time"][2])

    def test_predict_prints_what_it_would_write(self, run, frame_run, tmp_path):
        (tmp_path / "ask.csv").write_text("user_id,video_id\n3,5\n999,5\n")
        asked = ["--run", frame_run, "--log", tmp_path / "ask.csv"]
        code, said, err = run("predict", *asked, "--json")
        assert (code, err) == (0, "rows of users that the run does not know: 1\n")
        rows = json.loads(said)
        run("predict", *asked, "--out", tmp_path / "said.csv")
        written = pd.read_csv(tmp_path / "said.csv")
        pd.testing.assert_frame_equal(pd.DataFrame(rows), written, check_exact=False, rtol=1e-6)
        code, said, _ = run("predict", *asked)
        assert code == 0
        assert said.split()[:3] == ["user_id", "video_id", "complete"]
        assert f"{written['complete'][0]:.4f}" in said

    def test_evaluate_prints_a_row_for_every_figure(self, run, frame_run):
        code, out, err = run("evaluate", "--run", frame_run, "--quiet")
        assert code == 0, err
        stored = json.loads((frame_run / "metrics.json").read_text())["methods"]
        lines = out.splitlines()
        assert lines[0].split("  ")[-1].strip() == list(stored)[-1]
        value = stored["FRAME"]["gauc"]["value"]
        assert re.search(rf"^ *gauc\.value +{value:.4f}", out, re.MULTILINE)
        code, out, _ = run("evaluate", "--run", frame_run, "--quiet", "--json")
        assert json.loads(out) == [{"method": name, **figures} for name, figures in stored.items()]

    def test_predict_of_new_videos(self, run, frame_run, tmp_path):
        (tmp_path / "ask.csv").write_text("user_id,video_id\n3,5000\n")
        asked = ["--run", frame_run, "--log", tmp_path / "ask.csv", "--out", tmp_path / "said.csv"]
        assert_sentence(run("predict", *asked), "clips must be given for the 1 videos that the run does not know")
        assert not (tmp_path / "said.csv").exists()
        ClipFeatures([5000], np.ones((1, 8, 32))).save(tmp_path / "clips")
        code, _, err = run("predict", *asked, "--clips", tmp_path / "clips")
        assert code == 0, err

    def test_predict_refusals(self, run, frame_run, finished, files, tmp_path):
        asked = ["--log", files / "views.csv", "--out"]
        failed = run("predict", "--run", frame_run, *asked, tmp_path / "said.txt")
        assert_sentence(failed, r"out must end in \.csv or \.parquet, got 'said\.txt'")
        failed = run("predict", "--run", finished, *asked, tmp_path / "said.csv")
        assert_sentence(
            failed, "holds a run of relational graph clustering, which does not answer 'predict'; it answers"
        )


@pytest.mark.parametrize("name", WORLDS)
def test_the_worlds_of_the_quickstart_are_options_that_exist(name):
    source, config = WORLDS[name].records(seed=3)
    assert config.seed == 3
    assert {**WORLDS[name].source, **WORLDS[name].config}.items() <= {**source.to_dict(), **config.to_dict()}.items()


def test_quickstart_trains_the_default_preset_on_the_synthetic_world(monkeypatch, run, tmp_path):
    """Only the wiring; the run itself is made by CI from the README's command."""
    called = {}

    def train(task, method, source, out, config, **options):
        called.update(method=method, source=source, config=config, out=out, **options)

    monkeypatch.setattr("graphvid.runs.train", train)
    monkeypatch.setattr("graphvid.tasks.co_watch.CoWatch.report", lambda *_: Report("title", "lead", []))
    monkeypatch.chdir(tmp_path)
    assert_sentence(
        run("quickstart", "--task", "flying"), r"task must be one of \['co-watch', 'recommendation', .*'flying'"
    )
    code, out, err = run("quickstart", "--seed", "3", "--quiet")
    assert code == 0, err
    assert (called["source"].dataset, called["source"].seed, called["config"].seed) == ("synthetic", 3, 3)
    assert (called["resume"], called["progress"], str(called["out"])) == (False, False, "graphvid-quickstart")
    assert called["method"] == "rgc"
    assert out.startswith("lead\nReport: ")
    assert out.endswith("Next: graphvid neighbors 0 --run graphvid-quickstart\n")


@pytest.mark.parametrize("method", list(METHODS))
def test_help_names_the_options_of_every_method(run, method):
    if METHODS[method].task.startswith("linking"):
        pytest.importorskip("transformers", reason="needs transformers, the extra 'text'")
    code, out, err = run("train", method, "--help")
    assert code == 0, err
    for word in ("--out", "--set", "--config", "--list-options", "--resume"):
        assert word in out


@pytest.mark.parametrize("method", list(METHODS))
def test_listed_options_are_those_of_the_presets(run, method):
    code, out, err = run("train", method, "--list-options")
    assert code == 0, err
    kind = task_of(method).methods[method].config
    parts = re.split(r"^--preset ", out, flags=re.MULTILINE)[1:]
    assert [part.split(maxsplit=1)[0].rstrip(",") for part in parts] == list(kind.presets)
    options = {}
    for preset, part in zip(kind.presets, parts):  # the first has all options, the others what differs from it
        given = parse_options([word for word in shlex.split(part) if "=" in word])
        options = options or given
        assert kind.from_dict(options | given) == kind.preset(preset)


def test_settings_are_json_or_text():
    texts = ["hidden=[32,16]", "loss=triplet", "mining=true", "learning_rate=1e-3", "dim=8", "dim=16", 'linkage="max"']
    assert parse_options(texts) == {
        "hidden": [32, 16],
        "loss": "triplet",
        "mining": True,
        "learning_rate": 1e-3,
        "dim": 16,
        "linkage": "max",
    }
    assert parse_options(["a=b=c"]) == {"a": "b=c"}


class TestRecommenders:
    @pytest.mark.parametrize(("method", "title"), [("mf", "matrix factorisation"), ("two-tower", "two towers")])
    def test_train_prints_the_table_and_recommend_the_items(self, run, files, tmp_path, method, title):
        source = ["--log", files / "log.csv"]
        options = ["--set", "dim=8", "--set", "num_epochs=1", "--quiet"]
        if method == "two-tower":
            source += ["--features", files / "features.npz", "--preset", "in_batch"]
        code, out, err = run("train", method, "--out", tmp_path / "run", *source, *options)
        assert code == 0, err
        lines = out.splitlines()
        assert re.match(rf"{title} (beats|loses to|is level with) the best baseline, popularity: Recall@20 ", lines[0])
        assert re.match(r"method +k +Recall +NDCG +Precision +Hit +MRR +MAP$", lines[2])
        metrics = json.loads((tmp_path / "run" / "metrics.json").read_text())
        assert re.search(rf"^{title} +20 +{metrics['methods'][title]['20']['recall']:.4f} ", out, re.MULTILINE)
        code, out, err = run("recommend", "3", "--run", tmp_path / "run", "--top-k", "4")
        assert code == 0, err
        assert re.match(r" *item_id +score$", out.splitlines()[0])
        assert len(out.splitlines()) == 5
        (tmp_path / "users.csv").write_text("user_id\n3\n11\n")
        asked = ["recommend", "--run", tmp_path / "run", "--users", tmp_path / "users.csv", "--top-k", "4"]
        code, said, err = run(*asked, "--keep-test", "--out", tmp_path / "recs.parquet")
        assert (code, said) == (0, f"8 rows in {tmp_path / 'recs.parquet'}\n"), err
        kept = pd.read_parquet(tmp_path / "recs.parquet")
        assert kept["user_id"].tolist() == [3] * 4 + [11] * 4
        rows = json.loads(run(*asked, "--json")[1])
        assert [row["item_id"] for row in rows[:4]] == [int(line.split()[0]) for line in out.splitlines()[1:]]

    def test_mistakes_are_sentences(self, run, files, tmp_path):
        command = ["train", "mf", "--out", tmp_path / "run", "--log", files / "log.csv"]
        assert_sentence(run(*command, "--preset", "yelp"), r"preset must be one of \['default', 'gowalla', 'bpr'\]")
        assert_sentence(run(*command, "--selection", "train"), "selection must be one of")
        assert_sentence(run(*command, "--features", files / "features.npz"), "features are read by method 'two-tower'")
        assert_sentence(run(*command, "--set", "loss.margin=2"), r"loss.margin must be a number in \[-1, 1\]")
        assert not (tmp_path / "run").exists()
