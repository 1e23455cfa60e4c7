"""Leaks that FRAME must not have: the outcome of the view that it predicts, and rows that it was not given."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from graphvid.data import SyntheticSkip
from graphvid.metrics import gauc
from graphvid.models import FRAME, FRAMEConfig

SMALL = FRAMEConfig(dim=8, hidden=8, batch_size=16, num_epochs=2, learning_rate=0.01, cold_user_share=0.0)
NUM_VIEWS, NUM_CLIPS = 90, 4


@pytest.fixture(scope="module")
def world(skip_world):
    return skip_world


@pytest.fixture(scope="module")
def clips(world):
    return world.clips.pool(NUM_CLIPS)


def with_outcomes(log, rows, watch_time):
    changed = log.watch_time.copy()
    changed[rows] = watch_time
    return replace(log, watch_time=changed)


def equal_weights(a, b):
    a, b = a.state_dict(), b.state_dict()
    return list(a) == list(b) and all(torch.equal(a[name], b[name]) for name in a)


def step_scores(model, rows=slice(None)):
    """Scores of views of the log as a training step sees them."""
    with torch.no_grad():
        return model.scores(model.targets.user[rows], model.targets.video[rows], step=0)


@pytest.mark.parametrize("alone", [True, False])
@pytest.mark.parametrize(
    "options",
    [
        {"norm": "mean"},
        {"norm": "sym"},
        {"norm": "official"},
        {"positive_mode": "prefix"},
        {"negative_mode": "skip_and_after", "norm": "sym"},
        {"trainable_features": True},
        {"id_embedding": "concat", "norm": "sym"},
        {"positive_mode": "prefix", "negative_mode": "official", "multiplicity": "count", "norm": "sym"},
    ],
)
def test_the_score_of_a_training_row_does_not_depend_on_its_own_outcome(world, clips, options, alone):
    """A complete view becomes a skip, a skip another or complete: the same score, unless own edges are included.

    Alone in a batch, and with half of the log.
    """
    seen = {"exclude": 0.0, "include": 0.0}
    for target_edges in seen:
        config = replace(SMALL, target_edges=target_edges, **options)
        model = FRAME(world.log, clips, config)
        for row in (0, 34, 68):
            rows, place = ([row], 0) if alone else (list(range(0, NUM_VIEWS, 2)), row // 2)
            before = step_scores(model, rows)[place]
            for watch_time in (8.0, 0.0, 5.0):
                other = FRAME(with_outcomes(world.log, row, watch_time), clips, config)
                assert equal_weights(model, other)
                seen[target_edges] = max(
                    seen[target_edges], float((step_scores(other, rows)[place] - before).abs().max())
                )
    assert seen["exclude"] < 1e-5
    assert seen["include"] > 1e-3


def test_other_views_of_the_same_pair_are_left_out_too(world, clips):
    """A video that a user saw twice: neither view sees the outcome of the other."""
    again = world.log.select(np.append(np.arange(NUM_VIEWS), 5))
    a, b = (
        step_scores(FRAME(with_outcomes(again, NUM_VIEWS, watch_time), clips, SMALL), [5]) for watch_time in (8.0, 1.0)
    )
    torch.testing.assert_close(a, b, atol=1e-5, rtol=0)


def test_temporal_targets_are_predicted_from_earlier_views(world, clips):
    model = FRAME(world.log, clips, replace(SMALL, target_edges="temporal"))
    late = world.log.timestamp >= 60.0 * 9 * 6  # of ten views of each of nine users those from floor(10 * 2 / 3) on
    pairs = [
        sorted(zip(user, video))
        for user, video in (
            (model.targets.user.tolist(), model.targets.video.tolist()),
            (world.log.user[late].tolist(), world.log.video[late].tolist()),
        )
    ]
    assert pairs[0] == pairs[1]
    assert len(pairs[0]) == 9 * 4
    mirrored = np.where(world.log.watch_time[late] < 8, 8.0, 1.0)
    other = FRAME(with_outcomes(world.log, late, mirrored), clips, model.config)
    torch.testing.assert_close(step_scores(other), step_scores(model), atol=1e-5, rtol=0)
    users, videos = world.log.user, world.log.video  # in use, all training views are in the graph
    assert not np.allclose(model.predict(users, videos).complete, other.predict(users, videos).complete, atol=1e-3)


def test_rows_that_are_not_in_the_log_change_nothing(world, clips, fit_model):
    """Other outcomes of the test rows: the same weights and predictions, bit for bit."""
    train, test = np.concatenate(world.windows[:2]), world.windows.test
    mirrored = with_outcomes(world.log, test, np.where(world.log.watch_time[test] < 8, 8.0, 1.0))
    models = [FRAME(log.select(np.sort(train)), clips, SMALL) for log in (world.log, mirrored)]
    for model in models:
        fit_model(model)
    assert equal_weights(*models)
    a, b = (model.predict(world.log.user[test], world.log.video[test]) for model in models)
    assert all(np.array_equal(x, y) for x, y in zip(a, b))


def test_the_order_of_the_log_has_no_part_in_the_model(world, clips, fit_model):
    """Bit for bit before training. Batches are drawn by row, so only one batch of all rows gives the same training."""
    order = np.random.default_rng(0).permutation(NUM_VIEWS)
    views = world.log.user, world.log.video
    a, b = (FRAME(log, clips, SMALL) for log in (world.log, world.log.select(order)))
    assert equal_weights(a, b)
    assert all(np.array_equal(x, y) for x, y in zip(a.predict(*views), b.predict(*views)))
    whole = replace(SMALL, batch_size=NUM_VIEWS, target_edges="include")  # "exclude" takes a tenth of the rows at most
    a, b = (FRAME(log, clips, whole) for log in (world.log, world.log.select(order)))
    start = a.predict(*views).complete
    fit_model(a)
    fit_model(b)
    np.testing.assert_allclose(a.predict(*views).complete, b.predict(*views).complete, atol=1e-5)
    assert np.abs(a.predict(*views).complete - start).max() > 1e-3


@pytest.mark.slow
def test_shuffled_labels_teach_nothing(fit_model):
    found = []
    for seed in range(4):
        world = SyntheticSkip(seed=seed)
        train, test = np.sort(np.concatenate(world.windows[:2])), world.windows.test
        shuffled = np.random.default_rng(seed).permutation(world.log.watch_time[train])
        log = with_outcomes(world.log, train, shuffled).select(train)
        model = FRAME(log, world.clips, FRAMEConfig(dim=32, hidden=32, num_epochs=5))
        fit_model(model)
        users, label = world.log.user[test], world.log.watch_time[test] >= 8.0
        found.append(gauc(label, model.predict(users, world.log.video[test]).complete, users).value)
    assert abs(np.mean(found) - 0.5) < 0.02
