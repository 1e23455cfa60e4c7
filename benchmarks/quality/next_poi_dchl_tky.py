"""DCHL Tokyo, order and place alone: ``python -m benchmarks quality next_poi_dchl_tky``."""

from __future__ import annotations

from dataclasses import replace

from benchmarks._table import Table
from benchmarks.quality._next_poi import METRICS, SMALLEST, at, rows_of
from graphvid.models.poi import PeriodicInterestsConfig
from graphvid.tasks.next_poi import CheckInSource

K = 5
SOURCE = CheckInSource(dataset="dchl-tky")
MODEL = replace(PeriodicInterestsConfig.preset("light"), num_epochs=10, patience=2, interests=("sequential", "area"))

TABLE = Table(
    name="next_poi_dchl_tky",
    title="The next place: DCHL Tokyo, order and place alone",
    protocol="2,173 users; sessions in order, without times, so sequential and area interests alone. The last tenth of "
    "training chooses; the place after the test sessions is judged.",
    metrics=METRICS,
    k=K,
    rows=rows_of(SOURCE, MODEL, K, ("popularity", "history", "successor", "area")),
    figures=at(K),
    keep=("unseen_targets",),
    smallest=SMALLEST,
)


def main(arguments: list[str]) -> None:
    """Run the table."""
    TABLE.main(arguments)
