"""The best epoch: its weights at the end, when training stops, and what a checkpoint keeps of it."""

from __future__ import annotations

import pytest
import torch
from lightning import LightningModule

from graphvid.runs import KeepBest
from graphvid.sampling import RowBatch, ShuffledBatches


class Centre(LightningModule):
    """Four steps an epoch towards a mean, and a buffer that counts them."""

    steps_per_epoch = 4

    def __init__(self) -> None:
        super().__init__()
        self.centre = torch.nn.Parameter(torch.zeros(()))
        self.register_buffer("steps", torch.zeros((), dtype=torch.int64))

    def training_step(self, batch, batch_idx):
        self.steps += 1
        loss = (self.centre - batch.row.float()).square().mean()
        self.log("loss", loss.detach())
        return loss

    def configure_optimizers(self):
        return torch.optim.SGD(self.parameters(), lr=0.05)

    def train_dataloader(self):
        return ShuffledBatches(RowBatch(torch.arange(8)), 2, 6, seed=0)


def run(fit_model, figures, **options):
    """Train while the figures of the epochs are these; return the callback, the model and its weights after each."""
    model, weights, values = Centre(), [], iter(figures)

    def evaluate(model):
        weights.append(model.centre.item())
        return next(values)

    best = KeepBest(evaluate, "recall", **options)
    fit_model(model, callbacks=[best])
    return best, model, weights


def test_the_first_best_epoch_is_given_back_with_its_buffers(fit_model):
    best, model, weights = run(fit_model, [0.1, None, 0.4, 0.4, 0.2, 0.3])
    assert [epoch["recall"] for epoch in best.epochs] == [0.1, None, 0.4, 0.4, 0.2, 0.3]
    assert [epoch["epoch"] for epoch in best.epochs] == [1, 2, 3, 4, 5, 6]
    assert (best.best_epoch, best.stopped) == (3, False)
    assert (model.centre.item(), model.steps.item()) == (pytest.approx(weights[2]), 12)
    assert len(set(weights)) == 6


@pytest.mark.parametrize(("figures", "options"), [([0.3] + 5 * [0.1], {"keep": "last"}), (6 * [None], {})])
def test_the_last_epoch_stays(fit_model, figures, options):
    best, model, weights = run(fit_model, figures, **options)
    assert best.best_epoch == (figures[0] is not None)
    assert (model.centre.item(), model.steps.item()) == (weights[-1], 24)


def test_patience_ends_training_and_a_resumed_one_adds_no_epoch(fit_model, tmp_path):
    best, model, weights = run(fit_model, [None, 0.2, 0.2, 0.1, 0.9], patience=2)
    assert (len(best.epochs), best.best_epoch, best.stopped) == (4, 2, True)
    assert model.centre.item() == weights[1]

    def judge(values):
        return KeepBest(lambda model: next(values), "recall", patience=2)

    values = iter([None, 0.2, 0.2, 0.1, 0.9])
    fit_model(Centre(), steps=16, save=tmp_path / "end.safetensors", callbacks=[judge(values)])
    again, other = judge(values), Centre()
    fit_model(other, steps=24, checkpoint=tmp_path / "end.safetensors", callbacks=[again])
    assert (again.epochs, again.best_epoch) == (best.epochs, 2)
    assert (other.centre.item(), other.steps.item()) == (weights[1], 8)
