"""Codes of videos in 4 and 8 bytes without labels, CCV: ``python -m benchmarks quality codes_ccv``."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from benchmarks._table import MeasuredRow, Table
from benchmarks.quality._codes import METRICS, Exact, Faiss, ccv, contrastive, digits, row
from graphvid.models.quantizers import ContrastiveQuantizationConfig

BASE = ContrastiveQuantizationConfig(dim=64, prior=0.05, num_epochs=30)


def rows() -> list[MeasuredRow]:
    """Give all rows, in the order of the table."""
    found = [row("features, 240 bytes", Exact(ccv), "An exact search by cosine.")]
    for count in (4, 8):
        found += [
            row(f"FAISS PQ, {count} bytes", Faiss(ccv, f"PQ{count}x8")),
            row(f"FAISS OPQ, {count} bytes", Faiss(ccv, f"OPQ{count},PQ{count}x8")),
            row(f"MeCoQ, {count} bytes", contrastive(ccv, replace(BASE, num_codebooks=count))),
        ]
    return found


TABLE = Table(
    name="codes_ccv",
    title="Videos of CCV in 4 and 8 bytes, without labels",
    protocol="6,773 videos, three views of 20 columns each, standardised and joined. 1,000 queries and 1,000 validation "
    "items by a permutation; the queries search all others. mAP over the whole database by the 20 classes.",
    metrics=METRICS,
    rows=rows(),
    smallest=[row("FAISS PQ", Faiss(digits, "PQ4x4"))],
)


def main(arguments: Sequence[str]) -> None:
    """Run the benchmark."""
    TABLE.main(arguments)
