"""Callback that evaluates a model after every epoch and loads the weights of the best epoch at the end."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal

from lightning import Callback, LightningModule, Trainer
from torch import Tensor


class KeepBest(Callback):
    """Evaluate a model after every epoch, stop after some epochs without improvement, and load the best weights at the end.

    Unlike `ReloadOnPlateau` it does not change the learning rate, and reloads nothing before the end. Its state is part of
    a checkpoint. The model must have ``steps_per_epoch``.

    Parameters
    ----------
    evaluate : callable
        Takes the model and returns the figure to maximise, or None if it is undefined; None is never the best.
    name : str
        Name of the figure.
    patience : int, optional
        Training stops after this many epochs in a row without a better figure, at least 1. Default: no stop.
    keep : {"best", "last"}, default "best"
        The weights at the end.

    Attributes
    ----------
    epochs : list of dict
        ``epoch``, ``learning_rate``, ``loss`` (mean) and the figure of each.
    best_epoch : int
        Number of the first best epoch, counted from 1; 0 before the first.
    """

    def __init__(
        self,
        evaluate: Callable[[Any], float | None],
        name: str,
        *,
        patience: int | None = None,
        keep: Literal["best", "last"] = "best",
    ) -> None:
        self.evaluate, self.name, self.patience, self.keep = evaluate, name, patience, keep
        self.epochs: list[dict[str, float | None]] = []
        self.best_epoch = 0
        self._best: dict[str, Tensor] = {}
        self._loss_sum, self._loss_count = 0.0, 0

    @property
    def stopped(self) -> bool:
        """Whether patience has ended the training."""
        return self.patience is not None and 0 < self.best_epoch <= len(self.epochs) - self.patience

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Stop if a resumed run was already at its end."""
        if self.stopped:
            trainer.should_stop = True

    def on_train_batch_end(
        self, trainer: Trainer, pl_module: LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        """Sum the loss; evaluate the model at the end of the epoch."""
        self._loss_sum += float(trainer.callback_metrics["loss"])
        self._loss_count += 1
        if trainer.global_step % int(pl_module.steps_per_epoch) != 0:  # type: ignore[arg-type] # any model that has it
            return
        figure = self.evaluate(pl_module)
        best = self.epochs[self.best_epoch - 1][self.name] if self.best_epoch else None
        self.epochs.append(
            {
                "epoch": len(self.epochs) + 1,
                "learning_rate": trainer.optimizers[0].param_groups[0]["lr"],
                "loss": self._loss_sum / self._loss_count,
                self.name: figure,
            }
        )
        self._loss_sum, self._loss_count = 0.0, 0
        if figure is not None and (best is None or figure > best):
            self.best_epoch = len(self.epochs)
            if self.keep == "best":
                self._best = {name: x.detach().clone() for name, x in pl_module.state_dict().items()}
        if self.stopped:
            trainer.should_stop = True

    def on_train_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Load the best weights into the model."""
        if self._best:
            pl_module.load_state_dict(self._best)

    def state_dict(self) -> dict[str, Any]:
        """Return the state for a resumed run."""
        return {
            "epochs": self.epochs,
            "best_epoch": self.best_epoch,
            "best": self._best,
            "loss_sum": self._loss_sum,
            "loss_count": self._loss_count,
        }

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Restore the state of a checkpoint."""
        self.epochs, self.best_epoch, self._best = state_dict["epochs"], state_dict["best_epoch"], state_dict["best"]
        self._loss_sum, self._loss_count = state_dict["loss_sum"], state_dict["loss_count"]
