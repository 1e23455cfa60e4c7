from __future__ import annotations

import decimal
import gzip
import warnings

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from graphvid.data import WatchLog


@pytest.fixture
def frame():
    return pd.DataFrame(
        {
            "user_id": ["bo", "al", "al", "cy"],
            "video_id": [30, 10, 30, 20],
            "watch_time": [4.0, 2.5, 9.0, 0.0],
            "duration": [10, 10, 10, 12],
            "timestamp": [100.0, 50.0, 60.0, 0.0],
        }
    )


def pairs(log):
    return list(zip(log.user_ids[log.user], log.video_ids[log.video]))


def test_a_log_computed_by_hand(frame):
    log = WatchLog.from_frame(frame)
    assert list(log.user_ids) == ["al", "bo", "cy"]
    assert list(log.video_ids) == [10, 20, 30]
    np.testing.assert_array_equal(log.user, [1, 0, 0, 2])
    np.testing.assert_array_equal(log.video, [2, 0, 2, 1])
    np.testing.assert_array_equal(log.watch_time, [4.0, 2.5, 9.0, 0.0])
    assert (log.num_users, log.num_videos, log.num_interactions) == (3, 3, 4)
    assert log.user.dtype == log.video.dtype == np.int64
    assert {log.watch_time.dtype, log.duration.dtype, log.timestamp.dtype} == {np.dtype(np.float64)}
    assert log.video_ids.dtype == np.int64
    assert log.user_ids.dtype == object  # the same under pandas 2 and 3


def test_optional_columns_are_none_where_absent_and_others_are_not_read(frame):
    log = WatchLog.from_frame(frame[["user_id", "video_id", "duration"]].assign(device=[[1], [2], [3], [4]]))
    assert log.watch_time is None
    assert log.timestamp is None
    np.testing.assert_array_equal(log.duration, [10, 10, 10, 12])


@pytest.mark.parametrize(
    ("users", "expected"),
    [
        ([3, 1, 2], [1, 2, 3]),
        ([-5, 2**40, 0], [-5, 0, 2**40]),
        ([2.0, 1.0, 7.0], [1, 2, 7]),
        ([2.5, 1.0, 7.0], [1.0, 2.5, 7.0]),
        (["b", "a", "B"], ["B", "a", "b"]),
        ([("b", 1), ("a", 2), ("a", 1)], [("a", 1), ("a", 2), ("b", 1)]),
        (pd.Categorical(["b", "a", "c"]), ["a", "b", "c"]),
        (pd.array([3, 1, 2], dtype="Int64"), [1, 2, 3]),
        (pd.array([2**63, 1, 0], dtype="uint64"), [0, 1, 2**63]),
        ([7, "b", "7x"], ["7", "7x", "b"]),  # integers and text: text
        ([1, "b", (1, 2)], [1, "b", (1, 2)]),  # no order between types: by first appearance
        ([frozenset({2}), frozenset({1}), frozenset({1, 2})], [frozenset({2}), frozenset({1}), frozenset({1, 2})]),
    ],
)
def test_ids_of_any_hashable_type_are_mapped_and_mapped_back(users, expected):
    values = pd.Series(users) if hasattr(users, "dtype") else pd.Series([None] * 3, dtype=object)
    if not hasattr(users, "dtype"):
        for at, user in enumerate(users):
            values.iat[at] = user
    log = WatchLog.from_frame(pd.DataFrame({"user_id": values, "video_id": [0, 1, 2]}))
    assert list(log.user_ids) == expected
    assert [log.user_ids[code] for code in log.user] == [str(user) if "7x" in list(users) else user for user in users]
    again = WatchLog.from_frame(log.to_frame())
    assert list(again.user_ids) == expected


@settings(max_examples=30, deadline=None)
@given(
    rows=st.lists(st.tuples(st.text("abAB7é_", max_size=3), st.integers(-(2**62), 2**62)), min_size=1, max_size=20),
    seed=st.integers(0, 2**32 - 1),
)
def test_codes_do_not_depend_on_the_order_of_the_rows(rows, seed):
    frame = pd.DataFrame(rows, columns=["user_id", "video_id"]).drop_duplicates()
    log = WatchLog.from_frame(frame)
    other = WatchLog.from_frame(frame.sample(frac=1.0, random_state=seed))
    assert list(log.user_ids) == sorted({user for user, _ in rows}) == list(other.user_ids)
    assert list(log.video_ids) == sorted({video for _, video in rows}) == list(other.video_ids)
    assert set(zip(log.user, log.video)) == set(zip(other.user, other.video))
    assert pairs(log) == list(frame.itertuples(index=False, name=None))


def test_one_user_or_one_row_is_a_log():
    log = WatchLog.from_frame(pd.DataFrame({"user_id": [1], "video_id": [1]}))
    assert (log.num_users, log.num_videos, log.num_interactions) == (1, 1, 1)


def test_columns_can_be_renamed(frame):
    renamed = frame.rename(columns={"user_id": "uid", "watch_time": "played"})
    log = WatchLog.from_frame(renamed, columns={"user_id": "uid", "watch_time": "played"})
    assert pairs(log) == pairs(WatchLog.from_frame(frame))
    np.testing.assert_array_equal(log.watch_time, frame["watch_time"])
    with pytest.raises(ValueError, match=r"played must hold finite numbers >= 0 \(seconds\), got -1.0 in row 2"):
        WatchLog.from_frame(
            renamed.assign(played=[0.0, 1.0, -1.0, 2.0]), columns={"user_id": "uid", "watch_time": "played"}
        )


def test_a_vocabulary_fixes_the_integers_and_refuses_other_videos(frame):
    log = WatchLog.from_frame(frame, video_ids=[30, 99, 10, 20])
    assert list(log.video_ids) == [30, 99, 10, 20]
    np.testing.assert_array_equal(log.video, [0, 2, 0, 3])
    with pytest.raises(
        ValueError, match=r"video_id must be among the 2 of video_ids, got 20 \(1 of 3 ids, 1 of 4 rows\)$"
    ):
        WatchLog.from_frame(frame, video_ids=[30, 10])
    with pytest.raises(ValueError, match=r"got 0, 1, 2, 3, 4 and 3 more"):
        WatchLog.from_frame(pd.DataFrame({"user_id": range(8), "video_id": range(8)}), video_ids=[30, 10])
    with pytest.raises(ValueError, match=r"video_ids must be unique, got more than one row for 30"):
        WatchLog.from_frame(frame, video_ids=[30, 10, 20, 30])


def test_duplicate_rows_are_dropped_with_one_warning_kept_or_refused(frame):
    doubled = pd.concat([frame, frame.iloc[[1, 1, 0]]], ignore_index=True)
    with pytest.warns(
        UserWarning, match=r"3 rows equal an earlier one in every column, the first is row 4; dropped"
    ) as caught:
        log = WatchLog.from_frame(doubled)
    assert len(caught) == 1
    assert caught[0].filename == __file__
    pd.testing.assert_frame_equal(log.to_frame(), WatchLog.from_frame(frame).to_frame())
    assert WatchLog.from_frame(doubled, duplicates="keep").num_interactions == 7
    with pytest.raises(ValueError, match=r"duplicates='error', got: 3 rows equal an earlier one"):
        WatchLog.from_frame(doubled, duplicates="error")


@pytest.mark.parametrize("duplicates", ["drop", "error"])
def test_a_video_watched_again_is_not_a_duplicate(frame, duplicates):
    again = pd.concat([frame, frame.assign(timestamp=frame["timestamp"] + 1)])
    assert WatchLog.from_frame(again, duplicates=duplicates).num_interactions == 8


@pytest.mark.parametrize(
    ("change", "error", "match"),
    [
        (
            lambda f: f.drop(columns="video_id"),
            ValueError,
            r"must have the columns \['user_id', 'video_id'\], got \['user_id', 'w",
        ),
        (lambda f: f.iloc[:0], ValueError, "at least one row, got an empty log"),
        (
            lambda f: f.assign(user_id=["a", None, "b", None]),
            ValueError,
            "user_id must not be missing, got 2 missing, the first in row 1",
        ),
        (
            lambda f: f.assign(video_id=[1.0, 2.0, np.nan, 3.0]),
            ValueError,
            "video_id must not be missing, got 1 missing, the first in row 2",
        ),
        (lambda f: f.assign(user_id=[[1], [2], [3], [4]]), TypeError, "user_id must be hashable, got list in row 0"),
        (
            lambda f: f.assign(watch_time=[0, 1, -1, -2]),
            ValueError,
            r"watch_time must hold finite numbers >= 0 \(seconds\), got -1 in row 2 \(2 such rows\)",
        ),
        (lambda f: f.assign(duration=[0, 1, 1, np.nan]), ValueError, "duration must hold .* got nan in row 3"),
        (
            lambda f: f.assign(duration=pd.array([0, 1, None, 2], dtype="Int64")),
            ValueError,
            "duration must hold .* got <NA> in row 2",
        ),
        (lambda f: f.assign(timestamp=[0, np.inf, 1, 1]), ValueError, "timestamp must hold .* got inf in row 1"),
        (lambda f: f.assign(watch_time=["1", "2", "x", "3"]), ValueError, "watch_time must hold .* got 'x' in row 2"),
        (
            lambda f: f.assign(watch_time=["1", "2", "3", "3"]),
            TypeError,
            "watch_time must hold .* got text that looks like numbers",
        ),
        (
            lambda f: f.assign(duration=pd.to_datetime(["2020-01-01"] * 4)),
            TypeError,
            "duration must hold .* got dtype datetime64",
        ),
        (
            lambda f: f.assign(timestamp=pd.to_datetime(["2020-01-01", None, "1969-12-31", "2020-01-01"])),
            ValueError,
            r"timestamp must hold .* got nan in row 1 \(2 such rows\)",
        ),
        (lambda f: f.assign(timestamp=["2020-01-01", "later", "5", "x"]), ValueError, "got 'later' in row 1"),
        (
            lambda f: f.assign(watch_time=[[1], [2], [3], [4]]),
            ValueError,
            r"watch_time must hold .* got \[1\] in row 0",
        ),
        (lambda f: f.assign(watch_time=[True] * 4), TypeError, "watch_time must hold .* got dtype bool"),
        (lambda f: f.assign(watch_time=[1j] * 4), TypeError, "watch_time must hold .* got dtype complex128"),
        (lambda f: pd.concat([f, f["user_id"]], axis=1), ValueError, r"unique names, got \['user_id'\] more than once"),
        (lambda f: f["user_id"], TypeError, "frame must be a pandas.DataFrame, got Series"),
    ],
)
def test_bad_input_is_named(frame, change, error, match):
    with pytest.raises(error, match=match):
        WatchLog.from_frame(change(frame))


@pytest.mark.parametrize(
    ("arguments", "match"),
    [
        ({"columns": {"uid": "user_id"}}, r"columns must have keys among \['user_id', .*\], got \['uid'\]"),
        ({"columns": {"duration": "length"}}, r"must have the columns \['user_id', 'video_id', 'length'\], got"),
        ({"duplicates": "first"}, "duplicates must be 'drop', 'keep' or 'error', got 'first'"),
        ({"video_ids": [1, None]}, "video_ids must not be missing, got 1 missing, the first in row 1"),
        ({"video_ids": np.zeros((2, 2))}, r"video_ids must be one-dimensional, got shape \(2, 2\)"),
    ],
)
def test_bad_arguments_are_named(frame, arguments, match):
    with pytest.raises(ValueError, match=match):
        WatchLog.from_frame(frame, **arguments)


def test_numbers_of_other_types_are_read(frame):
    frame["watch_time"] = [decimal.Decimal("1.5"), 2, np.float32(3), 4]
    frame["duration"] = pd.array([1, 2, 3, 4], dtype="UInt8")
    log = WatchLog.from_frame(frame)
    np.testing.assert_array_equal(log.watch_time, [1.5, 2, 3, 4])
    np.testing.assert_array_equal(log.duration, [1, 2, 3, 4])


def test_select_keeps_the_vocabularies(frame):
    log = WatchLog.from_frame(frame)
    part = log.select(log.video == 2)
    assert pairs(part) == [("bo", 30), ("al", 30)]
    assert part.num_videos == 3
    np.testing.assert_array_equal(part.timestamp, [100.0, 60.0])
    np.testing.assert_array_equal(log.select([2, 0]).user, [0, 1])
    with pytest.raises(ValueError, match="at least one interaction, got an empty log"):
        log.select(log.video == 7)
    with pytest.raises(ValueError, match=r"rows must be a mask of shape \(4,\), got \(2,\)"):
        log.select(np.array([True, False]))


@pytest.mark.parametrize(
    ("change", "match"),
    [
        ({"video": np.array([0, 3])}, r"video must be in \[0, 2\), got 0 to 3"),
        ({"user": np.array([0, -1])}, r"user must be in \[0, 2\), got -1 to 0"),
        ({"duration": np.zeros(3)}, r"duration must have shape \(2,\), got \(3,\)"),
        ({"video": np.zeros(3, dtype=np.int64)}, r"video must have shape \(2,\), got \(3,\)"),
    ],
)
def test_the_constructor_refuses_codes_that_do_not_fit(change, match):
    codes = np.arange(2)
    with pytest.raises(ValueError, match=match):
        WatchLog(
            **{"user": codes, "video": codes, "user_ids": pd.Index([1, 2]), "video_ids": pd.Index([1, 2])} | change
        )


@pytest.mark.parametrize("suffix", [".csv", ".csv.gz", ".parquet"])
def test_a_file_gives_the_log_of_its_frame(tmp_path, frame, suffix):
    path = tmp_path / f"log{suffix}"
    frame = frame.assign(extra="text")
    frame.to_parquet(path) if suffix == ".parquet" else frame.to_csv(path, index=False)
    expected = WatchLog.from_frame(frame).to_frame()
    pd.testing.assert_frame_equal(WatchLog.read(path).to_frame(), expected)
    pd.testing.assert_frame_equal(WatchLog.read(str(path), video_ids=[20, 30, 10]).to_frame(), expected)
    with pytest.raises(
        ValueError, match=rf"log{suffix}: the log must have the columns \['uid', 'video_id'\], got \['user_id', 'v"
    ):
        WatchLog.read(path, columns={"user_id": "uid"})


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (["1", "20", "-3"], [-3, 1, 20]),
        (["0", "7", "123456789012345678"], [0, 7, 123456789012345678]),
        (["007", "7x", "08"], ["007", "08", "7x"]),
        (["9223372036854775807", "-9223372036854775808", "1"], [-(2**63), 1, 2**63 - 1]),
        (["9223372036854775808", "2", "3"], ["2", "3", "9223372036854775808"]),
        (["NA", "null", "nan", "n/a", '"NULL"', "7"], ["7", "NA", "NULL", "n/a", "nan", "null"]),
        (["1e5", "2", "3"], ["1e5", "2", "3"]),
        (["1.0", "2", "3"], ["1.0", "2", "3"]),
        (["12345678901234567890123", "2", "3"], ["12345678901234567890123", "2", "3"]),
        ([" 1", "1x", "True"], [" 1", "1x", "True"]),
    ],
)
def test_ids_in_a_csv_are_integers_only_where_nothing_is_lost(tmp_path, text, expected):
    path = tmp_path / "log.csv"
    path.write_text("user_id,video_id\n" + "".join(f"{value},1\n" for value in text))
    assert list(WatchLog.read(path).user_ids) == expected


def test_ids_in_a_csv_take_the_type_of_the_vocabulary(tmp_path):
    path = tmp_path / "log.csv"
    path.write_text("user_id,video_id\n1,100\n2,200\n")
    assert list(WatchLog.read(path).video_ids) == [100, 200]
    log = WatchLog.read(path, video_ids=["001", "100", "200"])
    np.testing.assert_array_equal(log.video, [1, 2])
    assert list(log.user_ids) == [1, 2]


@pytest.mark.parametrize(
    ("name", "content", "match"),
    [
        ("log.csv", b"", "it is not a .csv(.gz)? file, or it is truncated or corrupt"),
        ("log.csv", b"user_id,video_id\n", "the log must have at least one row, got an empty log"),
        (
            "log.csv",
            b"user_id,video_id\n1,2\n3",
            "it is not a .csv file, or it is truncated or corrupt .*Expected 2 columns, got 1",
        ),
        ("log.csv", b"user_id,video_id\n1,2\n3,", "video_id must not be missing, got 1 missing, the first in row 1"),
        ("log.csv", b"user_id,video_id,watch_time\n1,2,3\n1,3,x1\n", "watch_time must hold .* got 'x1' in row 1"),
        ("log.csv", b"user_id,video_id\n1,2,9\n", "it is not a .csv(.gz)? file, or it is truncated or corrupt"),
        ("log.csv", b"user_id,video_id\n1,2\n1,2,3\n", "it is not a .csv(.gz)? file, or it is truncated or corrupt"),
        ("log.csv", b"user_id,video_id\n\xff\xfe,2\n", "it is not a .csv(.gz)? file, or it is truncated or corrupt"),
        ("log.csv.gz", b"user_id,video_id\n1,2\n", "it is not a .csv(.gz)? file, or it is truncated or corrupt"),
        (
            "log.csv.gz",
            gzip.compress(b"user_id,video_id\n" + b"1,2\n" * 99, mtime=0)[:-12],
            "it is not a .csv(.gz)? file, or it is truncated or corrupt",
        ),
        ("log.parquet", b"PAR1", "it is not a .parquet file, or it is truncated or corrupt"),
        ("log.parquet", b"", "it is not a .parquet file, or it is truncated or corrupt"),
        ("log.json", b"{}", r"the suffix must be one of \['.csv', .*'.parquet'\], got 'log.json'"),
    ],
)
def test_a_corrupt_file_is_named_in_one_sentence(tmp_path, name, content, match):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(ValueError, match=match) as caught:
        WatchLog.read(tmp_path / name)
    assert str(caught.value).startswith(str(tmp_path / name))
    assert "\n" not in str(caught.value)


def test_a_truncated_parquet_file_is_named(tmp_path, frame):
    path = tmp_path / "log.parquet"
    frame.to_parquet(path)
    path.write_bytes(path.read_bytes()[:-200])
    with pytest.raises(ValueError, match=r"log.parquet: it is not a .parquet file, or it is truncated or corrupt"):
        WatchLog.read(path)


def test_bad_rows_are_dropped_with_one_warning_that_counts_them(frame):
    many = pd.concat([frame] * 3, ignore_index=True).assign(timestamp=np.arange(12.0))
    many = many.astype({"watch_time": object, "duration": float})
    many.loc[[1, 5], "watch_time"] = [None, "much"]
    many.loc[[2, 5, 8], "duration"] = [0, -1, np.inf]
    many.loc[[2, 9], "timestamp"] = [np.nan, -1]
    with pytest.warns(UserWarning, match="rows dropped by strict=False") as caught:
        log = WatchLog.from_frame(many, strict=False)
    assert [str(warning.message) for warning in caught] == [
        "5 of 12 rows dropped by strict=False (watch_time text in 1, watch_time missing in 1, duration not finite in 1, "
        "duration zero in 1, timestamp negative in 1), the first is row 1"
    ]
    assert caught[0].filename == __file__
    assert log.dropped == {
        "watch_time text": 1,
        "watch_time missing": 1,
        "duration not finite": 1,
        "duration zero": 1,
        "timestamp negative": 1,
    }
    good = many.drop(index=[1, 2, 5, 8, 9]).astype({"watch_time": float})
    pd.testing.assert_frame_equal(log.to_frame(), WatchLog.from_frame(good).to_frame())
    assert log.select([0]).dropped == log.dropped


@settings(max_examples=50, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.integers(0, 3),
            st.integers(0, 3),
            *[st.sampled_from([None, np.nan, -np.inf, np.inf, -1.0, -0.0, 0, 1e-9, 2, "x", "", "nan", "inf", "4"])] * 3,
        ),
        min_size=1,
        max_size=12,
    )
)
def test_dropping_agrees_with_a_loop(rows):
    kept = []
    for user, video, *values in rows:
        try:
            numbers = [float(value) for value in values]
        except (TypeError, ValueError):
            continue
        if all(0 <= number < np.inf for number in numbers) and numbers[1] > 0:
            kept.append((user, video, *numbers))
    frame = pd.DataFrame(rows, columns=["user_id", "video_id", "watch_time", "duration", "timestamp"])
    if not kept:
        with pytest.raises(ValueError, match=rf"at least one row .* got: {len(rows)} of {len(rows)} rows dropped"):
            WatchLog.from_frame(frame, strict=False)
        return
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        log = WatchLog.from_frame(frame, strict=False, duplicates="keep")
    assert list(log.to_frame().itertuples(index=False, name=None)) == kept
    assert sum(log.dropped.values()) == len(rows) - len(kept)
    assert list(log.user_ids) == sorted({row[0] for row in kept})
    assert list(log.video_ids) == sorted({row[1] for row in kept})


def test_nothing_is_dropped_where_nothing_is_wrong_or_strict(frame):
    assert WatchLog.from_frame(frame, strict=False).dropped == {}
    assert WatchLog.from_frame(frame).dropped == {}
    assert WatchLog.from_frame(frame[["user_id", "video_id"]], strict=False).num_interactions == 4
    none = frame.assign(duration=0)
    np.testing.assert_array_equal(WatchLog.from_frame(none).duration, np.zeros(4))
    with pytest.raises(ValueError, match=r"one row of finite numbers .*, got: 4 of 4 rows .* \(duration zero in 4\)"):
        WatchLog.from_frame(none, strict=False)
    with pytest.raises(TypeError, match=r"watch_time must hold .* got dtype datetime64"):
        WatchLog.from_frame(frame.assign(watch_time=pd.to_datetime(["2020-01-01"] * 4)), strict=False)
    with pytest.raises(ValueError, match="user_id must not be missing, got 1 missing, the first in row 3"):
        WatchLog.from_frame(none.assign(user_id=["a", "b", "c", None]), strict=False)


def test_a_given_vocabulary_survives_the_dropping_and_duplicates_are_named_by_their_row(frame):
    bad = frame.assign(watch_time=[np.nan, 1.0, 1.0, 1.0])
    with pytest.warns(UserWarning, match=r"1 of 4 rows dropped .* the first is row 0"):
        log = WatchLog.from_frame(bad, video_ids=[20, 99, 30, 10], strict=False)
    assert list(log.video_ids) == [20, 99, 30, 10]
    np.testing.assert_array_equal(log.video, [3, 2, 0])
    assert list(log.user_ids) == ["al", "cy"]
    doubled = pd.concat([bad, bad.iloc[[2]]], ignore_index=True)
    with pytest.warns(UserWarning, match="the first is row") as caught:
        log = WatchLog.from_frame(doubled, strict=False)
    assert ["the first is row 0" in str(w.message) for w in caught] == [True, False]
    assert "1 rows equal an earlier one in every column, the first is row 4" in str(caught[1].message)
    assert log.num_interactions == 3
    assert log.dropped == {"watch_time missing": 1}


@pytest.mark.parametrize("suffix", [".csv", ".csv.gz", ".parquet"])
def test_bad_rows_of_a_file_are_dropped(tmp_path, frame, suffix):
    path = tmp_path / f"log{suffix}"
    text = frame.assign(watch_time=["4.0", "2.5", "much", None], duration=[10, 0, 10, 12])
    text.to_parquet(path) if suffix == ".parquet" else text.to_csv(path, index=False)
    with pytest.warns(UserWarning, match=r"3 of 4 rows dropped by strict=False"):
        log = WatchLog.read(path, strict=False)
    assert log.dropped == {"watch_time text": 1, "watch_time missing": 1, "duration zero": 1}
    assert log.to_frame().to_dict("records") == [
        {"user_id": "bo", "video_id": 30, "watch_time": 4.0, "duration": 10.0, "timestamp": 100.0}
    ]
    with pytest.raises(ValueError, match=rf"log{suffix}: watch_time must hold .* got 'much' in row 2 \(2 such rows\)"):
        WatchLog.read(path)


@settings(max_examples=100, deadline=None)
@given(st.lists(st.integers(0, 2**50), min_size=1, max_size=30))
def test_milliseconds_come_back_exactly(times):
    frame = pd.DataFrame({"user_id": 0, "video_id": range(len(times)), "watch_time": times, "timestamp": times})
    log = WatchLog.from_frame(frame, milliseconds=("watch_time", "timestamp"))
    assert [round(1000 * seconds) for seconds in log.watch_time.tolist()] == times
    np.testing.assert_array_equal(np.rint(log.timestamp * 1000).astype(np.int64), times)


def test_only_the_columns_named_are_milliseconds(frame):
    log = WatchLog.from_frame(frame, milliseconds=["watch_time"], columns={"duration": "timestamp"})
    np.testing.assert_array_equal(log.watch_time, [0.004, 0.0025, 0.009, 0.0])
    np.testing.assert_array_equal(log.duration, frame["timestamp"])
    with pytest.raises(
        ValueError, match=r"watch_time must hold finite numbers >= 0 \(milliseconds\), got -1.0 in row 1"
    ):
        WatchLog.from_frame(frame.assign(watch_time=[0.0, -1.0, 2.0, 2.0]), milliseconds=["watch_time"])
    for names in (["user_id"], ["watch_time", "duration"], "watch_time"):
        with pytest.raises(ValueError, match=r"milliseconds must name columns among \['watch_time', .* that are there"):
            WatchLog.from_frame(frame.drop(columns="duration"), milliseconds=names)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(
        FileNotFoundError, match=r"none.csv not found: expected a table in one of \['.csv', .*'.parquet'\]"
    ):
        WatchLog.read(tmp_path / "none.csv")
