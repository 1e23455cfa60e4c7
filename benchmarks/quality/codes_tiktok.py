"""Codes of images in 8 bytes, overlap with the exact search, TikTok: ``python -m benchmarks quality codes_tiktok``."""

from __future__ import annotations

from collections.abc import Sequence

from benchmarks._table import MeasuredRow, Table
from benchmarks.quality._codes import Exact, Faiss, TiledResidual, contrastive, digits, row, tiktok
from graphvid.models.quantizers import ContrastiveQuantizationConfig

DISTILLED = ContrastiveQuantizationConfig(
    num_codebooks=8,
    dim=128,
    hidden=0,
    standardize=False,
    rotation=True,
    unit=False,
    start="faiss",
    reseed_every=0,
    contrast_weight=0.0,
    distill_weight=1.0,
    diversity_weight=0.0,
    memory_size=0,
    num_neighbors=0,
    walk_length=0,
    feature_dropout=0.0,
    batch_size=1024,
    num_epochs=20,
    learning_rate=1e-3,
)


def rows() -> list[MeasuredRow]:
    """Give all rows, in the order of the table."""
    return [
        row("features, 512 bytes", Exact(tiktok), "An exact search by cosine: the truth."),
        row("FAISS PQ", Faiss(tiktok, "PQ8x8")),
        row("FAISS OPQ", Faiss(tiktok, "OPQ8,PQ8x8")),
        row("FAISS LSQ", Faiss(tiktok, "LSQ8x8"), "Codewords of all columns that are added up: no IndexPQ holds them."),
        row("FAISS RQ", Faiss(tiktok, "RQ8x8"), "The same, one after the other."),
        row(
            "RQ in an IndexPQ", TiledResidual(tiktok, 8), "Residual codes, queries repeated 8 times; 1 MB of codebooks."
        ),
        row(
            "distilled from OPQ",
            contrastive(tiktok, DISTILLED, distance=True),
            "Neighbours of the features as teacher.",
        ),
    ]


TABLE = Table(
    name="codes_tiktok",
    title="Images of TikTok in 8 bytes: overlap with the exact search",
    protocol="6,710 images, 128 columns at unit length. 500 queries by a permutation, the next 500 validate. Overlap of the "
    "first ten with the ten nearest by cosine; codes are ranked by the distance of queries to codewords.",
    metrics=("overlap", "validation_overlap", "dead_share"),
    rows=rows(),
    smallest=[row("FAISS PQ", Faiss(digits, "PQ4x4"))],
)


def main(arguments: Sequence[str]) -> None:
    """Run the benchmark."""
    TABLE.main(arguments)
