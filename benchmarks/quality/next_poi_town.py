"""The next place in the generated town: ``python -m benchmarks quality next_poi_town``."""

from __future__ import annotations

from dataclasses import replace

from benchmarks._table import Table
from benchmarks.quality._next_poi import COUNTS, METRICS, SMALLEST, at, rows_of, without
from graphvid.models.poi import PeriodicInterestsConfig
from graphvid.tasks.next_poi import CheckInSource

K = 10
SOURCE = CheckInSource(dataset="synthetic-check-ins", areas="given")
MODEL = replace(PeriodicInterestsConfig.preset("light"), slot_hours=2, num_epochs=12)
ABLATIONS = {
    "without the long term": without(MODEL, "daily"),
    "without the hour": without(MODEL, "hour"),
    "without counts": replace(MODEL, counts=False),
}

TABLE = Table(
    name="next_poi_town",
    title="The next place in a generated town",
    protocol="300 users, 600 places in 30 areas. Of every user's check-ins the first 7 tenths are fitted, the next tenth "
    "chooses, the last fifth is judged, with all before each as history. Every seed is a town of its own.",
    notes="Without the long term, the counts of the weekday are away too, and without the hour those of the hour.",
    metrics=METRICS,
    k=K,
    rows=rows_of(SOURCE, MODEL, K, tuple(COUNTS), ablations=ABLATIONS),
    figures=at(K),
    keep=("unseen_targets",),
    smallest=SMALLEST,
)


def main(arguments: list[str]) -> None:
    """Run the table."""
    TABLE.main(arguments)
