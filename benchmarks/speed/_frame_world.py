"""A watch log and clip features of the size of the paper's set A, or of a part of it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from graphvid.data import ClipFeatures, WatchLog

NUM_USERS, NUM_VIDEOS, NUM_VIEWS = 12_739, 58_291, 342_694
NUM_CLIPS, DIM = 8, 128
COMPLETED = 0.4
_ACTIVITY, _POPULARITY = 0.5, 0.8  # a share falls with the rank to this power
_CHUNK_VIDEOS = 4096


def make_world(folder: Path, part: float, copies: int = 1) -> None:
    """Write ``log.npz`` and the folder ``clips``; the same arguments give the same files.

    Parameters
    ----------
    folder : pathlib.Path
    part : float
        Of the users, videos and views of set A.
    copies : int, default 1
        The log watches every ``copies``-th of so many times more videos; its edges stay the same.
    """
    users, videos, views = (max(2, round(part * size)) for size in (NUM_USERS, NUM_VIDEOS, NUM_VIEWS))
    random = np.random.default_rng(0)
    user, video = _pairs(random, users, videos, views)
    duration = random.integers(5, 61, videos).astype(np.float64)[video]
    watched = np.where(random.random(views) < COMPLETED, duration, duration * random.random(views))
    sizes = np.array([users, videos * copies])
    np.savez(folder / "log.npz", user=user, video=video * copies, watched=watched, duration=duration, sizes=sizes)
    features = np.lib.format.open_memmap(
        folder / "features.npy", "w+", dtype=np.float32, shape=(videos * copies, NUM_CLIPS, DIM)
    )
    for start in range(0, len(features), _CHUNK_VIDEOS):
        chunk = features[start : start + _CHUNK_VIDEOS]
        random.standard_normal(out=chunk, dtype=np.float32)
    del features
    ClipFeatures.open(folder / "features.npy").save(folder / "clips")
    (folder / "features.npy").unlink()


def read_world(folder: Path) -> tuple[WatchLog, ClipFeatures]:
    """Return the log, and the features memory-mapped."""
    with np.load(folder / "log.npz") as file:
        user_ids, video_ids = (pd.RangeIndex(size) for size in file["sizes"])
        log = WatchLog(
            file["user"], file["video"], user_ids, video_ids, watch_time=file["watched"], duration=file["duration"]
        )
    return log, ClipFeatures.open(folder / "clips")


def _pairs(
    random: np.random.Generator, users: int, videos: int, views: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return distinct pairs whose ends follow power laws, in random order."""
    names = random.permutation(users), random.permutation(videos)
    laws = [np.cumsum(np.arange(1.0, n + 1) ** -p) for n, p in ((users, _ACTIVITY), (videos, _POPULARITY))]
    keys = np.empty(0, dtype=np.int64)
    while len(keys) < views:
        user, video = (np.searchsorted(law, random.random(views) * law[-1]) for law in laws)
        keys = np.unique(np.concatenate([keys, names[0][user] * videos + names[1][video]]))
    keys = random.permutation(keys)[:views]
    return keys // videos, keys % videos
