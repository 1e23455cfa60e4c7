"""Clips of moving digits, ten times as long: ``python -m benchmarks quality clips_synthetic_long``."""

from __future__ import annotations

from dataclasses import replace

from benchmarks._table import Table, TrainedRow
from benchmarks.quality.clips_synthetic import METHODS, METRICS, SMALLEST, SOURCE, figures

NAMES = (
    "MoCo",
    "MoCo on differences",
    "differences and shuffles",
    "DSM",
    "DSM, weight 64",
    "VTDL",
    "VTDL, weight 64",
)

TABLE = Table(
    name="clips_synthetic_long",
    title="Motion against scenery, 4,000 steps",
    protocol="As the table of 400 steps, ten times as long.",
    metrics=METRICS,
    rows=[
        TrainedRow(name, METHODS[name][0], SOURCE, replace(METHODS[name][1], num_epochs=160), METHODS[name][2])
        for name in NAMES
    ],
    figures=figures,
    smallest=SMALLEST,
)


def main(arguments: list[str]) -> None:
    """Run the table."""
    TABLE.main(arguments)
