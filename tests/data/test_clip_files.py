from __future__ import annotations

import numpy as np
import pytest

from graphvid.data import read_clip_files


@pytest.fixture
def folder(tmp_path):
    rng = np.random.default_rng(0)
    arrays = {name: rng.normal(size=(4, 128)).astype(np.float32) for name in ("10", "9", "-2")}
    for name, array in arrays.items():
        np.save(tmp_path / f"{name}.npy", array)
    (tmp_path / "readme.txt").write_text("not a video")
    return tmp_path, arrays


def test_clip_files_of_all_or_some_videos(folder):
    path, arrays = folder
    clips = read_clip_files(path)
    assert list(clips.ids) == [-2, 9, 10]
    np.testing.assert_array_equal(clips.array, np.stack([arrays["-2"], arrays["9"], arrays["10"]]))
    clips = read_clip_files(str(path), ids=[10, 9])
    assert list(clips.ids) == [10, 9]
    np.testing.assert_array_equal(clips.array, np.stack([arrays["10"], arrays["9"]]))
    np.save(path / "007.npy", np.zeros((4, 128)))
    assert list(read_clip_files(path).ids) == ["-2", "007", "10", "9"]


def test_clip_files_that_are_absent_or_differ_are_named(folder, tmp_path):
    path, _ = folder
    with pytest.raises(ValueError, match=r"must hold a file <id>.npy for every video, got none for 3, 4$"):
        read_clip_files(path, ids=[9, 3, 4])
    with pytest.raises(FileNotFoundError, match=r"none not found: expected a folder with one .npy file a video"):
        read_clip_files(path / "none")
    (path / "empty").mkdir()
    with pytest.raises(ValueError, match=r"empty must hold a file <id>.npy for every video, got none for any"):
        read_clip_files(path / "empty")
    np.save(path / "11.npy", np.zeros((8, 128)))
    with pytest.raises(
        ValueError, match=r"11.npy must have shape \(4, 128\) like -2.npy and a real dtype, got shape \(8, 1"
    ):
        read_clip_files(path)
    np.save(path / "11.npy", np.full((4, 128), "a"))
    with pytest.raises(
        ValueError, match=r"11.npy must have shape .* and a real dtype, got shape \(4, 128\) and dtype <U1"
    ):
        read_clip_files(path)
    np.save(path / "11.npy", np.full((4, 128), np.nan))
    with pytest.raises(ValueError, match=r": array must be finite in float32, got nan for id 11 in clip 0, column 0"):
        read_clip_files(path)
    np.save(path / "11.npy", np.full((4, 128), None), allow_pickle=True)
    with pytest.raises(TypeError, match=r"11.npy holds Python objects, which are never unpickled"):
        read_clip_files(path)
    (path / "11.npy").write_bytes(b"x")
    with pytest.raises(ValueError, match=r"11.npy is not an .npy array, or it is truncated or corrupt"):
        read_clip_files(path)
