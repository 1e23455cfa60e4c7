from __future__ import annotations

import tracemalloc

import numpy as np
import pytest

from graphvid.data import ClipFeatures
from graphvid.data import clip_features as module


@pytest.fixture
def array():
    return np.random.default_rng(0).normal(size=(5, 8, 3)).astype(np.float32)


@pytest.fixture
def clips(array):
    return ClipFeatures(["e", "a", "c", "b", "d"], array)


def is_mapped(clips):
    return isinstance(clips.array.base, np.memmap) or isinstance(clips.array, np.memmap)


@pytest.mark.parametrize("dtype", [np.float16, np.float32])
def test_sizes_and_dtype_are_those_of_the_array(array, dtype):
    clips = ClipFeatures(range(5), array.astype(dtype))
    assert (clips.num_videos, clips.num_clips, clips.dim) == (5, 8, 3)
    assert clips.array.dtype == dtype
    taken = clips.take([4, 0, 4])
    assert taken.dtype == np.float32
    np.testing.assert_array_equal(taken, array.astype(dtype)[[4, 0, 4]])
    taken[:] = 0
    assert (clips.array != 0).any()
    assert clips.take([]).shape == (0, 8, 3)


@pytest.mark.parametrize("dtype", [np.float64, np.int16, np.uint8, bool, ">f4"])
def test_other_real_dtypes_become_float32(dtype):
    values = np.array([[[0, 1], [1, 1]]]).astype(dtype)
    clips = ClipFeatures([7], values)
    assert clips.array.dtype == np.float32
    np.testing.assert_array_equal(clips.array, values)


@pytest.mark.parametrize("num_clips", [1, 2, 4, 8])
@pytest.mark.parametrize("chunk", [1, 24 * 2, 10**6])
def test_pool_agrees_with_a_loop(array, num_clips, chunk, monkeypatch):
    monkeypatch.setattr(module, "_CHUNK_VALUES", chunk)
    pooled = ClipFeatures(range(5), array).pool(num_clips)
    group = 8 // num_clips
    for video in range(5):
        for clip in range(num_clips):
            parts = [array[video, clip * group + i].astype(np.float64) for i in range(group)]
            np.testing.assert_allclose(pooled.array[video, clip], sum(parts) / group, rtol=1e-6)
    assert pooled.array.dtype == np.float32
    assert list(pooled.ids) == list(range(5))


def test_means_of_large_float16_do_not_overflow():
    pooled = ClipFeatures([0], np.full((1, 4, 1), 60000, dtype=np.float16)).pool(1)
    assert pooled.array.item() == np.float16(60000)


def test_another_number_of_clips_is_refused(clips):
    clips.require_num_clips(8)
    with pytest.raises(ValueError, match=r"must have num_clips=4 a video, got 8; pool\(4\) makes them"):
        clips.require_num_clips(4)
    with pytest.raises(ValueError, match=r"must have num_clips=3 a video, got 8$"):
        clips.require_num_clips(3)
    with pytest.raises(ValueError, match=r"must have num_clips=16 a video, got 8$"):
        clips.require_num_clips(16)
    with pytest.raises(ValueError, match=r"num_clips must divide the 8 of the clip features, got 3"):
        clips.pool(3)
    for wrong in (0, -2, 2.0, True, "2"):
        with pytest.raises(ValueError, match=r"num_clips must be an integer >= 1"):
            clips.pool(wrong)
        with pytest.raises(ValueError, match=r"num_clips must be an integer >= 1"):
            clips.require_num_clips(wrong)


def test_align_takes_the_videos_asked_for(clips, array):
    aligned = clips.align(["b", "e"])
    assert list(aligned.ids) == ["b", "e"]
    np.testing.assert_array_equal(aligned.array, array[[3, 0]])
    assert clips.align(iter(["e", "a", "c", "b", "d"])) is clips
    with pytest.raises(
        ValueError, match=r"ids must be among the 5 of the clip features, got 'x', 'y' \(2 of 3 ids, 2 of 3 rows\)$"
    ):
        clips.align(["a", "x", "y"])
    with pytest.raises(ValueError, match=r"ids must be unique, got more than one row for 'a'"):
        clips.align(["a", "a"])


@pytest.mark.parametrize("rows", [[5], [-1], [0, 99]])
def test_rows_out_of_range_are_refused(clips, rows):
    with pytest.raises(ValueError, match=r"rows must be in \[0, 5\), got"):
        clips.take(rows)


def test_rows_that_are_no_row_of_integers_are_refused(clips):
    with pytest.raises(TypeError, match="rows must hold integers, got dtype bool"):
        clips.take([True, False, True, False, False])
    with pytest.raises(TypeError, match="rows must hold integers, got dtype float64"):
        clips.take([1.0])
    with pytest.raises(ValueError, match=r"rows must have shape \(num_rows,\), got \(1, 1\)"):
        clips.take([[1]])


@pytest.mark.parametrize(
    ("ids", "array", "error", "match"),
    [
        ([1], np.zeros((1, 2)), ValueError, r"shape \(num_videos, num_clips, dim\), each >= 1, got \(1, 2\)"),
        ([1], np.zeros((1, 0, 2)), ValueError, r"each >= 1, got \(1, 0, 2\)"),
        ([1], np.zeros((1, 2, 0)), ValueError, r"each >= 1, got \(1, 2, 0\)"),
        ([], np.zeros((0, 2, 2)), ValueError, r"each >= 1, got \(0, 2, 2\)"),
        ([1, 2], np.zeros((1, 2, 2)), ValueError, "one row for each of the 2 ids, got 1 rows"),
        ([1, 1], np.zeros((2, 2, 2)), ValueError, "ids must be unique, got more than one row for 1"),
        ([1, None], np.zeros((2, 2, 2)), ValueError, "ids must not be missing, got 1 missing, the first in row 1"),
        ([1], np.zeros((1, 2, 2), dtype=complex), TypeError, r"real dtype \(float, int or bool\), got complex128"),
        ([1], np.full((1, 2, 2), "a"), TypeError, "real dtype .*, got <U1"),
        ([1], np.array([[[None]]]), TypeError, "real dtype .*, got object"),
        ([1], np.full((1, 1, 1), 1e39), ValueError, "finite in float32, got 1e[+]39 for id 1 in clip 0, column 0"),
    ],
)
def test_bad_input_is_named(ids, array, error, match):
    with pytest.raises(error, match=match):
        ClipFeatures(ids, array)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
@pytest.mark.parametrize("chunk", [1, 10**6])
def test_the_first_value_that_is_not_finite_is_named(array, value, dtype, chunk, monkeypatch):
    monkeypatch.setattr(module, "_CHUNK_VALUES", chunk)
    array = array.astype(dtype)
    array[3, 6, 2] = array[4, 0, 0] = value
    with pytest.raises(ValueError, match=rf"got {value} for id 'b' in clip 6, column 2$"):
        ClipFeatures(["e", "a", "c", "b", "d"], array)


@pytest.mark.parametrize("ids", [[9, -3, 2**40, 0, 5], ["e", "a", "", "b", "ä"]])
@pytest.mark.parametrize("dtype", [np.float16, np.float32])
@pytest.mark.parametrize("chunk", [1, 50, 10**6])
def test_a_folder_gives_back_what_was_saved_as_a_map(tmp_path, array, ids, dtype, chunk, monkeypatch):
    monkeypatch.setattr(module, "_CHUNK_VALUES", chunk)
    clips = ClipFeatures(ids, array.astype(dtype))
    clips.save(tmp_path / "clips")
    again = ClipFeatures.open(tmp_path / "clips")
    assert list(again.ids) == ids
    assert again.array.dtype == dtype
    np.testing.assert_array_equal(again.array, clips.array)
    assert is_mapped(again)
    assert not again.array.flags.writeable
    np.testing.assert_array_equal(again.take([3, 1]), clips.take([3, 1]))
    again.save(tmp_path / "copy")
    for name in ("ids.npy", "features.npy"):
        assert (tmp_path / "copy" / name).read_bytes() == (tmp_path / "clips" / name).read_bytes()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["clips", "copy"]


def test_an_array_not_in_row_order_is_saved_in_row_order(tmp_path, array):
    ClipFeatures(range(3), array.transpose(2, 1, 0)).save(tmp_path / "clips")
    np.testing.assert_array_equal(ClipFeatures.open(tmp_path / "clips").array, array.transpose(2, 1, 0))


def test_npy_is_mapped_and_npz_is_read(tmp_path, array):
    np.save(tmp_path / "clips.npy", array.astype(np.float16))
    clips = ClipFeatures.open(str(tmp_path / "clips.npy"))
    assert list(clips.ids) == [0, 1, 2, 3, 4]
    assert clips.array.dtype == np.float16
    assert is_mapped(clips)
    np.savez(tmp_path / "clips.npz", ids=np.array(list("eacbd")), features=array)
    clips = ClipFeatures.open(tmp_path / "clips.npz")
    assert list(clips.ids) == list("eacbd")
    np.testing.assert_array_equal(clips.array, array)


def test_nothing_is_overwritten_and_nothing_half_written_stays(tmp_path, clips, monkeypatch):
    (tmp_path / "there").mkdir()
    (tmp_path / "file").write_text("mine")
    for name in ("there", "file"):
        with pytest.raises(FileExistsError, match=rf"path must not exist yet, got .*{name}"):
            clips.save(tmp_path / name)
    with pytest.raises(TypeError, match=r"ids must be all int or all str to be saved, got \['str', 'tuple'\]"):
        ClipFeatures([(1, 2), "a"], np.zeros((2, 1, 1))).save(tmp_path / "mixed")

    def full(descriptor):
        raise OSError("no space left on device")

    monkeypatch.setattr(module.os, "fsync", full)
    with pytest.raises(OSError, match="no space left"):
        clips.save(tmp_path / "clips")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file", "there"]


def test_a_store_larger_than_a_chunk_is_opened_pooled_and_saved_in_little_memory(tmp_path):
    shape = (2000, 16, 256)  # 16 MiB in float16
    np.save(tmp_path / "clips.npy", np.ones(shape, dtype=np.float16))
    tracemalloc.start()
    try:
        clips = ClipFeatures.open(tmp_path / "clips.npy")
        clips.save(tmp_path / "copy")
        peak = tracemalloc.get_traced_memory()[1]
        pooled = clips.pool(1)
        pool_peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 6 * 2**20
    assert pool_peak < pooled.array.nbytes + 12 * 2**20


def test_missing_corrupt_and_foreign_files_are_named(tmp_path, clips):
    with pytest.raises(FileNotFoundError, match=r"none not found: expected clip features in a folder, .npy or .npz"):
        ClipFeatures.open(tmp_path / "none")
    with pytest.raises(FileNotFoundError, match=r"none.npy not found"):
        ClipFeatures.open(tmp_path / "none.npy")
    (tmp_path / "x.csv").write_text("a")
    with pytest.raises(ValueError, match=r"path must be a folder or end in .npy or .npz, got 'x.csv'"):
        ClipFeatures.open(tmp_path / "x.csv")
    np.savez(tmp_path / "x.npz", features=np.zeros((1, 1, 1)))
    with pytest.raises(ValueError, match=r"x.npz must hold the arrays \['ids', 'features'\], got \['features'\]"):
        ClipFeatures.open(tmp_path / "x.npz")
    (tmp_path / "x.npz").rename(tmp_path / "x.npy")
    with pytest.raises(
        ValueError, match=r"x.npy is not an .npy array, .*it is an archive, not an .npy array; name it .npz"
    ):
        ClipFeatures.open(tmp_path / "x.npy")
    np.save(tmp_path / "y.npy", np.array([[[None]]]), allow_pickle=True)
    with pytest.raises(TypeError, match=r"y.npy holds Python objects, which are never unpickled"):
        ClipFeatures.open(tmp_path / "y.npy")
    np.save(tmp_path / "z.npy", np.float32(3))
    with pytest.raises(ValueError, match=r"z.npy: array must have shape \(num_videos, num_clips, dim\).* got \(\)"):
        ClipFeatures.open(tmp_path / "z.npy")

    clips.save(tmp_path / "clips")
    features = tmp_path / "clips" / "features.npy"
    whole = features.read_bytes()
    features.write_bytes(whole[:-4])
    with pytest.raises(ValueError, match=r"features.npy is not an .npy array, or it is truncated or corrupt"):
        ClipFeatures.open(tmp_path / "clips")
    features.write_bytes(whole[:-4] + np.float32(np.nan).tobytes())
    with pytest.raises(
        ValueError, match=r"clips: array must be finite in float32, got nan for id 'd' in clip 7, column 2"
    ):
        ClipFeatures.open(tmp_path / "clips")
    features.unlink()
    with pytest.raises(FileNotFoundError, match=r"features.npy not found"):
        ClipFeatures.open(tmp_path / "clips")
