"""The end of an epoch: judge the model on validation pairs, and keep the best weights if asked to."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from lightning import Callback, LightningModule, Trainer
from torch import Tensor

from graphvid.models.towers import TwinTower


class ValidationEpochs(Callback):
    """Judge a `TwinTower` after every epoch. All of it is part of a checkpoint.

    Parameters
    ----------
    spearman : callable
        From the model to its figure on the validation pairs.
    keep_best : bool
        Give the model the weights of its best epoch at the end.

    Attributes
    ----------
    epochs : list of dict
        Number and Spearman of each epoch; None where it is undefined, which is never the best.
    best_epoch : int
        Counted from 1; 0 before the first.
    """

    def __init__(self, spearman: Callable[[TwinTower], float | None], *, keep_best: bool) -> None:
        self.spearman, self.keep_best = spearman, keep_best
        self.epochs: list[dict[str, float | None]] = []
        self.best_epoch = 0
        self._best: dict[str, Tensor] = {}

    def on_train_batch_end(
        self, trainer: Trainer, pl_module: LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        """Judge the model if the epoch is over."""
        assert isinstance(pl_module, TwinTower)
        if trainer.global_step % pl_module.steps_per_epoch:
            return
        value = self.spearman(pl_module)
        best = self.epochs[self.best_epoch - 1]["spearman"] if self.best_epoch else None
        self.epochs.append({"epoch": trainer.global_step // pl_module.steps_per_epoch, "spearman": value})
        if value is not None and (best is None or value > best):
            self.best_epoch = len(self.epochs)
            if self.keep_best:
                self._best = {name: x.detach().clone() for name, x in pl_module.state_dict().items()}

    def on_train_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Give the model its best weights."""
        if self._best:
            pl_module.load_state_dict(self._best)

    def state_dict(self) -> dict[str, Any]:
        """Give all that a resumed run needs."""
        return {"epochs": self.epochs, "best_epoch": self.best_epoch, "best": self._best}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take up where the checkpoint was written."""
        self.epochs, self.best_epoch = state_dict["epochs"], state_dict["best_epoch"]
        self._best = dict(state_dict["best"])
