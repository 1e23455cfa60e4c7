"""The moving digits: splits, labels, motion against a slow drawing, the cache; and the two data sets of clips."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from graphvid.data import JHMDBPose, SyntheticMotion, UCF101Clips, draw_poses, synthetic_motion

pytest.importorskip("sklearn")
SMALL = {"num_train": 60, "num_matched": 40, "num_shifted": 40, "num_decorrelated": 40}


@pytest.fixture(scope="module")
def world():
    return SyntheticMotion(**SMALL)


def test_splits(world):
    for split, count in ((world.train, 60), (world.matched, 40), (world.shifted, 40), (world.decorrelated, 40)):
        assert split.source.num_frames.tolist() == [16] * count
        assert split.source.frame_shape == (24, 24, 1)
        assert np.bincount(split.motion).tolist() == [count // 4] * 4
        assert ((split.sign == 0) == (split.motion == 3)).all()
    assert (world.matched.motion == world.matched.background).all()
    assert not (world.shifted.motion == world.shifted.background).any()
    assert (world.train.motion == world.train.background).mean() > 0.85
    assert len(np.unique(world.decorrelated.background)) == 4


def test_rho_is_the_chance_of_the_classes_own_texture():
    split = SyntheticMotion(**{**SMALL, "num_train": 400}, rho=0.2).train
    assert abs((split.motion == split.background).mean() - (0.2 + 0.8 / 4)) < 0.1


def test_everything_follows_from_the_seed(world):
    again, other = SyntheticMotion(**SMALL), SyntheticMotion(**SMALL, seed=1)
    np.testing.assert_array_equal(again.train.source.pixels, world.train.source.pixels)
    assert (other.train.source.pixels != world.train.source.pixels).mean() > 0.5
    more = SyntheticMotion(**{**SMALL, "num_matched": 4})
    np.testing.assert_array_equal(more.train.source.pixels, world.train.source.pixels)


def test_a_still_camera_leaves_the_scenery_still():
    still, moving = (
        SyntheticMotion(**SMALL, drift=drift).train.source.pixels.reshape(60, 16, 24, 24) for drift in (0.0, 0.4)
    )
    change = [np.abs(np.diff(x.astype(float), axis=1)).mean((1, 2, 3)) for x in (still, moving)]
    assert change[0].mean() < change[1].mean()
    corner = np.median(np.abs(np.diff(still.astype(float), axis=1)), axis=1)  # most pixels see no digit at most times
    assert np.median(corner) < 10  # of noise alone: two standard deviations of .02 * sqrt(2)


def test_fixed_backgrounds_look_alike():
    split = SyntheticMotion(**SMALL, bg_instance="fixed").train
    means = split.source.pixels.reshape(60, -1).mean(1)
    random = SyntheticMotion(**SMALL).train.source.pixels.reshape(60, -1).mean(1)
    for kind in range(4):
        assert means[split.background == kind].std() < random[split.background == kind].std()


def test_digits_against_a_slow_drawing():
    """One pixel after the other, from the description."""
    rng = np.random.default_rng(3)
    images = rng.random((4, 8, 8)).astype(np.float32)
    path, _ = synthetic_motion._draw_path(np.arange(4), rng)
    got = synthetic_motion._digit_frames(images, path)

    def ink(image, row, column):
        total = 0.0
        for i in range(8):
            for j in range(8):
                total += image[i, j] * max(0, 1 - abs(row - i)) * max(0, 1 - abs(column - j))
        return total

    for video in range(4):
        for t in (0, 9, 15):
            angle, half = float(path.angle[video, t]), 5.5 * float(path.scale[video, t])
            for y in range(0, 24, 5):
                for x in range(0, 24, 5):
                    down = (y - float(path.row[video, t]) + 12) % 24 - 12
                    right = (x - float(path.column[video, t]) + 12) % 24 - 12
                    row = (np.cos(angle) * down - np.sin(angle) * right) / half * 4 + 3.5
                    column = (np.sin(angle) * down + np.cos(angle) * right) / half * 4 + 3.5
                    assert got[video, t, y, x] == pytest.approx(ink(images[video], row, column), abs=1e-4)


def test_motions_are_as_described():
    motion = np.arange(400) % 4
    path, sign = synthetic_motion._draw_path(motion, np.random.default_rng(0))
    step = np.hypot(np.diff(path.row), np.diff(path.column))
    turn, growth = np.diff(path.angle), np.diff(np.log(path.scale))
    move, rotate, zoom, oscillate = (motion == kind for kind in range(4))
    assert 0.79 < step[move].min() < step[move].max() < 1.41
    assert np.ptp(step[move], axis=1).max() < 1e-4  # straight on, at one speed
    assert (np.sign(np.diff(path.column)[move]).mean(1).round() == sign[move]).all()
    assert (np.abs(turn[rotate]) > 0.219).all()
    assert (np.abs(turn[rotate]) < 0.351).all()
    assert (np.sign(turn[rotate]) == sign[rotate, None]).all()
    assert (np.abs(growth[zoom]) > 0.059).all()
    assert (np.sign(growth[zoom]) == sign[zoom, None]).all()
    np.testing.assert_allclose(np.abs(turn[~rotate]), 0, atol=1e-6)
    np.testing.assert_allclose(np.abs(growth[~zoom]), 0, atol=1e-6)
    reach = np.hypot(np.ptp(path.row[oscillate], axis=1), np.ptp(path.column[oscillate], axis=1))
    assert 3 < reach.min() < reach.max() < 6.01
    np.testing.assert_allclose(step[rotate | zoom], 0, atol=1e-6)


def test_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("GRAPHVID_CACHE", str(tmp_path / "cache"))
    first = SyntheticMotion(**SMALL)
    files = sorted((tmp_path / "cache").iterdir())
    assert [file.name.split("-")[2] for file in files] == ["decorrelated", "matched", "shifted", "train"]
    monkeypatch.setattr(synthetic_motion, "_draw_split", None)  # from now on nothing can be drawn
    second = SyntheticMotion(**SMALL)
    np.testing.assert_array_equal(first.shifted.source.pixels, second.shifted.source.pixels)
    np.testing.assert_array_equal(first.train.sign, second.train.sign)
    with pytest.raises(TypeError):
        SyntheticMotion(**SMALL, seed=1)
    files[0].write_bytes(b"x")
    with pytest.raises(ValueError, match=r"synthetic-motion-decorrelated-.* is not an \.npz archive"):
        SyntheticMotion(**SMALL)


@pytest.mark.parametrize(
    ("wrong", "match"),
    [
        ({"rho": 1.5}, "rho must be"),
        ({"drift": -1}, "drift must be"),
        ({"num_train": 0}, "num_train must be"),
        ({"bg_instance": "none"}, "bg_instance must be"),
        ({"seed": -1}, "seed must be"),
        ({"cache_dir": 5}, "cache_dir must be"),
    ],
)
def test_refusals(wrong, match):
    with pytest.raises((ValueError, TypeError), match=match):
        SyntheticMotion(**{**SMALL, **wrong})


def test_poses_against_a_slow_drawing():
    rng = np.random.default_rng(0)
    pose = rng.normal(0, 0.3, (2, 3, 2))
    store = draw_poses([pose, pose[:1]], size=8, sigma=0.8)
    assert store.frame_shape == (8, 8, 3)
    assert store.num_frames.tolist() == [2, 1]
    middle = pose.mean((0, 1))
    for t in range(2):
        for joint in range(3):
            x, y = (pose[t, joint] - middle + 1) / 2 * 8 - 0.5
            for row in range(8):
                for column in range(8):
                    value = 255 * np.exp(-((row - y) ** 2 + (column - x) ** 2) / (2 * 0.8**2))
                    assert abs(float(store.pixels[t, row, column, joint]) - value) <= 0.51
    moved = draw_poses([pose + 0.7], size=8, sigma=0.8)
    assert np.abs(moved.pixels.astype(int) - store.pixels[:2]).max() <= 1
    assert not draw_poses([np.full((1, 1, 2), 1.1)], centered=False).pixels.any()
    for bad in ([], [pose[0]], [pose, pose[:, :2]], [pose * np.nan]):
        with pytest.raises(ValueError, match=r"at least one id|poses must be finite"):
            draw_poses(bad)
    with pytest.raises(ValueError, match="sigma must be"):
        draw_poses([pose], sigma=0.0)


def _data(folder: str) -> Path:
    root = Path(os.environ.get("GRAPHVID_DATA", ""))
    if not (root / folder).is_dir() or root == Path():
        pytest.skip(f"GRAPHVID_DATA has no {folder}")
    return root


def test_jhmdb():
    data = JHMDBPose(_data("jhmdb_pose"))
    assert [(len(s.train.poses), len(s.test.poses)) for s in data.splits] == [(433, 176), (433, 176), (434, 175)]
    assert len(data.label_names) == 14
    lengths = [len(pose) for split in data.splits for part in (split.train, split.test) for pose in part.poses]
    assert (min(lengths), max(lengths)) == (15, 40)
    with np.load(_data("jhmdb_pose") / "jhmdb_pose" / "split1.npz") as arrays:
        np.testing.assert_array_equal(np.concatenate(data.splits[0].test.poses), arrays["test_pose"])
    assert draw_poses(data.splits[0].test.poses[:2]).frame_shape == (24, 24, 15)


def test_ucf101():
    data = UCF101Clips(_data("ucf101_clips"))
    assert (len(data.ids), len(data.label_names), data.num_frames.sum()) == (100, 62, 18508)
    assert data.frames16.frame_shape == (60, 80, 3)
    for name, label, group in zip(data.ids, data.label, data.group):
        _, action, source, _ = name.split("_")
        assert (data.label_names[label], int(source[1:])) == (action, group)


def test_absent_data(tmp_path):
    for reader, file in ((UCF101Clips, "clips.csv"), (JHMDBPose, "split1.npz")):
        with pytest.raises(FileNotFoundError, match=file):
            reader(tmp_path)
