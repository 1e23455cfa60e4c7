"""Codes of digits in 16 bits with labels, from a pyramid: ``python -m benchmarks quality codes_pyramid``."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import max_pool2d

from benchmarks._table import MeasuredRow, Table
from benchmarks.quality._codes import METRICS, Floats, digits, judged, pyramid, row
from graphvid.models.quantizers import PyramidQuantizationConfig


class Stages(nn.Module):
    """A small image network: its states at 8, 4 and 2 positions a side are the levels."""

    def __init__(self, channels: tuple[int, ...] = (1, 16, 32, 64)) -> None:
        super().__init__()
        self.stages = nn.ModuleList(
            nn.Sequential(nn.Conv2d(before, after, 3, padding=1), nn.BatchNorm2d(after), nn.ReLU())
            for before, after in itertools.pairwise(channels)
        )

    def forward(self, levels: Sequence[Tensor]) -> list[Tensor]:
        """Give the levels of pictures (batch, 1, 8, 8)."""
        found: list[Tensor] = []
        x = levels[0]
        for stage in self.stages:
            x = stage(max_pool2d(x, 2) if found else x)
            found.append(x)
        return found


def stages(seed: int) -> nn.Module:
    """Make the network from a seed."""
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        return Stages()


def pictures(features: Floats) -> list[Tensor]:
    """Give the pixels as pictures."""
    return [torch.from_numpy(features).view(-1, 1, 8, 8)]


@dataclass(frozen=True)
class Discriminants:
    """Uncompressed vectors of a linear discriminant analysis, fitted on the training items."""

    def __call__(self, seed: int, data_dir: str | None) -> dict[str, Any]:
        """Measure."""
        from sklearn.discriminant_analysis import LinearDiscriminantAnalysis

        problem = digits(seed, data_dir)
        assert problem.labels is not None
        fitted = LinearDiscriminantAnalysis().fit(problem.features[problem.training], problem.labels[problem.training])
        vectors = fitted.transform(problem.features)
        vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
        return judged(problem, lambda asked, base: vectors[asked] @ vectors[base].T)


BASE = PyramidQuantizationConfig(num_epochs=30, learning_rate=3e-3)
CHANGES = {
    "PHPQ-style": ({}, "Mean and maximum of three stages, attention to 8 codewords."),
    "level-aligned": (
        {"level_aligned": True, "num_codebooks": 4, "num_codewords": 16},
        "4 codebooks of 16, one stage each.",
    ),
    "4 x 16": ({"num_codebooks": 4, "num_codewords": 16}, "The same bits, fused."),
    "attention to all": ({"top_n": None}, "Soft assignment to all 256 codewords."),
    "no repair": ({"reseed_every": 0}, "Unused codewords stay."),
    "mix": ({"hybrid": "mix"}, "A gate between mean and maximum."),
    "frozen random codebooks": ({"train_codebooks": False, "start": "random", "reseed_every": 0}, ""),
}


def rows() -> list[MeasuredRow]:
    """Give all rows, in the order of the table."""
    return [
        MeasuredRow(
            "discriminant vectors, 36 bytes", Discriminants(), "Linear, of the pixels; not coded.", reference=True
        ),
        *(
            row(name, pyramid(digits, replace(BASE, **more), pictures, stages), text)
            for name, (more, text) in CHANGES.items()
        ),
    ]


TABLE = Table(
    name="codes_pyramid",
    title="Digits in 16 bits, with labels",
    protocol="As the table without labels; models learn from the labels of the training items. The levels are the three "
    "stages of a small network that is trained along, 16, 32 and 64 channels.",
    metrics=METRICS,
    rows=rows(),
    smallest=[
        row("PHPQ-style", pyramid(digits, replace(BASE, num_codewords=16, dim=8, num_epochs=1), pictures, stages))
    ],
)


def main(arguments: Sequence[str]) -> None:
    """Run the benchmark."""
    TABLE.main(arguments)
