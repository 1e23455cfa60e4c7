"""Pictures of a memory of negatives: Recall@20 by its size, and how far the vectors in it are from present ones."""

from __future__ import annotations

from collections import deque
from dataclasses import replace
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
import torch
from lightning import Callback, LightningModule, Trainer
from matplotlib.figure import Figure
from torch import Tensor
from torch.nn.functional import normalize

from benchmarks.quality._recommenders import fit
from graphvid._files import atomic_path
from graphvid.metrics import feature_drift
from graphvid.models import TwoTower, TwoTowerConfig
from graphvid.tasks.recommendation import LoadedInteractions, make_recommender

_SAMPLE, _EVERY = 500, 25  # items that are followed; steps between two measurements
_KINDS = {"cross-batch": "o-", "cross-batch split": "D-", "in-batch": "s--", "mixed": "^", "uniform": "v"}


class DriftTrace(Callback):
    """Measure, every few steps, how far the vectors of some items have moved in the last ``lags`` steps."""

    def __init__(self, lags: tuple[int, ...]) -> None:
        self.lags = lags
        self.drift: dict[int, list[tuple[int, float]]] = {lag: [] for lag in lags}  # step and relative drift
        self._kept: deque[Tensor] = deque(maxlen=max(lags) + 1)

    @torch.no_grad()
    def on_train_batch_end(
        self, trainer: Trainer, pl_module: LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        """Keep the vectors of the items as they are now, and compare."""
        assert isinstance(pl_module, TwoTower)
        generator = torch.Generator().manual_seed(0)
        items = torch.randperm(pl_module.num_items, generator=generator)[:_SAMPLE]
        self._kept.append(normalize(pl_module.items(pl_module.features[items])))
        if trainer.global_step % _EVERY:
            return
        for lag in self.lags:
            if lag < len(self._kept):
                moved = feature_drift(self._kept[-1], self._kept[-1 - lag]).relative
                self.drift[lag].append((trainer.global_step, moved))


def drift_of(model: TwoTowerConfig, data: LoadedInteractions, lags: tuple[int, ...]) -> dict[str, Any]:
    """Train content towers for some epochs and give the drift of the items."""
    trace = DriftTrace(lags)
    towers = make_recommender("two-tower", data, replace(model, patience=model.num_epochs))
    fit(towers, data, trace)
    return {"steps_per_epoch": towers.steps_per_epoch, "drift": {str(lag): trace.drift[lag] for lag in lags}}


def drift_figure(found: dict[str, Any], path: Path) -> None:
    """Draw the drift against the steps of training."""
    figure = Figure(figsize=(7.0, 3.6), layout="constrained")
    axes = figure.add_subplot()
    lags = list(found["drift"])
    for lag, color in zip(lags, mpl.colormaps["viridis"](np.linspace(0.85, 0.0, len(lags))), strict=True):
        steps, moved = zip(*found["drift"][lag], strict=True)
        axes.plot(np.array(steps) / found["steps_per_epoch"], moved, color=color, linewidth=1.3, label=lag)
    axes.axhline(0.05, color="#8793a0", linewidth=0.8)
    axes.set(xlabel="epoch", ylabel="relative drift", yscale="log")
    _finish(figure, axes, path, "steps ago")


def memory_figure(record: dict[str, Any], path: Path) -> None:
    """Draw Recall@20 against the number of negatives a row, a panel for each tower."""
    towers = sorted({row["name"].split(":")[0] for row in record["rows"]})
    figure = Figure(figsize=(9.0, 3.6), layout="constrained")
    for panel, tower in zip(figure.subplots(1, len(towers), squeeze=False)[0], towers, strict=True):
        for kind, style in _KINDS.items():
            rows = [row for row in record["rows"] if row["name"].startswith(f"{tower}: {kind},")]
            if not rows:
                continue
            values = np.array([row["values"]["recall"] for row in rows], dtype=float)  # NaN where a seed is absent
            sizes = [_negatives(row["config"]) for row in rows]
            panel.errorbar(
                sizes, np.nanmean(values, axis=1), np.nanstd(values, axis=1), fmt=style, capsize=2, label=kind
            )
        sizes = sorted({_negatives(row["config"]) for row in record["rows"] if row["name"].startswith(f"{tower}:")})
        panel.set(xlabel="negatives a row", ylabel="Recall@20 of the test pairs", title=f"{tower} tower", xscale="log")
        panel.set_xticks(sizes, [f"{size:,}" for size in sizes])
        panel.minorticks_off()
        _finish(figure, panel, path, None)


def _negatives(config: dict[str, Any]) -> int:
    negatives = config["negatives"]
    in_batch = 0 if negatives["name"] == "shared" else config["batch_size"] - 1
    return int(in_batch + negatives.get("num_negatives", negatives.get("memory_size", 0)))


def _finish(figure: Figure, axes: Any, path: Path, legend: str | None) -> None:
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(frameon=False, fontsize=8, title=legend)
    with atomic_path(path) as temporary:
        figure.savefig(temporary, format="png", dpi=120)
