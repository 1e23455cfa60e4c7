"""SimpleX and others on Amazon Electronics: ``python -m benchmarks quality recommenders_electronics``."""

from __future__ import annotations

from dataclasses import replace

from benchmarks.quality._recommenders import Row, Task, both_protocols
from benchmarks.quality._recommenders import main as run
from graphvid.models import LightGCNConfig, MFConfig, SimpleXConfig

PUBLISHED = {"SimpleX": {1: 0.1026, 2: 0.1153, 5: 0.1268, 10: 0.1433, 20: 0.1442}}  # of the authors' logs


def rows() -> list[Row]:
    """Give all rows, in the order of the table."""
    published = SimpleXConfig.preset("electronics")
    unbounded = replace(published, max_gradient_norm=None)
    shared = replace(published, negatives="shared", reject=False, mask_known="known")
    plain = MFConfig.from_dict(
        {name: value for name, value in published.to_dict().items() if name in MFConfig().to_dict()}
    )
    bpr = replace(  # chosen by the validation pairs: rates 1e-3 and 3e-3, penalties 1e-5 to 1e-3
        MFConfig.preset("bpr"), batch_size=256, patience=5, init_std=0.01, learning_rate=3e-3, l2=1e-4, optimizer="adam"
    )
    lightgcn = replace(  # chosen by the validation pairs: margins .4 and .8, weights 4 and 30, one hop and three
        LightGCNConfig.preset("ccl"), margin=0.8, negative_weight=4.0, batch_size=256, num_epochs=40
    )
    return [
        *both_protocols("SimpleX", "The published options, gradients bounded by 10.", "simplex", published),
        Row(
            "SimpleX, gradients as they are, published protocol", "The same without the bound.", "simplex", unbounded,
            "test",
        ),
        Row(
            "SimpleX, separate history table, published protocol", "Items in histories have vectors of their own.",
            "simplex", replace(published, share_history_embedding=False), "test",
        ),
        *both_protocols("SimpleX, shared negatives", "One draw of 1,000 items a batch, known items masked.", "simplex", shared),
        *both_protocols("MF-CCL", "The same options without a history.", "mf", plain),
        Row("MF-BPR, clean", "One negative, products.", "mf", bpr),
        *both_protocols("LightGCN-CCL", "Three hops under CCL, 800 shared negatives.", "lightgcn", lightgcn),
    ]  # fmt: skip


def main(arguments: list[str]) -> None:
    """Run the table."""
    protocol = (
        "1,435 users, 1,522 items; training, validation and test pairs as published. All items are ranked for every test "
        "user. Clean: epochs are judged by the validation pairs, which are no candidates in the test. Published protocol: "
        "epochs are judged by the test pairs, and validation pairs are candidates like any other."
    )
    notes = "Published: SimpleX Recall@20 .1457, NDCG@20 .0842."
    title = "Recommenders on Amazon Electronics"
    run(Task("recommenders_electronics", title, "amazon-electronics", rows(), protocol, notes, PUBLISHED), arguments)
