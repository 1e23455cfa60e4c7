"""Check-ins against pandas and the calendar; bad input; filters, sessions, splits and the generated town."""

from __future__ import annotations

import gzip
from datetime import datetime, timedelta, timezone

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from graphvid.data import (
    CheckIns,
    SyntheticCheckIns,
    filter_check_ins,
    local_time,
    read_dchl,
    read_foursquare_nyc,
    read_lbsn2vec,
    read_tsmc2014,
    split_check_ins,
)
from graphvid.data.check_in_files import unwrap_hours


def table(**columns):
    return pd.DataFrame({"user_id": 0, "poi_id": 0, "timestamp": 0, "offset": 0, **columns})


def make(users, times, pois=None, **columns):
    pois = list(range(len(users))) if pois is None else pois
    return CheckIns.from_frame(table(user_id=users, timestamp=times, poi_id=pois, **columns))


def test_rows_are_sorted_by_user_and_time_and_ties_by_file():
    found = make([2, 1, 2, 1, 2], [50, 7, 10, 7, 10], ["a", "b", "c", "d", "e"])
    assert found.user_ids.tolist() == [1, 2]
    assert found.user.tolist() == [0, 0, 1, 1, 1]
    assert found.poi_ids.take(found.poi).tolist() == ["b", "d", "c", "e", "a"]
    assert found.row.tolist() == [1, 3, 2, 4, 0]
    assert found.indptr.tolist() == [0, 2, 5]


@settings(deadline=None, max_examples=60)
@given(st.integers(0, 4_000_000_000), st.integers(-720, 840))
def test_local_time_is_the_calendar(seconds, offset):
    weekday, hour = local_time([seconds], [offset])
    moment = datetime(1970, 1, 1, tzinfo=timezone.utc) + timedelta(seconds=seconds, minutes=offset)
    assert (weekday[0], hour[0]) == (moment.weekday(), moment.hour)


def test_the_offset_comes_before_the_slot_and_daylight_saving_is_in_it():
    day = datetime(2012, 11, 4, 5, 30, tzinfo=timezone.utc).timestamp()  # New York leaves daylight saving this Sunday
    found = make([0, 0], [day, day + 3600], offset=[-240, -300])
    assert found.weekday.tolist() == [6, 6]
    assert found.hour.tolist() == [1, 1]  # 1:30 twice
    monday_here = make([0], [datetime(2012, 11, 5, 1, 0, tzinfo=timezone.utc).timestamp()], offset=[-300])
    assert monday_here.weekday.tolist() == [6]


def test_milliseconds_are_told_from_seconds():
    with pytest.raises(ValueError, match="looks like milliseconds; pass milliseconds=True"):
        make([0], [1_340_000_000_000])
    frame = table(timestamp=[1_340_000_000_500])
    assert CheckIns.from_frame(frame, milliseconds=True).timestamp.tolist() == [1_340_000_000.5]
    with pytest.raises(ValueError, match="looks like seconds"):
        CheckIns.from_frame(table(timestamp=[1_340_000_000]), milliseconds=True)


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"latitude": [91.0], "longitude": [0.0]}, r"latitude must be in \[-90, 90\] degrees, got 91\.0 in row 0"),
        ({"latitude": [0.0], "longitude": [np.nan]}, r"longitude must be in \[-180, 180\] degrees"),
        ({"latitude": [0.0]}, "latitude and longitude must be given together"),
        ({"offset": [np.nan]}, "offset must be whole minutes from -720 to 840, got nan in row 0"),
        ({"offset": [0.5]}, "offset must be whole minutes"),
        ({"offset": [-14400]}, "offset must be whole minutes"),  # seconds
        ({"timestamp": [-1]}, "timestamp must be a finite number of seconds >= 0"),
        ({"timestamp": ["soon"]}, "timestamp must be a finite number"),
        ({"user_id": [None]}, "user_id must not be missing"),
    ],
)
def test_bad_rows_are_refused_by_name(columns, message):
    with pytest.raises(ValueError, match=message):
        CheckIns.from_frame(table(**{"user_id": [0], **columns}))


def test_missing_offsets_must_be_answered():
    frame = table(user_id=[0]).drop(columns="offset")
    with pytest.raises(ValueError, match="minutes from UTC to local time are missing"):
        CheckIns.from_frame(frame)
    assert CheckIns.from_frame(frame, offset=60).hour.tolist() == [1]
    with pytest.raises(ValueError, match="offset must not be given beside the column"):
        CheckIns.from_frame(table(user_id=[0]), offset=60)
    with pytest.raises(ValueError, match=r"must have the columns \['timestamp'\]"):
        CheckIns.from_frame(frame.drop(columns="timestamp"), offset=0)
    with pytest.raises(ValueError, match="at least one check-in"):
        CheckIns.from_frame(table(user_id=[0]).iloc[:0])


def test_bad_rows_are_dropped_and_counted_if_asked():
    frame = table(
        user_id=[1, 1, 2, 3],
        timestamp=[0, -1, 5, 6],
        offset=[0, np.nan, 0, np.nan],
        latitude=[0, 0, 95.0, 0],
        longitude=[0.0, 0, 0, 0],
    )
    with pytest.warns(UserWarning, match="3 of 4 check-ins dropped"):
        found = CheckIns.from_frame(frame, strict=False)
    assert found.num_check_ins == 1
    assert found.dropped == {"timestamp": 1, "offset": 1, "latitude": 1}
    assert found.user_ids.tolist() == [1]


def test_a_place_that_moves_is_named():
    with pytest.warns(UserWarning, match="1 of 3 rows lie more than 100 m"):
        found = make([0, 0, 0], [1, 2, 3], ["a", "a", "a"], latitude=[50.0, 50.0001, 50.01], longitude=[8.0] * 3)
    assert found.latitude.tolist() == [50.0]


def test_the_constructor_refuses_what_is_out_of_order():
    good = make([0, 0, 1], [1, 2, 0])
    fields = {"timestamp": good.timestamp, "offset": good.offset}
    with pytest.raises(ValueError, match="in order of the user"):
        CheckIns(good.user[::-1], good.poi, good.user_ids, good.poi_ids, **fields)
    with pytest.raises(ValueError, match="in order of the timestamp"):
        CheckIns(
            good.user, good.poi, good.user_ids, good.poi_ids, timestamp=good.timestamp[[1, 0, 2]], offset=good.offset
        )
    with pytest.raises(ValueError, match="given together"):
        CheckIns(good.user, good.poi, good.user_ids, good.poi_ids, timestamp=good.timestamp)
    with pytest.raises(ValueError, match=r"poi must be in \[0, 3\)"):
        CheckIns(good.user, good.poi + 1, good.user_ids, good.poi_ids, **fields)


def test_sessions_end_at_longer_gaps_only():
    found = make([0, 0, 0, 0, 1], [0, 86_400, 172_801, 172_801, 0])
    assert found.sessions().tolist() == [0, 0, 1, 1, 0]  # a gap of exactly a day is not longer
    assert found.sessions(gap=1e6).tolist() == [0, 0, 0, 0, 0]
    with pytest.raises(ValueError, match="gap must be"):
        found.sessions(gap=0)


@settings(deadline=None, max_examples=40)
@given(
    st.lists(st.tuples(st.integers(0, 5), st.integers(0, 5)), min_size=1, max_size=60),
    st.integers(1, 4),
    st.integers(1, 4),
)
def test_filter_is_the_fixed_point(pairs, min_poi, min_user):
    users, pois = zip(*pairs)
    data = make(list(users), list(range(len(pairs))), list(pois))
    left = list(zip(users, pois))
    while True:
        kept = [p for p in left if sum(q[1] == p[1] for q in left) >= min_poi]
        kept = [p for p in kept if sum(q[0] == p[0] for q in kept) >= min_user]
        if len(kept) == len(left):
            break
        left = kept
    if not left:
        with pytest.raises(ValueError, match="no check-in is left of"):
            filter_check_ins(data, min_per_poi=min_poi, min_per_user=min_user)
        return
    found = filter_check_ins(data, min_per_poi=min_poi, min_per_user=min_user)
    assert sorted(zip(found.user_ids.take(found.user), found.poi_ids.take(found.poi))) == sorted(left)
    assert found.num_users == len({u for u, _ in left})
    assert found.num_pois == len({p for _, p in left})


@pytest.mark.parametrize("n", [1, 2, 3, 9, 10, 11, 19, 20])
def test_split_borders_are_whole_numbers(n):
    found = make([0] * n + [1], [*list(range(n)), 0])
    windows = split_check_ins(found)
    assert [len(rows[rows < n]) for rows in windows] == [8 * n // 10, 9 * n // 10 - 8 * n // 10, n - 9 * n // 10]
    assert windows.test.tolist()[-1] == n  # one check-in alone is for the test
    assert sorted(np.concatenate(windows)) == list(range(n + 1))
    with pytest.raises(ValueError, match="the train share must be"):
        split_check_ins(found, shares=(0, 1, 1))


def test_the_form_of_tsmc2014(tmp_path):
    lines = [
        '470\tvenue1\tc1\tCaf\xe9 "x"\t40.72\t-73.99\t-240\tTue Apr 03 18:00:09 +0000 2012',
        "470\tvenue2\tc2\tBar\t40.73\t-73.98\t-240\tTue Apr 03 18:00:08 +0000 2012",
    ]
    path = tmp_path / "dataset.txt.gz"
    path.write_bytes(gzip.compress("\n".join(lines).encode("latin-1")))
    found = read_tsmc2014(path)
    assert found.poi_ids.take(found.poi).tolist() == ["venue2", "venue1"]
    assert found.timestamp[1] == datetime(2012, 4, 3, 18, 0, 9, tzinfo=timezone.utc).timestamp()
    assert (found.weekday[0], found.hour[0]) == (1, 14)
    path.write_bytes(gzip.compress(b"1\t2\t3\n"))
    with pytest.raises(ValueError, match=r"dataset\.txt\.gz: a line must have 8 fields"):
        read_tsmc2014(path)
    path.write_bytes(gzip.compress(lines[0].replace("Apr", "4").encode("latin-1")))
    with pytest.raises(
        ValueError, match=r"dataset\.txt\.gz is not a table of the TSMC2014 release.*time data .*[^\n]*$"
    ):
        read_tsmc2014(path)
    with pytest.raises(FileNotFoundError, match="expected a file of the TSMC2014 release"):
        read_tsmc2014(tmp_path / "absent.txt")


def test_a_csv_is_read_with_its_name_in_errors(tmp_path):
    path = tmp_path / "log.csv"
    table(user_id=[1, 1], timestamp=[5, 3]).to_csv(path, index=False)
    assert CheckIns.read(path).timestamp.tolist() == [3.0, 5.0]
    table(user_id=[1], offset=[9999]).to_csv(path, index=False)
    with pytest.raises(ValueError, match=r"log\.csv: offset must be"):
        CheckIns.read(path)


def test_weeks_follow_from_the_order_of_rows():
    hours = np.cumsum([5, 3, 100, 167 - 20, 0, 9]) % 168
    assert np.diff(unwrap_hours(hours)).tolist() == [3, 100, 147, 0, 9]


def test_staged_files(poi_data):
    timed = read_foursquare_nyc(poi_data)
    assert timed.check_ins.num_check_ins == 29_803
    assert len(timed.windows.test) == 15_146
    assert sum(map(len, timed.windows)) == 29_803
    for before, after in zip(timed.windows, timed.windows[1:]):
        last = np.full(timed.check_ins.num_users, -np.inf)
        np.maximum.at(last, timed.check_ins.user[before], timed.check_ins.timestamp[before])
        assert (timed.check_ins.timestamp[after] >= last[timed.check_ins.user[after]]).all()
    hyper = read_lbsn2vec(poi_data)
    assert (hyper.check_ins.num_check_ins, hyper.check_ins.num_users, hyper.check_ins.latitude) == (105_961, 3785, None)
    saved = np.load(f"{poi_data}/poi_checkins/nyc_lbsn2vec_hypergraph.npz")["checkins"][:, 2]
    slot = 24 * hyper.check_ins.weekday + hyper.check_ins.hour
    np.testing.assert_array_equal(slot, saved[hyper.check_ins.row])
    dchl = read_dchl(poi_data)
    assert (dchl.check_ins.num_users, dchl.check_ins.num_pois, len(dchl.windows.test)) == (834, 3835, 834)
    assert dchl.check_ins.num_check_ins == 37_686 + 7_913 + 2 * 834
    assert dchl.check_ins.sessions().max() > 0


def test_town_repeats_and_follows_its_causes():
    first, again = SyntheticCheckIns(num_users=20), SyntheticCheckIns(num_users=20)
    np.testing.assert_array_equal(first.check_ins.poi, again.check_ins.poi)
    assert not np.array_equal(first.check_ins.poi[:100], SyntheticCheckIns(num_users=20, seed=1).check_ins.poi[:100])
    found = first.check_ins
    assert np.bincount(found.user).min() >= 120
    shares = np.bincount(first.cause, minlength=6) / found.num_check_ins
    np.testing.assert_allclose(shares, [0.22, 0.18, 0.15, 0.20, 0.13, 0.12], atol=0.03)
    weekday = first.cause == 0
    pairs = pd.DataFrame({"user": found.user, "day": found.weekday, "poi": found.poi})[weekday]
    assert pairs.groupby(["user", "day"])["poi"].nunique().max() <= 2
    inside = np.flatnonzero(first.cause == 2)
    np.testing.assert_array_equal(first.area[found.poi[inside]], first.area[found.poi[inside - 1]])
    with pytest.raises(ValueError, match="num_pois must be"):
        SyntheticCheckIns(num_pois=10)
