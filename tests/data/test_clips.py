"""Segments, the store of pixels and what is refused."""

from __future__ import annotations

import numpy as np
import pytest

from graphvid.data import ClipRef, PixelStore, check_clip, read_clips


@pytest.fixture
def videos():
    rng = np.random.default_rng(0)
    return {
        name: rng.integers(0, 256, (count, 3, 5, 2), dtype=np.uint8) for name, count in (("a", 7), ("b", 1), ("c", 600))
    }


def test_clips_are_slices(videos):
    store = PixelStore.from_videos(videos)
    assert store.ids.tolist() == ["a", "b", "c"]
    assert store.num_frames.tolist() == [7, 1, 600]
    assert store.frame_shape == (3, 5, 2)
    for video, start, length, stride in [(0, 0, 7, 1), (0, 2, 3, 2), (0, 6, 1, 9), (1, 0, 1, 1), (2, 10, 16, 4)]:
        expected = [videos["abc"[video]][start + i * stride] for i in range(length)]
        np.testing.assert_array_equal(store.clip(video, start, length, stride), expected)


def test_a_clip_is_the_callers_own(videos):
    store = PixelStore.from_videos(videos)
    store.clip(0, 0, 2)[:] = 0
    np.testing.assert_array_equal(store.clip(0, 0, 2), videos["a"][:2])


def test_written_and_mapped(videos, tmp_path):
    source = PixelStore.from_videos(videos)
    store = PixelStore.write(tmp_path / "store", source)
    assert isinstance(store.pixels, np.memmap)
    assert store.ids.tolist() == ["a", "b", "c"]
    np.testing.assert_array_equal(store.pixels, source.pixels)
    np.testing.assert_array_equal(PixelStore.open(tmp_path / "store").clip(2, 300, 5, 60), videos["c"][300:541:60])
    np.testing.assert_array_equal(store.select([2, 0]).pixels, np.concatenate([videos["c"], videos["a"]]))
    with pytest.raises(FileExistsError):
        PixelStore.write(tmp_path / "store", source)


def test_a_store_is_written_whole_or_not_at_all(videos, tmp_path):
    class Broken(PixelStore):
        def clip(self, video, *segment):
            if video == 2:
                raise ValueError("a broken stream")
            return super().clip(video, *segment)

    source = Broken.from_videos(videos)
    with pytest.raises(ValueError, match="a broken stream"):
        PixelStore.write(tmp_path / "store", source)
    assert list(tmp_path.iterdir()) == []


def test_a_damaged_store_is_named(videos, tmp_path):
    PixelStore.write(tmp_path / "store", PixelStore.from_videos(videos))
    np.save(tmp_path / "store" / "indptr.npy", [0, 7, 8, 609])
    with pytest.raises(ValueError, match=r"store: indptr must run from 0 to 608"):
        PixelStore.open(tmp_path / "store")
    (tmp_path / "store" / "pixels.npy").write_bytes(b"x" * 100)
    with pytest.raises(ValueError, match=r"pixels\.npy is not an \.npy array"):
        PixelStore.open(tmp_path / "store")
    with pytest.raises(FileNotFoundError, match=r"ids\.npy not found"):
        PixelStore.open(tmp_path / "absent")


def test_grey_frames_have_one_channel():
    assert PixelStore.from_videos({"grey": np.zeros((2, 4, 6), np.uint8)}).frame_shape == (4, 6, 1)


def test_clips_outside_their_video(videos):
    store = PixelStore.from_videos(videos)
    store.clip(0, 3, 2, 3)
    with pytest.raises(ValueError, match=r"got frames 4 to 7 \(length 2, stride 3\) of 'a', which has 7"):
        store.clip(0, 4, 2, 3)
    for bad, name in [((3, 0, 1), "video"), ((0, -1, 1), "start"), ((0, 0, 0), "length"), ((0, 0, 1, 0), "stride")]:
        with pytest.raises(ValueError, match=f"{name} must be an integer"):
            check_clip(store, *bad)


def test_refusals(videos):
    with pytest.raises(ValueError, match="at least one id"):
        PixelStore.from_videos({})
    with pytest.raises(ValueError, match="must have a frame, got none for 'empty'"):
        PixelStore.from_videos({"a": videos["a"], "empty": videos["a"][:0]})
    with pytest.raises(ValueError, match=r"all of size \(3, 5, 2\), got \(7, 3, 4, 2\) for 'cut'"):
        PixelStore.from_videos({"a": videos["a"], "cut": videos["a"][:, :, :4]})
    with pytest.raises(TypeError, match="must be uint8, got float64 for 'a'"):
        PixelStore.from_videos({"a": videos["a"] / 255})
    with pytest.raises(TypeError, match="pixels must be uint8, got float64"):
        PixelStore(["a"], videos["a"] / 255, [0, 7])
    with pytest.raises(ValueError, match="one start more than the 2 ids, got 2"):
        PixelStore(["a", "b"], videos["a"], [0, 7])
    with pytest.raises(ValueError, match="must have a frame, got none for 'b'"):
        PixelStore(["a", "b"], videos["a"], [0, 7, 7])


def test_read_clips(videos):
    store = PixelStore.from_videos(videos)
    refs = [ClipRef(0, 1, 2, 3), ClipRef(2, 90, 1, 3)]
    clips = read_clips(store, refs)
    np.testing.assert_array_equal(clips, [videos["a"][1:6:2], videos["c"][90:93]])
    with pytest.raises(ValueError, match=r"clips of one length, got the lengths \[3, 4\]"):
        read_clips(store, [refs[0], ClipRef(2, 0, 1, 4)])
    with pytest.raises(ValueError, match=r"got the lengths \[\]"):
        read_clips(store, [])


def test_segments_know_their_ends():
    ref = ClipRef(0, 5, stride=4, length=16)
    assert (ref.end, ref.footprint) == (5 + 15 * 4 + 1, 64)
