"""FRAME as one of the peers."""

from __future__ import annotations

import logging
import warnings
from dataclasses import replace

import numpy as np
import pandas as pd
from lightning import Trainer

from benchmarks.peers._contract import Answer, Task
from graphvid.data import ClipFeatures, WatchLog
from graphvid.models import FRAME, FRAMEConfig
from graphvid.models.frame_config import Preset


def frame(task: Task, seed: int, preset: Preset, num_clips: int) -> Answer:
    """Train a preset on all rows with a label, with features averaged to ``num_clips`` a video; nothing is tuned."""
    config = replace(FRAMEConfig.preset(preset), num_clips=num_clips, seed=seed)
    log = training_log(task)
    model = FRAME(log, ClipFeatures(log.video_ids, task.clips), config)
    logging.getLogger("lightning.pytorch").setLevel(logging.WARNING)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Lightning's advice on workers and loggers
        Trainer(
            max_epochs=1, max_steps=len(model.train_dataloader()), accelerator="cpu", logger=False,
            enable_checkpointing=False, enable_progress_bar=False, enable_model_summary=False,
        ).fit(model)  # fmt: skip
    found = model.predict(task.test["user"], task.test["video"], durations=task.test["duration"])
    consistent = config.head == "survival" and num_clips == task.clips.shape[1]
    return Answer(
        score=found.complete,
        num_parameters=sum(p.numel() for p in model.parameters() if p.requires_grad),
        hazards=1.0 - found.stay.astype(np.float64) if consistent else None,
        about={"config": config.to_dict()},
        packages=("graphvid", "torch", "dgl", "lightning"),
    )


def training_log(task: Task) -> WatchLog:
    """Return all rows with a label as a log whose ids are the task's integers."""
    known = task.known.sort_values(["user", "timestamp", "row_id"])
    user, video, watched, duration, time = (
        known[name].to_numpy() for name in ("user", "video", "watch_time", "duration", "timestamp")
    )
    users, videos = pd.RangeIndex(task.num_users), pd.RangeIndex(len(task.clips))
    return WatchLog(user, video, users, videos, watch_time=watched, duration=duration, timestamp=time)
