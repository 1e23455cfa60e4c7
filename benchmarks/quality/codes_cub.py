"""Codes of birds in 16 and 32 bits with labels, CUB-10: ``python -m benchmarks quality codes_cub --seeds 0 1 2 3 4``."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import torch
from torch import Tensor

from benchmarks._table import MeasuredRow, Table
from benchmarks.quality._codes import METRICS, Exact, Faiss, Floats, cub, digits, pyramid, row
from graphvid.models.quantizers import PyramidQuantizationConfig

BASE = PyramidQuantizationConfig(num_codewords=16, dim=64, batch_size=40, num_epochs=40, dropout=0.3)


def levels(features: Floats) -> list[Tensor]:
    """Give the one level there is."""
    return [torch.from_numpy(features)]


def rows() -> list[MeasuredRow]:
    """Give all rows, in the order of the table."""
    found = [row("features, 4,096 bytes", Exact(cub), "An exact search by cosine.")]
    for bits, count in ((16, 4), (32, 8)):
        found += [
            row(f"FAISS PQ, {bits} bits", Faiss(cub, f"PQ{count}x4")),
            row(f"PHPQ-style, {bits} bits", pyramid(cub, replace(BASE, num_codebooks=count), levels)),
        ]
    wide = replace(BASE, num_codebooks=2, num_codewords=256, start="random", reseed_every=0)
    return [
        *found,
        row("PHPQ-style, 16 bits, K = 256", pyramid(cub, wide, levels), "More codewords than items to learn from."),
    ]


TABLE = Table(
    name="codes_cub",
    title="Birds of CUB-10 in 16 and 32 bits, with labels",
    protocol="600 pictures of 10 species, 1,024 columns of GoogLeNet, standardised. A stratified half, by the seed, is the "
    "database, of which a fifth is for choosing; the other half are the queries. Codebooks of 16 codewords.",
    metrics=METRICS,
    rows=rows(),
    smallest=[row("exact", Exact(digits))],
)


def main(arguments: Sequence[str]) -> None:
    """Run the benchmark."""
    TABLE.main(arguments)
