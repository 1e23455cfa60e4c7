"""FRAME as a row of the table: the same rows, labels and clip vectors as the peers."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from benchmarks.peers._contract import Answer, SkipTask
from benchmarks.quality._frame import train
from graphvid.data import ClipFeatures, WatchLog
from graphvid.models import FRAMEConfig


def frame(task: SkipTask, seed: int, preset: str, num_clips: int, **options: Any) -> Answer:
    """Train a preset on all rows with a label; ``options`` change it. Features are averaged to ``num_clips`` a video."""
    config = replace(FRAMEConfig.preset(preset), seed=seed, num_clips=num_clips, **options)
    log = training_log(task)
    model = train(log, ClipFeatures(log.video_ids, task.clips), config)
    found = model.predict(task.test["user"], task.test["video"], durations=task.test["duration"])
    consistent = found.drop_off is not None and num_clips == task.clips.shape[1]
    return Answer(
        score=found.complete,
        num_parameters=sum(p.numel() for p in model.parameters() if p.requires_grad),
        hazards=1.0 - found.stay.astype(np.float64) if consistent else None,
        about={"config": config.to_dict()},
        packages=("graphvid", "torch", "dgl", "lightning"),
    )


def training_log(task: SkipTask) -> WatchLog:
    """Return all rows with a label as a log whose ids are the task's integers."""
    known = task.known.sort_values(["user", "timestamp", "row_id"])
    user, video, watched, duration, time = (
        known[name].to_numpy() for name in ("user", "video", "watch_time", "duration", "timestamp")
    )
    users, videos = pd.RangeIndex(task.num_users), pd.RangeIndex(len(task.clips))
    return WatchLog(user, video, users, videos, watch_time=watched, duration=duration, timestamp=time)
