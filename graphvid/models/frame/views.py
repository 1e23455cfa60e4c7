"""Views for a `FRAME`: labels, graph and batches of training views, and predictions for other views."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from graphvid._dgl import DGLGraph
from graphvid.data import WatchLog, split_by_time
from graphvid.graphs import ClipLabels, label_clips, user_clip_graph
from graphvid.models.frame.config import FRAMEConfig


class ViewBatch(NamedTuple):
    """Views to predict.

    Parameters
    ----------
    user, video : Tensor of int64, shape (num_views,)
        Rows of the log's vocabularies.
    stop : Tensor of int64, shape (num_views,)
        Clip of the skip, or ``num_clips`` for a complete view.
    """

    user: Tensor
    video: Tensor
    stop: Tensor


class SkipPrediction(NamedTuple):
    """Predictions of a `FRAME` for some views.

    Parameters
    ----------
    complete : ndarray of float64, shape (num_views,)
        Probability that the user watches the video to its end.
    stay : ndarray of float32, shape (num_views, num_clips)
        Probability to stay at each clip that the user reaches. With the survival head the product over the clips is
        ``complete``; with the other heads it is the score of the clip in [0, 1].
    drop_off : ndarray of float32, shape (num_views, num_clips + 1), or None
        Probability that the user still watches at the start of each clip and at the end. None without the survival head.
    watch_ratio : ndarray of float32, shape (num_views,), or None
        Expected share of the video that the user watches. None without the survival head.
    """

    complete: NDArray[np.float64]
    stay: NDArray[np.float32]
    drop_off: NDArray[np.float32] | None
    watch_ratio: NDArray[np.float32] | None

    @property
    def offending_clip(self) -> NDArray[np.int64]:
        """The clip with the largest probability that a user who reaches it leaves, (num_views,); the earliest of equals."""
        return np.asarray(self.stay.argmin(axis=1))

    @property
    def best_clip(self) -> NDArray[np.int64]:
        """The clip at which this user is least likely to leave, (num_views,): a personal thumbnail."""
        return np.asarray(self.stay.argmax(axis=1))


def label_views(log: WatchLog, num_clips: int, config: FRAMEConfig) -> ClipLabels:
    """Return the labels of a training log.

    Raises
    ------
    ValueError
        A log without a complete view or without a skip, and as `graphvid.graphs.label_clips` raises.
    """
    labels = label_clips(
        log,
        num_clips,
        complete_ratio=config.complete_ratio,
        min_watch_time=config.min_watch_time,
        duration_resolution=config.duration_resolution,
        count_loops=config.count_loops,
    )
    num_complete = int(labels.complete.sum())
    if not 0 < num_complete < len(labels.row):
        raise ValueError(
            f"log must have both complete views and skips, got {num_complete} complete of {len(labels.row)} views"
        )
    return labels


def build_graph(labels: ClipLabels, log: WatchLog, config: FRAMEConfig) -> DGLGraph:
    """Return the user-clip graph of labels; positives are stored once a video if that is exact."""
    last = config.resolve == "last"
    if last and log.timestamp is None:
        raise ValueError("log must have timestamps with resolve='last', got a log without")
    return user_clip_graph(
        labels,
        num_users=log.num_users,
        num_videos=log.num_videos,
        positive_mode=config.positive_mode,
        negative_mode=config.negative_mode,
        multiplicity=config.multiplicity,
        resolve=config.resolve,
        timestamp=log.timestamp[labels.row] if last and log.timestamp is not None else None,
        shared_positives=config.positive_mode == "complete",
    )


def split_views(labels: ClipLabels, log: WatchLog) -> tuple[ClipLabels, ClipLabels]:
    """Return the earlier two thirds of each user's views and the last third."""
    windows = split_by_time(log.select(labels.row), fractions=(1 / 3, 1 / 3, 1 / 3))
    parts = np.sort(np.concatenate([windows.graph, windows.supervision])), windows.test
    columns = ("user", "video", "stop", "count", "row")
    earlier, last = (labels._replace(**{name: getattr(labels, name)[rows] for name in columns}) for rows in parts)
    return earlier, last
