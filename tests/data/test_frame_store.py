"""Frames of videos: the 32-frame rule, ragged storage, and what is refused."""

from __future__ import annotations

import numpy as np
import pytest

from graphvid.data import FrameStore, FrameWriter, pick_frames


@pytest.mark.parametrize("count", [0, 1, 31, 32, 33, 63, 64, 65, 100, 1000])
def test_rule_of_32_frames(count):
    picked = pick_frames(count)
    if count < 32:
        assert picked.tolist() == list(range(count))
    else:
        step = count // 32
        assert picked.tolist() == [step * i + step // 2 for i in range(32)]
        assert picked[-1] < count


@pytest.fixture
def videos():
    rng = np.random.default_rng(0)
    return [rng.normal(size=(count, 3)).astype(np.float16) for count in (5, 0, 70, 1)]


def test_saved_and_mapped(videos, tmp_path):
    FrameStore.from_videos(videos).save(tmp_path / "store")
    store = FrameStore.open(tmp_path / "store")
    assert isinstance(store.values.base, np.memmap)
    assert (store.num_videos, store.dim, store.counts.tolist()) == (4, 3, [5, 0, 70, 1])
    batch = store.take([2, 1, 0])
    assert batch.frames.shape == (3, 32, 3)
    np.testing.assert_array_equal(batch.frames[0], videos[2][pick_frames(70)])
    np.testing.assert_array_equal(batch.frames[2, :5], videos[0])
    assert not batch.frames[2, 5:].any()
    assert batch.mask.sum(1).tolist() == [32, 0, 5]
    np.testing.assert_array_equal(store.select([3, 2]).values, np.concatenate([videos[3], videos[2]]))


def test_a_failed_writer_leaves_nothing(tmp_path):
    def write(writer):
        with writer:
            writer.add(np.ones((3, 2)))
            writer.add(np.ones((3, 3)))

    with pytest.raises(ValueError, match=r"frames must have shape \(num_frames, 2\)"):
        write(FrameWriter(tmp_path / "store", 2))
    assert list(tmp_path.iterdir()) == []


def test_refusals(videos, tmp_path):
    videos[2][7, 1] = np.nan
    with pytest.raises(ValueError, match=r"finite in float16, got nan in frame 7, column 1 of the video in row 2"):
        FrameStore.from_videos(videos)
    with pytest.raises(ValueError, match="finite in float16, got 70000"):
        FrameStore.from_videos([[[70000.0]]])
    with pytest.raises(ValueError, match="indptr must rise from 0 to the 2 frames, got 0 to 3"):
        FrameStore(np.ones((2, 1)), [0, 3])
    with pytest.raises(ValueError, match="with a fall"):
        FrameStore(np.ones((2, 1)), [0, 2, 1, 2])
    with pytest.raises(FileNotFoundError, match="expected a folder written by"):
        FrameStore.open(tmp_path / "absent")
