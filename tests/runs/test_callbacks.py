"""The training log and the checkpoint beside a training that is not graphvid's own."""

from __future__ import annotations

import csv
import re
import warnings

import pytest
import torch
from lightning import LightningModule, Trainer

from graphvid.runs import SafetensorsCheckpointIO
from graphvid.runs.callbacks import Checkpoint, TrainingLog


class Count(LightningModule):
    """Logs the number of the step and its square."""

    def __init__(self):
        super().__init__()
        self.weight = torch.nn.Parameter(torch.zeros(1))

    def training_step(self, batch, batch_idx):
        self.log_dict({"step_number": float(self.global_step), "square": float(self.global_step) ** 2})
        return (self.weight - 1.0).square().sum()

    def configure_optimizers(self):
        return torch.optim.SGD(self.parameters(), lr=0.1)

    def train_dataloader(self):
        return torch.utils.data.DataLoader(range(7))


@pytest.fixture
def train(tmp_path):
    def fit(every_log, every_checkpoint):
        log = TrainingLog(tmp_path / "log.csv", every_log)
        checkpoint = Checkpoint(tmp_path / "last.safetensors", every_checkpoint)
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message=".*does not have many workers.*")
            Trainer(
                max_steps=7,
                max_epochs=1,
                callbacks=[log, checkpoint],
                plugins=[SafetensorsCheckpointIO()],
                logger=False,
                enable_checkpointing=False,
                enable_progress_bar=False,
                enable_model_summary=False,
                accelerator="cpu",
            ).fit(Count())
        with (tmp_path / "log.csv").open(newline="") as file:
            return log, [{name: float(value) for name, value in row.items()} for row in csv.DictReader(file)]

    return fit


def test_rows_are_means_over_windows_and_the_last_window_may_be_short(train):
    log, rows = train(3, 100)
    assert rows == [
        {"step": 3, "step_number": 1.0, "square": 5 / 3},
        {"step": 6, "step_number": 4.0, "square": 50 / 3},
        {"step": 7, "step_number": 6.0, "square": 36.0},
    ]
    assert log.rows == rows


def test_a_window_of_one_step_and_one_longer_than_the_training(train):
    assert [row["square"] for row in train(1, 100)[1]] == [0, 1, 4, 9, 16, 25, 36]
    assert train(50, 100)[1] == [{"step": 7, "step_number": 3.0, "square": 13.0}]


def test_the_open_window_goes_through_the_state(tmp_path):
    log = TrainingLog(tmp_path / "log.csv", 3)
    log.rows, log._sums, log._count = [{"step": 3, "loss": 0.1}], {"loss": 0.2}, 1
    other = TrainingLog(tmp_path / "log.csv", 3)
    other.load_state_dict(log.state_dict())
    assert other.state_dict() == log.state_dict()


@pytest.mark.parametrize(("every", "steps"), [(2, [2, 4, 6, 7]), (7, [7]), (100, [7])])
def test_checkpoints_are_written_when_due_and_at_the_end(train, tmp_path, monkeypatch, every, steps):
    written = []
    save = SafetensorsCheckpointIO.save_checkpoint

    def record(self, checkpoint, path, storage_options=None):
        written.append(checkpoint["global_step"])
        save(self, checkpoint, path)

    monkeypatch.setattr(SafetensorsCheckpointIO, "save_checkpoint", record)
    train(3, every)
    assert written == steps
    state = SafetensorsCheckpointIO().load_checkpoint(tmp_path / "last.safetensors")
    assert state["global_step"] == 7
    assert state["state_dict"]["weight"].item() == pytest.approx(1 - 0.8**7)
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["last.safetensors", "log.csv"]


@pytest.mark.parametrize("every", [0, -1, 2.5, True, "3"])
def test_windows_must_have_steps(tmp_path, every):
    with pytest.raises(ValueError, match=re.escape(f"log_every must be an integer >= 1, got {every!r}")):
        TrainingLog(tmp_path / "log.csv", every)
    with pytest.raises(ValueError, match=re.escape(f"checkpoint_every must be an integer >= 1, got {every!r}")):
        Checkpoint(tmp_path / "last", every)
