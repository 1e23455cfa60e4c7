"""Shared parts of the tables of FRAME: a training, its figures, and differences over users."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from benchmarks._table import Json
from benchmarks._training import fit
from graphvid import metrics
from graphvid.data import ClipFeatures, WatchLog
from graphvid.models import FRAME, FRAMEConfig

METRICS = ("gauc", "auc", "log_loss", "base_log_loss", "ece", "ndcg@3", "recall@3")


class ScoredViews(NamedTuple):
    """The views that are scored."""

    user: NDArray[np.int64]
    video: NDArray[np.int64]
    complete: NDArray[np.int64]


def train(log: WatchLog, clips: ClipFeatures, config: FRAMEConfig) -> FRAME:
    """Return a trained model."""
    model = FRAME(log, clips, config)
    fit(model)
    return model


def figures(views: ScoredViews, probability: NDArray[np.float64]) -> Json:
    """Return `METRICS` of the probabilities to complete, and the AUC of every user for the bootstrap."""
    user, video, complete = views
    ranking = metrics.impression_scores(complete, probability, user, video, k=3)
    by_user = metrics.auc_by_user(complete, probability, user)
    return {
        "gauc": metrics.gauc(complete, probability, user).value,
        "auc": metrics.auc(complete, probability),
        "log_loss": metrics.log_loss(complete, probability),
        "base_log_loss": metrics.base_rate_log_loss(complete),
        "ece": metrics.expected_calibration_error(complete, probability),
        "ndcg@3": ranking.ndcg,
        "recall@3": ranking.recall,
        "user_auc": np.round(by_user.auc, 6).tolist(),
        "user_views": by_user.num_impressions.tolist(),
    }


def difference(first: Sequence[Json], second: Sequence[Json]) -> metrics.BootstrapDifference:
    """Return the paired bootstrap, over the users of all seeds, of the difference of two GAUCs."""
    columns = [
        np.concatenate([run[name] for run in runs])
        for runs, name in ((first, "user_auc"), (second, "user_auc"), (first, "user_views"))
    ]
    return metrics.paired_bootstrap(*columns)
