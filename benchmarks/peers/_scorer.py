"""One scorer for all peers: it alone knows the truth, and it computes every figure with `graphvid.metrics`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from benchmarks.peers._contract import ABOUT, SCORES
from graphvid import metrics

METRICS = (
    "gauc",
    "auc",
    "log_loss",
    "ece",
    "recall@3",
    "ndcg@3",
    "recall@5",
    "ndcg@5",
    "skip_accuracy",
    "skip_log_likelihood",
)
_FACTS = ("seconds", "peak_memory_mb", "num_parameters", "versions", "about")


def read_answer(folder: Path, truth: pd.DataFrame, num_clips: int) -> tuple[pd.DataFrame, dict[str, Any]]:
    """Return the scores and the facts of an answer, or raise a ValueError that says what is wrong with it.

    Parameters
    ----------
    folder : Path
        Of the answer.
    truth : DataFrame
        `TaskWithTruth.truth`.
    num_clips : int
        Of the task.
    """
    scores = pd.read_parquet(folder / SCORES)
    hazards = [f"hazard_{clip}" for clip in range(num_clips)]
    columns = list(scores.columns)
    if columns not in (["row_id", "score"], ["row_id", "score", *hazards]):
        raise ValueError(f"{SCORES} must have row_id, score and no or {num_clips} hazards as columns, got {columns}")
    if len(scores) != len(truth):
        raise ValueError(f"{SCORES} must have {len(truth)} rows, one a test row, got {len(scores)}")
    if not np.array_equal(scores["row_id"], truth["row_id"]):
        row = int(np.argmax(scores["row_id"].to_numpy() != truth["row_id"].to_numpy()))
        wanted, got = truth["row_id"].iloc[row], scores["row_id"].iloc[row]
        raise ValueError(f"{SCORES} must have the test rows in their order, got row_id {got} for {wanted} in row {row}")
    values = scores.drop(columns="row_id").to_numpy(dtype=np.float64)
    wrong = ~((values >= 0) & (values <= 1))
    if wrong.any():
        row, column = np.argwhere(wrong)[0]
        name = scores.columns[column + 1]
        raise ValueError(f"{SCORES} must hold probabilities, got {name} {values[row, column]} in row {row}")
    about = json.loads((folder / ABOUT).read_text(encoding="utf-8"))
    absent = [fact for fact in _FACTS if fact not in about]
    if absent:
        raise ValueError(f"{ABOUT} must have {list(_FACTS)}, {absent} are absent")
    return scores, about


def figures(scores: pd.DataFrame, truth: pd.DataFrame) -> dict[str, float | None]:
    """Return `METRICS` of the scores; those of the clip of the skip are None without hazards."""
    label, user = truth["label"].to_numpy(), truth["user"].to_numpy()
    score = scores["score"].to_numpy(dtype=np.float64)
    found: dict[str, float | None] = {
        "gauc": metrics.gauc(label, score, user).value,
        "auc": metrics.auc(label, score),
        "log_loss": metrics.log_loss(label, score),
        "ece": metrics.expected_calibration_error(label, score),
    }
    for k in (3, 5):
        ranking = metrics.impression_scores(label, score, user, truth["video"].to_numpy(), k=k)
        found |= {f"recall@{k}": ranking.recall, f"ndcg@{k}": ranking.ndcg}
    skips = None
    if "hazard_0" in scores:
        hazards: NDArray[np.float64] = scores.filter(regex=r"^hazard_\d+$").to_numpy(dtype=np.float64)
        skips = metrics.skip_clip_scores(hazards, truth["stop"].to_numpy())
    found["skip_accuracy"] = None if skips is None else skips.accuracy
    found["skip_log_likelihood"] = None if skips is None else skips.log_likelihood
    return found
