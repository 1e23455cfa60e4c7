"""Clip labels: every case of the rule in exact arithmetic, what is dropped, what is refused."""

from __future__ import annotations

from fractions import Fraction
from math import floor

import numpy as np
import pandas as pd
import pytest

from graphvid.data import WatchLog
from graphvid.graphs import ClipLabels, label_clips


def log_of(watch_time, duration, **arrays):
    """A log of user 0 and as many videos as rows; nothing is validated, as in a log made by hand."""
    rows = np.arange(len(watch_time))
    measures = {"watch_time": np.array(watch_time, float), "duration": np.array(duration, float), **arrays}
    return WatchLog(np.zeros_like(rows), rows, pd.Index([7]), pd.Index(rows), **measures)


def log_ms(play, duration):
    return log_of(np.asarray(play) / 1000, np.asarray(duration) / 1000)


def stops(play, duration, num_clips, **options):
    return label_clips(log_ms(play, duration), num_clips, **options).stop.tolist()


def oracle(play, duration, num_clips, *, complete_ratio=Fraction(1), resolution=Fraction(0)):
    """Whole milliseconds in, the clip out, by the definition: the half-open interval that holds the play's end."""
    play, duration = Fraction(play), Fraction(duration)
    if play >= complete_ratio * duration or (resolution and play >= duration - resolution / 2):
        return num_clips
    inside = [i for i in range(num_clips) if i * duration / num_clips <= play < (i + 1) * duration / num_clips]
    assert len(inside) == 1
    return inside[0]


def test_form():
    frame = pd.DataFrame(
        {"user_id": ["b", "a", "b"], "video_id": [5, 3, 3], "watch_time": [3.0, 9.0, 0.0], "duration": [4.0, 4.0, 4.0]}
    )
    labels = label_clips(WatchLog.from_frame(frame), 4)
    assert isinstance(labels, ClipLabels)
    assert labels.user.tolist() == [1, 0, 1]
    assert labels.video.tolist() == [1, 0, 0]
    assert labels.stop.tolist() == [3, 4, 0]
    assert labels.complete.tolist() == [False, True, False]
    assert labels.count.tolist() == [1, 1, 1]
    assert labels.row.tolist() == [0, 1, 2]
    assert labels.num_clips == 4
    assert labels.dropped == {"duration": 0, "watch_time": 0, "min_watch_time": 0}
    assert all(getattr(labels, name).dtype == np.int64 for name in ("user", "video", "stop", "count", "row"))


@pytest.mark.parametrize(
    ("play", "duration", "num_clips", "expected", "quotient"),
    [(12, 20, 10, 6, lambda p, d, n: (p / d) / (1 / n)), (116, 200, 100, 58, lambda p, d, n: (p / d) * n)],
)
def test_floats_would_fall_below_the_boundary(play, duration, num_clips, expected, quotient):
    assert int(quotient(play, duration, num_clips)) == expected - 1, "the trap is real"
    assert stops([play], [duration], num_clips) == [expected]
    seconds = log_of([play], [duration])  # the same numbers as seconds
    assert label_clips(seconds, num_clips).stop.tolist() == [expected]


@pytest.mark.parametrize(
    ("play", "duration", "num_clips", "expected"),
    [
        (0, 8000, 8, 0),
        (1, 8000, 8, 0),
        (999, 8000, 8, 0),
        (1000, 8000, 8, 1),  # the end of a clip: it is finished, the next one is left
        (7999, 8000, 8, 7),
        (8000, 8000, 8, 8),  # exactly the duration
        (8001, 8000, 8, 8),
        (19200, 8000, 8, 8),  # 2.4 loops
        (0, 8000, 1, 0),
        (7999, 8000, 1, 0),
        (8000, 8000, 1, 1),
        (0, 3, 8, 0),  # shorter than 8 ms: clips 1, 3, 4, 6 and 7 can never be left
        (1, 3, 8, 2),
        (2, 3, 8, 5),
        (3, 3, 8, 8),
        (0, 1, 8, 0),
        (1, 1, 8, 8),
    ],
)
def test_by_hand(play, duration, num_clips, expected):
    assert stops([play], [duration], num_clips) == [expected]


def test_random_integers_against_fractions():
    rng = np.random.default_rng(0)
    duration = np.concatenate([rng.integers(1, 40, 3000), rng.integers(1, 10**6, 2000)])
    play = (duration * rng.random(len(duration)) * 1.3).astype(np.int64)
    for num_clips in (1, 3, 4, 8, 10):
        expected = [oracle(int(p), int(d), num_clips) for p, d in zip(play, duration, strict=True)]
        assert stops(play, duration, num_clips) == expected
    assert {0, num_clips - 1, num_clips} <= set(expected)


def test_every_boundary_against_fractions():
    """All plays that end within 1 ms of a clip's end, for durations that the clips do not divide evenly."""
    cases = [
        (floor(Fraction(i * duration, num_clips)) + shift, duration, num_clips)
        for num_clips in (3, 7, 10, 100)
        for duration in (20, 200, 999, 1000, 7001, 59_999)
        for i in range(num_clips + 1)
        for shift in (-1, 0, 1)
    ]
    for num_clips in (3, 7, 10, 100):
        play, duration = zip(*[(p, d) for p, d, n in cases if n == num_clips and p >= 0], strict=True)
        expected = [oracle(p, d, num_clips) for p, d in zip(play, duration, strict=True)]
        assert stops(play, duration, num_clips) == expected


@pytest.mark.parametrize("ratio", [0.95, 0.98, 0.5, 1 / 3, 1e-6, np.float32(0.75)])
def test_complete_ratio_against_fractions(ratio):
    exact = Fraction(float(ratio)).limit_denominator(10**6)
    rng = np.random.default_rng(1)
    duration = rng.integers(1, 3000, 2000)
    play = (np.ceil(duration * float(ratio)).astype(np.int64) + rng.integers(-1, 3, 2000)).clip(0)
    expected = [oracle(int(p), int(d), 8, complete_ratio=exact) for p, d in zip(play, duration, strict=True)]
    assert stops(play, duration, 8, complete_ratio=ratio) == expected


def test_complete_ratio_is_the_decimal_that_was_written():
    assert Fraction(0.95) != Fraction(19, 20)
    assert stops([94_999, 95_000], [100_000, 100_000], 4, complete_ratio=0.95) == [3, 4]
    assert stops([6, 7], [10, 10], 10, complete_ratio=0.7) == [6, 10]


def test_duration_resolution():
    play, duration = [8499, 8500, 8999, 9000], [9000] * 4
    assert stops(play, duration, 9) == [8, 8, 8, 9]
    assert stops(play, duration, 9, duration_resolution=1.0) == [8, 9, 9, 9]
    expected = [oracle(p, 9000, 9, resolution=Fraction(1000)) for p in range(8400, 9100)]
    assert stops(range(8400, 9100), [9000] * 700, 9, duration_resolution=1.0) == expected
    with pytest.raises(ValueError, match=r"duration_resolution must be at most the shortest duration, 9.0 s, got 1000"):
        stops(play, duration, 9, duration_resolution=1000)


def test_loops():
    play, duration = [0, 999, 1000, 1999, 2000, 2400, 5000], [1000] * 7
    assert label_clips(log_ms(play, duration), 2).count.tolist() == [1] * 7
    labels = label_clips(log_ms(play, duration), 2, count_loops=True)
    assert labels.count.tolist() == [1, 1, 1, 1, 2, 2, 5]
    assert labels.stop.tolist() == [0, 1, 2, 2, 2, 2, 2]
    nearly = label_clips(log_ms([950], [1000]), 2, count_loops=True, complete_ratio=0.9)
    assert (nearly.stop.tolist(), nearly.count.tolist()) == ([2], [1]), "complete, though floor(p / d) is 0"


def test_seconds_become_whole_milliseconds():
    # 0.0005 s lies between 0 and 1 ms and goes to the even one, as in Python.
    log = log_of([0.0005, 0.0015, 0.00149, 1.4996, 0.29], [0.0015, 0.002, 0.002, 1.5, 0.29])
    assert label_clips(log, 2).stop.tolist() == [0, 2, 1, 2, 2]
    exact = np.arange(1, 200_000, 7)
    assert label_clips(log_of(exact / 1000, exact / 1000), 3).complete.all()
    assert not label_clips(log_of((exact - 1) / 1000, exact / 1000), 3).complete.any()


def test_min_watch_time_drops_and_counts():
    labels = label_clips(log_ms([0, 499, 500, 3000], [4000] * 4), 4, min_watch_time=0.5, strict=True)
    assert labels.row.tolist() == [2, 3]
    assert labels.video.tolist() == [2, 3]
    assert labels.stop.tolist() == [0, 3]
    assert labels.dropped == {"duration": 0, "watch_time": 0, "min_watch_time": 2}


def test_rows_without_meaning_are_dropped_and_counted():
    nan, inf = np.nan, np.inf
    log = log_of([1, 1, 1, 1, nan, -1, inf, 1, nan], [2, 0, nan, -3, 2, 2, 2, 0.0004, nan])
    with pytest.warns(
        UserWarning, match=r"8 rows of the log have no duration > 0 or no watch time >= 0.*row 1 .*dropped"
    ):
        labels = label_clips(log, 2)
    assert labels.row.tolist() == [0]
    assert labels.dropped == {"duration": 5, "watch_time": 3, "min_watch_time": 0}
    with pytest.raises(
        ValueError, match=r"8 rows .* the first is row 1 \(watch_time 1.0, duration 0.0\); strict=False"
    ):
        label_clips(log, 2, strict=True)


def test_nothing_left():
    with pytest.warns(UserWarning, match="2 rows of the log"):
        labels = label_clips(log_of([1, 2], [0, 0]), 3, duration_resolution=1.0)
    assert [len(values) for values in labels[:5]] == [0] * 5
    assert labels.stop.dtype == labels.count.dtype == np.int64


def test_largest_times_are_exact():
    largest = (2**63 // 10**6 - 1) // 1000
    assert label_clips(log_of([largest - 1, largest], [largest, largest]), 10**6).stop.tolist() == [999_999, 10**6]
    assert label_clips(log_of([largest // 2], [largest]), 2, complete_ratio=0.499999).complete.all()


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"log": pd.DataFrame()}, TypeError, "log must be a WatchLog, got DataFrame"),
        ({"num_clips": 0}, ValueError, "num_clips must be an integer >= 1, got 0"),
        ({"num_clips": 2.0}, ValueError, r"num_clips must be an integer >= 1, got 2\.0"),
        ({"num_clips": 10**6 + 1}, ValueError, "num_clips must be at most 1000000, got 1000001"),
        ({"complete_ratio": 0.0}, ValueError, r"complete_ratio must be a number in \(0, 1\], got 0\.0"),
        ({"complete_ratio": 1.1}, ValueError, r"complete_ratio must be a number in \(0, 1\], got 1\.1"),
        ({"complete_ratio": np.nan}, ValueError, r"complete_ratio must be a number in \(0, 1\], got nan"),
        ({"complete_ratio": 1e-9}, ValueError, "complete_ratio must be at least 1e-6, got 1e-09"),
        ({"min_watch_time": -1.0}, ValueError, r"min_watch_time must be a finite number >= 0 \(seconds\), got -1\.0"),
        ({"min_watch_time": np.inf}, ValueError, "min_watch_time must be a finite number >= 0"),
        ({"duration_resolution": np.nan}, ValueError, "duration_resolution must be a finite number >= 0"),
        (
            {"log": log_of([1, 1e10], [2, 2])},
            ValueError,
            r"watch_time must be below 9.2e9 seconds, got 10000000000.0 in row 1",
        ),
        ({"log": log_of([1, 1], [2, 1e18])}, ValueError, r"duration must be below 9.2e9 seconds, got 1e\+18 in row 1"),
    ],
)
def test_errors(options, error, message):
    with pytest.raises(error, match=message):
        label_clips(**{"log": log_of([1], [2]), "num_clips": 2, **options})


@pytest.mark.parametrize(
    ("absent", "message"),
    [
        (["watch_time"], "got a log without watch_time$"),
        (["duration"], "got a log without duration$"),
        (["watch_time", "duration"], "got a log without watch_time and duration$"),
    ],
)
def test_a_log_without_times_is_refused(absent, message):
    frame = pd.DataFrame({"user_id": [1], "video_id": [2], "watch_time": [1.0], "duration": [2.0]}).drop(columns=absent)
    with pytest.raises(ValueError, match=message):
        label_clips(WatchLog.from_frame(frame), 4)
