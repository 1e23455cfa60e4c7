"""Videos decoded from files that are made here: exact seeking, and each kind of broken file."""

from __future__ import annotations

import builtins
import os
from pathlib import Path

import numpy as np
import pytest

from graphvid.data import PixelStore, UCF101Clips, VideoFolder

av = pytest.importorskip("av")
UCF101 = Path(os.environ.get("GRAPHVID_DATA", "")) / "ucf101_clips"


def write(path, frames, codec, pixel_format, gap=None, form=None):
    with av.open(str(path), "w", format=form) as container:
        stream = container.add_stream(codec, rate=25)
        stream.height, stream.width, stream.pix_fmt = frames.shape[1], frames.shape[2], pixel_format
        if gap is not None:
            stream.codec_context.gop_size = gap
        for frame in frames:
            for packet in stream.encode(av.VideoFrame.from_ndarray(frame, format="rgb24")):
                container.mux(packet)
        for packet in stream.encode():
            container.mux(packet)


def movie(count=40, height=16, width=32):
    """Frames that differ from each other by more than a codec loses."""
    rows = np.arange(count)[:, None, None, None] * 6 + np.arange(height)[:, None, None] // 4
    return np.broadcast_to(rows, (count, height, width, 3)).astype(np.uint8)


@pytest.fixture
def lossless(tmp_path):
    write(tmp_path / "v1.mov", movie(), "qtrle", "rgb24")
    return tmp_path


@pytest.mark.parametrize(
    ("name", "codec", "pixel_format"),
    [
        ("a.mp4", "libx264", "yuv420p"),
        ("a.avi", "mpeg4", "yuv420p"),
        ("a.MKV", "mpeg4", "yuv420p"),
        ("a.webm", "libvpx-vp9", "yuva420p"),
        ("a.mpg", "mpeg2video", "yuv420p"),
        ("a.wmv", "wmv2", "yuv420p"),
        ("a.flv", "flv1", "yuv420p"),
    ],
)
def test_seeking_is_exact(tmp_path, name, codec, pixel_format):
    write(tmp_path / name, movie(), codec, pixel_format, gap=6)
    videos = VideoFolder(tmp_path, (16, 32), channels=1)
    whole = videos.clip(0, 0, 40)
    assert len({frame.tobytes() for frame in whole}) == 40
    assert (np.diff(whole.mean((1, 2, 3))) > 0).all()
    for start in range(0, 36, 5):
        np.testing.assert_array_equal(videos.clip(0, start, 3, 2), whole[start : start + 5 : 2])


def test_lossless_frames_come_back(lossless):
    videos = VideoFolder(lossless, (16, 32))
    assert videos.ids.tolist() == ["v1"]
    assert videos.num_frames.tolist() == [40]
    np.testing.assert_array_equal(videos.clip(0, 3, 9, 4), movie()[3:36:4])
    store = PixelStore.write(lossless / "store", videos)
    np.testing.assert_array_equal(store.pixels, movie())


def test_grey_and_alpha(tmp_path):
    frames = movie(5)
    write(tmp_path / "grey.mkv", frames, "ffv1", "gray")
    with av.open(str(tmp_path / "seen.mov"), "w") as container:
        stream = container.add_stream("qtrle", rate=25)
        stream.height, stream.width, stream.pix_fmt = 16, 32, "argb"
        for frame in frames:
            half = np.concatenate([np.full((16, 32, 1), 7, np.uint8), frame], axis=2)
            for packet in stream.encode(av.VideoFrame.from_ndarray(half, format="argb")):
                container.mux(packet)
        for packet in stream.encode():
            container.mux(packet)
    videos = VideoFolder(tmp_path, (16, 32))
    assert videos.ids.tolist() == ["grey", "seen"]
    grey, seen = videos.clip(0, 0, 5).astype(int), videos.clip(1, 0, 5)
    assert (grey == grey[..., :1]).all()
    assert np.abs(grey - frames).max() <= 2  # through the luma
    np.testing.assert_array_equal(seen, frames)  # alpha 7 of 255 changes nothing
    assert VideoFolder(tmp_path, (8, 8), channels=1).clip(0, 0, 1).shape == (1, 8, 8, 1)


def test_other_shapes_are_cut_or_stretched(tmp_path):
    frames = np.zeros((3, 16, 48, 3), np.uint8)
    frames[:, :, 16:32] = 200  # the middle third
    write(tmp_path / "wide.mov", frames, "qtrle", "rgb24")
    assert (VideoFolder(tmp_path, (16, 16)).clip(0, 0, 3) == 200).all()
    stretched = VideoFolder(tmp_path, (16, 12), fit="stretch").clip(0, 0, 1)[0, 0, :, 0]
    assert stretched.tolist() == [0] * 4 + [200] * 4 + [0] * 4


def test_broken_files_are_named_and_counted(lossless):
    whole = (lossless / "v1.mov").read_bytes()
    (lossless / "cut.mov").write_bytes(whole[: len(whole) // 2])
    (lossless / "empty.mp4").touch()
    (lossless / "text.avi").write_text("no video")
    (lossless / "notes.txt").write_text("not looked at")
    (lossless / ".hidden.mp4").write_text("not looked at")
    write(lossless / "short.mov", movie(4), "qtrle", "rgb24")
    with av.open(str(lossless / "sound.mkv"), "w") as container:
        stream = container.add_stream("pcm_s16le", rate=8000)
        sound = av.AudioFrame.from_ndarray(np.zeros((1, 800), np.int16), format="s16", layout="mono")
        sound.sample_rate = 8000
        for packet in [*stream.encode(sound), *stream.encode()]:
            container.mux(packet)
    with pytest.raises(ValueError, match=r"5 of 6 videos in .* cannot be used \(cut\.mov: the decoder says"):
        VideoFolder(lossless, (16, 32), min_frames=5)
    with pytest.warns(UserWarning, match="5 of 6 videos"):
        videos = VideoFolder(lossless, (16, 32), min_frames=5, on_error="skip")
    assert videos.ids.tolist() == ["v1"]
    assert set(videos.skipped) == {"cut.mov", "empty.mp4", "short.mov", "sound.mkv", "text.avi"}
    assert videos.skipped["short.mov"] == "it has 4 frames, and 5 are needed"
    assert videos.skipped["sound.mkv"] == "it has no video stream"


def test_fewer_frames_than_promised(tmp_path):
    write(
        tmp_path / "v.avi",
        np.random.default_rng(0).integers(0, 256, (20, 16, 32, 3), dtype=np.uint8),
        "rawvideo",
        "bgr24",
    )
    whole = (tmp_path / "v.avi").read_bytes()
    (tmp_path / "v.avi").write_bytes(whole[: len(whole) * 2 // 3])
    with pytest.raises(ValueError, match=r"v\.avi: (it is cut or damaged: 1[0-9] of the 20 frames|the decoder says)"):
        VideoFolder(tmp_path, (16, 32))


def raw_stream(path, *movies):
    """Write MPEG-2 without a container, one movie after the other: no times, nothing to seek by."""
    parts = []
    for frames in movies:
        write(path, frames, "mpeg2video", "yuv420p", form="mpeg2video")
        parts.append(path.read_bytes())
    path.write_bytes(b"".join(parts))


def test_frames_of_several_sizes(tmp_path):
    raw_stream(tmp_path / "v.mpg", movie(3), movie(3, 48, 32))
    with pytest.raises(ValueError, match="its frames have several sizes: 16 x 32 and 48 x 32"):
        VideoFolder(tmp_path, (16, 16))


def test_a_stream_without_times_is_decoded_from_its_start(tmp_path):
    raw_stream(tmp_path / "v.mpg", movie())
    videos = VideoFolder(tmp_path, (16, 32), channels=1)
    whole = videos.clip(0, 0, 40)
    assert (np.diff(whole.mean((1, 2, 3))) > 0).all()
    np.testing.assert_array_equal(videos.clip(0, 30, 4, 3), whole[30:40:3])


def test_a_file_that_changes_is_noticed(lossless):
    videos = VideoFolder(lossless, (16, 32))
    write(lossless / "v1.mov", movie(10), "qtrle", "rgb24")
    with pytest.raises(ValueError, match=r"v1\.mov"):
        videos.clip(0, 30, 4)
    (lossless / "v1.mov").unlink()
    with pytest.raises(ValueError, match=r"v1\.mov cannot be decoded"):
        videos.clip(0, 0, 4)


def test_noise_in_a_file_is_an_error_of_ours_or_nothing(tmp_path):
    """Whatever bytes are changed: a video of 40 frames that can be read, or a reason."""
    write(tmp_path / "v.mp4", movie(), "mpeg4", "yuv420p", gap=6)
    whole, rng = (tmp_path / "v.mp4").read_bytes(), np.random.default_rng(0)
    broken = 0
    for _ in range(40):
        data = bytearray(whole)
        for at in rng.integers(0, len(data), 8):
            data[at] = rng.integers(256)
        (tmp_path / "v.mp4").write_bytes(data)
        try:
            videos = VideoFolder(tmp_path, (8, 8))
        except ValueError as error:
            assert "1 of 1 videos" in str(error)  # noqa: PT017
            broken += 1
        else:
            assert videos.clip(0, int(videos.num_frames[0]) - 3, 3).shape == (3, 8, 8, 3)
    assert 0 < broken < 40


def test_refusals(lossless, tmp_path, monkeypatch):
    with pytest.raises(FileNotFoundError, match="expected a folder of videos"):
        VideoFolder(tmp_path / "absent", (8, 8))
    (tmp_path / "none").mkdir()
    with pytest.raises(ValueError, match="must hold a video"):
        VideoFolder(tmp_path / "none", (8, 8))
    for wrong, match in [
        ({"size": 8}, "size must be"),
        ({"size": (0, 8)}, r"size\[0\]"),
        ({"channels": 4}, "channels must be"),
        ({"fit": "pad"}, "fit must be"),
        ({"on_error": "ignore"}, "on_error"),
        ({"min_frames": 0}, "min_frames"),
    ]:
        with pytest.raises(ValueError, match=match):
            VideoFolder(lossless, **{"size": (8, 8), **wrong})
    with pytest.raises(ValueError, match="of 'v1', which has 40"):
        VideoFolder(lossless, (8, 8)).clip(0, 30, 16)
    (lossless / "sub").mkdir()
    write(lossless / "sub" / "v1.mp4", movie(3), "libx264", "yuv420p")
    with pytest.raises(ValueError, match="distinct names without ending"):
        VideoFolder(lossless, (8, 8))

    load = builtins.__import__

    def without_av(name, *rest):
        if name == "av":
            raise ImportError(name)
        return load(name, *rest)

    monkeypatch.setattr(builtins, "__import__", without_av)
    with pytest.raises(ImportError, match=r"graphvid\[video\]"):
        VideoFolder(lossless, (8, 8))


@pytest.mark.slow
@pytest.mark.skipif(not UCF101.is_dir(), reason="GRAPHVID_DATA has no ucf101_clips")
def test_real_clips():
    data = UCF101Clips(UCF101.parent)
    videos = data.videos((24, 32))
    order = data.ids.get_indexer(videos.ids)
    np.testing.assert_array_equal(videos.num_frames, data.num_frames[order])  # as the table of the data set says
    rng = np.random.default_rng(0)
    for video in range(0, 100, 10):
        whole = videos.clip(video, 0, int(videos.num_frames[video]))
        for start in rng.integers(0, len(whole) - 22, 3):
            np.testing.assert_array_equal(videos.clip(video, int(start), 8, 3), whole[start : start + 22 : 3])
