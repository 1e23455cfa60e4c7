"""Callbacks of a training: a log that continues after a restart, and a checkpoint that is replaced completely."""

from __future__ import annotations

import csv
import os
from pathlib import Path
from typing import Any

from lightning import Callback, LightningModule, Trainer

from graphvid._files import atomic_path


class TrainingLog(Callback):
    """Keep the mean of every logged statistic over windows of ``every`` steps in a CSV file.

    The checkpoint has the rows, and each write replaces the complete file, so the log of a resumed run equals that of an
    uninterrupted run.

    Parameters
    ----------
    path : path-like
        The CSV file: column ``step`` (steps done at the end of the window), then one column a statistic.
    every : int
        Steps in a window, at least 1.
    """

    def __init__(self, path: str | os.PathLike[str], every: int) -> None:
        self.path = path
        self.every = check_every("log_every", every)
        self.rows: list[dict[str, float]] = []
        self._sums: dict[str, float] = {}
        self._count = 0

    def on_train_batch_end(
        self, trainer: Trainer, pl_module: LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        """Add the step's statistics; close the window if it is full."""
        for name, value in trainer.callback_metrics.items():
            self._sums[name] = self._sums.get(name, 0.0) + float(value)
        self._count += 1
        if self._count == self.every or trainer.global_step == trainer.max_steps:
            means = {name: value / self._count for name, value in self._sums.items()}
            self.rows.append({"step": trainer.global_step, **means})
            self._sums, self._count = {}, 0
            self._write()

    def state_dict(self) -> dict[str, Any]:
        """Return the rows and the open window."""
        return {"rows": self.rows, "sums": self._sums, "count": self._count}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Restore the rows and the open window."""
        self.rows, self._sums, self._count = state_dict["rows"], state_dict["sums"], state_dict["count"]

    def _write(self) -> None:
        with atomic_path(self.path) as temporary, temporary.open("w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, fieldnames=list(self.rows[0]))
            writer.writeheader()
            writer.writerows(self.rows)


class Checkpoint(Callback):
    """Write the trainer's state to one file every few steps; each write replaces the file completely.

    Parameters
    ----------
    path : path-like
        The checkpoint file.
    every : int
        Steps between checkpoints, at least 1. The last step of training always writes one.
    """

    def __init__(self, path: str | os.PathLike[str], every: int) -> None:
        self.path = path
        self.every = check_every("checkpoint_every", every)

    def on_train_batch_end(
        self, trainer: Trainer, pl_module: LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        """Write the checkpoint if the step is due. Runs after `TrainingLog`, which must come first in the list."""
        if trainer.global_step % self.every == 0 or trainer.global_step == trainer.max_steps:
            trainer.save_checkpoint(Path(self.path))


def check_every(name: str, every: int) -> int:
    """Return ``every``, or raise unless it is an integer >= 1."""
    if isinstance(every, bool) or not isinstance(every, int) or every < 1:
        raise ValueError(f"{name} must be an integer >= 1, got {every!r}")
    return every
