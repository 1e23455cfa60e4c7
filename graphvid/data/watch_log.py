"""The validated watch log: which users watched which videos."""

from __future__ import annotations

import warnings
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from graphvid._checks import node_ids
from graphvid.data._files import as_path, with_path
from graphvid.data._ids import encode, look_up, unique_index
from graphvid.data._measures import MEASURES, count_first, read_measures
from graphvid.data._tables import read_table
from graphvid.data.watch_log_tables import COLUMNS, find_columns, warn_of_dropped, without_ids


@dataclass(frozen=True, eq=False)
class WatchLog:
    """Interactions of users with videos as contiguous integers, with the vocabularies of their ids.

    `from_frame` and `read` make it; the constructor takes encoded columns.

    Parameters
    ----------
    user : ndarray of int64, shape (num_interactions,)
        Row of the user in ``user_ids``.
    video : ndarray of int64, shape (num_interactions,)
        Row of the video in ``video_ids``.
    user_ids : pandas.Index, shape (num_users,)
        Original id of every user: int64, or Python objects.
    video_ids : pandas.Index, shape (num_videos,)
        Original id of every video, possibly with videos that nobody watched.
    watch_time : ndarray of float64, shape (num_interactions,), optional
        Seconds watched.
    duration : ndarray of float64, shape (num_interactions,), optional
        Length of the video in seconds.
    timestamp : ndarray of float64, shape (num_interactions,), optional
        Start of the interaction in seconds since any fixed moment.
    dropped : mapping of str to int, default empty
        Rows left out by ``strict=False`` and ``missing="drop"``, by column and reason: ``{"duration zero": 3}``. The
        counts add up to the number of rows; `select` keeps them.

    Raises
    ------
    TypeError
        Codes that are not integers, times that are not numbers.
    ValueError
        No interaction, arrays of unequal length, or codes outside the vocabularies.

    Examples
    --------
    >>> import pandas as pd
    >>> frame = pd.DataFrame({"user_id": ["bo", "al", "al"], "video_id": [30, 10, 30], "watch_time": [4.0, 2.5, 9.0]})
    >>> log = WatchLog.from_frame(frame)
    >>> log.user, log.video
    (array([1, 0, 0]), array([1, 0, 1]))
    >>> list(log.user_ids), list(log.video_ids)
    (['al', 'bo'], [10, 30])
    """

    user: NDArray[np.int64]
    video: NDArray[np.int64]
    user_ids: pd.Index
    video_ids: pd.Index
    watch_time: NDArray[np.float64] | None = None
    duration: NDArray[np.float64] | None = None
    timestamp: NDArray[np.float64] | None = None
    dropped: Mapping[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name in ("user", "video", *MEASURES):
            _check_dtype(name, getattr(self, name))
        for name in ("user_ids", "video_ids"):
            if not isinstance(getattr(self, name), pd.Index):
                raise TypeError(f"{name} must be a pandas.Index, got {type(getattr(self, name)).__name__}")
        if self.user.size == 0:
            raise ValueError("the log must have at least one interaction, got an empty log")
        for name, array in _arrays(self).items():
            if array.shape != (self.user.size,):
                raise ValueError(f"{name} must have shape ({self.user.size},), got {array.shape}")
        for name, codes, size in (("user", self.user, self.num_users), ("video", self.video, self.num_videos)):
            if codes.min() < 0 or codes.max() >= size:
                raise ValueError(f"{name} must be in [0, {size}), got {codes.min()} to {codes.max()}")

    @property
    def num_users(self) -> int:
        """Number of users in the vocabulary."""
        return len(self.user_ids)

    @property
    def num_videos(self) -> int:
        """Number of videos in the vocabulary."""
        return len(self.video_ids)

    @property
    def num_interactions(self) -> int:
        """Number of rows."""
        return len(self.user)

    @classmethod
    def from_frame(
        cls,
        frame: pd.DataFrame,
        *,
        columns: Mapping[str, str] | None = None,
        video_ids: Iterable[Any] | None = None,
        measures: Collection[str] | None = None,
        duplicates: Literal["drop", "keep", "error"] = "drop",
        missing: Literal["error", "drop"] = "error",
        strict: bool = True,
        milliseconds: Collection[str] = (),
    ) -> WatchLog:
        """Return the validated log of a frame.

        Parameters
        ----------
        frame : pandas.DataFrame
            Columns ``user_id`` and ``video_id`` (any hashable type), optionally ``watch_time``, ``duration`` and
            ``timestamp`` (numbers, seconds, finite, >= 0). A timestamp may also be a date or text in ISO 8601; without a
            time zone it is UTC. Other columns are not read.
        columns : mapping of str to str, optional
            Name in the frame of a column above, if it differs: ``{"user_id": "uid"}``.
        video_ids : iterable of ids, optional
            Vocabulary of videos (for instance ``features.ids``), in the order of the integers. A video of the log that is not
            in it is an error, or dropped (``missing``). Integers equal the text that spells them. Default: the videos of the
            log.
        measures : collection of str, optional
            Columns among ``watch_time``, ``duration`` and ``timestamp`` to read; they must exist. ``()`` reads only the ids, so
            that other columns cannot cause errors. Default: all that exist.
        duplicates : {"drop", "keep", "error"}, default "drop"
            Treatment of a row that equals an earlier one in all columns read. Dropping warns with a count.
        missing : {"error", "drop"}, default "error"
            Treatment of a row without a user or video, or with a video that is not in ``video_ids``. Dropping warns with the
            counts, which stay in ``dropped``: ``{"video_id unknown": 3}``.
        strict : bool, default True
            Whether a ``watch_time``, ``duration`` or ``timestamp`` that is missing, negative, not finite or text is an error.
            False drops such rows and rows with a ``duration`` of 0, with one warning; the counts stay in ``dropped``. A row
            that is wrong in several columns counts once, under the first of them in the order above. Text that spells a
            number then becomes this number, because a single bad value turns a whole column of a CSV into text.
        milliseconds : collection of str, default ()
            Columns among ``watch_time``, ``duration`` and ``timestamp`` in milliseconds. They are divided by 1000;
            ``round(1000 * seconds)`` gives the whole number of milliseconds again (up to 2**50).

        Returns
        -------
        WatchLog
            Users and videos are numbered in sorted order of their ids, for any order of the rows. Ids that cannot be sorted
            (mixed types) are numbered by first appearance.

        Raises
        ------
        ValueError
            A missing column, a missing id, an id in two spellings (``"7"`` and ``"07"``), an empty frame, an unknown
            video, a duplicate row (``duplicates="error"``), a value that is not a finite number >= 0; with the row
            (counted from 0) and the value. No row left. A name in ``milliseconds`` without a column of numbers.
        TypeError
            A column of the wrong dtype, an id that is not hashable.

        Notes
        -----
        O(n log n) time and O(n) memory for n rows.

        Examples
        --------
        >>> import pandas as pd
        >>> frame = pd.DataFrame({"uid": [7], "video_id": ["a"]})
        >>> WatchLog.from_frame(frame, columns={"user_id": "uid"}).user_ids.tolist()
        [7]
        """
        if not isinstance(frame, pd.DataFrame):
            raise TypeError(f"frame must be a pandas.DataFrame, got {type(frame).__name__}")
        if duplicates not in ("drop", "keep", "error"):
            raise ValueError(f"duplicates must be 'drop', 'keep' or 'error', got {duplicates!r}")
        if missing not in ("error", "drop"):
            raise ValueError(f"missing must be 'error' or 'drop', got {missing!r}")
        names = find_columns(list(frame.columns), columns, measures)
        if not len(frame):
            raise ValueError("the log must have at least one row, got an empty log")
        absent = [name for name in milliseconds if name not in MEASURES or name not in names]
        if absent:
            raise ValueError(f"milliseconds must name columns among {[*MEASURES]} that are there, got {absent}")
        vocabulary = None if video_ids is None else unique_index(video_ids, "video_ids")
        rows = np.arange(len(frame))
        dropped: dict[str, int] = {}
        if missing == "drop":
            lacking = without_ids(frame[names["user_id"]], frame[names["video_id"]], vocabulary)
            bad, dropped = count_first(lacking, len(frame))
            if dropped:
                warn_of_dropped(bad, dropped, "missing='drop'", rows)
                frame, rows = frame[~bad], rows[~bad]
        user, users = encode(frame[names["user_id"]], names["user_id"])
        if vocabulary is None:
            video, videos = encode(frame[names["video_id"]], names["video_id"])
        else:
            videos = vocabulary
            video = look_up(frame[names["video_id"]], videos, names["video_id"], "video_ids")
        columns_read = {name: frame[names[name]].set_axis(rows) for name in MEASURES if name in names}
        seconds, bad, unusable = read_measures(columns_read, milliseconds, strict)
        log = cls(user, video, users, videos, **seconds, dropped={**dropped, **unusable})
        if unusable:
            warn_of_dropped(bad, unusable, "strict=False", rows)
            log, rows = _compact(log.select(~bad), keep_videos=vocabulary is not None), rows[~bad]
        return log if duplicates == "keep" else _without_duplicates(log, duplicates, rows)

    @classmethod
    def read(
        cls,
        path: str | Path,
        *,
        columns: Mapping[str, str] | None = None,
        video_ids: Iterable[Any] | None = None,
        measures: Collection[str] | None = None,
        duplicates: Literal["drop", "keep", "error"] = "drop",
        missing: Literal["error", "drop"] = "error",
        strict: bool = True,
        milliseconds: Collection[str] = (),
        delimiter: str | None = None,
    ) -> WatchLog:
        """Return the validated log of a CSV or Parquet file.

        Parquet ids keep their type. CSV has no types: a column of ids is read as integers if every id is written as one
        (no leading zero, no sign but ``-``, within int64), and as text otherwise; ``007`` and ``1e5`` stay text.
        Only an empty field is a missing id: ``NA`` and ``null`` are ids.

        Parameters
        ----------
        path : path-like
            ``.csv`` or ``.tsv`` (also compressed, ``.gz`` or ``.zst``) or ``.parquet``, or a folder of such files, as
            Spark writes it.
        columns, video_ids, measures, duplicates, missing, strict, milliseconds
            As in `from_frame`.
        delimiter : str, optional
            One character between the fields of a CSV. Default: a comma, in ``.tsv`` a tab.

        Raises
        ------
        FileNotFoundError
            There is no such file.
        ValueError
            Another suffix, a corrupt or truncated file, a header repeated further down, and as `from_frame` raises; names
            the file.
        """
        path = as_path(path)
        try:
            frame = read_table(
                path, lambda present: find_columns(present, columns, measures), COLUMNS[:2], delimiter=delimiter
            )
            return cls.from_frame(
                frame,
                columns=columns,
                video_ids=video_ids,
                measures=measures,
                duplicates=duplicates,
                missing=missing,
                strict=strict,
                milliseconds=milliseconds,
            )
        except (ValueError, TypeError) as error:
            raise with_path(error, path) from None

    def to_frame(self) -> pd.DataFrame:
        """Return the log as a frame with the original ids."""
        data = {"user_id": self.user_ids.take(self.user), "video_id": self.video_ids.take(self.video)}
        data.update({name: getattr(self, name) for name in MEASURES if getattr(self, name) is not None})
        return pd.DataFrame(data)

    def select(self, rows: ArrayLike) -> WatchLog:
        """Return the log of some rows; the vocabularies stay, so the integers keep their meaning.

        Parameters
        ----------
        rows : array_like
            Boolean mask of shape (num_interactions,), or positions in [0, num_interactions).

        Raises
        ------
        TypeError
            Rows that are neither booleans nor integers.
        ValueError
            A mask of another shape, a row out of range, no row at all.
        """
        rows = np.asarray(rows)
        if rows.dtype == bool and rows.shape != self.user.shape:
            raise ValueError(f"rows must be a mask of shape {self.user.shape}, got {rows.shape}")
        if rows.dtype != bool:
            rows = node_ids("rows", rows, self.num_interactions, "(num_rows,)")
        picked: dict[str, Any] = {name: array[rows] for name, array in _arrays(self).items()}  # Any: columns
        return replace(self, **picked)


def _arrays(log: WatchLog) -> dict[str, NDArray[np.generic]]:
    """Return the present columns by name."""
    values = {entry.name: getattr(log, entry.name) for entry in fields(log)}
    return {name: value for name, value in values.items() if isinstance(value, np.ndarray)}


def _compact(log: WatchLog, keep_videos: bool) -> WatchLog:
    """Return the log without users that have no row, and without such videos unless they are kept."""
    users, user = np.unique(log.user, return_inverse=True)
    videos, video = np.unique(log.video, return_inverse=True)
    log = replace(log, user=user, user_ids=log.user_ids[users])
    return log if keep_videos else replace(log, video=video, video_ids=log.video_ids[videos])


def _check_dtype(name: str, array: Any) -> None:
    if array is None and name in MEASURES:
        return
    if not isinstance(array, np.ndarray):
        raise TypeError(f"{name} must be an array, got {type(array).__name__}")
    kinds, accepted = ("iu", "integers") if name in ("user", "video") else ("iuf", "real numbers")
    if array.dtype.kind not in kinds:
        raise TypeError(f"{name} must hold {accepted}, got dtype {array.dtype}")


def _without_duplicates(log: WatchLog, duplicates: Literal["drop", "error"], rows: NDArray[np.int64]) -> WatchLog:
    """Return the log without repeated rows; ``rows`` are their places in the table, for the message."""
    mask = pd.DataFrame(_arrays(log)).duplicated().to_numpy()
    if not mask.any():
        return log
    found = f"{mask.sum()} rows equal an earlier one in every column, the first is row {rows[mask.argmax()]}"
    if duplicates == "error":
        raise ValueError(f"the log must have no duplicate rows with duplicates='error', got: {found}")
    warnings.warn(f"{found}; dropped (pass duplicates='keep' to keep them)", UserWarning, stacklevel=3)
    return log.select(~mask)
