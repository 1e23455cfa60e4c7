"""FRAME as a row of the table: the same rows, labels and clip vectors as the peers."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from benchmarks.peers._contract import Answer, Task
from benchmarks.quality._frame import train
from graphvid.data import ClipFeatures, WatchLog
from graphvid.models import FRAMEConfig


def frame(task: Task, seed: int, preset: str, num_clips: int, **options: Any) -> Answer:
    """Train a preset on all known rows; ``options`` change it."""
    config = replace(FRAMEConfig.preset(preset), seed=seed, num_clips=num_clips, **options)  # type: ignore[arg-type]
    clips = ClipFeatures(pd.RangeIndex(len(task.clips)), task.clips)
    model, _ = train(_log(task), clips, config)
    found = model.predict(task.test["user"], task.test["video"])
    comparable = found.drop_off is not None and num_clips == task.clips.shape[1]
    count = sum(parameter.numel() for parameter in model.parameters())
    hazards = 1 - found.stay.astype(np.float64) if comparable else None
    return Answer(found.complete, count, hazards, packages=("torch", "dgl", "lightning"))


def _log(task: Task) -> WatchLog:
    """Return the known rows as a log in which every clip lasts a second and a skip falls in the middle of its clip."""
    known, num_clips = task.known, task.clips.shape[1]
    stop = known["stop"].to_numpy(dtype=np.float64)
    return WatchLog(
        known["user"].to_numpy(dtype=np.int64),
        known["video"].to_numpy(dtype=np.int64),
        pd.RangeIndex(task.num_users),
        pd.RangeIndex(len(task.clips)),
        watch_time=np.where(stop == num_clips, stop, stop + 0.5),
        duration=np.full(len(known), float(num_clips)),
        timestamp=known["timestamp"].to_numpy(dtype=np.float64),
    )
