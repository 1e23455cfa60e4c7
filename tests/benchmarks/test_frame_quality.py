"""The tables of FRAME: what they compute beside the model, what it is given, and that a figure is that of its answer."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from benchmarks.quality import frame_segmm, frame_synthetic
from benchmarks.quality._frame import ScoredViews, difference, figures
from graphvid.data import SegmentLabels, WatchLog
from graphvid.models import FRAMEConfig

SMALL = FRAMEConfig(num_clips=2, dim=4, hidden=4, num_epochs=1)
WORLD = {"num_users": 30, "num_videos": 100, "impressions_per_user": 20}


def test_rows_have_names_of_their_own_and_settings_that_the_world_takes():
    names = [row.name for row in frame_synthetic.TABLE.rows]
    assert len(set(names)) == len(names)
    assert {name.split(":")[0] for name in names} == set(frame_synthetic.SETTINGS)
    for world in frame_synthetic.SETTINGS.values():
        frame_synthetic.make_world({**world, "num_users": 20, "num_videos": 200}, 0)
    rows = frame_segmm.TABLE.rows
    assert len({row.name for row in rows}) == len(rows)
    assert [row.name for row in rows if not row.seeded] == list(frame_segmm.PRIORS)


def test_segment_hazards_have_a_constant_rate_inside_a_clip():
    """A clip of 10 s that loses three quarters loses half in each of its segments of 5 s; the last segment is short."""
    drop_off = np.array([[1.0, 0.25, 0.25 * 0.81]])
    found = frame_segmm.segment_hazards(drop_off, np.array([20.0]), np.array([4]), 5.0)
    np.testing.assert_allclose(found, [0.5, 0.5, 0.1, 0.1])
    short = frame_segmm.segment_hazards(np.array([[1.0, 0.5]]), np.array([7.5]), np.array([2]), 5.0)
    np.testing.assert_allclose(short, [1 - 0.5 ** (2 / 3), 1 - 0.5 ** (1 / 3)])


def test_segment_hazards_of_several_rows_are_those_of_each():
    rng = np.random.default_rng(0)
    drop_off = np.sort(rng.random((6, 4)), axis=1)[:, ::-1].copy()
    drop_off[:, 0] = 1.0
    duration, count = rng.uniform(5, 60, 6), np.array([2, 1, 5, 3, 12, 4])
    whole = frame_segmm.segment_hazards(drop_off, duration, count, 5.0)
    parts = [
        frame_segmm.segment_hazards(drop_off[i : i + 1], duration[i : i + 1], count[i : i + 1], 5.0) for i in range(6)
    ]
    np.testing.assert_array_equal(whole, np.concatenate(parts))


def test_place_features_tell_places_and_durations_apart():
    ids = pd.RangeIndex(2)
    log = WatchLog(np.array([0, 0]), np.array([0, 1]), ids[:1], ids, np.ones(2), np.array([8.0, 80.0]))
    clips = frame_segmm.place_features(log, 3)
    assert (clips.num_videos, clips.num_clips, clips.dim) == (2, 3, 30)
    assert len(np.unique(clips.take([0, 1]).reshape(6, 30), axis=0)) == 6


def test_figures_and_their_differences():
    rng = np.random.default_rng(1)
    views = ScoredViews(np.repeat(np.arange(20), 10), np.tile(np.arange(10), 20), rng.integers(0, 2, 200))
    noise, good = rng.random(200), np.clip(views.complete * 0.5 + 0.5 * rng.random(200), 0, 1)
    first, second = figures(views, good), figures(views, noise)
    assert first["gauc"] > second["gauc"]
    weight = np.asarray(first["user_views"])
    assert first["gauc"] == pytest.approx(np.average(first["user_auc"], weights=weight), abs=1e-5)
    found = difference([first], [second])
    assert found.difference == pytest.approx(first["gauc"] - second["gauc"], abs=1e-5)
    assert found.lower > 0


def test_figures_of_segments_against_loops_over_the_rows_that_are_scored():
    views = frame_segmm.toy()
    test, indptr, labels = views.test, views.labels.indptr, views.labels.labels
    hazard = np.random.default_rng(2).uniform(0.05, 0.6, 4 * len(test))
    found = frame_segmm.judge(lambda data_dir: views, lambda views, seed: hazard, 0, None)
    of_segments, of_rows, of_ends, users = [], [], [], []
    for at, row in enumerate(test):
        gone, staying = 0.0, 1.0
        for chance, label in zip(hazard[4 * at : 4 * at + 4], labels[indptr[row] : indptr[row + 1]], strict=True):
            if label >= 0:
                of_segments.append(math.log(chance if label == 0 else 1 - chance))
                gone += of_segments[-1]
            staying *= 1 - chance
        of_rows.append(gone)
        of_ends.append((staying, not (labels[indptr[row] : indptr[row + 1]] == 0).any()))
        users.append(views.log.user[row])
    assert found["segment_log_loss"] == pytest.approx(-np.mean(of_segments))
    assert found["row_log_likelihood"] == pytest.approx(np.mean(of_rows))
    assert found["log_loss"] == pytest.approx(-np.mean([math.log(p if full else 1 - p) for p, full in of_ends]))
    assert found["gauc"] == pytest.approx(_gauc(np.array(users), *map(np.array, zip(*of_ends, strict=True))))


def test_the_prior_of_a_place_is_the_share_of_leavers_there_among_the_training_rows():
    views = frame_segmm.toy()
    of_place = views.labels.labels.reshape(-1, 4)[views.training]
    everywhere = (of_place == 0).sum() / (of_place >= 0).sum()
    wanted = ((of_place == 0).sum(0) + 20 * everywhere) / ((of_place >= 0).sum(0) + 20)
    found = frame_segmm.prior(1, views, 0).reshape(-1, 4)
    np.testing.assert_allclose(found, np.broadcast_to(wanted, (len(views.test), 4)))
    np.testing.assert_allclose(frame_segmm.prior(0, views, 0), everywhere)


@pytest.mark.parametrize("hazards", [frame_segmm.learnt, *range(len(frame_segmm.PRIORS))])
def test_what_viewers_did_in_the_scored_rows_is_not_seen(hazards):
    views = frame_segmm.toy()
    watched, labels = views.log.watch_time.copy(), views.labels.labels.reshape(-1, 4).copy()
    watched[views.test], labels[views.test] = 0.5, (0, -1, -1, -1)
    other = views._replace(
        log=replace(views.log, watch_time=watched), labels=SegmentLabels(views.labels.indptr, labels.ravel())
    )
    first, second = (
        frame_segmm.learnt(SMALL, world, 3) if callable(hazards) else frame_segmm.prior(hazards, world, 3)
        for world in (views, other)
    )
    np.testing.assert_array_equal(first, second)


def test_figures_of_a_world_are_those_of_its_test_views():
    found = frame_synthetic.judge(WORLD, frame_synthetic.oracle, 4, None)
    world, clips = frame_synthetic.make_world(WORLD, 4)
    assert clips is world.clips
    test = world.windows.test
    complete = world.log.watch_time[test] >= world.log.duration[test]
    assert found["gauc"] == pytest.approx(_gauc(world.log.user[test], world.oracle[test], complete))
    chance = np.where(complete, world.oracle[test], 1 - world.oracle[test])
    assert found["log_loss"] == pytest.approx(-np.log(chance).mean())


def test_a_model_does_not_see_the_test_views_of_a_world():
    world, clips = frame_synthetic.make_world(WORLD, 0)
    first = frame_synthetic.learnt(SMALL, world, clips, 0)
    watched = world.log.watch_time.copy()
    watched[world.windows.test] = 0.5
    world.log = replace(world.log, watch_time=watched)
    np.testing.assert_array_equal(first, frame_synthetic.learnt(SMALL, world, clips, 0))


def test_features_of_noise_say_nothing_of_the_clips_and_change_no_view():
    plain, _ = frame_synthetic.make_world(WORLD, 0)
    world, noise = frame_synthetic.make_world({**WORLD, "noise_features": True}, 0)
    np.testing.assert_array_equal(plain.log.watch_time, world.log.watch_time)
    assert noise.array.shape == world.clips.array.shape
    assert abs(np.corrcoef(noise.array.ravel(), world.clips.array.ravel())[0, 1]) < 0.02


def test_statements_are_of_rows_of_this_command_and_stay_while_the_figures_do():
    names = ("main: survival, 8 clips", "main: survival, 1 clip")
    lists = {"user_auc": [0.5, 0.7, 0.9], "user_views": [4, 4, 4]}
    made = {
        names[0]: [{"values": {"gauc": 0.7}, **lists}],
        names[1]: [{"values": {"gauc": 0.6}, **lists, "user_auc": [0.4, 0.6, 0.8]}],
    }
    text = frame_synthetic.statements(made, "")
    assert text == (
        f"- {names[0]} − {names[1]}: +0.1000, interval +0.1000 to +0.1000, seeds +0.1000 to +0.1000, mean +0.1000"
    )
    kept = {name: [{"values": entry["values"]} for entry in entries] for name, entries in made.items()}
    assert frame_synthetic.statements(kept, f"- another line\n{text}") == text
    kept[names[1]] = [{"values": {"gauc": 0.5}}]
    assert frame_synthetic.statements(kept, text) == ""
    assert frame_synthetic.statements({names[0]: made[names[0]]}, text) == ""


def _gauc(user, score, complete) -> float:
    """Share of pairs of a complete and another view of a user in the right order, by the user's views."""
    shares, weights = [], []
    for one in np.unique(user):
        good, bad = score[(user == one) & complete], score[(user == one) & ~complete]
        if len(good) and len(bad):
            right = [(a > b) + 0.5 * (a == b) for a in good for b in bad]
            shares.append(np.mean(right))
            weights.append(len(good) + len(bad))
    return float(np.average(shares, weights=weights))
