"""Figures of predicted skips: quality of the predictions of completion and of the clip of the skip."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from graphvid.data import WatchLog
from graphvid.graphs import ClipLabels, label_clips
from graphvid.metrics import (
    auc,
    auc_by_user,
    base_rate_log_loss,
    bootstrap_gauc,
    expected_calibration_error,
    gauc,
    impression_scores,
    log_loss,
    mean_absolute_error,
    skip_clip_scores,
    xauc,
)
from graphvid.metrics.calibration import CLIP
from graphvid.models import FRAME, FRAMEConfig, SkipPrediction
from graphvid.runs import Verdict, judge
from graphvid.runs.verdict import SURE

from .baselines import completion_rate, expected_watch_ratio, position_prior
from .source import Views

TRAINED = "FRAME"  # the row of the trained model
Array = NDArray[np.float64]
_TOP_CLIPS, _CLIP_USERS, _CLIP_STRENGTH = 15, 1000, 10.0


class Outcomes(NamedTuple):
    """Outcomes of the test views.

    Parameters
    ----------
    user : ndarray of int64, shape (num_views,)
        Row of the user among the test log's users.
    known_user : ndarray of int64, shape (num_views,)
        Row among the training users, or -1.
    video, stop, row : ndarray of int64, shape (num_views,)
        Row of the video, clip of the skip or ``num_clips``, and row of the test log.
    seconds, duration : ndarray of float64, shape (num_views,)
        Time watched, at most the duration, and the duration.
    num_clips : int
    dropped : dict of str to int
        Test views without a label, by reason.
    """

    user: NDArray[np.int64]
    known_user: NDArray[np.int64]
    video: NDArray[np.int64]
    stop: NDArray[np.int64]
    row: NDArray[np.int64]
    seconds: Array
    duration: Array
    num_clips: int
    dropped: dict[str, int]

    @property
    def complete(self) -> NDArray[np.bool_]:
        """Whether each view is complete."""
        return np.asarray(self.stop == self.num_clips)


class Forecast(NamedTuple):
    """Forecast of the test views: the probability that each is complete, and the hazards if the method has them."""

    complete: Array
    hazard: Array | None = None


def label(log: WatchLog, num_clips: int, config: FRAMEConfig, *, strict: bool = False) -> ClipLabels:
    """Return the labels of a log by the rules of the model."""
    return label_clips(
        log,
        num_clips,
        complete_ratio=config.complete_ratio,
        min_watch_time=config.min_watch_time,
        duration_resolution=config.duration_resolution,
        count_loops=config.count_loops,
        strict=strict,
    )


def outcomes(views: Views, num_clips: int, config: FRAMEConfig, *, strict: bool = False) -> Outcomes:
    """Return the outcomes of the test views.

    Raises
    ------
    ValueError
        Fewer than two users have both complete views and skips in the test.
    """
    test = views.test
    assert test is not None  # or nothing is judged
    labels = label(test, num_clips, config, strict=strict)
    both = 0
    if 0 < labels.complete.sum() < len(labels.row):
        both = len(auc_by_user(labels.complete, np.zeros(len(labels.row)), labels.user).user)
    if both < 2:
        raise ValueError(
            f"at least 2 users must have both complete views and skips among the test views, got {both}: "
            f"{int(labels.complete.sum())} of {len(labels.row)} test views are complete"
        )
    assert test.watch_time is not None  # or there were no labels
    assert test.duration is not None
    duration = test.duration[labels.row]
    return Outcomes(
        labels.user,
        views.test_user[labels.row],
        labels.video,
        labels.stop,
        labels.row,
        np.minimum(test.watch_time[labels.row], duration),
        duration,
        num_clips,
        {reason: count for reason, count in labels.dropped.items() if count},
    )


def baselines(labels: ClipLabels, log: WatchLog, test: Outcomes) -> dict[str, Forecast]:
    """Return the forecasts of the position prior and of the smoothed rates of users and videos.

    Parameters
    ----------
    labels : ClipLabels
        Labels of the training views ``log``.
    log : WatchLog
    test : Outcomes
    """
    hazard = np.tile(position_prior(labels.stop, labels.num_clips), (len(test.row), 1))
    users = completion_rate(labels.user, labels.complete, log.num_users + 1)  # the last rate is for new users
    videos = completion_rate(labels.video, labels.complete, log.num_videos)
    return {
        "position prior": Forecast((1 - hazard).prod(axis=1), hazard),
        "rate of the user": Forecast(users[test.known_user]),
        "rate of the video": Forecast(videos[test.video]),
    }


def score(test: Outcomes, forecast: Forecast) -> dict[str, Any]:  # Any: JSON values, here and below
    """Return all figures of one method on the test views; None for clips or watch times that it does not predict."""
    complete, prob = test.complete, forecast.complete
    impressions = (impression_scores(complete, prob, test.user, test.video, k=k) for k in (3, 5))
    clip = watch_time = None
    if forecast.hazard is not None:
        clip = skip_clip_scores(forecast.hazard, test.stop)._asdict()
        seconds = expected_watch_ratio(forecast.hazard) * test.duration
        watch_time = {
            "mean_absolute_error": mean_absolute_error(test.seconds, seconds),
            "xauc": xauc(test.seconds, seconds) if np.ptp(test.seconds) > 0 else None,
        }
    return {
        "gauc": gauc(complete, prob, test.user)._asdict(),
        "auc": auc(complete, prob),
        "log_loss": log_loss(complete, prob),
        "expected_calibration_error": expected_calibration_error(complete, prob),
        "impressions": {str(scores.k): scores._asdict() for scores in impressions},
        "skip_clip": clip,
        "watch_time": watch_time,
    }


def forecast(said: SkipPrediction) -> Forecast:
    """Return the predictions of the model as a forecast; without the survival head it has no hazards."""
    return Forecast(said.complete, None if said.drop_off is None else 1 - said.stay.astype(np.float64))


def forecasts(
    test: Outcomes, labels: ClipLabels, log: WatchLog, trained: Forecast, oracle: Array | None
) -> dict[str, Forecast]:
    """Return the forecasts of the model and of all baselines, by method."""
    methods = {TRAINED: trained, **baselines(labels, log, test)}
    return methods if oracle is None else {**methods, "oracle": Forecast(oracle[test.row])}


def compare(
    test: Outcomes, labels: ClipLabels, log: WatchLog, trained: Forecast, oracle: Array | None
) -> dict[str, Any]:
    """Return the figures of the model and of all baselines, by method, and the figures that do not depend on the method."""
    methods = forecasts(test, labels, log, trained, oracle)
    rate = float(labels.complete.mean())
    return {
        "verdicts": [found.to_dict() for found in verdicts(test, methods, rate)],
        "methods": {name: score(test, forecast) for name, forecast in methods.items()},
        "base_rate_log_loss": base_rate_log_loss(test.complete, rate),
        "complete": {"training": rate, "test": float(test.complete.mean())},
        "skip_clip_by_chance": -float(np.log(test.num_clips)),
    }


def verdicts(test: Outcomes, methods: Mapping[str, Forecast], rate: float) -> list[Verdict]:
    """Compare the model with the best baseline by GAUC over users, and by log loss over views, also with a constant rate."""
    known = {name: said.complete for name, said in methods.items() if name != "oracle"}
    areas = {name: gauc(test.complete, prob, test.user).value for name, prob in known.items()}
    best = max((name for name in known if name != TRAINED), key=lambda name: areas[name])
    spread = compare_clips(test, known[TRAINED], known[best])
    error = (spread["upper"] - spread["lower"]) / (2 * SURE)
    of_order = Verdict("GAUC", TRAINED, best, areas[TRAINED], areas[best], error)
    probs = {**known, "the constant rate": np.full(len(test.row), rate)}
    clipped = {name: np.clip(prob, CLIP, 1 - CLIP) for name, prob in probs.items()}
    losses = {name: -np.log(np.where(test.complete, prob, 1 - prob)) for name, prob in clipped.items()}
    return [of_order, judge("log loss", TRAINED, losses, larger_is_better=False)]


def compare_clips(test: Outcomes, fine: Array, coarse: Array) -> dict[str, Any]:
    """Return the GAUC of a model minus that of a model with fewer clips, with its interval over users."""
    return bootstrap_gauc(test.complete, fine, coarse, test.user)._asdict()


def leaving_clips(model: FRAME, log: WatchLog) -> list[dict[str, Any]]:
    """Return the clips with the largest share of leaving viewers among those who reach them, in the training views.

    The order is by the share shrunk towards that of the clip's position, with a weight of 10 viewers, so that a clip that
    one viewer reached and left is not first. ``predicted`` is the model's share over up to 1,000 users of the training log,
    the same for all clips; each user has as weight the probability to reach the clip, if the model has one.
    """
    labels, num_clips = model.labels, model.labels.num_clips
    left = np.bincount(labels.video * (num_clips + 1) + labels.stop, minlength=log.num_videos * (num_clips + 1))
    ended = left.reshape(log.num_videos, num_clips + 1)
    reached = ended[:, ::-1].cumsum(axis=1)[:, ::-1][:, :num_clips]
    left = ended[:, :num_clips]
    usual = position_prior(labels.stop, num_clips)
    share = (left + _CLIP_STRENGTH * usual) / (reached + _CLIP_STRENGTH)
    share[left == 0] = -1.0
    best = np.argsort(-share, axis=None, kind="stable")[:_TOP_CLIPS]
    users = np.unique(np.linspace(0, log.num_users - 1, min(log.num_users, _CLIP_USERS)).astype(np.int64))
    rows = []
    for video, clip in zip(*np.unravel_index(best, share.shape), strict=True):
        if not left[video, clip]:
            break
        said = model.predict(users, np.full(len(users), video))
        weight = np.ones(len(users)) if said.drop_off is None else said.drop_off[:, clip]
        rows.append(
            {
                "video_id": str(log.video_ids[video]),
                "clip": int(clip),
                "reached": int(reached[video, clip]),
                "left": int(left[video, clip]),
                "usual": float(usual[clip]),
                "predicted": float(np.average(1 - said.stay[:, clip], weights=weight)),
            }
        )
    return rows
