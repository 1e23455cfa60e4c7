"""A generated contest of scored pairs of videos: its hidden truth, and the files that a contest publishes."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from graphvid.data.video_pairs import ScoredPairs
from graphvid.data.video_records import VideoRecords


class HiddenVideos(NamedTuple):
    """Hidden truth of every video: its true tags, style and meaning.

    Parameters
    ----------
    main : ndarray of int64, shape (num_videos, 2)
        Tags that the frames of its main style show.
    tau : ndarray of int64, shape (num_videos,)
        Tag of the title, in no frame.
    main_style : ndarray of int64, shape (num_videos,)
        Style of the relevant frames; a word of the title names it.
    meaning : ndarray of float64, shape (num_videos, 16)
        Unit vector behind the scores.
    frame_kind : ndarray of int8, shape (num_frames,)
        0 main, 1 background, 2 distractor, for every frame of the store.
    """

    main: NDArray[np.int64]
    tau: NDArray[np.int64]
    main_style: NDArray[np.int64]
    meaning: NDArray[np.float64]
    frame_kind: NDArray[np.int8]


class Contest(NamedTuple):
    """Videos, pairs of them, and their truth.

    Parameters
    ----------
    videos : VideoRecords
    pairs : ScoredPairs or None
        Rows of ``videos``; None for the pretraining videos.
    hidden : HiddenVideos
    """

    videos: VideoRecords
    pairs: ScoredPairs | None
    hidden: HiddenVideos


def write_videos(contest: Contest, path: Path) -> None:
    """Write the videos as Parquet with the contest's names."""
    _to_frame(contest.videos).to_parquet(path)


def write_scores(contest: Contest, path: Path) -> None:
    """Write one line for each pair: query, candidate and score, separated by tabs."""
    assert contest.pairs is not None
    ids = contest.videos.ids
    lines = [f"{ids[q]}\t{ids[c]}\t{score:.2f}\n" for q, c, score in zip(*contest.pairs)]
    path.write_text("".join(lines), encoding="utf-8")


def _to_frame(videos: VideoRecords) -> pd.DataFrame:
    """Return the videos as a table with the contest's names, frames as buffers of float16."""
    assert videos.frames is not None
    assert videos.tag_id is not None
    assert videos.category_id is not None
    store, lists = videos.frames, {"tag_id": videos.tag_id, "category_id": videos.category_id}
    frames = [[frame.tobytes() for frame in store.values[start:end]] for start, end in pairwise(store.indptr)]
    columns = {name: [values[a:b].tolist() for a, b in pairwise(indptr)] for name, (indptr, values) in lists.items()}
    table = {"id": list(videos.ids), "title": videos.title, "asr_text": videos.asr_text, "frame_feature": frames}
    return pd.DataFrame({**table, **columns})
