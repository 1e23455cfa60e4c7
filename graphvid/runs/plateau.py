"""Callback that evaluates a model after every epoch; without improvement it reloads the best weights and lowers the rate."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping
from typing import Any, Literal, get_args

from lightning import Callback, LightningModule, Trainer
from torch import Tensor

from graphvid._checks import check_choice

Plateau = Literal["reload", "constant"]
_FACTOR, _LEAST_RATE, _LEAST_GAIN = 0.1, 1e-6, 1e-6


class ReloadOnPlateau(Callback):
    """Evaluate a model after every epoch; without improvement, reload the best weights and divide the rate by 10.

    Training stops after ``patience`` such epochs in a row, or at its last step; the model then has the best weights. An
    improvement is more than 1e-6; the rate does not fall below 1e-6. The moments of the optimiser do not change, as in the
    authors' code. The state is part of a checkpoint.

    The model must have ``steps_per_epoch``. It may have the methods ``before_judging``, called before all weights are read
    or replaced, and ``after_reload``, called after weights were discarded.

    Parameters
    ----------
    evaluate : callable
        Takes the model and returns its figures by name.
    monitor : str
        The figure to maximise.
    patience : int
        Training stops after this many epochs in a row without a better figure, at least 1.
    on_epoch : callable, optional
        Called with `epochs` after every epoch.
    plateau : {"reload", "constant"}, default "reload"
        ``"constant"`` keeps rate and weights after an epoch without improvement: training continues from the last weights
        until ``patience`` ends. A method whose figure falls early needs it: after three such epochs the reloading schedule
        has only a thousandth of the rate left.

    Raises
    ------
    ValueError
        A patience below 1, another ``plateau``, or after an epoch: no figure ``monitor``, or one that is not finite.

    Attributes
    ----------
    epochs : list of dict
        One record for each epoch: number, learning rate, mean loss, seconds of training and evaluation, and the figures.
    best_epoch : int
        Number of the best epoch, counted from 1; 0 before the first.

    References
    ----------
    Mao et al., SimpleX, CIKM 2021: the reloading schedule of the published runs. He et al., LightGCN, SIGIR 2020: a constant
    rate with patience.
    """

    def __init__(
        self,
        evaluate: Callable[[Any], Mapping[str, float]],
        monitor: str,
        patience: int,
        on_epoch: Callable[[list[dict[str, float]]], None] | None = None,
        *,
        plateau: Plateau = "reload",
    ) -> None:
        if patience < 1:
            raise ValueError(f"patience must be >= 1, got {patience}")
        check_choice("plateau", plateau, get_args(Plateau))
        self.evaluate, self.monitor, self.patience, self.on_epoch = evaluate, monitor, patience, on_epoch
        self.plateau = plateau
        self.epochs: list[dict[str, float]] = []
        self.best_epoch = 0
        self._best: dict[str, Tensor] = {}
        self._failures = 0
        self._loss_sum, self._loss_count = 0.0, 0
        self._started: float | None = None

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Stop if a resumed run was already at its end."""
        if self.stopped:
            trainer.should_stop = True

    def on_train_batch_start(self, trainer: Trainer, pl_module: LightningModule, batch: Any, batch_idx: int) -> None:
        """Start the clock of the epoch."""
        if self._started is None:
            self._started = time.perf_counter()

    def on_train_batch_end(
        self, trainer: Trainer, pl_module: LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        """Sum the loss; evaluate the model at the end of the epoch."""
        self._loss_sum += float(trainer.callback_metrics["loss"])
        self._loss_count += 1
        if trainer.global_step % int(pl_module.steps_per_epoch) == 0:  # type: ignore[arg-type] # any model that has it
            self._end_epoch(trainer, pl_module)

    def _end_epoch(self, trainer: Trainer, model: Any) -> None:
        assert self._started is not None
        trained = time.perf_counter()
        _call(model, "before_judging")
        figures = {name: float(value) for name, value in self.evaluate(model).items()}
        if not math.isfinite(figures.get(self.monitor, math.nan)):
            raise ValueError(f"evaluate must give a finite {self.monitor!r}, got {figures}")
        groups = trainer.optimizers[0].param_groups
        self.epochs.append(
            {
                "epoch": trainer.global_step // model.steps_per_epoch,
                "learning_rate": groups[0]["lr"],
                "loss": self._loss_sum / self._loss_count,
                "train_seconds": trained - self._started,
                "evaluate_seconds": time.perf_counter() - trained,
                **figures,
            }
        )
        self._loss_sum, self._loss_count, self._started = 0.0, 0, None
        best = self.epochs[self.best_epoch - 1][self.monitor] if self.best_epoch else -float("inf")
        if figures[self.monitor] > best + _LEAST_GAIN:
            self.best_epoch, self._failures = len(self.epochs), 0
            self._best = {name: x.detach().clone() for name, x in model.named_parameters()}
        else:
            self._failures += 1
            if self.plateau == "reload":
                self._reload(model)
                _call(model, "after_reload")
                for group in groups:
                    group["lr"] = max(_FACTOR * group["lr"], _LEAST_RATE)
        if self.on_epoch is not None:
            self.on_epoch(self.epochs)
        if self._failures >= self.patience:
            trainer.should_stop = True

    def on_train_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Load the best weights into the model."""
        if self._best:
            self._reload(pl_module)

    def _reload(self, model: LightningModule) -> None:
        _call(model, "before_judging")
        for name, parameter in model.named_parameters():
            parameter.data.copy_(self._best[name])

    @property
    def stopped(self) -> bool:
        """Whether patience has ended the training."""
        return self._failures >= self.patience

    def state_dict(self) -> dict[str, Any]:
        """Return the state for a resumed run."""
        return {
            "epochs": self.epochs,
            "best_epoch": self.best_epoch,
            "best": self._best,
            "failures": self._failures,
            "loss_sum": self._loss_sum,
            "loss_count": self._loss_count,
        }

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Restore the state of a checkpoint."""
        self.epochs, self.best_epoch = state_dict["epochs"], state_dict["best_epoch"]
        self._best, self._failures = dict(state_dict["best"]), state_dict["failures"]
        self._loss_sum, self._loss_count = state_dict["loss_sum"], state_dict["loss_count"]


def _call(model: LightningModule, name: str) -> None:
    """Call an optional method of the model, if it has it."""
    hook = getattr(model, name, None)
    if hook is not None:
        hook()
