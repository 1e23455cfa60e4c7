"""Training of a model that is no run: Lightning's loop without files, bars and advice."""

from __future__ import annotations

import logging
import warnings

from lightning import Callback, LightningModule, Trainer


def fit(model: LightningModule, *callbacks: Callback, max_steps: int | None = None, accelerator: str = "cpu") -> None:
    """Train a model for ``max_steps``, by default as many as its loader has."""
    logging.getLogger("lightning.pytorch").setLevel(logging.WARNING)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Lightning's advice on workers and loggers
        Trainer(
            max_steps=len(model.train_dataloader()) if max_steps is None else max_steps,
            max_epochs=1,
            accelerator=accelerator,
            devices=1,
            logger=False,
            callbacks=list(callbacks),
            enable_checkpointing=False,
            enable_progress_bar=False,
            enable_model_summary=False,
        ).fit(model)
