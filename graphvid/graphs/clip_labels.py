"""Labels of clips: for each row of a watch log, the clip at which the viewer left."""

from __future__ import annotations

import warnings
from fractions import Fraction
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from graphvid._checks import check_integer, check_number
from graphvid.data import WatchLog

_RATIO_DENOMINATOR = 10**6


class ClipLabels(NamedTuple):
    """The clip at which each view of a video ended; `label_clips` makes it.

    Parameters
    ----------
    user, video : ndarray of int64, shape (num_rows,)
        Rows of the log's vocabularies.
    stop : ndarray of int64, shape (num_rows,)
        Clip of the skip, in ``[0, num_clips)``, or ``num_clips`` for a complete view. So clips ``0 ... stop - 1`` were
        seen whole.
    count : ndarray of int64, shape (num_rows,)
        Views that the row represents: 1, or with ``count_loops=True`` the number of complete plays of a loop.
    row : ndarray of int64, shape (num_rows,)
        Position of each row in the log, ascending.
    num_clips : int
        Clips of every video.
    dropped : dict of str to int
        Rows of the log that have no label, by reason: ``"duration"`` (missing, not finite, or not above 0),
        ``"watch_time"`` (missing, not finite, or below 0), ``"min_watch_time"`` (shorter than asked for). A row counts
        under the first reason that holds.
    """

    user: NDArray[np.int64]
    video: NDArray[np.int64]
    stop: NDArray[np.int64]
    count: NDArray[np.int64]  # type: ignore[assignment]  # hides tuple.count, which nobody needs here
    row: NDArray[np.int64]
    num_clips: int
    dropped: dict[str, int]

    @property
    def complete(self) -> NDArray[np.bool_]:
        """Whether each row is a complete view, shape (num_rows,)."""
        return np.asarray(self.stop == self.num_clips)


def label_clips(
    log: WatchLog,
    num_clips: int,
    *,
    complete_ratio: float = 1.0,
    min_watch_time: float = 0.0,
    duration_resolution: float = 0.0,
    count_loops: bool = False,
    strict: bool = False,
) -> ClipLabels:
    r"""Return for every row of a log the clip at which the viewer left, or that the video was completed.

    A video of duration :math:`d` is cut into :math:`N_c` equal half-open clips
    :math:`[i d / N_c,\ (i + 1) d / N_c)`. A play of length :math:`p` is

    - complete if :math:`p \ge d`, loops included: ``stop`` is ``num_clips``;
    - else a skip in clip :math:`\lfloor p N_c / d \rfloor`. A play that ends exactly on a boundary has finished the
      clip before it, and the next one is the clip of the skip.

    Seconds become milliseconds by ``round(1000 * seconds)`` (half to even), and all further arithmetic is in integers. In
    floating point :math:`(p / d) N_c` can fall below the boundary on which it lies: p = 116, d = 200, N_c = 100 would give
    clip 57, not 58.

    Parameters
    ----------
    log : WatchLog
        With ``watch_time`` and ``duration``, below 292 years each.
    num_clips : int
        :math:`N_c`, from 1 to 10^6. A video shorter than ``num_clips`` milliseconds has clips in which no skip can fall.
    complete_ratio : float, default 1.0
        A play of this share of the duration is complete, in (0, 1]; 0.95 to 0.98 suits logs that end a little early. The
        value becomes the nearest fraction with a denominator up to 10^6, so 0.95 is 19/20: ``p * 20 >= d * 19``.
    min_watch_time : float, default 0.0
        Drop rows watched for less than this many seconds, >= 0: automatic plays that nobody looked at.
    duration_resolution : float, default 0.0
        Rounding step of the logged durations in seconds, at most the shortest duration: 1.0 for whole seconds. The true
        duration may be half a step shorter, so plays of at least ``d - duration_resolution / 2`` are complete. 0.0:
        durations are exact.
    count_loops : bool, default False
        Let a loop count as ``floor(p / d)`` views, at least 1. Default: one complete view.
    strict : bool, default False
        Raise for a duration or watch time without a meaning. Default: drop such rows and warn with their number.

    Returns
    -------
    ClipLabels
        It may have no row.

    Raises
    ------
    TypeError
        ``log`` is not a WatchLog.
    ValueError
        A log without watch times or durations, an argument out of its range, a time too large for exact arithmetic, and
        with ``strict=True`` a row without a usable duration or watch time; names the first such row.

    Warns
    -----
    UserWarning
        Rows without a usable duration or watch time were dropped.

    Notes
    -----
    O(num_interactions) time and memory.

    References
    ----------
    "Learning Fine-grained User Interests for Micro-video Recommendation", SIGIR 2023. The authors' code compares the
    floating-point ratio with ``(i + 1) / N_c``, N_c = 4, for which the results agree.

    Examples
    --------
    >>> import pandas as pd
    >>> frame = pd.DataFrame({
    ...     "user_id": [1] * 4, "video_id": [1, 2, 3, 4], "duration": 20.0, "watch_time": [0.0, 12.0, 20.0, 48.0]
    ... })
    >>> labels = label_clips(WatchLog.from_frame(frame), 10)
    >>> labels.stop, labels.complete
    (array([ 0,  6, 10, 10]), array([False, False,  True,  True]))
    """
    if not isinstance(log, WatchLog):
        raise TypeError(f"log must be a WatchLog, got {type(log).__name__}")
    watch_time, duration = log.watch_time, log.duration
    if watch_time is None or duration is None:
        absent = [name for name in ("watch_time", "duration") if getattr(log, name) is None]
        raise ValueError(f"log must have watch times and durations, got a log without {' and '.join(absent)}")
    check_integer("num_clips", num_clips, 1)
    if num_clips > _RATIO_DENOMINATOR:
        raise ValueError(f"num_clips must be at most {_RATIO_DENOMINATOR}, got {num_clips}")
    num_clips = int(num_clips)
    ratio = _fraction(complete_ratio)
    least, step = (
        _argument_ms("min_watch_time", min_watch_time),
        _argument_ms("duration_resolution", duration_resolution),
    )
    play, play_ok = _milliseconds(watch_time, "watch_time")
    length, length_ok = _milliseconds(duration, "duration")
    length_ok &= length > 0
    usable = length_ok & play_ok
    bad = int(np.count_nonzero(~usable))
    if bad:
        first = int(np.argmin(usable))
        found = (
            f"{bad} rows of the log have no duration > 0 or no watch time >= 0 (in ms, finite), the first is row {first} "
            f"(watch_time {watch_time[first]}, duration {duration[first]})"
        )
        if strict:
            raise ValueError(f"{found}; strict=False drops them")
        warnings.warn(f"{found}; dropped", UserWarning, stacklevel=2)
    if usable.any() and step > length[usable].min():
        raise ValueError(
            f"duration_resolution must be at most the shortest duration, {length[usable].min() / 1000} s, got "
            f"{duration_resolution}"
        )
    row = np.flatnonzero(usable & (play >= least))
    p, d = play[row], length[row]
    complete = (p * ratio.denominator >= d * ratio.numerator) | ((step > 0) & (2 * (d - p) <= step))
    return ClipLabels(
        user=log.user[row],
        video=log.video[row],
        stop=np.where(complete, num_clips, p * num_clips // d),
        count=np.where(complete & count_loops, np.maximum(p // d, 1), 1),
        row=row,
        num_clips=num_clips,
        dropped={
            "duration": int(np.count_nonzero(~length_ok)),
            "watch_time": int(np.count_nonzero(length_ok & ~play_ok)),
            "min_watch_time": int(np.count_nonzero(usable)) - len(row),
        },
    )


def _fraction(complete_ratio: float) -> Fraction:
    check_number("complete_ratio", complete_ratio, "a number in (0, 1]", least=5e-324, most=1)
    ratio = Fraction(float(complete_ratio)).limit_denominator(_RATIO_DENOMINATOR)
    if not ratio:
        raise ValueError(f"complete_ratio must be at least 1e-6, got {complete_ratio!r}")
    return ratio


def _argument_ms(name: str, seconds: float) -> int:
    check_number(name, seconds, "a finite number >= 0 (seconds)", least=0)
    return round(seconds * 1000)


def _milliseconds(seconds: NDArray[np.float64], name: str) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Return whole milliseconds, and which of them are known and >= 0 (the others are 0)."""
    known = np.isfinite(seconds) & (seconds >= 0)
    values = np.rint(np.where(known, seconds, 0.0) * 1000)
    too_large = np.flatnonzero(values >= 2**63 // _RATIO_DENOMINATOR)
    if too_large.size:
        row = too_large[0]
        raise ValueError(f"{name} must be below 9.2e9 seconds, got {seconds[row]} in row {row}")
    return values.astype(np.int64), known
