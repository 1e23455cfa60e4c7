"""The trainer of a run: steps of a model, with the log and the checkpoint that a resumed run takes up."""

from __future__ import annotations

import logging
import warnings
from importlib import metadata

from lightning import Callback, LightningModule, Trainer
from lightning.pytorch.callbacks import TQDMProgressBar

from .callbacks import Checkpoint, TrainingLog
from .checkpoint import SafetensorsCheckpointIO
from .directory import RunDirectory

_PACKAGES = ("graphvid", "torch", "dgl", "numpy", "numba", "scipy", "lightning")


def versions() -> dict[str, str]:
    """Give the versions of the packages that a result may depend on."""
    return {name: metadata.version(name) for name in _PACKAGES}


def training_callbacks(run: RunDirectory, log_every: int, checkpoint_every: int) -> list[Callback]:
    """Give the callbacks of a run, in the order they need; numbers below 1 are a ValueError."""
    return [TrainingLog(run.training_log, log_every), Checkpoint(run.checkpoint, checkpoint_every)]


def fit(
    model: LightningModule, num_steps: int, callbacks: list[Callback], run: RunDirectory, *, progress: bool
) -> None:
    """Train ``model`` for ``num_steps`` steps, from the run's checkpoint if there is one."""
    logging.getLogger("lightning.pytorch").setLevel(logging.WARNING)
    trainer = Trainer(
        max_steps=num_steps,
        max_epochs=1,
        accelerator="auto",
        devices=1,
        callbacks=[*callbacks, *([TQDMProgressBar(refresh_rate=20)] if progress else [])],
        plugins=[SafetensorsCheckpointIO()],
        logger=False,
        enable_checkpointing=False,
        enable_model_summary=False,
        enable_progress_bar=progress,
    )
    with warnings.catch_warnings():
        # The batches are drawn in this process in microseconds; workers would only cost.
        warnings.filterwarnings("ignore", message=".*does not have many workers.*")
        # The step is part of the checkpoint, and the loader goes on from it.
        warnings.filterwarnings("ignore", message=".*your dataloader is not resumable.*")
        # Lightning 2.6 uses a name that PyTorch 2.13 deprecates.
        warnings.filterwarnings("ignore", message=".*LeafSpec.*is deprecated", category=FutureWarning)
        trainer.fit(model, ckpt_path=run.checkpoint if run.checkpoint.exists() else None)
