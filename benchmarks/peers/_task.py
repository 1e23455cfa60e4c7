"""A watch log as a task for the peers, and the truth that they are not given."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from benchmarks.peers._contract import INPUTS, TARGETS, SkipTask
from graphvid.data import LogWindows, WatchLog
from graphvid.graphs import label_clips

_VALIDATION_SHARE = 1 / 6
_NUM_DURATION_BUCKETS = 10


class TaskWithTruth(NamedTuple):
    """A task, and ``row_id, user, video, label, stop`` of its test rows, in their order."""

    task: SkipTask
    truth: pd.DataFrame


def make_task(
    log: WatchLog, clips: NDArray[np.float32], windows: LogWindows, *, validation_share: float = _VALIDATION_SHARE
) -> TaskWithTruth:
    """Return the task of a log.

    Parameters
    ----------
    log : WatchLog
        With ``watch_time``, ``duration`` and ``timestamp``.
    clips : ndarray of float32, shape (num_videos, num_clips, dim)
    windows : LogWindows
        Rows of the graph, supervision and test windows.
    validation_share : float, default 1/6
        Share of each user's training rows, the last ones by time and at least one, that is ``valid``. A user with one
        training row has no validation row.

    Duration buckets are the tenths of the training rows' durations, fewer where durations are equal.
    """
    labels = label_clips(log, clips.shape[1], strict=True)
    assert log.duration is not None  # or there were no labels
    training = np.concatenate([windows.graph, windows.supervision])
    cuts = np.unique(np.quantile(log.duration[training], np.linspace(0, 1, _NUM_DURATION_BUCKETS + 1)))
    inner = cuts[1:-1]  # none where all durations are equal
    supervision = np.zeros(log.num_interactions, dtype=bool)
    supervision[windows.supervision] = True
    frame = pd.DataFrame(
        {
            "row_id": np.arange(log.num_interactions),
            "user": log.user,
            "video": log.video,
            "duration": log.duration,
            "duration_bucket": np.searchsorted(inner, log.duration, side="left"),
            "timestamp": log.timestamp,
            "supervision": supervision,
            "watch_time": log.watch_time,
            "label": labels.complete.astype(np.int64),
            "stop": labels.stop,
        }
    )
    ordered = frame.iloc[training].sort_values(["user", "timestamp", "row_id"], ignore_index=True)
    from_end = ordered.groupby("user").cumcount(ascending=False)
    size = ordered.groupby("user")["user"].transform("size")
    held_out = from_end < np.where(size > 1, np.maximum(1, np.floor(size * validation_share)), 0)
    train, valid = (ordered[mask].reset_index(drop=True) for mask in (~held_out, held_out))
    test = frame.iloc[windows.test].reset_index(drop=True)
    columns = list(INPUTS + TARGETS)
    task = SkipTask(train[columns], valid[columns], test[list(INPUTS)], clips, log.num_users, len(inner) + 1)
    return TaskWithTruth(task, test[["row_id", "user", "video", "label", "stop"]])
