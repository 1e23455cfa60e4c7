"""MF-CCL, SimpleX and others on Gowalla, the split of LightGCN: ``python -m benchmarks quality recommenders_gowalla``."""

from __future__ import annotations

from dataclasses import replace

from benchmarks._table import RESULTS, TrainedRow
from benchmarks.quality._recommenders import both_protocols, curves_figure, table_of
from graphvid.models import LightGCNConfig, MFConfig, SimpleXConfig
from graphvid.models.recommenders import Shared
from graphvid.tasks.recommendation import InteractionSource

PUBLISHED = {  # of the authors' logs
    "MF-CCL": {1: 0.0895, 2: 0.1105, 5: 0.1442, 10: 0.1627, 20: 0.1776, 30: 0.1830, 43: 0.1837},
    "SimpleX": {1: 0.0977, 2: 0.1259, 5: 0.1565, 10: 0.1721, 20: 0.1855, 30: 0.1867, 41: 0.1872},
}
SOURCE = InteractionSource(dataset="gowalla")
WHOLE = replace(SOURCE, selection="test")  # nothing is held out


def rows() -> list[TrainedRow]:
    """Give all rows, in the order of the table."""
    mf = replace(MFConfig.preset("gowalla"), negatives="shared")
    simplex = replace(SimpleXConfig.preset("gowalla"), negatives=Shared(num_negatives=2000))
    exact = replace(simplex, count_padding=False)
    more = replace(exact, negatives=Shared(num_negatives=8192))
    lightgcn = LightGCNConfig(num_epochs=25)  # an hour on one core
    return [
        *both_protocols("MF-CCL", "800 negatives shared by the batch; else as published.", "mf", SOURCE, mf),
        *both_protocols(
            "SimpleX", "2,000 negatives shared by the batch; else as published.", "simplex", SOURCE, simplex
        ),
        TrainedRow(
            "SimpleX, padding not counted, published protocol",
            "simplex",
            WHOLE,
            exact,
            "Attention over the history alone.",
        ),
        TrainedRow(
            "SimpleX, padding not counted, 8,192 negatives, published protocol",
            "simplex",
            WHOLE,
            more,
            "The same, with 8,192 shared negatives.",
        ),
        *both_protocols(
            "LightGCN", "The published options; 25 epochs at a constant rate.", "lightgcn", SOURCE, lightgcn
        ),
    ]


TABLE = table_of(
    WHOLE,
    rows(),
    name="recommenders_gowalla",
    title="Recommenders on Gowalla",
    protocol="29,858 users, 40,981 items. All items are ranked for every test user, training items left out. Published "
    "protocol: training on all training edges, epochs judged by the test edges. Clean: one training edge in twenty of "
    "every user is held out for that.",
    notes="Published: MF-CCL Recall@20 .1837, NDCG@20 .1493; SimpleX .1872, .1557; LightGCN .1820, .1547, and .1830, .1554 in "
    "its own paper, after up to 1,000 epochs. Seconds are those of the wall, with other runs on the same machine and pauses in "
    "between; the JSON file has the processor's too.",
)


def main(arguments: list[str]) -> None:
    """Run the table."""
    curves_figure(TABLE.main(arguments), PUBLISHED, RESULTS / "recommenders_gowalla_curves.png")
