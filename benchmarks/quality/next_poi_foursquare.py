"""Foursquare New York, with times: ``python -m benchmarks quality next_poi_foursquare``."""

from __future__ import annotations

from dataclasses import replace

from benchmarks._table import Table
from benchmarks.quality._next_poi import COUNTS, METRICS, SMALLEST, at, rows_of
from graphvid.models.poi import PeriodicInterestsConfig
from graphvid.tasks.next_poi import CheckInSource

K = 10
SOURCE = CheckInSource(dataset="foursquare-nyc")
MODEL = replace(PeriodicInterestsConfig.preset("light"), num_epochs=12)

TABLE = Table(
    name="next_poi_foursquare",
    title="The next place: Foursquare New York, with times",
    protocol="29,803 check-ins of 1,073 users, the last fifth of what TSMC2014 holds of each. Of ``val`` the first four"
    " fifths of every user are fitted and the last fifth chooses; ``test`` is judged. No further filter. "
    "``recall_of_all`` counts targets that training never saw as misses.",
    metrics=METRICS,
    k=K,
    rows=rows_of(SOURCE, MODEL, K, tuple(COUNTS)),
    figures=at(K),
    keep=("unseen_targets",),
    smallest=SMALLEST,
)


def main(arguments: list[str]) -> None:
    """Run the table."""
    TABLE.main(arguments)
