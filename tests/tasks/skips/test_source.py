"""Sources of views: files with all that can be wrong in them, held-out views, test logs that leak."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from graphvid.data import ClipFeatures, SyntheticSkip
from graphvid.tasks.skips import ViewSource, load_views


@pytest.fixture
def frame(skip_files):
    return pd.read_csv(skip_files / "log.csv")


@pytest.fixture
def source(skip_files, tmp_path):
    """Write frames as the log and the test log, and give their source."""

    def write(log, test_log=None, **options):
        paths = {}
        for name, table in (("log", log), ("test_log", test_log)):
            if table is not None:
                paths[name] = str(tmp_path / f"{name}.csv")
                table.to_csv(paths[name], index=False)
        return ViewSource(**paths, clips=str(skip_files / "clips"), **options)

    return write


def test_the_last_quarter_of_every_user_is_held_out(skip_source, frame):
    views = load_views(skip_source)
    expected = frame[frame.groupby("user_id")["timestamp"].rank() > 9]
    assert views.test.to_frame()[frame.columns].to_numpy().tolist() == expected.to_numpy().tolist()
    assert views.train.num_interactions == 180
    assert views.split["test"].tolist() == expected.index.tolist()
    assert views.train.video_ids.equals(views.clips.ids)
    assert views.test_user.tolist() == views.test.user.tolist()


def test_milliseconds_are_the_same_views(skip_source, skip_files):
    source = ViewSource(
        log=str(skip_files / "milliseconds.csv"),
        clips=str(skip_files / "clips"),
        milliseconds=("watch_time", "duration"),
    )
    ours, theirs = load_views(source), load_views(skip_source)
    assert ours.train.watch_time == pytest.approx(theirs.train.watch_time, abs=1e-12)
    assert np.array_equal(ours.train.duration, theirs.train.duration)


def test_the_generated_world_brings_its_oracle():
    views, world = load_views(ViewSource(dataset="synthetic-skip", seed=3)), SyntheticSkip(seed=3)
    assert views.name == "synthetic-skip"
    assert np.array_equal(views.split["test"], world.windows.test)
    assert np.array_equal(views.oracle, world.oracle[world.windows.test])
    assert np.array_equal(views.clips.array, world.clips.array)


def test_a_test_log_may_have_new_users_and_unwatched_videos(source, frame):
    test = pd.DataFrame(
        {
            "user_id": ["zoe", "u3"],
            "video_id": ["unseen", "v2"],
            "watch_time": 4.0,
            "duration": 8.0,
            "timestamp": 1e9,
        }
    )
    views = load_views(source(frame, test))
    assert views.train.num_interactions == 240
    assert views.test_user.tolist() == [-1, views.train.user_ids.get_loc("u3")]
    assert views.test.video.tolist() == [39, 2]
    assert {name: rows.tolist() for name, rows in views.split.items()} == {"train": [*range(240)], "test": [0, 1]}


def test_bad_and_repeated_rows_are_counted(source, frame):
    bad = frame.iloc[:5].assign(timestamp=[1.0, 2.0, 3.0, 4.0, 5.0]).astype(object)
    bad.iloc[0, bad.columns.get_loc("watch_time")] = -1.0
    bad.iloc[1, bad.columns.get_loc("duration")] = 0.0
    bad.iloc[2, bad.columns.get_loc("duration")] = "long"
    bad.iloc[3, bad.columns.get_loc("timestamp")] = None
    log = pd.concat([frame, bad, frame.iloc[[7, 7]]])
    with pytest.warns(UserWarning, match="4 of 247 rows dropped by strict=False"):
        views = load_views(source(log))
    assert views.dropped.pop("repeated") == 2
    assert sum(views.dropped.values()) == 4
    assert {reason.split()[0] for reason in views.dropped} == {"watch_time", "duration", "timestamp"}
    assert views.train.num_interactions + views.test.num_interactions == 241
    with pytest.raises(ValueError, match=r"log\.csv: .*finite numbers >= 0"):
        load_views(source(log, strict=True))
    with pytest.raises(ValueError, match="2 rows equal an earlier one"):
        load_views(source(pd.concat([frame, frame.iloc[[7, 7]]]), strict=True))


def test_rows_left_out_of_both_logs_add_up(source, frame):
    early, late = frame[frame["timestamp"] <= 60 * 160], frame[frame["timestamp"] > 60 * 160]
    tables = [pd.concat([part, part.iloc[:1].assign(duration=0.0), part.iloc[[3]]]) for part in (early, late)]
    with pytest.warns(UserWarning, match="1 of"):
        views = load_views(source(*tables))
    assert views.dropped == {"duration zero": 2, "repeated": 2}


def test_a_test_log_that_leaks(source, frame):
    early, late = frame[frame["timestamp"] <= 60 * 160], frame[frame["timestamp"] > 60 * 160]
    with pytest.raises(ValueError, match="test rows must not be training rows, but 1 of"):
        load_views(source(early, pd.concat([late, early.iloc[[0]]])))
    with pytest.raises(ValueError, match="no user may be tested before the end of their training"):
        load_views(source(late, early))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda f: f.drop(columns="timestamp"), "must have timestamps, got a log without the column 'timestamp'"),
        (
            lambda f: f.drop(columns="duration"),
            r"must have the columns watch_time and duration, got none called \['duration'\]",
        ),
        (lambda f: f.drop(columns="watch_time"), r"got none called \['watch_time'\]"),
        (lambda f: f.drop(columns="user_id"), "the log must have the columns"),
        (lambda f: f.replace({"video_id": {"v3": "v999"}}), r"video_id must be among the 40 of video_ids, got .*v999"),
        (lambda f: f.iloc[:0], "the log must have at least one row"),
        (lambda f: f.assign(timestamp=1.0), "every window must have a row"),
    ],
)
def test_logs_that_cannot_be_used(source, frame, change, message):
    with pytest.raises(ValueError, match=message):
        load_views(source(change(frame)))


def test_missing_files(skip_files, tmp_path):
    with pytest.raises(FileNotFoundError, match=r"no\.csv not found"):
        load_views(ViewSource(log=str(tmp_path / "no.csv"), clips=str(skip_files / "clips")))
    with pytest.raises(FileNotFoundError, match=r"no\.npz not found"):
        load_views(ViewSource(log=str(skip_files / "log.csv"), clips=str(tmp_path / "no.npz")))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({}, "exactly one of dataset and log must be given, got none"),
        ({"dataset": "synthetic-skip", "log": "a.csv"}, r"got \['dataset', 'log'\]"),
        ({"log": "a.csv"}, "clips must be given with a log, got none"),
        ({"dataset": "movies"}, r"dataset must be one of \['synthetic-skip'\], got 'movies'"),
        (
            {"dataset": "synthetic-skip", "strict": True, "clips": "c"},
            r"\['clips', 'strict'\] apply to watch logs only",
        ),
        ({"log": "a", "clips": "c", "test_fraction": -0.1}, r"test_fraction must be a number in \[0, 1\), got -0.1"),
        ({"log": "a", "clips": "c", "test_fraction": 1.0}, r"test_fraction must be a number in \[0, 1\), got 1.0"),
        (
            {"log": "a", "clips": "c", "test_log": "t", "test_fraction": 0.5},
            "test_fraction must be left out with a test_log",
        ),
    ],
)
def test_sources_that_name_nothing(options, message):
    with pytest.raises(ValueError, match=message):
        ViewSource(**options)


def test_a_source_survives_json(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    source = ViewSource(log="a.csv", clips="c", milliseconds=["duration"], test_fraction=0.5)
    stored = source.to_dict()
    assert (stored["log"], stored["clips"]) == (str(tmp_path / "a.csv"), str(tmp_path / "c"))
    assert (stored["milliseconds"], stored["test_fraction"], stored["dataset"]) == (["duration"], 0.5, None)
    assert ViewSource(**stored) == ViewSource.from_dict(stored)
    assert ViewSource(**stored).milliseconds == ("duration",)


def test_the_fingerprint_sees_every_part(skip_source, skip_files, frame, source, tmp_path):
    prints = [load_views(skip_source).fingerprint()]
    for column in ("watch_time", "duration"):
        changed = frame.copy()
        changed.loc[0, column] += 0.001
        prints.append(load_views(source(changed)).fingerprint())
    renamed = frame.replace({"user_id": {"u1": "u1x"}})
    prints.append(load_views(source(renamed)).fingerprint())
    clips = ClipFeatures.open(skip_files / "clips")
    array = clips.array.copy()
    array[39, 7, 31] += 1
    ClipFeatures(clips.ids, array).save(tmp_path / "clips")
    prints.append(load_views(ViewSource(log=skip_source.log, clips=str(tmp_path / "clips"))).fingerprint())
    assert len({value["crc32"] for value in prints}) == len(prints)
    assert load_views(source(frame)).fingerprint() == prints[0]
