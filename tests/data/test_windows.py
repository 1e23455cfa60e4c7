"""Windows in time: which rows go where, and which pairs of windows are refused."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from graphvid.data import LogWindows, WatchLog, check_no_leak, split_by_time


def log_of(users, times, videos=None):
    columns = {"user_id": users, "video_id": range(len(users)) if videos is None else videos}
    if times is not None:
        columns["timestamp"] = np.array(times, float)
    return WatchLog.from_frame(pd.DataFrame(columns), duplicates="keep")


def lists(windows):
    return [rows.tolist() for rows in windows]


def oracle(users, times, fractions, by):
    """Row by row: how many earlier rows of the user there are, against the exact shares."""
    shares = [Fraction(str(share)) for share in fractions]
    windows = [[], [], []]
    for row, (user, time) in enumerate(zip(users, times, strict=True)):
        own = [t for u, t in zip(users, times, strict=True) if by == "all" or u == user]
        earlier = sum(t < time for t in own)
        cuts = [int(len(own) * shares[0]), int(len(own) * (shares[0] + shares[1]))]  # int() rounds down
        windows[sum(earlier >= cut for cut in cuts)].append(row)
    return windows


def test_by_hand():
    windows = split_by_time(log_of([1, 1, 2, 1, 1, 2, 2, 2], [4, 1, 40, 3, 2, 10, 30, 20]))
    assert isinstance(windows, LogWindows)
    assert lists(windows) == [[1, 4, 5, 7], [3, 6], [0, 2]]
    assert all(rows.dtype == np.int64 for rows in windows)


@pytest.mark.parametrize(
    ("num_rows", "sizes"),
    [(1, [0, 0, 1]), (2, [1, 0, 1]), (3, [1, 1, 1]), (4, [2, 1, 1]), (7, [3, 2, 2]), (80, [40, 20, 20])],
)
def test_sizes_of_short_histories(num_rows, sizes):
    """Beside a user with enough rows to fill all windows."""
    log = log_of([0] * 4 + [1] * num_rows, range(4 + num_rows))
    windows = split_by_time(log)
    assert [int((log.user[rows] == 1).sum()) for rows in windows] == sizes


@pytest.mark.parametrize(
    ("fractions", "sizes"),
    [
        ((0.7, 0.2, 0.1), [7, 2, 1]),
        ((0.1, 0.2, 0.7), [1, 2, 7]),
        ((1 / 3, 1 / 3, 1 / 3), [3, 3, 4]),
        ((0.8, 0.1, 0.1), [8, 1, 1]),
    ],
)
def test_shares_are_exact(fractions, sizes):
    for by in ("user", "all"):
        assert [len(rows) for rows in split_by_time(log_of([1] * 10, range(10)), fractions=fractions, by=by)] == sizes


def test_one_moment_for_all_users():
    log = log_of([1, 1, 1, 2], [10, 20, 30, 40])
    assert lists(split_by_time(log, by="all")) == [[0, 1], [2], [3]]
    assert lists(split_by_time(log, by="user")) == [[0], [1], [2, 3]], "user 2 has one row, a cold user"


def test_rows_of_one_moment_stay_together():
    assert lists(split_by_time(log_of([1] * 8, [0, 0, 0, 0, 0, 5, 6, 7]))) == [[0, 1, 2, 3, 4], [5], [6, 7]]


def test_a_moment_is_that_of_all_users_or_of_one():
    log = log_of([1, 1, 1, 1, 2, 2, 2, 2], [1, 2, 3, 6, 3, 4, 5, 7])
    assert lists(split_by_time(log, by="user")) == [[0, 1, 4, 5], [2, 6], [3, 7]]
    assert lists(split_by_time(log, by="all")) == [[0, 1, 2, 4], [5, 6], [3, 7]]
    assert lists(split_by_time(log, by="all", fractions=(0.375, 0.375, 0.25))) == [[0, 1, 2, 4], [5, 6], [3, 7]]


@settings(deadline=None, max_examples=80)
@given(
    rows=st.lists(st.tuples(st.integers(0, 3), st.integers(0, 9), st.integers(0, 2)), min_size=3, max_size=30),
    fractions=st.sampled_from([(0.5, 0.25, 0.25), (0.7, 0.2, 0.1), (0.2, 0.2, 0.6)]),
    by=st.sampled_from(["user", "all"]),
    data=st.data(),
)
def test_any_log_against_loops(rows, fractions, by, data):
    expected = oracle([row[0] for row in rows], [row[1] for row in rows], fractions, by)
    log = log_of(*zip(*rows, strict=True))
    if not all(expected):
        with pytest.raises(ValueError, match="every window must have a row"):
            split_by_time(log, fractions=fractions, by=by)
        return
    windows = split_by_time(log, fractions=fractions, by=by)
    assert lists(windows) == expected
    assert sorted(np.concatenate(windows)) == list(range(len(rows)))
    check_no_leak(log.select(windows.graph), log.select(windows.supervision))
    check_no_leak(log.select(np.concatenate(windows[:2])), log.select(windows.test))

    order = np.array(data.draw(st.permutations(range(len(rows)))))
    for part, reordered in zip(windows, split_by_time(log.select(order), fractions=fractions, by=by), strict=True):
        assert sorted(order[reordered]) == part.tolist()


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"log": pd.DataFrame()}, TypeError, "log must be a WatchLog, got DataFrame"),
        (
            {"log": log_of([1, 1], None)},
            ValueError,
            "log must have timestamps, got a log without the column 'timestamp'",
        ),
        ({"fractions": (0.5, 0.5)}, ValueError, r"fractions must be three numbers > 0 with sum 1, got \(0\.5, 0\.5\)"),
        ({"fractions": (0.5, 0.5, 0.0)}, ValueError, "fractions must be three numbers > 0 with sum 1"),
        ({"fractions": (1.5, -0.25, -0.25)}, ValueError, "fractions must be three numbers > 0 with sum 1"),
        ({"fractions": (0.5, 0.25, 0.3)}, ValueError, "fractions must be three numbers > 0 with sum 1"),
        ({"fractions": (0.5, 0.5, np.nan)}, ValueError, "fractions must be three numbers > 0 with sum 1"),
        ({"by": "video"}, ValueError, "by must be 'user' or 'all', got 'video'"),
        (
            {"log": log_of([1, 2], [1, 2])},
            ValueError,
            "but graph has none: the log has 2 rows at 2 moments of its users",
        ),
        (
            {"log": log_of([1] * 9, [5] * 9), "by": "all"},
            ValueError,
            "but supervision has none: .* 9 rows at 1 moments$",
        ),
    ],
)
def test_split_errors(options, error, message):
    with pytest.raises(error, match=message):
        split_by_time(**{"log": log_of([1] * 4, range(4)), **options})


def test_timestamps_that_are_not_finite():
    log = WatchLog(
        np.zeros(3, np.int64), np.arange(3), pd.Index([1]), pd.Index(range(3)), timestamp=np.array([1.0, np.nan, 2.0])
    )
    with pytest.raises(ValueError, match="log must have finite timestamps, got nan in row 1"):
        split_by_time(log)
    with pytest.raises(ValueError, match="test must have finite timestamps, got nan in row 1"):
        check_no_leak(log_of([1], [0]), log)


def test_shared_rows_are_refused_whatever_the_codes():
    train = log_of(["b", "c", "c"], [1, 2, 3], ["x", "y", "z"])
    test = log_of(["a", "b", "c", "c"], [9, 8, 2, 3], ["x", "x", "y", "z"])
    assert train.user[1] != test.user[2], "the vocabularies differ"
    with pytest.raises(ValueError, match=r"but 2 of 4 are; the first is row 2 \(user 'c', video 'y', timestamp 2\.0\)"):
        check_no_leak(train, test)
    with pytest.raises(ValueError, match="but 2 of 4 are"):
        check_no_leak(train, test, time_order=False)


def test_same_codes_of_other_ids_are_no_leak():
    check_no_leak(log_of(["a"], [5], ["x"]), log_of(["b"], [1], ["y"]))


def test_watching_again_is_no_leak():
    check_no_leak(log_of([1], [1], [7]), log_of([1], [2], [7]))


def test_test_before_training():
    train, test = (
        log_of([1, 2, 3], [10, 10, 10], [1, 2, 3]),
        log_of([3, 2, 2, 4, 1], [9, 8, 20, 0, 10], [4, 5, 6, 7, 8]),
    )
    with pytest.raises(
        ValueError, match=r"but 2 users are; the first is user 3, whose test row 0 has timestamp 9\.0 and whose"
    ):
        check_no_leak(train, test)
    check_no_leak(train, test, time_order=False)
    check_no_leak(train, test.select([2, 3, 4]))  # later, a user without training, and the same moment


def test_windows_the_wrong_way_round():
    log = log_of([1] * 8, range(8))
    windows = split_by_time(log)
    with pytest.raises(ValueError, match="no user may be tested before the end of their training, but 1 users are"):
        check_no_leak(log.select(windows.test), log.select(windows.graph))


def test_check_errors():
    log = log_of([1], [1])
    with pytest.raises(TypeError, match="test must be a WatchLog, got NoneType"):
        check_no_leak(log, None)
    with pytest.raises(ValueError, match="train must have timestamps, got a log without the column 'timestamp'"):
        check_no_leak(log_of([1], None), log)


def test_a_leak_is_found_whether_ids_are_integers_or_text():
    log = log_of([1], [1])
    for other in (log_of(["1"], [1]), log_of([1], [1], ["0"])):
        for pair in ((log, other), (other, log)):
            with pytest.raises(ValueError, match="test rows must not be training rows, but 1 of 1 are"):
                check_no_leak(*pair)
