"""Other libraries' models on FRAME's task, who completes a video, on the synthetic world."""

from __future__ import annotations

import numpy as np
import pandas as pd

from benchmarks.peers._contract import scores_frame
from benchmarks.peers._run import Contest
from benchmarks.peers._run import main as run
from benchmarks.peers._task import TaskWithTruth, make_task
from graphvid.data import SyntheticSkip


def make(seed: int) -> tuple[TaskWithTruth, pd.DataFrame]:
    """Return the task of a seed and its perfect answer."""
    world = SyntheticSkip(seed=seed)
    task = make_task(world.log, np.asarray(world.clips.array, dtype=np.float32), world.windows)
    return task, scores_frame(task.truth["row_id"], world.oracle[world.windows.test], world.hazards[world.windows.test])


CONTEST = Contest(
    "frame_peers",
    "Completed views of the synthetic skip world",
    "300 users, 1200 videos of 8 clips, 80 impressions a user, of which the last 20 by time are the test rows. All peers "
    "get the same rows and labels: user, video, duration bucket and clip vectors. The peers of DeepCTR-Torch and the rows "
    "with one clip see the mean of a video's clip vectors only; it is a field like the others, by a linear map that "
    "replaces the library's table of embeddings. They try the same points of one grid (learning rate, size, dropout, "
    "L2), stop early by GAUC on the last sixth of every user's training rows, and are then trained on all training rows; "
    "what ranks best is often too sure of itself, which log loss and ECE show. "
    "The logistic rows build the users' mean clips from the first 40 rows of a user and are fitted on the next 20. "
    "GAUC is the AUC of each user weighted by impressions; recall and NDCG are over each user's own test rows. A row "
    "without figures for the clip of the skip has no opinion on clips: the position prior stands for it.",
    make,
)


def main(arguments: list[str]) -> None:
    """Run the table."""
    run(CONTEST, "python -m benchmarks peers frame", arguments)
