"""Poolings of sets with two cues, one everywhere and one rare: ``python -m benchmarks quality codes_pooling``."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch

from benchmarks._table import MeasuredRow, Table
from graphvid.nn import HybridPooling

METRICS = ("weak_cue", "strong_cue", "both")


@dataclass(frozen=True)
class Pooled:
    """Accuracy of a linear classifier of pooled vectors."""

    columns: str

    def __call__(self, seed: int, data_dir: str | None) -> dict[str, float]:
        """Measure."""
        from sklearn.linear_model import LogisticRegression

        rng = np.random.default_rng(seed)
        weak, strong = rng.integers(0, 2, 3000), rng.integers(0, 2, 3000)
        x = rng.normal(size=(3000, 16, 49)).astype(np.float32)
        x[:, 0] += np.where(weak, 0.25, -0.25)[:, None]
        x[np.arange(3000), 1 + strong, rng.integers(0, 49, 3000)] += 4
        mode = self.columns if self.columns in ("mix", "gem", "attention") else "concat"
        with torch.no_grad():
            pooled = HybridPooling(16, mode)(torch.from_numpy(x)).numpy()  # type: ignore[arg-type] # one of its words
        pooled = {"mean": pooled[:, :16], "maximum": pooled[:, 16:]}.get(self.columns, pooled)
        found = {}
        for name, label in (("weak_cue", weak), ("strong_cue", strong), ("both", 2 * weak + strong)):
            fitted = LogisticRegression(max_iter=500).fit(pooled[:2000], label[:2000])
            found[name] = float(fitted.score(pooled[2000:], label[2000:]))
        return found


def rows() -> list[MeasuredRow]:
    """Give all rows, in the order of the table."""
    texts = {"mix": "An even gate, untrained.", "gem": "Power 3, untrained."}
    names = ("mean", "maximum", "mix", "gem", "concat")
    return [MeasuredRow(name, Pooled(name), texts.get(name, "")) for name in names]


TABLE = Table(
    name="codes_pooling",
    title="Pooling of sets with two cues",
    protocol="49 vectors of 16 channels: channel 0 is shifted by a quarter at all positions, and channel 1 or 2 by 4 at a "
    "single one. A linear classifier of the pooled vectors, 2,000 sets to learn from and 1,000 to judge.",
    metrics=METRICS,
    rows=rows(),
    smallest=rows()[:1],
)


def main(arguments: Sequence[str]) -> None:
    """Run the benchmark."""
    TABLE.main(arguments)
