"""FRAME on the SegMM sample: when do viewers leave, segment by segment, beside what the place alone says."""

from __future__ import annotations

import argparse
from dataclasses import replace
from datetime import date
from importlib import metadata
from typing import Any

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from benchmarks._record import markdown
from benchmarks.quality._frame import FrameRow, train
from benchmarks.quality._run import RESULTS, Runs
from graphvid import metrics
from graphvid._files import write_json
from graphvid.data import ClipFeatures, SegMM, WatchLog, split_by_time
from graphvid.models import FRAMEConfig

_TITLE = "Segments at which viewers leave, SegMM sample"
_METRICS = ("segment_log_loss", "segment_auc", "segment_ece", "row_log_likelihood", "gauc", "log_loss")
_PACKAGES = ("graphvid", "torch", "dgl", "numpy", "lightning")
_DEFAULT = replace(FRAMEConfig.preset("survival"), num_duration_buckets=8)
_Array = NDArray[np.float64]


def rows() -> list[FrameRow]:
    """Give all rows, in the order of the table."""
    made = [
        FrameRow("same for all", "The share of reached segments at which viewers left.", baseline="constant"),
        FrameRow("position prior", "That share of every segment number.", baseline="position"),
        FrameRow("position prior by duration", "The same for ten groups of videos by duration.", baseline="duration"),
        FrameRow("position prior by user", "That of the user, drawn towards the one by duration.", baseline="user"),
    ]
    for clips in (4, 8, 16):
        about = f"Default preset with 8 duration buckets; {clips} clips, described by place and duration only."
        made.append(FrameRow(f"FRAME, {clips} clips", about, replace(_DEFAULT, num_clips=clips)))
    return made


def main(arguments: list[str]) -> None:
    """Run the table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks quality frame_segmm", description=_TITLE)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--rows", nargs="+", help="only rows whose name contains one of these texts")
    parser.add_argument("--data-dir", help="folder of the data sets; default: GRAPHVID_DATA")
    parser.add_argument("--fresh", action="store_true", help="forget the figures in the JSON file")
    options = parser.parse_args(arguments)
    data = SegMM(options.data_dir)
    facts = {"rows": data.log.num_interactions, "users": data.log.num_users, "videos": data.log.num_videos}
    runs = Runs(RESULTS / ".frame_segmm.runs.json", facts, fresh=options.fresh)
    windows = split_by_time(data.log, fractions=(0.5, 0.25, 0.25))
    training = np.sort(np.concatenate([windows.graph, windows.supervision]))
    all_rows = rows()
    wanted = [row for row in all_rows if not options.rows or any(text in row.name for text in options.rows)]
    for seed, row in tqdm([(seed, row) for seed in options.seeds for row in wanted], unit="run"):
        if runs.get(row, seed) is None:
            runs.put(row, seed, _score(row, seed, data, training, windows.test))
    record = {
        "name": "frame_segmm",
        "title": _TITLE,
        "protocol": "The last quarter of each user's rows by time is scored. Every five-second segment that was reached is a "
        "case: did the viewer leave in it? FRAME cuts a video into equal clips; its probability to be still there is "
        "carried to the ends of the segments, with a constant rate inside a clip. The sample has no visual features and "
        "most videos occur once: clips are described by their place and the duration of the video alone, so nothing "
        "here says what content does. The likelihood of a row is that of its end; GAUC and the last log loss are of "
        "watching to the end.",
        "command": f"python -m benchmarks quality frame_segmm --seeds {' '.join(map(str, options.seeds))}",
        "date": date.today().isoformat(),
        "versions": {package: metadata.version(package) for package in _PACKAGES},
        "data": facts,
        "seeds": options.seeds,
        "metrics": list(_METRICS),
        "rows": [
            _line(row, [runs.get(row, seed) or {} for seed in options.seeds])
            for row in all_rows
            if all(runs.get(row, seed) for seed in options.seeds)
        ],
    }
    write_json(RESULTS / "frame_segmm.json", record)
    print(markdown(record))


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


def _score(
    row: FrameRow, seed: int, data: SegMM, training: NDArray[np.int64], test: NDArray[np.int64]
) -> dict[str, Any]:
    log, indptr = data.log, data.segment_labels.indptr
    assert log.duration is not None
    assert log.watch_time is not None
    num_segments = np.diff(indptr)
    if row.model is None:
        hazard, seconds = _prior(row.baseline, data, training)[np.repeat(_mask(log, test), num_segments)], 0.0
    else:
        clips = place_features(log, row.model.num_clips or 0)
        model, seconds = train(log.select(training), clips, replace(row.model, seed=seed))
        found = model.predict(log.user[test], log.video[test], durations=log.duration[test])
        assert found.drop_off is not None
        hazard = segment_hazards(
            found.drop_off.astype(np.float64), log.duration[test], num_segments[test], data.segment_seconds
        )
    label = data.segment_labels.labels[np.repeat(_mask(log, test), num_segments)]
    reached, left = label >= 0, label == 0
    hazard = np.clip(hazard, 1e-7, 1 - 1e-7)
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
        "seconds": round(seconds, 1),
    }


def _mask(log: WatchLog, rows: NDArray[np.int64]) -> NDArray[np.bool_]:
    mask = np.zeros(log.num_interactions, dtype=bool)
    mask[rows] = True
    return mask


def _prior(kind: str, data: SegMM, training: NDArray[np.int64], strength: float = 20.0) -> _Array:
    """Return the hazard of every segment of the log from the training rows; rare groups are drawn to larger ones."""
    log, (indptr, labels) = data.log, data.segment_labels
    assert log.duration is not None
    num_segments = np.diff(indptr)
    row = np.repeat(np.arange(log.num_interactions), num_segments)
    segment = np.arange(len(row)) - indptr[row]
    known = _mask(log, training)[row] & (labels >= 0)
    left = labels == 0
    cuts = np.quantile(log.duration[training], np.arange(1, 10) / 10)
    bucket = np.searchsorted(cuts, log.duration, side="right")[row]
    hazard = np.full(len(row), left[known].mean())
    steps = {"constant": 0, "position": 1, "duration": 2, "user": 3}[kind]
    width = int(segment.max()) + 1
    for group in (segment, bucket * width + segment, log.user[row] * width + segment)[:steps]:
        size = int(group.max()) + 1
        total = np.bincount(group[known], minlength=size)
        leaving = np.bincount(group[known], weights=left[known], minlength=size)
        hazard = (leaving[group] + strength * hazard) / (total[group] + strength)
    return hazard


def _line(row: FrameRow, found: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "name": row.name,
        "description": row.description,
        "config": None if row.model is None else row.model.to_dict(),
        "values": {metric: [run[metric] for run in found] for metric in _METRICS},
        "seconds": [run["seconds"] for run in found],
    }
