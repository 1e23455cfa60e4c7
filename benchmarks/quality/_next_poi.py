"""Shared parts of the tables of the next place."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from benchmarks._table import Table, TrainedRow
from graphvid.models.poi import CountsConfig, GRUConfig, PeriodicInterestsConfig
from graphvid.tasks.next_poi import CheckInSource

METRICS = ("recall", "ndcg", "map", "recall_of_all")
COUNTS = {
    "popularity": "Visits of all users.",
    "history": "The user's share of visits to each place.",
    "successor": "What followed the last place, for all users: first-order Markov.",
    "weekday": "The user's visits on this weekday.",
    "hour": "The user's visits in this slot of the day.",
    "area": "The user's visits in the area of the last place.",
    "hour_area": "The user's visits in this slot and area.",
}
PAIRS = {"BPR matrix factorisation": "On distinct pairs of training.", "SimpleX": "On distinct pairs of training."}
SMALLEST_SOURCE = CheckInSource(dataset="synthetic-check-ins", areas="given")
SMALLEST = [TrainedRow("counts", "counts", SMALLEST_SOURCE, CountsConfig(slot_hours=2, parts=("popularity",)))]
Figures = Mapping[str, float | None]


def at(k: int, name: str | None = None) -> Any:  # Any: a function of the content of metrics.json
    """Return what gives the figures at ``k`` of the run's own method, or of a baseline in its table."""

    def figures(metrics: dict[str, Any]) -> Figures:
        methods = metrics["methods"]
        found: Figures = methods.get(name, {}).get(str(k)) if name else next(iter(methods.values()))[str(k)]
        return found if found is not None else dict.fromkeys(METRICS)

    return figures


def rows_of(
    source: CheckInSource,
    model: PeriodicInterestsConfig,
    k: int,
    counts: tuple[str, ...],
    *,
    pairs: bool = True,
    ablations: Mapping[str, PeriodicInterestsConfig] | None = None,
) -> list[TrainedRow]:
    """Return the rows of a data set: every kind of count, their mixture, recommenders of pairs, GRU and the model."""
    shared = {"slot_hours": model.slot_hours, "session_gap_hours": model.session_gap_hours}
    counted = CountsConfig(**shared, baselines=("mf", "simplex") if pairs else ())
    gru = GRUConfig(
        **shared, dim=model.dim, short_length=model.short_length, num_epochs=model.num_epochs, patience=model.patience
    )
    table = [TrainedRow(name, "counts", source, counted, COUNTS[name], at(k, name)) for name in counts]
    table.append(TrainedRow("mixture of counts", "counts", source, counted, "Weights chosen by validation.", at(k)))
    if pairs:
        table += [TrainedRow(name, "counts", source, counted, text, at(k, name)) for name, text in PAIRS.items()]
    table.append(TrainedRow("GRU", "gru", source, gru, "Over the last check-ins."))
    table.append(TrainedRow("periodic interests", "periodic-interests", source, model, "With counts in the score."))
    for name, config in (ablations or {}).items():
        table.append(TrainedRow(name, "periodic-interests", source, config, "One module left out."))
    return table


def without(model: PeriodicInterestsConfig, interest: str) -> PeriodicInterestsConfig:
    """Return the options without an interest: its network and its counts."""
    return replace(model, interests=tuple(name for name in model.interests if name != interest))


def dchl_table(city: str, title: str, num_users: int) -> Table:
    """Return the table of a city of DCHL: order and place alone."""
    k = 5
    model = replace(PeriodicInterestsConfig.preset("light"), num_epochs=8, interests=("sequential", "area"))
    return Table(
        name=f"next_poi_dchl_{city}",
        title=f"The next place: DCHL {title}, order and place alone",
        protocol=f"{num_users:,} users; sessions in order, without times, so sequential and area interests alone. The last"
        " tenth of training chooses; the place after the test sessions is judged.",
        metrics=METRICS,
        k=k,
        rows=rows_of(CheckInSource(dataset=f"dchl-{city}"), model, k, ("popularity", "history", "successor", "area")),
        figures=at(k),
        keep=("unseen_targets",),
        smallest=SMALLEST,
    )
