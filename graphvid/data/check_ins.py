"""Validated check-ins: visits of users to places, with local time."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from graphvid.data._files import with_path
from graphvid.data._ids import encode
from graphvid.data._tables import read_table
from graphvid.data.check_in_tables import COLUMNS, drop_rows, find_bad, find_columns, first_coordinates, read_numbers

DAY, HOUR = 86_400, 3_600
_EPOCH_WEEKDAY = 3  # 1 January 1970 was a Thursday; Monday is 0


@dataclass(frozen=True, eq=False)
class CheckIns:
    """Visits of users to places as contiguous integers, by user, then time, with the vocabularies of their ids.

    `from_frame`, `read` and the readers of data sets make it; the constructor takes sorted columns. Of several check-ins of
    a user at the same moment, the one later in the file is the newer. On a video platform a place is a channel and its area
    a topic.

    Parameters
    ----------
    user, poi : ndarray of int64, shape (num_check_ins,)
        Rows of ``user_ids`` and ``poi_ids``; users ascend.
    user_ids, poi_ids : pandas.Index
        Original ids, possibly with places without a check-in.
    timestamp : ndarray of float64, shape (num_check_ins,), optional
        Seconds since 1970 in UTC, not falling for a user. None: only the order is known.
    offset : ndarray of int64, shape (num_check_ins,), optional
        Minutes to add for local time, from -720 to 840, including daylight saving. Required with ``timestamp``, and only
        then.
    latitude, longitude : ndarray of float64, shape (num_pois,), optional
        Degrees of the places; both or none.
    session : ndarray of int64, shape (num_check_ins,), optional
        Sessions of the source, from 0 for each user and not falling, for check-ins without times.
    row : ndarray of int64, shape (num_check_ins,), optional
        Row of each check-in in its table. Default: their order.
    dropped : mapping of str to int, default empty
        Rows left out by ``strict=False``, by reason.

    Raises
    ------
    ValueError
        No check-in, arrays of unequal length, codes out of range, rows out of order, offsets without times.

    Examples
    --------
    >>> import pandas as pd
    >>> frame = pd.DataFrame({"user_id": ["bo", "al", "al"], "poi_id": [30, 10, 30], "timestamp": [7200, 90000, 0],
    ...                       "offset": [-60, 0, 0]})
    >>> check_ins = CheckIns.from_frame(frame)
    >>> check_ins.user, check_ins.poi, check_ins.weekday, check_ins.hour
    (array([0, 0, 1]), array([1, 0, 1]), array([3, 4, 3]), array([0, 1, 1]))
    """

    user: NDArray[np.int64]
    poi: NDArray[np.int64]
    user_ids: pd.Index
    poi_ids: pd.Index
    timestamp: NDArray[np.float64] | None = None
    offset: NDArray[np.int64] | None = None
    latitude: NDArray[np.float64] | None = None
    longitude: NDArray[np.float64] | None = None
    session: NDArray[np.int64] | None = None
    row: NDArray[np.int64] | None = None
    dropped: Mapping[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        count = self.num_check_ins
        if count == 0:
            raise ValueError("there must be at least one check-in, got none")
        if self.row is None:
            object.__setattr__(self, "row", np.arange(count))
        if (self.timestamp is None) != (self.offset is None):
            raise ValueError("timestamp and offset must be given together, got one of them")
        if (self.latitude is None) != (self.longitude is None):
            raise ValueError("latitude and longitude must be given together, got one of them")
        for name in ("poi", "timestamp", "offset", "session", "row"):
            values = getattr(self, name)
            if values is not None and values.shape != (count,):
                raise ValueError(f"{name} must have shape ({count},), got {values.shape}")
        for name in ("latitude", "longitude"):
            values = getattr(self, name)
            if values is not None and values.shape != (self.num_pois,):
                raise ValueError(f"{name} must have shape ({self.num_pois},), got {values.shape}")
        for name, codes, size in (("user", self.user, self.num_users), ("poi", self.poi, self.num_pois)):
            if codes.min() < 0 or codes.max() >= size:
                raise ValueError(f"{name} must be in [0, {size}), got {codes.min()} to {codes.max()}")
        same = self.user[1:] == self.user[:-1]
        if (np.diff(self.user) < 0).any():
            raise ValueError("check-ins must be in order of the user")
        for name in ("timestamp", "session"):
            values = getattr(self, name)
            if values is not None and (same & (np.diff(values) < 0)).any():
                raise ValueError(f"the check-ins of a user must be in order of the {name}")

    @property
    def num_users(self) -> int:
        """Number of users in the vocabulary."""
        return len(self.user_ids)

    @property
    def num_pois(self) -> int:
        """Number of places in the vocabulary."""
        return len(self.poi_ids)

    @property
    def num_check_ins(self) -> int:
        """Number of check-ins."""
        return len(self.user)

    @cached_property
    def indptr(self) -> NDArray[np.int64]:
        """First check-in of every user, and the number of all, shape (num_users + 1,)."""
        return np.concatenate([[0], np.cumsum(np.bincount(self.user, minlength=self.num_users))])

    @cached_property
    def coordinates(self) -> NDArray[np.float64] | None:
        """Latitude and longitude of every place, shape (num_pois, 2); None if unknown."""
        if self.latitude is None or self.longitude is None:
            return None
        return np.stack([self.latitude, self.longitude], axis=1)

    @cached_property
    def weekday(self) -> NDArray[np.int64] | None:
        """Local weekday of every check-in, Monday 0; None without times."""
        return None if self.timestamp is None else local_time(self.timestamp, self.offset)[0]

    @cached_property
    def hour(self) -> NDArray[np.int64] | None:
        """Local hour of every check-in, 0 to 23; None without times."""
        return None if self.timestamp is None else local_time(self.timestamp, self.offset)[1]

    @classmethod
    def from_frame(
        cls,
        frame: pd.DataFrame,
        *,
        columns: Mapping[str, str] | None = None,
        offset: int | None = None,
        milliseconds: bool = False,
        strict: bool = True,
    ) -> CheckIns:
        """Return the validated check-ins of a frame.

        Parameters
        ----------
        frame : pandas.DataFrame
            Columns ``user_id`` and ``poi_id`` (any hashable type), ``timestamp`` (seconds since 1970 in UTC),
            ``offset`` (minutes to add for local time), and optionally ``latitude`` and ``longitude`` (degrees). Rows in
            any order.
        columns : mapping of str to str, optional
            Name in the frame of a column above, if it differs.
        offset : int, optional
            Offset of all rows, if the frame has no such column; 0 for local times.
        milliseconds : bool, default False
            Whether ``timestamp`` is in milliseconds.
        strict : bool, default True
            Whether a row without a proper time, offset or coordinate is an error. False drops such rows with one
            warning; the counts stay in ``dropped``, each row under its first reason.

        Returns
        -------
        CheckIns
            Users and places are numbered in sorted order of their ids. A place has the coordinates of its first row; rows
            more than 100 m away are counted in a warning.

        Raises
        ------
        ValueError
            A missing column or id, no offsets, a value out of range with its row, seconds that look like milliseconds
            or the reverse, no row left.

        Notes
        -----
        O(n log n) time for n rows.
        """
        if not isinstance(frame, pd.DataFrame):
            raise TypeError(f"frame must be a pandas.DataFrame, got {type(frame).__name__}")
        names = find_columns(list(frame.columns), columns, offset)
        if not len(frame):
            raise ValueError("there must be at least one check-in, got an empty table")
        numbers = read_numbers(frame, names, offset, milliseconds)
        bad = find_bad(numbers, names)
        kept, dropped = drop_rows(bad, numbers, len(frame), strict)
        user, user_ids = encode(frame[names["user_id"]].iloc[kept], names["user_id"])
        poi, poi_ids = encode(frame[names["poi_id"]].iloc[kept], names["poi_id"])
        numbers = {name: values[kept] for name, values in numbers.items()}
        places: dict[str, Any] = first_coordinates(poi, len(poi_ids), numbers)  # Any: columns
        order = np.lexsort((numbers["timestamp"], user))  # stable: ties stay in the order of the file
        return cls(
            user[order],
            poi[order],
            user_ids,
            poi_ids,
            timestamp=numbers["timestamp"][order],
            offset=numbers["offset"][order].astype(np.int64),
            row=kept[order],
            dropped=dropped,
            **places,
        )

    @classmethod
    def read(
        cls,
        path: str | Path,
        *,
        columns: Mapping[str, str] | None = None,
        offset: int | None = None,
        milliseconds: bool = False,
        strict: bool = True,
        delimiter: str | None = None,
    ) -> CheckIns:
        """Return the validated check-ins of a CSV or Parquet file, in one of the forms of `WatchLog.read`; see `from_frame`.

        ``delimiter`` is one character between the fields of a CSV, by default a comma, in ``.tsv`` a tab.

        Raises
        ------
        FileNotFoundError
            There is no such file.
        ValueError
            Another suffix, a corrupt file, and as `from_frame` raises; names the file.
        """
        path = Path(path)
        try:
            frame = read_table(
                path, lambda present: find_columns(present, columns, offset), COLUMNS[:2], delimiter=delimiter
            )
            return cls.from_frame(frame, columns=columns, offset=offset, milliseconds=milliseconds, strict=strict)
        except (ValueError, TypeError) as error:
            raise with_path(error, path) from None

    def select(self, rows: ArrayLike) -> CheckIns:
        """Return some check-ins; the vocabularies stay, so the integers keep their meaning.

        Parameters
        ----------
        rows : array_like
            Boolean mask of shape (num_check_ins,), or integer positions that ascend.
        """
        rows = np.asarray(rows)
        if rows.dtype == bool and rows.shape != self.user.shape:
            raise ValueError(f"rows must be a mask of shape {self.user.shape}, got {rows.shape}")
        picked: dict[str, Any] = {}  # Any: columns
        for name in ("user", "poi", "timestamp", "offset", "session", "row"):
            values = getattr(self, name)
            picked[name] = None if values is None else values[rows]
        return replace(self, **picked)

    def sessions(self, gap: float = 24 * HOUR) -> NDArray[np.int64]:
        """Return the session of every check-in, from 0 for each user.

        Parameters
        ----------
        gap : float, default 24 hours
            Seconds, > 0. A longer gap to the next check-in ends a session. Without times, the result is the sessions of the
            source, and ``gap`` must be the default.

        Raises
        ------
        ValueError
            Neither times nor sessions, a gap that is not > 0.
        """
        if self.timestamp is None:
            if self.session is None:
                raise ValueError("sessions need times, or sessions of the source; these check-ins have neither")
            return self.session
        if not gap > 0:
            raise ValueError(f"gap must be a number of seconds > 0, got {gap}")
        cut = (np.diff(self.timestamp) > gap) | (np.diff(self.user) != 0)
        number = np.concatenate([[0], np.cumsum(cut)])
        first = np.minimum(self.indptr[:-1], self.num_check_ins - 1)
        session: NDArray[np.int64] = number - number[first][self.user]
        return session


def local_time(timestamp: Any, offset: Any) -> tuple[NDArray[np.int64], NDArray[np.int64]]:  # Any: array_like
    """Return weekday (Monday 0) and hour of moments in local time, that is after adding the offset.

    Parameters
    ----------
    timestamp : array_like of float
        Seconds since 1970 in UTC.
    offset : array_like of int
        Minutes to add.

    Examples
    --------
    >>> local_time([0.0, 0.0], [0, -1])
    (array([3, 2]), array([ 0, 23]))
    """
    local = np.asarray(timestamp, dtype=np.float64) + 60.0 * np.asarray(offset)
    day = np.floor_divide(local, DAY)
    hour = np.floor_divide(local - day * DAY, HOUR)
    return ((day + _EPOCH_WEEKDAY) % 7).astype(np.int64), hour.astype(np.int64)
