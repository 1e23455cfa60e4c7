"""FRAME on the SegMM sample, by segments, beside what the place alone says: ``python -m benchmarks quality frame_segmm``."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import lru_cache, partial
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from benchmarks._table import Json, MeasuredRow, Table
from benchmarks.quality._frame import train
from graphvid import metrics
from graphvid.data import ClipFeatures, SegmentLabels, SegMM, SyntheticSkip, WatchLog, split_by_time
from graphvid.models import FRAMEConfig

METRICS = ("segment_log_loss", "segment_auc", "segment_ece", "row_log_likelihood", "gauc", "log_loss")
PRIORS = {
    "same for all": "The share of reached segments at which viewers left.",
    "position prior": "That share of every segment number.",
    "position prior by duration": "The same for ten groups of videos by duration.",
    "position prior by user": "That of the user, drawn towards the one by duration.",
}
_DEFAULT = replace(FRAMEConfig.preset("survival"), num_duration_buckets=8)
_Array = NDArray[np.float64]


class SegmentViews(NamedTuple):
    """A log with the actions of every viewer in every segment, and the rows that are trained on and scored."""

    log: WatchLog
    labels: SegmentLabels
    segment_seconds: float
    training: NDArray[np.int64]
    test: NDArray[np.int64]

    @classmethod
    def of(cls, log: WatchLog, labels: SegmentLabels, segment_seconds: float) -> SegmentViews:
        """Split each user's rows by time."""
        windows = split_by_time(log, fractions=(0.5, 0.25, 0.25))
        training = np.sort(np.concatenate([windows.graph, windows.supervision]))
        return cls(log, labels, segment_seconds, training, windows.test)


Load = Callable[[str | None], SegmentViews]  # from --data-dir
Hazards = Callable[[SegmentViews, int], _Array]  # from a seed: of all segments of the rows that are scored


def rows_of(load: Load, config: FRAMEConfig, numbers: tuple[int, ...]) -> list[MeasuredRow]:
    """Return the priors, and the model with these numbers of clips."""
    rows = [
        MeasuredRow(name, partial(judge, load, partial(prior, groups)), about, seeded=False)
        for groups, (name, about) in enumerate(PRIORS.items())
    ]
    for clips in numbers:
        model = replace(config, num_clips=clips)
        about = f"Default preset with 8 duration buckets; {clips} clips, described by place and duration only."
        rows.append(
            MeasuredRow(f"FRAME, {clips} clips", partial(judge, load, partial(learnt, model)), about, {"model": model})
        )
    return rows


def place_features(log: WatchLog, num_clips: int) -> ClipFeatures:
    """Return waves of the start of a clip, in its video and in seconds, and of the duration, (num_videos, num_clips, 30)."""
    assert log.duration is not None
    duration = np.zeros(log.num_videos)
    duration[log.video] = log.duration
    share = np.broadcast_to((np.arange(num_clips) + 0.5) / num_clips, (log.num_videos, num_clips))
    length = np.broadcast_to(np.log2(duration)[:, None], share.shape)
    begin = np.log2(1 + share * duration[:, None])
    waves = [
        wave(np.pi * x[..., None] * 0.5 ** np.arange(5))
        for x in (share * 8, begin, length)
        for wave in (np.sin, np.cos)
    ]
    return ClipFeatures(log.video_ids, np.concatenate(waves, axis=-1).astype(np.float32))


def segment_hazards(drop_off: _Array, duration: _Array, num_segments: NDArray[np.int64], seconds: float) -> _Array:
    """Return the probability to leave in each segment that is reached, for all segments of all rows, one after another.

    Parameters
    ----------
    drop_off : ndarray, shape (num_rows, num_clips + 1)
        Probability to be still there at the start of each clip and at the end.
    duration : ndarray, shape (num_rows,)
        Seconds.
    num_segments : ndarray of int64, shape (num_rows,)
        Segments of each row; the last may be shorter than ``seconds``.
    """
    row = np.repeat(np.arange(len(duration)), num_segments)
    segment = np.arange(len(row)) - np.repeat(np.cumsum(num_segments) - num_segments, num_segments)
    log_alive = np.log(np.maximum(drop_off, 1e-30))
    num_clips = drop_off.shape[1] - 1

    def at(seconds_played: _Array) -> _Array:
        place = np.minimum(seconds_played / duration[row], 1.0) * num_clips
        clip = np.minimum(place.astype(np.int64), num_clips - 1)
        inside = place - clip
        return np.asarray((1 - inside) * log_alive[row, clip] + inside * log_alive[row, clip + 1])

    return np.asarray(-np.expm1(at((segment + 1) * seconds) - at(segment * seconds)))


def judge(load: Load, hazards: Hazards, seed: int, data_dir: str | None) -> Json:
    """Return `METRICS` of the probabilities to leave."""
    views = load(data_dir)
    log, test = views.log, views.test
    num_segments = np.diff(views.labels.indptr)
    label = views.labels.labels[np.repeat(_mask(log, test), num_segments)]
    reached, left = label >= 0, label == 0
    hazard = np.clip(hazards(views, seed), 1e-7, 1 - 1e-7)
    term = np.where(left, np.log(hazard), np.where(reached, np.log1p(-hazard), 0.0))
    start = np.cumsum(num_segments[test]) - num_segments[test]
    complete = ~np.logical_or.reduceat(left, start)
    alive = np.exp(np.add.reduceat(np.log1p(-hazard), start))
    return {
        "segment_log_loss": metrics.log_loss(left[reached], hazard[reached]),
        "segment_auc": metrics.auc(left[reached], hazard[reached]),
        "segment_ece": metrics.expected_calibration_error(left[reached], hazard[reached]),
        "row_log_likelihood": float(np.add.reduceat(term, start).mean()),
        "gauc": metrics.gauc(complete, alive, log.user[test]).value,
        "log_loss": metrics.log_loss(complete, alive),
    }


def learnt(config: FRAMEConfig, views: SegmentViews, seed: int) -> _Array:
    """Train on the training rows, and carry the probabilities to be still there to the ends of the segments."""
    log, test = views.log, views.test
    assert log.duration is not None
    clips = place_features(log, config.num_clips or 0)
    model = train(log.select(views.training), clips, replace(config, seed=seed))
    found = model.predict(log.user[test], log.video[test], durations=log.duration[test])
    assert found.drop_off is not None
    num_segments = np.diff(views.labels.indptr)[test]
    return segment_hazards(found.drop_off.astype(np.float64), log.duration[test], num_segments, views.segment_seconds)


def prior(groups: int, views: SegmentViews, seed: int, strength: float = 20.0) -> _Array:
    """Return the share of leavers among the training rows' segments, rare groups drawn to larger ones.

    Groups are the first of the numbers of segments, then these by duration, then by user.
    """
    log, (indptr, labels) = views.log, views.labels
    assert log.duration is not None
    num_segments = np.diff(indptr)
    row = np.repeat(np.arange(log.num_interactions), num_segments)
    segment = np.arange(len(row)) - indptr[row]
    known = _mask(log, views.training)[row] & (labels >= 0)
    left = labels == 0
    cuts = np.quantile(log.duration[views.training], np.arange(1, 10) / 10)
    bucket = np.searchsorted(cuts, log.duration, side="right")[row]
    hazard = np.full(len(row), left[known].mean())
    width = int(segment.max()) + 1
    for group in (segment, bucket * width + segment, log.user[row] * width + segment)[:groups]:
        size = int(group.max()) + 1
        total = np.bincount(group[known], minlength=size)
        leaving = np.bincount(group[known], weights=left[known], minlength=size)
        hazard = (leaving[group] + strength * hazard) / (total[group] + strength)
    return hazard[_mask(log, views.test)[row]]


def _mask(log: WatchLog, rows: NDArray[np.int64]) -> NDArray[np.bool_]:
    mask = np.zeros(log.num_interactions, dtype=bool)
    mask[rows] = True
    return mask


@lru_cache(maxsize=1)
def _loaded(data_dir: str | None) -> SegmentViews:
    data = SegMM(data_dir)
    return SegmentViews.of(data.log, data.segment_labels, data.segment_seconds)


def _facts(data_dir: str | None) -> Json:
    log = _loaded(data_dir).log
    return {"rows": log.num_interactions, "users": log.num_users, "videos": log.num_videos}


def toy(data_dir: str | None = None) -> SegmentViews:
    """Return a generated world, its videos of eight seconds cut into four segments."""
    log = SyntheticSkip(num_users=20, num_videos=40, impressions_per_user=16).log
    assert log.watch_time is not None
    played = np.minimum(log.watch_time[:, None] / 2, 4)
    segment = np.arange(4)
    labels = np.where(segment + 1 <= played, 1, np.where(segment <= played, 0, -1)).astype(np.int8)
    return SegmentViews.of(log, SegmentLabels(4 * np.arange(len(labels) + 1), labels.ravel()), 2.0)


TABLE = Table(
    name="frame_segmm",
    title="Segments at which viewers leave, SegMM sample",
    protocol="The last quarter of each user's rows by time is scored. Every five-second segment that was reached is a case: "
    "did the viewer leave in it? FRAME cuts a video into equal clips; its probability to be still there is carried to the "
    "ends of the segments, with a constant rate inside a clip. The sample has no visual features and most videos occur once: "
    "clips are described by their place and the duration of the video alone, so nothing here says what content does. The "
    "likelihood of a row is that of its end; GAUC and the last log loss are of watching to the end.",
    metrics=METRICS,
    rows=rows_of(_loaded, _DEFAULT, (4, 8, 16)),
    data=_facts,
    smallest=rows_of(toy, replace(_DEFAULT, dim=4, hidden=4, num_epochs=1), (2,)),
)


def main(arguments: list[str]) -> None:
    """Run the table."""
    TABLE.main(arguments)
