"""FRAME: training, resuming, predicting, and what is refused."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import torch

from graphvid._random import seeded
from graphvid.data import ClipFeatures, SyntheticSkip, WatchLog
from graphvid.metrics import gauc
from graphvid.models import FRAME, FRAMEConfig

SMALL = FRAMEConfig(dim=8, hidden=8, batch_size=16, num_epochs=2, learning_rate=0.01)
HEADS = ["survival", "mean_prob", "sigmoid_mean_logit", "official_sum_logit"]


@pytest.fixture(scope="module")
def world(skip_world):
    return skip_world


@pytest.fixture(scope="module")
def views(world):
    return world.log.user, world.log.video


@pytest.fixture(scope="module")
def model(world):
    return FRAME(world.log, world.clips, SMALL)


def equal_weights(a, b):
    a, b = a.state_dict(), b.state_dict()
    return list(a) == list(b) and all(torch.equal(a[name], b[name]) for name in a)


# Training


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"norm": "sym", "interaction": "concat", "head": "mean_prob"},
        {"fanout": 2},
        {"trainable_features": True},
        {"id_embedding": "add"},
        {"id_embedding": "concat", "trainable_features": True},
        {"target_edges": "temporal", "schedule": "constant"},
        {"head": "official_sum_logit", "supervision": "hybrid"},
        {"head": "sigmoid_mean_logit", "supervision": "official"},
        {"residual": False, "share_weights": True},
        {"branches": "positive", "standardize": False},
        {"positive_mode": "prefix", "negative_mode": "skip_and_after"},
        {"resolve": "last", "weight_decay": 0.1},
        {"num_clips": 2, "supervision": "hybrid"},
    ],
)
def test_every_option_learns(world, fit_model, options):
    model = FRAME(world.log, world.clips, replace(SMALL, num_epochs=15, batch_size=30, **options))
    before = {name: x.detach().clone() for name, x in model.named_parameters()}
    losses = fit_model(model)
    per_epoch = model.train_dataloader().per_epoch
    assert len(losses) == 15 * per_epoch
    assert np.isfinite(losses).all()
    assert np.mean(losses[-per_epoch:]) < np.mean(losses[:per_epoch])
    for name, x in model.named_parameters():
        assert not torch.equal(before[name], x), name


@pytest.mark.parametrize("preset", ["survival", "paper", "official"])
def test_every_preset_takes_steps_and_lowers_the_loss(world, fit_model, preset):
    config = replace(FRAMEConfig.preset(preset), dim=16, hidden=16, num_epochs=12, learning_rate=0.01)
    losses = fit_model(FRAME(world.log, world.clips, config))
    per_epoch = len(losses) // 12
    assert per_epoch == (1 if preset == "official" else 10)  # edges left out: a tenth of the log at once, at most
    assert np.mean(losses[-per_epoch:]) < np.mean(losses[:per_epoch])


def test_training_finds_who_leaves_where(fit_model):
    """Half a world; 0.73 GAUC before and 0.77 after training was measured on views that were held back."""
    world = SyntheticSkip(num_users=150, num_videos=400, impressions_per_user=40)
    train, test = np.sort(np.concatenate(world.windows[:2])), world.windows.test
    model = FRAME(world.log.select(train), world.clips, FRAMEConfig(dim=32, hidden=32, num_epochs=8, batch_size=512))
    users, label = world.log.user[test], world.log.watch_time[test] >= 8.0
    start = gauc(label, model.predict(users, world.log.video[test]).complete, users).value
    fit_model(model)
    end = gauc(label, model.predict(users, world.log.video[test]).complete, users).value
    assert max(start + 0.01, 0.74) < end < gauc(label, world.oracle[test], users).value + 0.01


def test_a_step_with_fanout_beyond_every_degree_is_a_whole_step(world):
    scores = []
    for fanout in (-1, 1000):
        model = FRAME(world.log, world.clips, replace(SMALL, fanout=fanout, norm="sym"))
        scores.append(model.scores(*model.targets[:2], step=3))
    torch.testing.assert_close(*scores)


def test_picks_differ_from_step_to_step(world):
    model = FRAME(world.log, world.clips, replace(SMALL, fanout=1, target_edges="temporal"))
    with torch.no_grad():  # a trained network; at its start the graph has too small a part
        for parameter in model.parameters():
            parameter.normal_()
    first, again, second = (model.scores(*model.targets[:2], step=step) for step in (0, 0, 1))
    assert torch.equal(first, again)
    assert not torch.equal(first, second)


def test_some_views_of_a_step_are_shown_without_their_user(world):
    model = FRAME(world.log, world.clips, replace(SMALL, cold_user_share=0.5))
    user, video, _ = model.targets
    one = torch.full_like(video, int(video[0]))
    with torch.no_grad():
        scores = model.scores(user, one, step=3)
    cold = model._cold(len(user), 3)
    assert 0.3 < cold.double().mean() < 0.7
    assert not torch.equal(cold, model._cold(len(user), 4))
    assert len(torch.unique(scores[cold], dim=0)) == 1
    assert len(torch.unique(scores[~cold], dim=0)) > 1


def test_a_resumed_training_equals_one_without_a_break(world, fit_model, tmp_path):
    """20 steps, against 10 or 13, a checkpoint and the others: bit for bit, at the end of an epoch and within one."""
    config, path = replace(SMALL, fanout=2), tmp_path / "last.safetensors"  # 10 steps an epoch
    whole = FRAME(world.log, world.clips, config)
    losses = fit_model(whole)
    assert len(losses) == 20
    for stop in (10, 13):
        begun, resumed = (FRAME(world.log, world.clips, config) for _ in range(2))
        first = fit_model(begun, steps=stop, save=path)
        with seeded(99):  # what the process drew before has no part in it
            rest = fit_model(resumed, checkpoint=path)
        assert first + rest == losses
        assert equal_weights(resumed, whole)
        assert not equal_weights(begun, whole)


def test_all_steps_done_is_an_error_not_an_endless_loop(world):
    model = FRAME(world.log, world.clips, SMALL)
    batches = model.train_dataloader()
    batches.load_state_dict({"step": 20})
    with pytest.raises(RuntimeError, match="all 20 steps are done; set num_epochs higher, or step back"):
        next(iter(batches))


def test_the_seed_decides_and_the_callers_generators_do_not(world, fit_model):
    def trained(seed, noise):
        with seeded(noise):
            model = FRAME(world.log, world.clips, replace(SMALL, seed=seed, num_epochs=1))
            state = torch.get_rng_state()
            fit_model(model)
            assert torch.equal(state, torch.get_rng_state())
        return model

    first = trained(0, 1)
    assert equal_weights(first, trained(0, 2))
    assert not equal_weights(first, trained(1, 1))


@pytest.mark.parametrize("threads", [1, 2])
def test_training_is_the_same_again_with_the_same_number_of_threads(world, threads):
    """Bit for bit on the CPU; one thread and two differ by PyTorch's rounding."""
    before, sums = torch.get_num_threads(), []
    torch.set_num_threads(threads)
    try:
        for _ in range(3):
            model = FRAME(world.log, world.clips, FRAMEConfig(dim=64, hidden=128, num_duration_buckets=1))
            user, video = (ids.repeat(8) for ids in model.targets[:2])  # enough rows for several threads
            model.network.loss(
                model.scores(user, video), model.targets.stop.repeat(8), torch.zeros_like(user)
            ).backward()
            sums.append([x.grad for x in model.parameters()])
    finally:
        torch.set_num_threads(before)
    for again in sums[1:]:
        assert all(torch.equal(a, b) for a, b in zip(sums[0], again))


# Prediction


@pytest.mark.parametrize("head", HEADS)
def test_columns_of_a_prediction(world, views, head):
    found = FRAME(world.log, world.clips, replace(SMALL, head=head)).predict(*views)
    assert found.complete.dtype == np.float64
    assert found.stay.shape == (90, 8)
    assert found.stay.dtype == np.float32
    assert ((found.complete > 0) & (found.complete < 1)).all()
    assert found.offending_clip.tolist() == [int(row.argmin()) for row in found.stay]
    assert found.best_clip.tolist() == [int(row.argmax()) for row in found.stay]
    if head != "survival":
        assert found.drop_off is found.watch_ratio is None
        if head == "mean_prob":
            np.testing.assert_allclose(found.complete, found.stay.mean(1), rtol=1e-5)
        return
    alive = np.cumprod(np.c_[np.ones(90), found.stay], axis=1)
    np.testing.assert_allclose(found.drop_off, alive, rtol=1e-5)
    np.testing.assert_allclose(found.complete, alive[:, -1], rtol=1e-5)
    middle = (np.arange(8) + 0.5) / 8
    np.testing.assert_allclose(found.watch_ratio, (-np.diff(alive) @ middle) + alive[:, -1], rtol=1e-5)


@pytest.mark.parametrize("chunk_size", [1, 7, 90])
def test_chunks_change_rounding_only(model, views, chunk_size):
    for a, b in zip(model.predict(*views), model.predict(*views, chunk_size=chunk_size)):
        np.testing.assert_allclose(a, b, rtol=1e-5)


def test_predict_leaves_the_mode_alone_and_takes_no_views(model):
    for mode in (True, False):
        model.train(mode)
        none = model.predict([], [])
        assert model.training is mode
    assert [x.shape for x in none] == [(0,), (0, 8), (0, 9), (0,)]


def test_coarser_clips_are_means_of_the_finer(world, views):
    pooled = FRAME(world.log, world.clips, replace(SMALL, num_clips=2))
    given = FRAME(world.log, world.clips.pool(2), SMALL)
    assert equal_weights(pooled, given)
    assert pooled.predict(*views).stay.shape == (90, 2)
    assert np.array_equal(pooled.predict(*views).stay, given.predict(*views).stay)


def test_a_user_without_a_past_gets_one_prediction_a_video(world, model):
    found = model.predict([-1, -1, 3], [4, 4, 4])
    assert found.complete[0] == found.complete[1] != found.complete[2]
    unseen = WatchLog(  # the last user has no row in the log
        world.log.user,
        world.log.video,
        pd.RangeIndex(10),
        world.log.video_ids,
        watch_time=world.log.watch_time,
        duration=world.log.duration,
        timestamp=world.log.timestamp,
    )
    other = FRAME(unseen, world.clips, SMALL).predict([-1, 9], [4, 4])
    assert other.complete[0] == other.complete[1] == pytest.approx(found.complete[0])


@pytest.mark.parametrize("options", [{}, {"id_embedding": "add"}, {"id_embedding": "concat"}, {"norm": "sym"}])
def test_new_videos_are_like_videos_that_nobody_saw(world, options):
    """Video 15 is in the vocabulary of the log, and in no row."""
    rng = np.random.default_rng(0)
    array = np.concatenate([world.clips.array, rng.normal(size=(1, 8, 32)).astype(np.float32)])
    known = replace(world.log, video_ids=pd.RangeIndex(16))
    model = FRAME(known, ClipFeatures(range(16), array), replace(SMALL, **options))
    if model.inputs.learnt is not None:
        torch.nn.init.zeros_(model.inputs.learnt[15:])
    new = ClipFeatures(["new", "newer"], np.concatenate([array[15:], array[:1]]))
    a, b = model.predict([0, 3, -1], [15] * 3), model.predict([0, 3, -1], [0] * 3, clips=new)
    for x, y in zip(a, b):
        np.testing.assert_allclose(x, y, rtol=1e-5)
    assert not np.allclose(a.complete, model.predict([0, 3, -1], [1] * 3, clips=new).complete)
    assert model.predict([-1], [1], clips=new).stay.shape == (1, 8)  # nobody known at all


def test_duration_buckets(world, views):
    of_video = np.random.default_rng(0).uniform(4, 20, 15)
    duration = of_video[world.log.video]
    log = replace(world.log, duration=duration, watch_time=world.log.watch_time * duration / 8)
    model = FRAME(log, world.clips, replace(SMALL, num_duration_buckets=3))
    with torch.no_grad():
        model.network.head.baseline += torch.tensor([[-2.0], [0.0], [2.0]])
    found = model.predict(*views).complete
    bucket = np.searchsorted(np.quantile(duration, [1 / 3, 2 / 3]), duration, side="right")
    for low, high in ((0, 1), (1, 2)):
        assert found[bucket == low].max() < found[bucket == high].min()
    given = model.predict(*views, durations=duration)
    assert np.array_equal(given.complete, found)
    new = ClipFeatures(["new"], world.clips.array[:1])
    low, high = model.predict([-1, -1], [0, 0], clips=new, durations=[1.0, 100.0]).complete
    assert low < high
    for durations, message in (
        (None, "durations must be finite and > 0 for views of videos that are not in the training log, got None for"),
        ([0.0], "durations must be finite and > 0 .*, got 0.0 for view 0"),
        ([np.nan], "durations must be finite and > 0 .*, got nan for view 0"),
        ([1.0, 2.0], r"durations must have shape \(1,\), got \(2,\)"),
    ):
        with pytest.raises(ValueError, match=message):
            model.predict([-1], [0], clips=new, durations=durations)


# Bad input


@pytest.mark.parametrize(
    ("users", "videos", "options", "error", "message"),
    [
        ([9], [0], {}, ValueError, r"users, but for -1, must be in \[0, 9\), got 9"),
        ([-2], [0], {}, ValueError, r"users, but for -1, must be in \[0, 9\), got -2"),
        ([0.5], [0], {}, TypeError, "users, but for -1, must hold integers"),
        ([0], [15], {}, ValueError, r"videos must be in \[0, 15\), got 15"),
        ([0], [-1], {}, ValueError, r"videos must be in \[0, 15\), got -1"),
        ([0, 1], [0], {}, ValueError, "users and videos must have equal lengths, got 2 and 1"),
        ([[0]], [0], {}, ValueError, r"must have shape \(num_views,\), got \(1, 1\)"),
        ([0], [0], {"chunk_size": 0}, ValueError, "chunk_size must be an integer >= 1, got 0"),
        (
            [0],
            [0],
            {"clips": ClipFeatures([0], np.ones((1, 4, 32)))},
            ValueError,
            "clips must have 8 clips of 32 columns, got 4 of 32",
        ),
    ],
)
def test_refused_views(model, users, videos, options, error, message):
    with pytest.raises(error, match=message):
        model.predict(users, videos, **options)


def test_refused_logs_and_features(world):
    log, clips = world.log, world.clips
    skips, complete = log.watch_time < 8, log.watch_time >= 8
    cases = [
        (
            log.select(complete),
            clips,
            {},
            f"must have both complete views and skips, got {complete.sum()} complete of ",
        ),
        (log.select(skips), clips, {}, f"must have both complete views and skips, got 0 complete of {skips.sum()}"),
        (log, ClipFeatures(range(14), clips.array[:14]), {}, "the clip features"),
        (log, clips, {"complete_ratio": 1.5}, "complete_ratio must be a number in (0, 1], got 1.5"),
        (log, clips, {"num_clips": 3}, "num_clips must divide the 8 of the clip features, got 3"),
        (replace(log, timestamp=None), clips, {"resolve": "last"}, "log must have timestamps with resolve='last'"),
        (replace(log, timestamp=None), clips, {"target_edges": "temporal"}, "must have timestamps"),
        (
            replace(log, watch_time=None),
            clips,
            {},
            "log must have watch times and durations, got a log without watch_t",
        ),
        (replace(log, duration=None), clips, {}, "log must have watch times and durations, got a log without duration"),
    ]
    for bad, features, options, message in cases:
        with pytest.raises(ValueError, match=re.escape(message)):
            FRAME(bad, features, replace(SMALL, **options))


def test_rows_without_meaning_are_dropped_and_counted(world):
    duration = world.log.duration.copy()
    duration[:2] = 0.0
    with pytest.warns(UserWarning, match="2 rows of the log have no duration"):
        model = FRAME(replace(world.log, duration=duration), world.clips, SMALL)
    assert model.labels.dropped == {"duration": 2, "watch_time": 0, "min_watch_time": 0}
    assert len(model.targets.user) == 88
