"""The table: a record in the form of the other tables of quality, the same in Markdown, and the check against the oracle."""

from __future__ import annotations

import os
import platform
import statistics
from collections.abc import Sequence
from datetime import date
from importlib import metadata
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from benchmarks._record import spread
from benchmarks.peers._rows import FramePeerRow
from benchmarks.peers._scorer import METRICS
from graphvid.metrics import auc_by_user, base_rate_log_loss, paired_bootstrap

REFERENCE = "graph-mean logistic, 8 clips"
_PACKAGES = ("graphvid", "numpy", "pandas", "scipy")
_ABOVE_ORACLE = 0.01


class Scored(NamedTuple):
    """Scores, figures and facts of one row and seed."""

    score: NDArray[np.float64]
    figures: dict[str, float | None]
    about: dict[str, Any]


def make_record(
    command: str,
    seeds: Sequence[int],
    lines: Sequence[tuple[FramePeerRow, Sequence[Scored]]],
    oracle: Sequence[Scored],
    truths: Sequence[pd.DataFrame],
) -> dict[str, Any]:
    """Return the record of the rows that have an answer for every seed; ``oracle`` is empty where nobody knows it."""
    reference = next((runs for row, runs in lines if row.name == REFERENCE), None)
    table: list[dict[str, Any]] = []
    for row, runs in lines:
        facts = [run.about for run in runs]
        table.append(
            {
                "name": row.name,
                "description": row.description,
                "function": row.function,
                "config": dict(row.options),
                "values": _values(runs),
                "seconds": [fact["seconds"] for fact in facts],
                "peak_memory_mb": [fact["peak_memory_mb"] for fact in facts],
                "num_parameters": [fact["num_parameters"] for fact in facts],
                "versions": facts[0]["versions"],
                "found": [fact["about"] for fact in facts],
                "gauc_minus_reference": None if reference is None else _difference(runs, reference, truths),
            }
        )
    if oracle:
        about = "The true probabilities."
        table.append({"name": "oracle", "description": about, "values": _values(oracle), "reference": True})
    return {
        "command": command,
        "date": date.today().isoformat(),
        "versions": {"python": platform.python_version(), **{name: metadata.version(name) for name in _PACKAGES}},
        "machine": {"processor": _processor(), "cores": os.cpu_count(), "threads": 1},
        "seeds": list(seeds),
        "metrics": list(METRICS),
        "compared_with": REFERENCE,
        "best_constant_log_loss": [base_rate_log_loss(truth["label"].to_numpy()) for truth in truths],
        "rows": table,
    }


def markdown(record: dict[str, Any]) -> str:
    """Return the record as a Markdown text: mean ± standard deviation over the seeds."""
    header = ["row", *METRICS, f"GAUC minus that of {record['compared_with']}", "parameters", "seconds", "MB"]
    lines = [f"| {' | '.join(header)} |", "|---" * len(header) + "|"]
    for row in record["rows"]:
        cells = [row["name"], *(spread(row["values"][metric]) for metric in METRICS), _interval(row)]
        for fact, form in (("num_parameters", ",.0f"), ("seconds", ",.1f"), ("peak_memory_mb", ",.0f")):
            cells.append(format(statistics.median(row[fact]), form) if fact in row else "–")
        lines.append(f"| {' | '.join(cells)} |")
    constant = spread(record["best_constant_log_loss"])
    versions = {name: version for row in record["rows"] for name, version in row.get("versions", {}).items()}
    facts = [
        f"Made by `{record['command']}` on {record['date']}; seeds {', '.join(map(str, record['seeds']))}, mean ± "
        "standard deviation; parameters, seconds and memory are medians.",
        f"Log loss of the best constant: {constant}. Differences have 95 % bounds of a paired bootstrap over users.",
        f"Versions: {', '.join(f'{k} {v}' for k, v in {**versions, **record['versions']}.items())}.",
        f"Machine: {', '.join(f'{k} {v}' for k, v in record['machine'].items())}.",
    ]
    return f"# {record['title']}\n\n{record['protocol']}\n\n" + "\n".join(lines) + "\n\n" + "\n\n".join(facts) + "\n"


def check_oracle(record: dict[str, Any]) -> None:
    """Raise a RuntimeError if a row ranks better than the truth allows: then the peer has seen what it must not see."""
    gauc = {row["name"]: statistics.mean(row["values"]["gauc"]) for row in record["rows"]}
    limit = gauc.get("oracle", 1.0) + _ABOVE_ORACLE
    above = {name: round(value, 4) for name, value in gauc.items() if value > limit}
    if above:
        raise RuntimeError(
            f"the GAUC of a row must be at most {limit:.4f}, the oracle's + {_ABOVE_ORACLE}, got {above}"
        )


def _values(runs: Sequence[Scored]) -> dict[str, list[float | None]]:
    return {metric: [run.figures[metric] for run in runs] for metric in METRICS}


def _difference(
    runs: Sequence[Scored], reference: Sequence[Scored], truths: Sequence[pd.DataFrame]
) -> dict[str, float]:
    """Return the difference in GAUC, with bounds over the users of all seeds together."""
    sides: list[list[NDArray[np.float64]]] = [[], []]
    weights = []
    for run, other, truth in zip(runs, reference, truths):
        label, user = truth["label"].to_numpy(), truth["user"].to_numpy()
        ours, theirs = (auc_by_user(label, scored.score, user) for scored in (run, other))
        sides[0].append(ours.auc)
        sides[1].append(theirs.auc)
        weights.append(ours.num_impressions)
    found = paired_bootstrap(np.concatenate(sides[0]), np.concatenate(sides[1]), np.concatenate(weights))
    return {"difference": found.difference, "lower": found.lower, "upper": found.upper}


def _interval(row: dict[str, Any]) -> str:
    found = row.get("gauc_minus_reference")
    if not found or row["name"] == REFERENCE:
        return "–"
    return f"{found['difference']:+.4f} [{found['lower']:+.4f}, {found['upper']:+.4f}]"


def _processor() -> str:
    path = Path("/proc/cpuinfo")
    lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    names = [line.split(": ")[1] for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor()
