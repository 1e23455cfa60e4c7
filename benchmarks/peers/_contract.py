"""Files between the harness and a peer, which both of their environments can read.

This module needs NumPy and pandas only, since a peer's environment has no graphvid. A task is a folder with

- ``train.parquet``, ``valid.parquet``: all columns below;
- ``test.parquet``: ``row_id, user, video, duration, duration_bucket, timestamp``, nothing that the viewer did;
- ``clip_features.npy``: float32, shape (num_videos, num_clips, dim);
- ``sizes.json``: ``num_users``, ``num_duration_buckets``.

``label`` is 1 for a completed view; ``stop`` is the clip of the skip, or ``num_clips`` for a completed view; ``watch_time``
is what both come from; and ``supervision`` tells the rows of the later training window from those of the graph window.
All peers are given them; those with one vector a video (`SkipTask.pooled`) have no use but for the label.

An answer is a folder with

- ``scores.parquet``: ``row_id, score``, in the order of the test rows, and where the peer knows ``hazard_0, hazard_1, ...``;
- ``answer.json``: seconds, peak memory, number of parameters, versions, and how the answer was found.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

INPUTS = ("row_id", "user", "video", "duration", "duration_bucket", "timestamp")
TARGETS = ("supervision", "watch_time", "label", "stop")
TRAIN, VALID, TEST, CLIPS, SIZES = "train.parquet", "valid.parquet", "test.parquet", "clip_features.npy", "sizes.json"
SCORES, ABOUT = "scores.parquet", "answer.json"


@dataclass(frozen=True, eq=False)
class SkipTask:
    """Task that a peer is given.

    Parameters
    ----------
    train, valid : DataFrame
        Columns `INPUTS` and `TARGETS`. ``valid`` is the last part of every user's training rows by time; a peer tunes on
        it and may then train on both.
    test : DataFrame
        Columns `INPUTS`.
    clips : ndarray of float32, shape (num_videos, num_clips, dim)
    num_users, num_duration_buckets : int
    """

    train: pd.DataFrame
    valid: pd.DataFrame
    test: pd.DataFrame
    clips: NDArray[np.float32]
    num_users: int
    num_duration_buckets: int

    @property
    def known(self) -> pd.DataFrame:
        """All rows with a label."""
        return pd.concat([self.train, self.valid], ignore_index=True)

    @cached_property
    def pooled(self) -> NDArray[np.float32]:
        """Mean of the clip vectors of each video, shape (num_videos, dim)."""
        return np.asarray(self.clips.mean(axis=1))


@dataclass(frozen=True, eq=False)
class Answer:
    """Answer that a peer gives back.

    Parameters
    ----------
    score : ndarray of float64, shape (num_test_rows,)
        Probability that the view is completed, in the order of ``test``.
    num_parameters : int
        Numbers fitted to the training rows.
    hazards : ndarray of float64, shape (num_test_rows, num_clips), optional
        Probability to leave at each clip of the task once it is reached.
    about : mapping
        Whatever tells how the answer was found: chosen options, validation figures.
    packages : tuple of str
        Whose versions are recorded beside those of Python and NumPy.
    """

    score: NDArray[np.float64]
    num_parameters: int
    hazards: NDArray[np.float64] | None = None
    about: Mapping[str, Any] = field(default_factory=dict)
    packages: tuple[str, ...] = ()


def write_task(folder: Path, task: SkipTask) -> None:
    """Write a task into an empty folder."""
    for name, frame, columns in (
        (TRAIN, task.train, INPUTS + TARGETS),
        (VALID, task.valid, INPUTS + TARGETS),
        (TEST, task.test, INPUTS),
    ):
        if tuple(frame.columns) != columns:
            raise ValueError(f"{name} must have the columns {columns}, got {tuple(frame.columns)}")
        frame.to_parquet(folder / name, index=False)
    np.save(folder / CLIPS, task.clips)
    sizes = {"num_users": task.num_users, "num_duration_buckets": task.num_duration_buckets}
    (folder / SIZES).write_text(json.dumps(sizes), encoding="utf-8")


def read_task(folder: Path) -> SkipTask:
    """Read a task."""
    train, valid, test = (pd.read_parquet(folder / name) for name in (TRAIN, VALID, TEST))
    sizes = json.loads((folder / SIZES).read_text(encoding="utf-8"))
    return SkipTask(train, valid, test, np.load(folder / CLIPS), **sizes)


def scores_frame(
    row_id: pd.Series, score: NDArray[np.float64], hazards: NDArray[np.float64] | None = None
) -> pd.DataFrame:
    """Return the content of ``scores.parquet``."""
    frame = pd.DataFrame({"row_id": row_id.to_numpy(), "score": score})
    if hazards is not None:
        for clip, column in enumerate(hazards.T):
            frame[f"hazard_{clip}"] = column
    return frame


def write_answer(folder: Path, task: SkipTask, answer: Answer, measured: Mapping[str, Any]) -> None:
    """Write an answer into an empty folder; ``measured`` goes into the JSON file."""
    scores = scores_frame(task.test["row_id"], answer.score, answer.hazards)
    scores.to_parquet(folder / SCORES, index=False)
    about = {"num_parameters": answer.num_parameters, **measured, "about": dict(answer.about)}
    (folder / ABOUT).write_text(json.dumps(about, indent=1), encoding="utf-8")
