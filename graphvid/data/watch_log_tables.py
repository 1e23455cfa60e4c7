"""Columns of tables of watch logs, and detection of their rows to drop."""

from __future__ import annotations

import warnings
from collections.abc import Collection, Mapping

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from graphvid.data._ids import match_ids
from graphvid.data._measures import MEASURES

COLUMNS = ("user_id", "video_id", *MEASURES)


def find_columns(
    present: list[str], columns: Mapping[str, str] | None, measures: Collection[str] | None = None
) -> dict[str, str]:
    """Return the name in the table of every present and requested log column; raise if an id column is absent."""
    columns = dict(columns or {})
    unknown = [name for name in columns if name not in COLUMNS]
    if unknown:
        raise ValueError(f"columns must have keys among {list(COLUMNS)}, got {unknown}")
    if measures is not None and (isinstance(measures, str) or not set(measures) <= set(MEASURES)):
        raise ValueError(f"measures must be names among {list(MEASURES)}, got {measures!r}")
    wished = COLUMNS if measures is None else ("user_id", "video_id", *(m for m in MEASURES if m in measures))
    required = {"user_id", "video_id", *columns, *(measures or ())}
    needed = [columns.get(name, name) for name in wished if name in required]
    absent = [name for name in needed if name not in present]
    if absent:
        raise ValueError(f"the log must have the columns {needed}, got {[str(name) for name in present]}")
    names = {name: columns.get(name, name) for name in wished if columns.get(name, name) in present}
    repeated = [name for name in names.values() if list(present).count(name) > 1]
    if repeated:
        raise ValueError(f"the columns of the log must have unique names, got {repeated} more than once")
    return names


def without_ids(user: pd.Series, video: pd.Series, vocabulary: pd.Index | None) -> dict[str, NDArray[np.bool_]]:
    """Return the rows without a user, without a video, and with a video outside the vocabulary."""
    lacking = {"user_id missing": user.isna().to_numpy(), "video_id missing": video.isna().to_numpy()}
    if vocabulary is not None:
        there = ~lacking["video_id missing"]
        unknown = np.zeros(len(video), dtype=bool)
        unknown[there] = match_ids(video[there], vocabulary) < 0
        lacking["video_id unknown"] = unknown
    return lacking


def warn_of_dropped(bad: NDArray[np.bool_], dropped: Mapping[str, int], by: str, rows: NDArray[np.int64]) -> None:
    """Warn of the dropped rows, or raise if no row is left; ``rows`` are the places in the table."""
    counts = ", ".join(f"{reason} in {count}" for reason, count in dropped.items())
    found = f"{bad.sum()} of {len(bad)} rows dropped by {by} ({counts}), the first is row {rows[bad.argmax()]}"
    if bad.all() and by == "strict=False":
        raise ValueError(f"the log must have at least one row of finite numbers >= 0 with a duration > 0, got: {found}")
    if bad.all():
        raise ValueError(f"the log must have at least one row with a user and a known video, got: {found}")
    warnings.warn(found, UserWarning, stacklevel=3)
