"""SimpleX and others on Amazon Electronics: ``python -m benchmarks quality recommenders_electronics``."""

from __future__ import annotations

from dataclasses import replace

from benchmarks._table import RESULTS, TrainedRow
from benchmarks.quality._recommenders import both_protocols, curves_figure, table_of
from graphvid.models import LightGCNConfig, MFConfig, SimpleXConfig
from graphvid.models.recommenders import CCL, Shared
from graphvid.tasks.recommendation import InteractionSource

PUBLISHED = {"SimpleX": {1: 0.1026, 2: 0.1153, 5: 0.1268, 10: 0.1433, 20: 0.1442}}  # of the authors' logs
SOURCE = InteractionSource(dataset="amazon-electronics")
WHOLE = replace(SOURCE, selection="test")
_PAPER = LightGCNConfig(num_epochs=200)


def rows() -> list[TrainedRow]:
    """Give all rows, in the order of the table."""
    published = SimpleXConfig.preset("electronics")
    unbounded = replace(published, max_gradient_norm=None)
    separate = replace(published, share_history_embedding=False)
    shared = replace(published, negatives=Shared(num_negatives=1000, mask_known="known"))
    plain = MFConfig.from_dict(
        {name: value for name, value in published.to_dict().items() if name in MFConfig().to_dict()}
    )
    bpr = replace(  # chosen by the validation pairs: rates 1e-3 and 3e-3, penalties 1e-5 to 1e-3
        MFConfig.preset("bpr"), batch_size=256, patience=5, init_std=0.01, learning_rate=3e-3, l2=1e-4, optimizer="adam"
    )
    lightgcn = replace(  # chosen by the validation pairs: margins .4 and .8, weights 4 and 30, one hop and three
        LightGCNConfig.preset("ccl"),
        loss=CCL(margin=0.8, negative_weight=4.0),
        batch_size=256,
        num_epochs=40,
        plateau="reload",
    )
    constant = replace(lightgcn, plateau="constant", patience=10)
    return [
        *both_protocols("SimpleX", "The published options, gradients bounded by 10.", "simplex", SOURCE, published),
        TrainedRow(
            "SimpleX, gradients as they are, published protocol",
            "simplex",
            WHOLE,
            unbounded,
            "The same without the bound.",
        ),
        TrainedRow(
            "SimpleX, separate history table, published protocol",
            "simplex",
            WHOLE,
            separate,
            "Items in histories have vectors of their own.",
        ),
        *both_protocols(
            "SimpleX, shared negatives",
            "One draw of 1,000 items a batch, known items masked.",
            "simplex",
            SOURCE,
            shared,
        ),
        *both_protocols("MF-CCL", "The same options without a history.", "mf", SOURCE, plain),
        TrainedRow("MF-BPR, clean", "mf", SOURCE, bpr, "One negative, products."),
        *both_protocols("LightGCN-CCL", "Three hops under CCL, 800 shared negatives.", "lightgcn", SOURCE, lightgcn),
        *both_protocols(
            "LightGCN-CCL, constant rate", "The same at a constant rate, patience 10.", "lightgcn", SOURCE, constant
        ),
        *both_protocols("LightGCN", "The published options, 200 epochs at most.", "lightgcn", SOURCE, _PAPER),
    ]


TABLE = table_of(
    WHOLE,
    rows(),
    name="recommenders_electronics",
    title="Recommenders on Amazon Electronics",
    protocol="1,435 users, 1,522 items; training, validation and test pairs as published. All items are ranked for every "
    "test user. Clean: epochs are judged by the validation pairs, which are no candidates in the test. Published protocol: "
    "epochs are judged by the test pairs, and validation pairs are candidates like any other.",
    notes="Published: SimpleX Recall@20 .1457, NDCG@20 .0842.",
)


def main(arguments: list[str]) -> None:
    """Run the table."""
    curves_figure(TABLE.main(arguments), PUBLISHED, RESULTS / "recommenders_electronics_curves.png")
