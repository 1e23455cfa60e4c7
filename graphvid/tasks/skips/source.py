"""Source of the task skips: views from a watch log with the clips of its videos, or a generated world."""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Annotated, ClassVar, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pydantic import Field

from graphvid._record import Record, Seed, record
from graphvid.data import ClipFeatures, SyntheticSkip, WatchLog, check_no_leak, match_ids, split_by_time
from graphvid.tasks._columns import column_names

_CHUNK_VIDEOS = 4096


@record
class ViewSource(Record):
    """Views to read, and which of them are kept for the test.

    Either ``dataset`` is given, or ``log`` and ``clips``.

    Parameters
    ----------
    log : str, optional
        Watch log with ``user_id``, ``video_id``, ``watch_time``, ``duration`` and ``timestamp``, CSV or Parquet; see
        `graphvid.data.WatchLog.read`.
    clips : str, optional
        Clip features; see `graphvid.data.ClipFeatures.open`. Videos that nobody watched may be among them.
    test_log : str, optional
        Test views, as ``log``. Default: the last views of every user of ``log``.
    test_fraction : float, default 0.25
        Share of every user's views that is held out, in [0, 1); with a ``test_log`` it must be left at its default. With 0 all
        views are trained on and nothing is judged: the final fit, once the options are chosen.
    dataset : str, optional
        ``"synthetic-skip"``, the default world of `graphvid.data.SyntheticSkip`.
    columns : tuple of str, default ()
        Columns of the logs that have other names there, ``user_id=userId``; in the command repeatable.
    delimiter : str, optional
        One character between the fields of a CSV. Default: a comma, in ``.tsv`` a tab.
    milliseconds : tuple of str, default ()
        Which of ``watch_time``, ``duration`` and ``timestamp`` the logs hold in milliseconds.
    missing : {"error", "drop"}, default "error"
        What to do with rows that lack a user or a video, or whose video has no clips: refuse them, or drop them with a warning
        that counts them.
    strict : bool, default False
        Refuse a log with a row that cannot be used or that repeats another. Default: leave such rows out and count them.
    ablation : bool, default True
        Train the same model on the same views with one clip a video, and with half the clips where that is a number.
    seed : int, default 0
        Of the generated world.

    Raises
    ------
    ValueError
        A combination that does not name one source, an unknown data set, a share out of range.
    """

    files: ClassVar[tuple[str, ...]] = ("log", "clips", "test_log")

    log: str | None = None
    clips: str | None = None
    test_log: str | None = None
    test_fraction: Annotated[float, Field(ge=0, lt=1)] = 0.25
    dataset: Literal["synthetic-skip"] | None = None
    columns: tuple[str, ...] = ()
    delimiter: str | None = None
    milliseconds: tuple[str, ...] = ()
    missing: Literal["error", "drop"] = "error"
    strict: bool = False
    ablation: bool = True
    seed: Seed = 0

    def __post_init__(self) -> None:
        defaults = {field.name: field.default for field in fields(ViewSource)}
        given = [name for name in ("dataset", "log") if getattr(self, name) is not None]
        if len(given) != 1:
            raise ValueError(f"exactly one of dataset and log must be given, got {given or 'none'}")
        if self.dataset is None and self.clips is None:
            raise ValueError("clips must be given with a log, got none")
        if self.dataset is not None:
            changed = [name for name in _FILE_OPTIONS if getattr(self, name) != defaults[name]]
            if changed:
                raise ValueError(f"{changed} apply to watch logs only, got them with dataset {self.dataset!r}")
        column_names(self.columns)
        if self.test_log is not None and self.test_fraction != defaults["test_fraction"]:
            raise ValueError("test_fraction must be left out with a test_log, which is tested whole")


_FILE_OPTIONS = ("clips", "test_log", "strict", "columns", "delimiter", "milliseconds", "missing")


@dataclass(frozen=True, eq=False)
class Views:
    """Training and test views over one vocabulary of videos.

    Parameters
    ----------
    name : str
        For headings.
    train, test : WatchLog
        With ``video_ids`` equal to ``clips.ids``. ``test`` is None without a test part.
    clips : ClipFeatures
        Clips of every video.
    split : dict of str to ndarray of int64
        Rows of ``train`` and ``test`` in the log, or in the two logs, without the rows left out.
    dropped : dict of str to int
        Rows left out, by reason.
    oracle : ndarray of float64, shape (test.num_interactions,), optional
        True probability that each test view is complete, for generated data.
    strict : bool
        Whether a view that cannot be labelled is an error.
    """

    name: str
    train: WatchLog
    test: WatchLog | None
    clips: ClipFeatures
    split: Mapping[str, NDArray[np.int64]]
    dropped: Mapping[str, int]
    oracle: NDArray[np.float64] | None = None
    strict: bool = False

    @property
    def test_user(self) -> NDArray[np.int64]:
        """Row of the user of each test view among the training users, -1 for a user without training views."""
        assert self.test is not None
        return match_ids(self.test.user_ids, self.train.user_ids)[self.test.user]

    def fingerprint(self) -> dict[str, int | str]:
        """Return counts and a checksum of views and clips: equal for equal data."""
        crc = 0
        logs = [log for log in (self.train, self.test) if log is not None]
        for log in logs:
            for column in (log.user, log.video, log.watch_time, log.duration, log.timestamp):
                if column is not None:
                    crc = zlib.crc32(np.ascontiguousarray(column).data, crc)
        for ids in (*(log.user_ids for log in logs), self.clips.ids):
            crc = zlib.crc32("\0".join(ids.astype(str)).encode(), crc)
        for start in range(0, self.clips.num_videos, _CHUNK_VIDEOS):
            crc = zlib.crc32(np.ascontiguousarray(self.clips.array[start : start + _CHUNK_VIDEOS]).data, crc)
        return {
            "name": self.name,
            "num_users": self.train.num_users,
            "num_videos": self.clips.num_videos,
            "num_clips": self.clips.num_clips,
            "dim": self.clips.dim,
            "training_views": self.train.num_interactions,
            "test_views": 0 if self.test is None else self.test.num_interactions,
            "crc32": crc,
        }


def load_views(source: ViewSource) -> Views:
    """Read a source and separate its test views.

    Raises
    ------
    FileNotFoundError
        A file is not there.
    TypeError, ValueError
        As `graphvid.data.WatchLog.read` and `graphvid.data.ClipFeatures.open` raise; a video without clips, a log without
        timestamps, test views among the training views or before their end.

    Warns
    -----
    UserWarning
        Rows that cannot be used were left out.
    """
    if source.dataset is not None:
        world = SyntheticSkip(seed=source.seed)
        return _held_out(source.dataset, world.log, world.clips, {}, source.test_fraction, world.oracle)
    assert source.log is not None
    assert source.clips is not None
    clips = ClipFeatures.open(source.clips)
    log, dropped = read_views(source.log, clips.ids, source)
    name = Path(source.log).name
    if source.test_log is None:
        return _held_out(name, log, clips, dropped, source.test_fraction, strict=source.strict)
    test, dropped_test = read_views(source.test_log, clips.ids, source)
    check_no_leak(log, test)
    for reason, count in dropped_test.items():
        dropped[reason] = dropped.get(reason, 0) + count
    split = {"train": np.arange(log.num_interactions), "test": np.arange(test.num_interactions)}
    return Views(name, log, test, clips, split, dropped, strict=source.strict)


def read_views(path: str | Path, video_ids: pd.Index, source: ViewSource) -> tuple[WatchLog, dict[str, int]]:
    """Return a log whose videos are those of the clips, and the rows left out by reason."""
    log = WatchLog.read(
        path,
        columns=column_names(source.columns),
        video_ids=video_ids,
        duplicates="error" if source.strict else "keep",
        missing=source.missing,
        strict=source.strict,
        milliseconds=source.milliseconds,
        delimiter=source.delimiter,
    )
    absent = [name for name in ("watch_time", "duration") if getattr(log, name) is None]
    if absent:
        raise ValueError(f"{path}: the log must have the columns watch_time and duration, got none called {absent}")
    dropped = dict(log.dropped)
    repeated = log.to_frame().duplicated().to_numpy()
    if repeated.any():
        dropped["repeated"] = int(repeated.sum())
        log = log.select(~repeated)
    return log, dropped


def _held_out(
    name: str,
    log: WatchLog,
    clips: ClipFeatures,
    dropped: Mapping[str, int],
    test_fraction: float,
    oracle: NDArray[np.float64] | None = None,
    *,
    strict: bool = False,
) -> Views:
    """Return the last part of every user's views as test, the rest as training views."""
    if not test_fraction:
        split = {"train": np.arange(log.num_interactions), "test": np.arange(0)}
        return Views(name, log, None, clips, split, dropped, strict=strict)
    earlier = (1 - test_fraction) / 2
    windows = split_by_time(log, fractions=(earlier, 1 - test_fraction - earlier, test_fraction))
    split = {"train": np.sort(np.concatenate([windows.graph, windows.supervision])), "test": windows.test}
    train, test = (log.select(rows) for rows in split.values())
    true = None if oracle is None else oracle[windows.test]
    return Views(name, train, test, clips, split, dropped, true, strict)
