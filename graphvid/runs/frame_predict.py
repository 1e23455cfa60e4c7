"""What a finished run of `FRAME` says of any users and videos."""

from __future__ import annotations

import os

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from graphvid.data import ClipFeatures, WatchLog

from .frame import load_frame

_COLUMNS = ("complete", "offending_clip", "best_clip", "watch_ratio")


def predict_frame(
    run_dir: str | os.PathLike[str], log: WatchLog, *, clips: ClipFeatures | None = None, progress: bool = False
) -> pd.DataFrame:
    """Say of users and videos what a finished run expects.

    Parameters
    ----------
    run_dir : path-like
        A finished run; its source is read again, for the graph is part of the model.
    log : WatchLog
        Users and videos to score; of its other columns only ``duration`` is looked at. Ids are compared as text. A user
        that the run does not know is one without a past.
    clips : ClipFeatures, optional
        Of the videos that the run does not know; with as many clips as the model's, or a multiple, which is averaged.
    progress : bool, default False
        Show a bar while the features are read.

    Returns
    -------
    DataFrame
        A row for every row of ``log``: ``user_id``, ``video_id``, ``complete`` (probability), ``offending_clip`` and
        ``best_clip`` (where this user most and least likely leaves, counted from 0), and with the survival head
        ``watch_ratio`` (expected share watched) and ``watch_time`` (that share in seconds; NaN where neither ``log``
        nor the training views have the duration).

    Raises
    ------
    FileNotFoundError, ValueError
        As `load_frame`; a video that neither the run nor ``clips`` knows; clips of another form.
    """
    model, views = load_frame(run_dir, progress=progress)
    user = pd.Index(views.train.user_ids.astype(str)).get_indexer(log.user_ids.astype(str))[log.user]
    video = pd.Index(views.clips.ids.astype(str)).get_indexer(log.video_ids.astype(str))[log.video]
    new = video < 0
    duration = (
        np.where(new, np.nan, model.buckets.duration.cpu().numpy()[video]) if log.duration is None else log.duration
    )
    if new.any():
        clips, video[new] = _new_videos(log, new, clips, model.clips.num_clips)
    parts = []
    for rows, source in ((~new, None), (new, clips)):
        if rows.any():
            said = model.predict(user[rows], video[rows], clips=source, durations=duration[rows])
            columns = {name: getattr(said, name) for name in _COLUMNS}
            there = {name: values for name, values in columns.items() if values is not None}
            parts.append(pd.DataFrame(there, index=np.flatnonzero(rows)))
    table = pd.concat(parts).sort_index()
    if "watch_ratio" in table:
        table["watch_time"] = table["watch_ratio"] * duration
    ids = {"user_id": log.user_ids.take(log.user), "video_id": log.video_ids.take(log.video)}
    return pd.concat([pd.DataFrame(ids), table], axis=1)


def _new_videos(
    log: WatchLog, new: NDArray[np.bool_], clips: ClipFeatures | None, num_clips: int
) -> tuple[ClipFeatures, NDArray[np.int64]]:
    """Return the clips, as many a video as the model has, and the row in them of each view that is ``new``."""
    ids = log.video_ids.take(log.video[new])
    known = pd.Index([] if clips is None else clips.ids.astype(str), dtype=object)
    row = known.get_indexer(ids.astype(str))
    if clips is None or (row < 0).any():
        absent = ids[row < 0].unique()
        raise ValueError(
            f"clips must be given for the {len(absent)} videos that the run does not know, got none for {absent[0]!r}"
        )
    return (clips if clips.num_clips == num_clips else clips.pool(num_clips)), row
