"""Readers of the watch logs of the Kuaishou family of data sets, with their published column names."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Literal

import numpy as np
import pandas as pd

from graphvid.data._files import as_path, with_path
from graphvid.data._ids import encode, match_ids
from graphvid.data._tables import exactly, read_table
from graphvid.data.watch_log import WatchLog

_KUAIREC = {"watch_time": "play_duration", "duration": "video_duration"}
_KUAIRAND = {"watch_time": "play_time_ms", "duration": "duration_ms", "timestamp": "time_ms"}
_NUM_TABS = 15


def read_kuairec(
    path: str | Path,
    *,
    timestamps: bool = True,
    duplicates: Literal["drop", "keep", "error"] = "drop",
    strict: bool = True,
) -> WatchLog:
    """Return the log of KuaiRec's ``big_matrix.csv`` or ``small_matrix.csv``.

    It reads ``user_id``, ``video_id``, ``play_duration`` and ``video_duration`` (milliseconds) and ``timestamp`` (Unix
    seconds). It ignores ``watch_ratio``, which is play over video duration, and ``time`` and ``date``, which repeat the
    timestamp.

    Parameters
    ----------
    path : str or pathlib.Path
        ``.csv``, ``.csv.gz`` or ``.parquet``.
    timestamps : bool, default True
        False ignores the timestamps, and so keeps rows with missing ones. Rows that differ only in the timestamp are then
        duplicates.
    duplicates : {"drop", "keep", "error"}, default "drop"
        As in `WatchLog.from_frame`. The big matrix repeats complete rows; dropping them warns with a count.
    strict : bool, default True
        As in `WatchLog.from_frame`: False drops and counts rows without proper times.

    Returns
    -------
    WatchLog
        Times in seconds; ``round(1000 * seconds)`` gives the milliseconds of the two durations back.

    Raises
    ------
    FileNotFoundError
        There is no such file.
    ValueError, TypeError
        All that `WatchLog.read` refuses; names the file.

    Notes
    -----
    The small matrix (1,411 users by 3,327 videos, 99.6 % observed) is meant for testing. Do not train on the pairs that you
    test on.

    References
    ----------
    Gao et al., "KuaiRec: A Fully-observed Dataset and Insights for Evaluating Recommender Systems", CIKM 2022.
    """
    columns = {"user_id": "user_id", "video_id": "video_id", **_KUAIREC}
    if timestamps:
        columns["timestamp"] = "timestamp"
    path = as_path(path)
    try:
        frame = read_table(path, exactly(columns), ("user_id", "video_id"))
        return WatchLog.from_frame(
            frame, columns=columns, duplicates=duplicates, strict=strict, milliseconds=tuple(_KUAIREC)
        )
    except (ValueError, TypeError) as error:
        raise with_path(error, path) from None


def read_kuairand(
    path: str | Path | Sequence[str | Path],
    *,
    tabs: Collection[int] | None = None,
    random_exposure: Literal["include", "exclude", "only"] = "include",
    duplicates: Literal["drop", "keep", "error"] = "drop",
    strict: bool = True,
) -> WatchLog:
    """Return the log of one or several of KuaiRand's ``log_standard_*.csv`` and ``log_random_*.csv``.

    It reads ``user_id``, ``video_id``, ``play_time_ms``, ``duration_ms`` and ``time_ms`` (milliseconds), and ``tab`` and
    ``is_rand`` if ``tabs`` or ``random_exposure`` choose rows.

    Parameters
    ----------
    path : str, pathlib.Path or sequence of them
        ``.csv``, ``.csv.gz`` or ``.parquet``; the rows of several files follow each other.
    tabs : collection of int, optional
        Keep only rows of these scenarios of the app, 0 to 14. If the app shows videos in two columns, most play times of 0
        mean that the user saw a cover and the video never started. Default: all.
    random_exposure : {"include", "exclude", "only"}, default "include"
        Treatment of rows of videos that were shown at random and not recommended (``is_rand`` is 1); they give a test without
        exposure bias.
    duplicates : {"drop", "keep", "error"}, default "drop"
        As in `WatchLog.from_frame`.
    strict : bool, default True
        As in `WatchLog.from_frame`: False drops and counts rows without proper times.

    Returns
    -------
    WatchLog
        Times in seconds; ``round(1000 * seconds)`` gives the milliseconds back. The vocabularies hold the users and
        videos of all rows of the files for every choice, so "exclude" and "only" of the same files share their integers.

    Raises
    ------
    FileNotFoundError
        There is no such file.
    ValueError, TypeError
        As `WatchLog.read` raises, with row numbers among the chosen rows; a tab outside 0 to 14, ``is_rand`` other than 0 and
        1, no row chosen. Names the file.

    References
    ----------
    Gao et al., "KuaiRand: An Unbiased Sequential Recommendation Dataset with Randomly Exposed Videos", CIKM 2022.
    """
    if random_exposure not in ("include", "exclude", "only"):
        raise ValueError(f"random_exposure must be 'include', 'exclude' or 'only', got {random_exposure!r}")
    outside = [] if tabs is None else [tab for tab in tabs if tab not in range(_NUM_TABS)]
    if outside:
        raise ValueError(f"tabs must be integers in [0, {_NUM_TABS}), got {outside}")
    columns = {"user_id": "user_id", "video_id": "video_id", **_KUAIRAND}
    chosen_by = {"tab": tabs is not None, "is_rand": random_exposure != "include"}
    wanted = columns | {name: name for name, used in chosen_by.items() if used}
    paths = [as_path(path)] if isinstance(path, (str, Path)) else [as_path(item) for item in path]
    if not paths:
        raise ValueError("path must name at least one file, got none")
    frames = []
    for at in paths:
        try:
            frames.append(read_table(at, exactly(wanted), ("user_id", "video_id")))
        except (ValueError, TypeError) as error:
            raise with_path(error, at) from None
    frame = pd.concat(frames, ignore_index=True)
    try:
        users, videos = (encode(frame[name], name)[1] for name in ("user_id", "video_id"))
        chosen = _choose(frame, tabs, random_exposure)
        log = WatchLog.from_frame(
            chosen,
            columns=columns,
            video_ids=videos,
            duplicates=duplicates,
            strict=strict,
            milliseconds=tuple(_KUAIRAND),
        )
    except (ValueError, TypeError) as error:
        raise with_path(error, Path(", ".join(map(str, paths)))) from None
    return replace(log, user=match_ids(log.user_ids, users)[log.user], user_ids=users)


def read_frame_release(
    path: str | Path,
    *,
    duplicates: Literal["drop", "keep", "error"] = "drop",
    strict: bool = True,
) -> WatchLog:
    """Return the log of the data released with FRAME, or of the full SegMM set, which has the same columns.

    It reads ``user_id``, ``photo_id`` (the video), ``playing_time`` and ``duration_ms`` (milliseconds; also under the name
    ``uration_ms``, as on SegMM's page), and ``time_ms`` if present. `read_clip_files` reads the clip features of the release.

    Parameters
    ----------
    path : str or pathlib.Path
        ``.csv``, ``.csv.gz`` or ``.parquet``.
    duplicates : {"drop", "keep", "error"}, default "drop"
        As in `WatchLog.from_frame`.
    strict : bool, default True
        As in `WatchLog.from_frame`: False drops and counts rows without proper times.

    Returns
    -------
    WatchLog
        Times in seconds; ``round(1000 * seconds)`` gives the milliseconds back. ``timestamp`` is None without ``time_ms``.

    Raises
    ------
    FileNotFoundError
        There is no such file.
    ValueError, TypeError
        All that `WatchLog.read` refuses; names the file.

    References
    ----------
    "Learning Fine-grained User Interests for Micro-video Recommendation", SIGIR 2023 (FRAME); He et al., "Short Video
    Segment-level User Dynamic Interests Modeling in Personalized Recommendation", SIGIR 2025 (SegMM).
    """
    path = as_path(path)

    def find(present: list[str]) -> dict[str, str]:
        misspelt = "duration_ms" not in present and "uration_ms" in present
        columns = {
            "user_id": "user_id",
            "video_id": "photo_id",
            "watch_time": "playing_time",
            "duration": "uration_ms" if misspelt else "duration_ms",
        }
        return exactly(columns | ({"timestamp": "time_ms"} if "time_ms" in present else {}))(present)

    try:
        frame = read_table(path, find, ("user_id", "video_id"))
        columns = find(list(frame.columns))
        times = [name for name in columns if name not in ("user_id", "video_id")]
        return WatchLog.from_frame(frame, columns=columns, duplicates=duplicates, strict=strict, milliseconds=times)
    except (ValueError, TypeError) as error:
        raise with_path(error, path) from None


def _choose(frame: pd.DataFrame, tabs: Collection[int] | None, random_exposure: str) -> pd.DataFrame:
    """Return the rows with these tabs and this exposure."""
    keep = np.ones(len(frame), dtype=bool)
    if tabs is not None:
        _check(frame["tab"], range(_NUM_TABS))
        keep &= frame["tab"].isin(list(tabs)).to_numpy()
    if random_exposure != "include":
        _check(frame["is_rand"], (0, 1))
        keep &= (frame["is_rand"] == (random_exposure == "only")).to_numpy()
    if len(frame) and not keep.any():
        raise ValueError(
            f"tabs={tabs!r} and random_exposure={random_exposure!r} must leave a row, got none of {len(keep)}"
        )
    return frame[keep]


def _check(series: pd.Series, accepted: Collection[int]) -> None:
    wrong = ~series.isin(list(accepted)).to_numpy()
    if wrong.any():
        row = int(wrong.argmax())
        raise ValueError(
            f"{series.name} must be among {list(accepted)}, got {series.iloc[row]} in row {row} ({wrong.sum()} such rows)"
        )
