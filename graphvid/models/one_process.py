"""The refusal of data-parallel training, in which every process would train on the same batches."""

from __future__ import annotations

from lightning import LightningModule


def require_one_process(model: LightningModule) -> None:
    """Raise a ValueError if the trainer of ``model`` has several processes or devices."""
    world_size = model.trainer.world_size
    if world_size > 1:
        raise ValueError(
            f"Trainer must have devices=1 with {type(model).__name__}, got {world_size} processes: all would train on the "
            "same batches"
        )
