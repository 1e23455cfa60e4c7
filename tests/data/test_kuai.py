"""The readers of published logs, on small files with the columns as they are published."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from graphvid.data import read_frame_release, read_kuairand, read_kuairec

KUAIREC = """user_id,video_id,play_duration,video_duration,time,date,timestamp,watch_ratio
0,3649,13838,10867,2020-07-05 00:08:23.438,20200705,1593878903.438,1.273397
0,9598,13665,10984,2020-07-05 00:13:41.297,20200705,1593879221.297,1.244082
0,3649,13838,10867,2020-07-05 00:08:23.438,20200705,1593878903.438,1.273397
14,9598,0,10984,,,,0.0
"""
KUAIRAND_HEADER = (
    "user_id,video_id,date,hourmin,time_ms,is_click,is_like,is_follow,is_comment,is_forward,is_hate,long_view,"
    "play_time_ms,duration_ms,profile_stay_time,comment_stay_time,is_profile_enter,is_rand,tab\n"
)
KUAIRAND = "{0},{1},20220421,400,{2},1,0,0,0,0,0,1,{3},{4},0,0,0,{5},{6}\n"
STANDARD = [(17387, 5, 1650485801301, 151024, 104400, 0, 1), (3, 9, 1650485801000, 0, 7000, 0, 0)]
RANDOM = [(3, 7, 1650485900000, 7000, 7000, 1, 1), (4, 5, 1650485900001, 1, 104400, 1, 4)]


def kuairand(path, rows):
    path.write_text(KUAIRAND_HEADER + "".join(KUAIRAND.format(*row) for row in rows))
    return path


def rows_of(log):
    return list(log.to_frame().itertuples(index=False, name=None))


def test_kuairec_loses_its_repeated_rows_and_keeps_milliseconds(tmp_path):
    path = tmp_path / "small_matrix.csv"
    path.write_text("\n".join(KUAIREC.splitlines()[:-1]))
    with pytest.warns(UserWarning, match="1 rows equal an earlier one in every column, the first is row 2; dropped"):
        log = read_kuairec(path)
    assert rows_of(log) == [(0, 3649, 13.838, 10.867, 1593878903.438), (0, 9598, 13.665, 10.984, 1593879221.297)]
    assert read_kuairec(path, duplicates="keep").num_interactions == 3


def test_kuairec_rows_without_a_time_are_refused_dropped_or_kept(tmp_path):
    path = tmp_path / "small_matrix.csv"
    path.write_text(KUAIREC)
    with pytest.raises(ValueError, match=r"small_matrix.csv: timestamp must hold finite numbers .* got nan in row 3"):
        read_kuairec(path)
    with pytest.warns(UserWarning, match=r"1 of 4 rows dropped by strict=False \(timestamp missing in 1\)"):
        log = read_kuairec(path, strict=False, duplicates="keep")
    assert log.dropped == {"timestamp missing": 1}
    assert list(log.user_ids) == [0]
    log = read_kuairec(path, timestamps=False, duplicates="keep")
    assert log.timestamp is None
    np.testing.assert_array_equal(log.watch_time, [13.838, 13.665, 13.838, 0.0])


def test_kuairand_of_one_file(tmp_path):
    log = read_kuairand(kuairand(tmp_path / "log_standard.csv", STANDARD))
    assert rows_of(log) == [(17387, 5, 151.024, 104.4, 1650485801.301), (3, 9, 0.0, 7.0, 1650485801.0)]


@pytest.mark.parametrize(
    ("arguments", "rows"),
    [
        ({}, [0, 1, 2, 3]),
        ({"random_exposure": "exclude"}, [0, 1]),
        ({"random_exposure": "only"}, [2, 3]),
        ({"tabs": [1]}, [0, 2]),
        ({"tabs": {4, 0, 14}}, [1, 3]),
        ({"tabs": [1], "random_exposure": "only"}, [2]),
    ],
)
def test_kuairand_rows_are_chosen_by_tab_and_exposure_with_the_integers_of_all_rows(tmp_path, arguments, rows):
    paths = [kuairand(tmp_path / "log_standard.csv", STANDARD), kuairand(tmp_path / "log_random.csv", RANDOM)]
    log = read_kuairand(paths, **arguments)
    expected = [(*row[:2], row[3] / 1000, row[4] / 1000, row[2] / 1000) for row in STANDARD + RANDOM]
    assert rows_of(log) == [expected[row] for row in rows]
    assert list(log.user_ids) == [3, 4, 17387]
    assert list(log.video_ids) == [5, 7, 9]
    np.testing.assert_array_equal(log.user, np.array([2, 0, 0, 1])[rows])


def test_kuairand_drops_bad_rows_among_those_chosen(tmp_path):
    path = kuairand(
        tmp_path / "log.csv", [*STANDARD, (8, 8, 0, -1, 5, 1, 0), (8, 9, 0, "x", 5, 1, 1), (8, 5, 0, 2, 0, 1, 1)]
    )
    with pytest.raises(ValueError, match=r"log.csv: .* must have at least one row .* 2 of 2 rows dropped"):
        read_kuairand(path, tabs=[1], random_exposure="only", strict=False)
    with pytest.warns(UserWarning, match=r"2 of 3 rows dropped .* the first is row 1"):
        log = read_kuairand(path, tabs=[1], strict=False)
    assert log.dropped == {"watch_time text": 1, "duration zero": 1}
    assert rows_of(log) == [(17387, 5, 151.024, 104.4, 1650485801.301)]
    assert list(log.user_ids) == [3, 8, 17387]
    with pytest.raises(ValueError, match=r"log.csv: play_time_ms must hold .* \(milliseconds\), got '-1' in row 2"):
        read_kuairand(path)


@pytest.mark.parametrize(
    ("arguments", "match"),
    [
        ({"tabs": [15]}, r"tabs must be integers in \[0, 15\), got \[15\]"),
        ({"tabs": ["1"]}, r"tabs must be integers in \[0, 15\), got \['1'\]"),
        ({"tabs": [2, 3]}, r"log.csv: tabs=\[2, 3\] and random_exposure='include' must leave a row, got none of 2"),
        ({"tabs": []}, r"tabs=\[\] and random_exposure='include' must leave a row"),
        ({"random_exposure": "only"}, r"tabs=None and random_exposure='only' must leave a row, got none of 2"),
        ({"random_exposure": True}, r"random_exposure must be 'include', 'exclude' or 'only', got True"),
        ({"duplicates": "first"}, r"duplicates must be 'drop', 'keep' or 'error', got 'first'"),
    ],
)
def test_kuairand_choices_are_checked(tmp_path, arguments, match):
    path = kuairand(tmp_path / "log.csv", STANDARD)
    with pytest.raises(ValueError, match=match):
        read_kuairand(path, **arguments)


def test_kuairand_columns_are_needed_where_rows_are_chosen_by_them(tmp_path):
    path = tmp_path / "log.csv"
    path.write_text("user_id,video_id,time_ms,play_time_ms,duration_ms\n1,2,3,4,5\n")
    assert rows_of(read_kuairand(path)) == [(1, 2, 0.004, 0.005, 0.003)]
    with pytest.raises(
        ValueError, match=r"log.csv: the table must have the columns .*'tab'\], each once, got \['user_id'"
    ):
        read_kuairand(path, tabs=[1])
    kuairand(path, [(1, 2, 3, 4, 5, 2, 20), (1, 2, 3, 4, 5, "", 1)])
    with pytest.raises(ValueError, match=r"log.csv: is_rand must be among \[0, 1\], got 2.0 in row 0 \(2 such rows\)"):
        read_kuairand(path, random_exposure="only")
    with pytest.raises(ValueError, match=r"tab must be among \[0, 1, .* 14\], got 20 in row 0 \(1 such rows\)"):
        read_kuairand(path, tabs=[1])
    with pytest.raises(ValueError, match="path must name at least one file, got none"):
        read_kuairand([])


@pytest.mark.parametrize("duration", ["duration_ms", "uration_ms"])
@pytest.mark.parametrize("suffix", [".csv", ".csv.gz", ".parquet"])
def test_the_frame_release_and_segmm_share_a_reader(tmp_path, duration, suffix):
    frame = pd.DataFrame(
        {
            "user_id": [4, 2],
            "time_ms": [205739830, 205660527],
            "photo_id": [316602, 427053],
            duration: [32366, 7366],
            "playing_time": [1623, 7367],
            "timestamp": ["monday", "tuesday"],
        }
    )
    path = tmp_path / f"log{suffix}"
    frame.to_parquet(path) if suffix == ".parquet" else frame.to_csv(path, index=False)
    log = read_frame_release(path)
    assert rows_of(log) == [(4, 316602, 1.623, 32.366, 205739.83), (2, 427053, 7.367, 7.366, 205660.527)]
    untimed = frame.drop(columns="time_ms")
    untimed.to_parquet(path) if suffix == ".parquet" else untimed.to_csv(path, index=False)
    assert read_frame_release(path).timestamp is None


@pytest.mark.parametrize(
    ("read", "missing"),
    [(read_kuairec, "play_duration"), (read_kuairand, "play_time_ms"), (read_frame_release, "playing_time")],
)
def test_absent_files_and_columns_are_named(tmp_path, read, missing):
    with pytest.raises(FileNotFoundError, match=r"none.csv not found: expected a table"):
        read(tmp_path / "none.csv")
    path = tmp_path / "log.csv"
    path.write_text("user_id,video_id\n1,2\n")
    with pytest.raises(
        ValueError, match=rf"log.csv: the table must have the columns .*{missing}.* got \['user_id', 'video_id'\]"
    ):
        read(path)
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ValueError, match=r"log.csv: it is not a .csv file, or it is truncated or corrupt"):
        read(path)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(*[st.integers(0, 2**41)] * 3), min_size=1, max_size=20))
def test_milliseconds_come_back_exactly(tmp_path, times):
    frame = pd.DataFrame(times, columns=["playing_time", "duration_ms", "time_ms"])
    path = tmp_path / "log.csv"
    frame.assign(user_id=1, photo_id=range(len(times))).to_csv(path, index=False)
    log = read_frame_release(path)
    for column, seconds in (
        ("playing_time", log.watch_time),
        ("duration_ms", log.duration),
        ("time_ms", log.timestamp),
    ):
        assert [round(1000 * value) for value in seconds.tolist()] == frame[column].tolist()
