"""The tables of FRAME: what they compute beside the model."""

import numpy as np
import pandas as pd
import pytest

from benchmarks.quality import frame_segmm, frame_synthetic
from benchmarks.quality._frame import ScoredViews, difference, figures
from graphvid.data import WatchLog


def test_rows_have_names_of_their_own_and_settings_that_the_world_takes():
    names = [row.name for row in frame_synthetic.rows()]
    assert len(set(names)) == len(names)
    assert {name.split(":")[0] for name in names} == set(frame_synthetic.SETTINGS)
    assert len({row.name for row in frame_segmm.rows()}) == len(frame_segmm.rows())


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
