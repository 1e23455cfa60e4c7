"""The trainer of a run: steps of a model, with the log and the checkpoint that a resumed run takes up."""

from __future__ import annotations

import logging
import signal
import sys
import threading
import warnings
from contextlib import redirect_stdout
from importlib import metadata
from typing import Literal, get_args

import torch
from lightning import Callback, LightningModule, Trainer
from lightning.pytorch.callbacks import TQDMProgressBar
from lightning.pytorch.callbacks.progress.tqdm_progress import Tqdm
from lightning.pytorch.utilities.exceptions import SIGTERMException

from graphvid._checks import check_choice

from .checkpoint import SafetensorsCheckpointIO
from .directory import RunDirectory

Device = Literal["auto", "cpu", "cuda"]
_PACKAGES = ("graphvid", "torch", "dgl", "numpy", "numba", "scipy", "lightning")


def versions() -> dict[str, str]:
    """Return the versions of the packages that a result may depend on."""
    return {name: metadata.version(name) for name in _PACKAGES}


def check_device(device: Device) -> None:
    """Raise unless ``device`` is a choice that can be had here."""
    check_choice("device", device, get_args(Device))
    if device == "cuda" and not torch.cuda.is_available():
        raise ValueError("device must be 'auto' or 'cpu' where PyTorch finds no GPU with CUDA, got 'cuda'")


def fit(
    model: LightningModule, callbacks: list[Callback], run: RunDirectory, *, progress: bool, device: Device = "auto"
) -> None:
    """Train ``model`` for as many steps as its loader has, from the run's checkpoint if there is one.

    Raises
    ------
    KeyboardInterrupt
        If the user ends it; what was done up to the last checkpoint is kept.
    SystemExit
        With code 143 if the system ends it by SIGTERM, likewise.
    """
    # Lightning asks the model for its loader once more; the number of steps must be known before.
    num_steps = len(model.train_dataloader())
    interrupt = signal.getsignal(signal.SIGINT)
    end = _End()
    logging.getLogger("lightning.pytorch").setLevel(logging.WARNING)
    trainer = Trainer(
        max_steps=num_steps,
        max_epochs=1,
        accelerator="gpu" if device == "cuda" else device,
        devices=1,
        callbacks=[*callbacks, end, *([_Bar(refresh_rate=20)] if progress else [])],
        plugins=[SafetensorsCheckpointIO()],
        logger=False,
        enable_checkpointing=False,
        enable_model_summary=False,
        enable_progress_bar=progress,
    )
    with warnings.catch_warnings():
        # The batches are drawn in this process in microseconds; workers would only cost.
        warnings.filterwarnings("ignore", message=".*does not have many workers.*")
        # Lightning 2.6 uses a name that PyTorch 2.13 deprecates.
        warnings.filterwarnings("ignore", message=".*LeafSpec.*is deprecated", category=FutureWarning)
        try:
            trainer.fit(model, ckpt_path=run.checkpoint if run.checkpoint.exists() else None)
        except SIGTERMException:
            raise SystemExit(128 + signal.SIGTERM) from None
        except SystemExit as ended:
            if isinstance(ended.__context__, KeyboardInterrupt):
                raise KeyboardInterrupt from None
            raise
        finally:
            if threading.current_thread() is threading.main_thread():
                signal.signal(signal.SIGINT, interrupt)  # Lightning ignores it from an interruption on
    if not end.seen:  # the checkpoint was that of the last step
        for callback in callbacks:
            callback.on_train_end(trainer, model)


class _Bar(TQDMProgressBar):
    """Shows the steps on the standard error, since the standard output is for results."""

    def init_train_tqdm(self) -> Tqdm:
        with redirect_stdout(sys.stderr):
            return super().init_train_tqdm()


class _End(Callback):
    """Sees whether Lightning has come to the end of training: it does not where a checkpoint leaves nothing to do."""

    seen = False

    def on_train_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        self.seen = True
