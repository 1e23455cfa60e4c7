"""The trainer of a run: it trains a model with a log and a checkpoint, from which a resumed run continues."""

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
    """Return the versions of the packages that may influence a result."""
    return {name: metadata.version(name) for name in _PACKAGES}


def check_device(device: Device) -> None:
    """Raise unless ``device`` is a known choice and available on this machine."""
    check_choice("device", device, get_args(Device))
    if device == "cuda" and not torch.cuda.is_available():
        raise ValueError("device must be 'auto' or 'cpu' where PyTorch finds no GPU with CUDA, got 'cuda'")


def fit(
    model: LightningModule, callbacks: list[Callback], run: RunDirectory, *, progress: bool, device: Device = "auto"
) -> None:
    """Train ``model`` for all steps of its loader, from the run's checkpoint if there is one.

    Raises
    ------
    KeyboardInterrupt
        The user interrupts it; the last checkpoint stays.
    SystemExit
        With code 143, the system ends it by SIGTERM; the last checkpoint stays.
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
        # This process draws a batch in microseconds; workers would only cost time.
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
    """A progress bar of the steps on the standard error, because the standard output is for results."""

    def init_train_tqdm(self) -> Tqdm:
        with redirect_stdout(sys.stderr):
            return super().init_train_tqdm()


class _End(Callback):
    """Records whether Lightning reached the end of training; it does not if a checkpoint leaves no step."""

    seen = False

    def on_train_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        self.seen = True
