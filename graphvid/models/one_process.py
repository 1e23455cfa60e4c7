"""The base class of all models: it raises for data-parallel training, where every process would train on the same batches."""

from __future__ import annotations

from lightning import LightningModule


class OneProcessModule(LightningModule):
    """A `LightningModule` whose batches depend only on the step, so that they are the same in every process."""

    def setup(self, stage: str) -> None:
        """Raise a ValueError if the trainer has several processes or devices."""
        world_size = self.trainer.world_size
        if world_size > 1:
            raise ValueError(
                f"Trainer must have devices=1 with {type(self).__name__}, got {world_size} processes: all would train on "
                "the same batches"
            )
