"""The best epoch: a model is judged after each, and ends with the weights of the best; its learning rate is left alone."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal

from lightning import Callback, LightningModule, Trainer
from torch import Tensor


class KeepBest(Callback):
    """Judge a model after every epoch, stop after some without a better figure, and give it its best weights at the end.

    The rate follows its own schedule and nothing is reloaded before the end, unlike under `ReloadOnPlateau`. All of it is
    part of a checkpoint. A model tells its ``steps_per_epoch``.

    Parameters
    ----------
    evaluate : callable
        From the model to the figure that is to rise; None where it is undefined, which is never the best.
    name : str
        Of the figure.
    patience : int, optional
        Epochs in a row without a better figure, at least 1, after which training stops. Default: it never does.
    keep : {"best", "last"}, default "best"
        The weights that the model ends with.

    Attributes
    ----------
    epochs : list of dict
        ``epoch``, ``learning_rate``, ``loss`` (mean) and the figure of each.
    best_epoch : int
        Number of the first best, counted from 1; 0 before the first.
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
        """Whether training has come to its end by patience."""
        return self.patience is not None and 0 < self.best_epoch <= len(self.epochs) - self.patience

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Train no further if a run that is resumed had come to its end."""
        if self.stopped:
            trainer.should_stop = True

    def on_train_batch_end(
        self, trainer: Trainer, pl_module: LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        """Add up the loss; judge the model if the epoch is over."""
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
        """Return all that a resumed run needs."""
        return {
            "epochs": self.epochs,
            "best_epoch": self.best_epoch,
            "best": self._best,
            "loss_sum": self._loss_sum,
            "loss_count": self._loss_count,
        }

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take up where the checkpoint was written."""
        self.epochs, self.best_epoch, self._best = state_dict["epochs"], state_dict["best_epoch"], state_dict["best"]
        self._loss_sum, self._loss_count = state_dict["loss_sum"], state_dict["loss_count"]
