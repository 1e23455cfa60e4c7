"""Foursquare New York, hour of the week alone: ``python -m benchmarks quality next_poi_lbsn2vec``."""

from __future__ import annotations

from dataclasses import replace

from benchmarks._table import Table
from benchmarks.quality._next_poi import METRICS, SMALLEST, at, rows_of
from graphvid.models.poi import PeriodicInterestsConfig
from graphvid.tasks.next_poi import CheckInSource

K = 10
SOURCE = CheckInSource(dataset="lbsn2vec-nyc")
MODEL = replace(PeriodicInterestsConfig.preset("light"), num_epochs=8, interests=("daily", "sequential", "hour"))

TABLE = Table(
    name="next_poi_lbsn2vec",
    title="The next place: Foursquare New York, hour of the week alone",
    protocol="105,961 check-ins of 3,785 users, from the hypergraph of LBSN2Vec, without coordinates. Every user's "
    "history is cut 80/10/10.",
    metrics=METRICS,
    k=K,
    rows=rows_of(SOURCE, MODEL, K, ("popularity", "history", "successor", "weekday", "hour")),
    figures=at(K),
    keep=("unseen_targets",),
    smallest=SMALLEST,
)


def main(arguments: list[str]) -> None:
    """Run the table."""
    TABLE.main(arguments)
