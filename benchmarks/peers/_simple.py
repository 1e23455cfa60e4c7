"""Peers that need no library: constant rates, and two logistic regressions on the mean clip vectors of a user."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from benchmarks.peers._contract import Answer, SkipTask

Array = NDArray[np.float64]
_STRENGTHS = (1.0, 3.0, 10.0, 30.0, 100.0)  # rows that a prior counts for


def base_rate(task: SkipTask, seed: int) -> Answer:
    """Score every row with the share of completed views."""
    return Answer(np.full(len(task.test), task.known["label"].mean()), num_parameters=1)


def user_rate(task: SkipTask, seed: int) -> Answer:
    """Score with the user's share of completed views, smoothed towards the overall share."""
    return _rate(task, "user", task.num_users)


def popularity(task: SkipTask, seed: int) -> Answer:
    """Score with the video's share of completed views, smoothed towards the overall share."""
    return _rate(task, "video", len(task.clips))


def position_prior(task: SkipTask, seed: int) -> Answer:
    """Score with how often viewers leave at each clip, in each duration bucket, whoever they are and whatever is shown."""
    num_clips, known = task.clips.shape[1], task.known
    stop, bucket = known["stop"].to_numpy(), known["duration_bucket"].to_numpy()
    everyone = _hazards(stop, num_clips, np.full(num_clips, 0.5))
    hazards = np.stack([_hazards(stop[bucket == b], num_clips, everyone) for b in range(task.num_duration_buckets)])
    of_row = hazards[task.test["duration_bucket"].to_numpy()]
    return Answer((1 - of_row).prod(axis=1), num_parameters=hazards.size, hazards=of_row)


def graph_mean(task: SkipTask, seed: int, num_clips: int) -> Answer:
    """Fit the label to the mean over clips of two products: with the user's mean positive and mean negative clip.

    Positive are all clips of the videos that the user completed, negative the clips of the skips. The means come from
    the graph window and the regression is fitted on the supervision window; test rows get the means of both windows.
    """
    known, fitted, clips = _windows(task, num_clips)
    graph = known[~known["supervision"]]
    model = Logistic.fit(products(graph, fitted, clips, task).mean(axis=1), fitted["label"].to_numpy())
    score = model.predict(products(known, task.test, clips, task).mean(axis=1))
    return Answer(score, num_parameters=3, about={"coefficients": model.coefficients.tolist()})


def clip_hazard(task: SkipTask, seed: int, num_clips: int) -> Answer:
    """Fit the skip at every clip that was reached to the two products of `graph_mean`; complete is to leave at no clip."""
    known, fitted, clips = _windows(task, num_clips)
    graph = known[~known["supervision"]]
    last = (fitted["stop"].to_numpy() * num_clips // task.clips.shape[1])[:, None]
    at = np.arange(num_clips)
    reached = at <= last
    model = Logistic.fit(products(graph, fitted, clips, task)[reached], (at == last)[reached])
    hazards = model.predict(products(known, task.test, clips, task))
    comparable = num_clips == task.clips.shape[1]
    about = {"coefficients": model.coefficients.tolist()}
    return Answer((1 - hazards).prod(axis=1), num_parameters=3, hazards=hazards if comparable else None, about=about)


class Logistic(NamedTuple):
    """A logistic regression, fitted by Newton's method with a ridge that only serves to keep separable data finite."""

    coefficients: Array  # (num_features + 1,), the constant last

    @classmethod
    def fit(cls, features: Array, label: NDArray[np.integer | np.bool_], ridge: float = 1e-6) -> Logistic:
        """Fit ``label``, 0 or 1, shape (n,), to ``features``, shape (n, num_features)."""
        mean, scale = features.mean(axis=0), features.std(axis=0) + 1e-12
        design = np.column_stack([(features - mean) / scale, np.ones(len(features))])
        weight = np.zeros(design.shape[1])
        for _ in range(100):
            expected = _sigmoid(design @ weight)
            gradient = design.T @ (expected - label.astype(np.float64)) / len(design) + ridge * weight
            hessian = (design.T * (expected * (1 - expected))) @ design / len(design) + ridge * np.eye(len(weight))
            step = np.linalg.solve(hessian, gradient)
            weight = weight - step
            if np.abs(step).max() < 1e-10:
                break
        slope = weight[:-1] / scale
        return cls(np.append(slope, weight[-1] - slope @ mean))

    def predict(self, features: Array) -> Array:
        """Return probabilities for features of shape (..., num_features)."""
        return _sigmoid(features @ self.coefficients[:-1] + self.coefficients[-1])


def products(graph: pd.DataFrame, rows: pd.DataFrame, clips: NDArray[np.float32], task: SkipTask) -> Array:
    """Return the products of the clips of ``rows`` with the users' mean clips in ``graph``, (num_rows, num_clips, 2)."""
    num_clips = clips.shape[1]
    complete = graph[graph["label"] == 1].drop_duplicates(["user", "video"])
    skipped = graph[graph["label"] == 0].drop_duplicates(["user", "video", "stop"])
    positive = _user_mean(complete["user"], clips.mean(axis=1)[complete["video"]], task.num_users)
    place = skipped["stop"].to_numpy() * num_clips // task.clips.shape[1]
    negative = _user_mean(skipped["user"], clips[skipped["video"], place], task.num_users)
    user, shown = rows["user"].to_numpy(), clips[rows["video"]]
    sides = [np.einsum("rd,rcd->rc", side[user], shown) for side in (positive, negative)]
    return np.stack(sides, axis=-1).astype(np.float64)


def _windows(task: SkipTask, num_clips: int) -> tuple[pd.DataFrame, pd.DataFrame, NDArray[np.float32]]:
    """Return all rows with a label, those of the supervision window, and the clips as means to ``num_clips`` a video."""
    num_videos, fine, dim = task.clips.shape
    if fine % num_clips:
        raise ValueError(f"num_clips must divide the {fine} clips of the task, got {num_clips}")
    clips = task.clips.reshape(num_videos, num_clips, fine // num_clips, dim).mean(axis=2)
    return task.known, task.known[task.known["supervision"]], clips


def _user_mean(user: pd.Series, vectors: NDArray[np.float32], num_users: int) -> Array:
    """Return the mean vector of every user, zero for one without vectors."""
    total = np.zeros((num_users, vectors.shape[1]))
    np.add.at(total, user.to_numpy(), vectors)
    count = np.bincount(user, minlength=num_users)
    return total / np.maximum(count, 1)[:, None]


def _hazards(stop: NDArray[np.int64], num_clips: int, prior: Array) -> Array:
    """Return the share that leaves at each clip among those who reach it, with one viewer of the prior added."""
    left = np.bincount(stop, minlength=num_clips + 1)
    reached = left[::-1].cumsum()[::-1][:num_clips]
    return np.asarray((left[:num_clips] + prior) / (reached + 1))


def _rate(task: SkipTask, column: str, size: int) -> Answer:
    """Choose the strength of smoothing by log-likelihood on the validation rows, then score by all rows with a label."""

    def rates(rows: pd.DataFrame, strength: float) -> Array:
        total = np.bincount(rows[column], minlength=size)
        complete = np.bincount(rows[column], weights=rows["label"], minlength=size)
        return np.asarray((complete + strength * rows["label"].mean()) / (total + strength))

    label = task.valid["label"].to_numpy()
    loss = {s: _log_loss(label, rates(task.train, s)[task.valid[column]]) for s in _STRENGTHS}
    strength = min(loss, key=loss.__getitem__)
    score = rates(task.known, strength)[task.test[column]]
    return Answer(score, num_parameters=size, about={"strength": strength})


def _log_loss(label: NDArray[np.int64], score: Array) -> float:
    clipped = np.clip(score, 1e-7, 1 - 1e-7)
    return float(-np.where(label == 1, np.log(clipped), np.log1p(-clipped)).mean())


def _sigmoid(logit: Array) -> Array:
    return np.asarray(np.exp(-np.logaddexp(0, -logit)))
