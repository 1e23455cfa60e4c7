"""Codes of digits in 2 bytes without labels: ``python -m benchmarks quality codes_digits``."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from benchmarks._table import MeasuredRow, Table
from benchmarks.quality._codes import METRICS, Exact, Faiss, Untrained, contrastive, digits, row
from graphvid.models.quantizers import ContrastiveQuantizationConfig

BASE = ContrastiveQuantizationConfig(standardize=False, prior=0.1)
CHANGES = {
    "MeCoQ": ({}, "The defaults, columns not standardised."),
    "frozen random codebooks": (
        {"train_codebooks": False, "start": "random", "reseed_every": 0},
        "Only the encoder learns, as in the released code.",
    ),
    "random start": ({"start": "random"}, "Codebooks start at random."),
    "no repair": ({"reseed_every": 0}, "Unused codewords stay."),
    "no memory": ({"memory_size": 0}, "Negatives of the batch alone."),
    "no diversity": ({"diversity_weight": 0.0}, "Without the term that keeps codewords apart."),
    "entropy 0.05": ({"entropy_weight": 0.05}, "With the term that makes assignments peaked."),
    "soft reconstructions": ({"estimator": "soft"}, "As in the released code, with no hard value forward."),
    "no graph": ({"num_neighbors": 0, "walk_length": 0}, "Views of the same item, with a fifth of the columns hidden."),
}


def rows() -> list[MeasuredRow]:
    """Give all rows, in the order of the table."""
    return [
        row("features, 256 bytes", Exact(digits), "An exact search by cosine."),
        row("FAISS PQ", Faiss(digits, "PQ2x8"), "K-means codebooks of the features."),
        row("random codebooks, no training", Untrained(digits, 2)),
        *(row(name, contrastive(digits, replace(BASE, **more)), text) for name, (more, text) in CHANGES.items()),
        row(
            "preset released",
            contrastive(digits, ContrastiveQuantizationConfig.preset("released")),
            "One linear layer, frozen codebooks, soft, memory from epoch 3, views without a graph.",
        ),
    ]


TABLE = Table(
    name="codes_digits",
    title="Digits in 2 bytes, without labels",
    protocol="1,797 pictures of scikit-learn, pixels at unit length. 200 queries by a permutation; the others are the "
    "database, of which 200 are never trained on: options were chosen by them. mAP over the whole database, by the digit, "
    "divided by the relevant items found; overlap is the share of the ten nearest pictures among the first ten. Queries "
    "are vectors, items two codes of 256 codewords. Dead: share of the codewords that no item has.",
    metrics=METRICS,
    rows=rows(),
    smallest=[
        row(
            "MeCoQ",
            contrastive(digits, replace(BASE, num_codewords=16, dim=8, hidden=16, num_epochs=1, memory_size=64)),
        )
    ],
)


def main(arguments: Sequence[str]) -> None:
    """Run the benchmark."""
    TABLE.main(arguments)
