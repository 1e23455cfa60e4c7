"""The schedule of the published runs: reload the best weights, take smaller steps, and stop."""

from __future__ import annotations

import pytest
import torch
from torch.nn.functional import normalize

from graphvid.data import Interactions
from graphvid.graphs import user_item_graph
from graphvid.models import MatrixFactorization, MFConfig, TwoTower, TwoTowerConfig
from graphvid.models.recommenders import CrossBatch, Shared
from graphvid.runs import ReloadOnPlateau

GRAPH = user_item_graph(Interactions.from_pairs([0, 0, 1, 2], [0, 1, 2, 3]))


def _run(fit_model, figures, *, patience=2, num_epochs=20, optimizer="deferred_adam", plateau="reload"):
    """Train while the figures of the epochs are these; return the callback, the model and its weights after each."""
    model = MatrixFactorization(
        GRAPH,
        MFConfig(
            dim=4,
            negatives=Shared(num_negatives=2),
            batch_size=2,
            num_epochs=num_epochs,
            learning_rate=0.01,
            init_std=0.1,
            optimizer=optimizer,
        ),
    )
    weights, values = [], iter(figures)

    def evaluate(model):
        weights.append(model.embed().items.clone())
        return {"recall": next(values)}

    callback = ReloadOnPlateau(evaluate, "recall", patience, plateau=plateau)
    fit_model(model, callbacks=[callback])
    return callback, model, weights


@pytest.mark.parametrize("optimizer", ["adam", "deferred_adam"])
def test_worse_epochs_are_undone_with_smaller_steps_until_patience_ends(fit_model, optimizer) -> None:
    plateau, model, weights = _run(fit_model, [0.1, 0.3, 0.3, 0.4, 0.4000005, 0.2, 0.9], optimizer=optimizer)
    assert [epoch["recall"] for epoch in plateau.epochs] == [0.1, 0.3, 0.3, 0.4, 0.4000005, 0.2]
    assert [epoch["learning_rate"] for epoch in plateau.epochs] == pytest.approx([1e-2, 1e-2, 1e-2, 1e-3, 1e-3, 1e-4])
    assert (plateau.best_epoch, plateau.stopped) == (4, True)
    torch.testing.assert_close(model.embed().items, weights[3])
    moved = [(weights[i] - weights[j]).abs().max() for i, j in ((2, 1), (3, 1), (5, 3))]
    assert moved[1] < 0.3 * moved[0]  # the fourth epoch begins again at the second with a tenth of the rate
    assert moved[2] < 0.3 * moved[1]


def test_the_rate_has_a_floor_and_the_last_epoch_ends_training(fit_model) -> None:
    plateau, model, weights = _run(fit_model, [0.5, 0.1, 0.1, 0.1, 0.1, 0.1], patience=9, num_epochs=6)
    assert plateau.epochs[-1]["learning_rate"] == pytest.approx(1e-6)
    assert (len(plateau.epochs), plateau.best_epoch, plateau.stopped) == (6, 1, False)
    torch.testing.assert_close(model.embed().items, weights[0])
    assert torch.equal(normalize(model.embed().items, dim=1), normalize(weights[0], dim=1))


@pytest.mark.parametrize("optimizer", ["adam", "deferred_adam"])
def test_at_a_constant_rate_worse_epochs_change_nothing_until_patience_ends(fit_model, optimizer) -> None:
    figures = [0.1, 0.3, 0.2, 0.4, 0.1, 0.3]
    plateau, model, weights = _run(fit_model, figures, optimizer=optimizer, plateau="constant")
    rising, _, undisturbed = _run(fit_model, range(6), optimizer=optimizer, num_epochs=6)
    assert all(torch.equal(a, b) for a, b in zip(weights, undisturbed, strict=True))
    assert (
        {epoch["learning_rate"] for epoch in plateau.epochs}
        == {epoch["learning_rate"] for epoch in rising.epochs}
        == {0.01}
    )
    assert (plateau.best_epoch, plateau.stopped) == (4, True)
    torch.testing.assert_close(model.embed().items, weights[3])


def test_bad_figures_and_patience(fit_model) -> None:
    with pytest.raises(ValueError, match=r"plateau must be one of .*'constant'.*, got 'keep'"):
        ReloadOnPlateau(lambda model: {}, "recall", 1, plateau="keep")
    with pytest.raises(ValueError, match="patience must be >= 1, got 0"):
        ReloadOnPlateau(lambda model: {}, "recall", 0)
    with pytest.raises(ValueError, match=r"evaluate must give a finite 'recall', got \{'recall': nan\}"):
        _run(fit_model, [float("nan")])
    model = MatrixFactorization(GRAPH, MFConfig(dim=4, negatives=Shared(num_negatives=2), batch_size=2, num_epochs=1))
    with pytest.raises(ValueError, match=r"evaluate must give a finite 'recall', got \{'ndcg': 1\.0\}"):
        fit_model(model, callbacks=[ReloadOnPlateau(lambda model: {"ndcg": 1.0}, "recall", 1)])


def test_a_memory_is_emptied_with_the_weights_it_came_from(fit_model) -> None:
    graph = user_item_graph(Interactions.from_pairs([0, 0, 1, 2], [0, 1, 2, 3]))
    config = TwoTowerConfig(dim=4, item_tower="id", negatives=CrossBatch(memory_size=8), batch_size=2, num_epochs=3)
    model = TwoTower(graph, None, config)
    lengths, values = [], iter([0.5, 0.4, 0.6])

    def evaluate(model):
        lengths.append(len(model.candidates.memory))
        return {"recall": next(values)}

    fit_model(model, callbacks=[ReloadOnPlateau(evaluate, "recall", 5)])
    assert lengths == [4, 8, 4]
