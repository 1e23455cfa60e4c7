"""Split of a watch log into time windows for the graph, the supervision and the test."""

from __future__ import annotations

from fractions import Fraction
from typing import Literal, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from graphvid.data._id_spelling import show
from graphvid.data._ids import match_ids
from graphvid.data.watch_log import WatchLog


class LogWindows(NamedTuple):
    """Rows of the three windows of a log; ``log.select(windows.graph)`` is the log of one of them.

    Parameters
    ----------
    graph : ndarray of int64
        The earliest rows, from which the graph is built. At test time the graph may hold ``supervision`` too.
    supervision : ndarray of int64
        The rows between, whose outcomes are the training targets.
    test : ndarray of int64
        The latest rows. They never become edges or targets.

    Each in ascending order of the row; together every row of the log once.
    """

    graph: NDArray[np.int64]
    supervision: NDArray[np.int64]
    test: NDArray[np.int64]


def split_by_time(
    log: WatchLog,
    *,
    fractions: tuple[float, float, float] = (0.5, 0.25, 0.25),
    by: Literal["user", "all"] = "user",
) -> LogWindows:
    """Cut a log into an early, a middle and a late window.

    Parameters
    ----------
    log : WatchLog
        With ``timestamp``.
    fractions : tuple of 3 floats, default (0.5, 0.25, 0.25)
        Shares of the graph, supervision and test window, > 0, with sum 1. Of n rows in order of time, counted from 0, the
        second window starts at row ``floor(n * fractions[0])`` and the third at row
        ``floor(n * (fractions[0] + fractions[1]))``. The shares become exact fractions with denominators up to 10^6: 0.7 +
        0.2 of 10 rows are 9.
    by : {"user", "all"}, default "user"
        "user" cuts the rows of every user, so that users have a past in the graph, and rows in the test window also with a
        short history: the only row of a user is in the test window, two rows are in graph and test. "all" cuts at two moments
        for all users, like the training of a system in use: no row is later than any row of the next window, and a user may
        be missing from a window.

    Returns
    -------
    LogWindows
        The split depends only on the content of the log: reordering the rows reorders the result. Rows of the same moment
        (and of the same user with ``by="user"``) stay together, because their order is unknown; the first of them decides
        the window. With coarse timestamps, such as days, the windows therefore differ from ``fractions``: check their
        lengths. The windows pass `check_no_leak`.

    Raises
    ------
    TypeError
        ``log`` is not a WatchLog.
    ValueError
        A log without timestamps or with one that is not finite, fractions that are not positive or do not sum to 1,
        another ``by``, a window without a row (too few rows, or too many of the same moment).

    Notes
    -----
    O(n log n) time and O(n) memory for n rows.

    Examples
    --------
    >>> import pandas as pd
    >>> frame = pd.DataFrame({"user_id": [7] * 4, "video_id": [1, 2, 3, 4], "timestamp": [40.0, 10.0, 30.0, 20.0]})
    >>> split_by_time(WatchLog.from_frame(frame))
    LogWindows(graph=array([1, 3]), supervision=array([2]), test=array([0]))
    """
    time = _timestamps(log, "log")
    cuts = _cuts(fractions)
    if by not in ("user", "all"):
        raise ValueError(f"by must be 'user' or 'all', got {by!r}")
    unit = log.user if by == "user" else np.zeros(log.num_interactions, np.int64)
    order = np.lexsort((time, unit))
    unit, time = unit[order], time[order]
    starts_unit = np.concatenate([[True], unit[1:] != unit[:-1]])
    starts_moment = starts_unit | np.concatenate([[True], time[1:] != time[:-1]])
    place = np.arange(len(unit))
    begin = np.maximum.accumulate(np.where(starts_unit, place, 0))
    # Place of the row, or of the first row of its moment, among the rows of its user.
    place = np.maximum.accumulate(np.where(starts_moment, place, 0)) - begin
    count = np.bincount(unit)[unit]
    window = np.zeros(len(unit), np.int64)
    for cut in cuts:
        window += place >= count * cut.numerator // cut.denominator
    window_of_row = np.empty_like(window)
    window_of_row[order] = window
    windows = LogWindows(*(np.flatnonzero(window_of_row == number) for number in range(3)))
    for name, rows in windows._asdict().items():
        if not len(rows):
            raise ValueError(
                f"every window must have a row, but {name} has none: the log has {log.num_interactions} rows at "
                f"{np.count_nonzero(starts_moment)} moments{' of its users' if by == 'user' else ''}"
            )
    return windows


def check_no_leak(train: WatchLog, test: WatchLog, *, time_order: bool = True) -> None:
    """Raise if a test row is among the training rows, or if a user's test row is earlier than a training row.

    The usual call has the graph and the supervision window as ``train``, in one log. Users and videos are compared by
    their original ids, so the logs may have different vocabularies; an integer equals the text that spells it.

    Parameters
    ----------
    train, test : WatchLog
        With ``timestamp`` in the same unit, counted from the same moment.
    time_order : bool, default True
        Also require that no user has a test row earlier than their last training row; the same moment is allowed. False is
        for a data set's own test rows that lie between the training rows by design, such as randomly shown videos; shared
        rows still raise.

    Raises
    ------
    TypeError
        Not a WatchLog.
    ValueError
        A log without timestamps or with one that is not finite; test rows with the user, video and timestamp of a training
        row; users with a test row before their last training row. The message has the number of such rows or users, and the
        first.

    Notes
    -----
    O(n log n) for n rows in total. A user may watch a video again: the same user and video at another time is no leak. The
    check does not prove that there is no leak: a feature may still be computed from test rows.

    Examples
    --------
    >>> import pandas as pd
    >>> frame = pd.DataFrame({"user_id": [7] * 4, "video_id": [1, 2, 3, 4], "timestamp": [10.0, 20.0, 30.0, 40.0]})
    >>> log = WatchLog.from_frame(frame)
    >>> check_no_leak(log.select([0, 1]), log.select([2, 3]))
    >>> check_no_leak(log.select([0, 1, 2]), log.select([2, 3]))
    Traceback (most recent call last):
        ...
    ValueError: test rows must not be training rows, but 1 of 2 are; the first is row 0 (user 7, video 3, timestamp 30.0)
    """
    train_time, test_time = _timestamps(train, "train"), _timestamps(test, "test")
    user = match_ids(test.user_ids, train.user_ids)[test.user]
    video = match_ids(test.video_ids, train.video_ids)[test.video]
    seen = pd.MultiIndex.from_arrays([train.user, train.video, train_time])
    shared = np.flatnonzero(pd.MultiIndex.from_arrays([user, video, test_time]).isin(seen))
    if shared.size:
        row = shared[0]
        raise ValueError(
            f"test rows must not be training rows, but {shared.size} of {test.num_interactions} are; the first is row "
            f"{row} (user {show(test.user_ids[test.user[row]])}, video {show(test.video_ids[test.video[row]])}, "
            f"timestamp {test_time[row]})"
        )
    if not time_order:
        return
    last = np.full(train.num_users, -np.inf)
    np.maximum.at(last, train.user, train_time)
    early = np.flatnonzero((user >= 0) & (test_time < last[user]))
    if early.size:
        row = early[0]
        raise ValueError(
            f"no user may be tested before the end of their training, but {len(np.unique(user[early]))} users are; the "
            f"first is user {show(test.user_ids[test.user[row]])}, whose test row {row} has timestamp "
            f"{test_time[row]} and whose last training row has {last[user[row]]}"
        )


def _timestamps(log: WatchLog, name: str) -> NDArray[np.float64]:
    if not isinstance(log, WatchLog):
        raise TypeError(f"{name} must be a WatchLog, got {type(log).__name__}")
    if log.timestamp is None:
        raise ValueError(f"{name} must have timestamps, got a log without the column 'timestamp'")
    wrong = np.flatnonzero(~np.isfinite(log.timestamp))
    if wrong.size:
        raise ValueError(f"{name} must have finite timestamps, got {log.timestamp[wrong[0]]} in row {wrong[0]}")
    return log.timestamp


def _cuts(fractions: tuple[float, float, float]) -> list[Fraction]:
    """Return the shares of rows before the second and before the third window."""
    numbers = [float(value) for value in fractions]
    if len(numbers) != 3 or not all(0 < value < 1 for value in numbers) or abs(sum(numbers) - 1) > 1e-9:
        raise ValueError(f"fractions must be three numbers > 0 with sum 1, got {tuple(fractions)}")
    return [Fraction(share).limit_denominator(10**6) for share in (numbers[0], numbers[0] + numbers[1])]
