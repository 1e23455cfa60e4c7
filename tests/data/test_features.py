from __future__ import annotations

import numpy as np
import pandas as pd
import pyarrow
import pytest
from pyarrow import parquet

from graphvid.data import Features, load_features


@pytest.fixture
def features():
    rng = np.random.default_rng(0)
    return Features(["a", "b", "c"], {"audio": rng.normal(size=(3, 2)), "image": rng.normal(size=(3, 4))})


def equal(left, right):
    assert list(left.ids) == list(right.ids)
    assert list(left.modalities) == list(right.modalities)
    for name, table in left.modalities.items():
        assert table.dtype == right.modalities[name].dtype == np.float32
        np.testing.assert_array_equal(table, right.modalities[name])


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64, np.int8, np.uint16, np.int64, bool, ">f8"])
def test_numbers_of_any_real_dtype_become_contiguous_float32(dtype):
    table = np.array([[0, 1, 3], [1, 0, 2]]).astype(dtype)
    features = Features([1, 2], {"x": np.asfortranarray(table)})
    assert features.modalities["x"].dtype == np.float32
    assert features.modalities["x"].flags.c_contiguous
    np.testing.assert_array_equal(features.modalities["x"], table.astype(np.float64))


def test_float16_is_cast_before_sums_can_overflow():
    table = np.full((100, 1), 100.0, dtype=np.float16)
    with np.errstate(over="ignore"):
        assert np.isinf(np.square(table).sum())
    assert np.square(Features(range(100), {"x": table}).modalities["x"]).sum() == 1e6


def test_dims_and_concatenation(features):
    assert features.dims == {"audio": 2, "image": 4}
    assert features.num_videos == 3
    np.testing.assert_array_equal(features.concatenate()[:, :2], features.modalities["audio"])
    np.testing.assert_array_equal(features.concatenate()[:, 2:], features.modalities["image"])


def test_align_takes_rows_by_id_and_names_videos_without_features(features):
    aligned = features.align(["c", "a"])
    assert list(aligned.ids) == ["c", "a"]
    np.testing.assert_array_equal(aligned.modalities["image"], features.modalities["image"][[2, 0]])
    equal(features.align(features.ids), features)
    with pytest.raises(
        ValueError, match=r"ids must be among the 3 of the features, got 'd', 'e' \(2 of 4 ids, 2 of 4 rows\)$"
    ):
        features.align(["a", "d", "b", "e"])
    with pytest.raises(ValueError, match="ids must be unique, got more than one row for 'a'"):
        features.align(["a", "a"])


def test_tuples_are_ids():
    features = Features([(1, "x"), (1, "y")], {"f": np.eye(2)})
    np.testing.assert_array_equal(features.align([(1, "y")]).modalities["f"], [[0, 1]])


@pytest.mark.parametrize(
    ("ids", "table", "error", "match"),
    [
        (
            [1, 2],
            [[0.0, 1.0], [np.nan, np.nan]],
            ValueError,
            "'m' must be finite in float32, got nan for id 2 in column 0",
        ),
        ([7, "z"], [[0.0, -np.inf], [0.0, np.inf]], ValueError, r"got -inf for id '7' in column 1 \(2 such rows\)"),
        (["a", "b"], [[0.0], [1e39]], ValueError, r"got 1e\+39 for id 'b' in column 0 \(1 such rows\)"),
        ([1, 2], np.zeros((3, 1)), ValueError, "'m' must have one row for each of the 2 ids, got 3 rows"),
        ([1, 2], np.zeros(2), ValueError, r"'m' must have shape \(num_videos, dim\) with dim >= 1, got \(2,\)"),
        ([1, 2], np.zeros((2, 0)), ValueError, r"'m' must have shape \(num_videos, dim\) with dim >= 1, got \(2, 0\)"),
        ([1, 2], [["1"], ["2"]], TypeError, r"'m' must have a real dtype \(float, int or bool\), got <U1"),
        ([1, 2], [[1j], [2]], TypeError, "got complex128"),
        ([1, 2], np.array([[None], [1]]), TypeError, "got object"),
        ([1, 1], [[1.0], [2.0]], ValueError, "ids must be unique, got more than one row for 1"),
        ([1, None], [[1.0], [2.0]], ValueError, "ids must not be missing, got 1 missing, the first in row 1"),
        ([], np.zeros((0, 2)), ValueError, "the features must have at least one row, got none"),
    ],
)
def test_bad_input_is_named(ids, table, error, match):
    with pytest.raises(error, match=match):
        Features(ids, {"ok": np.zeros((len(ids), 1)), "m": table})


def test_a_table_is_needed():
    with pytest.raises(ValueError, match="modalities must have at least one table, got none"):
        Features([1], {})


def test_ids_of_numpy_integers_are_shown_plainly():
    with pytest.raises(ValueError, match="for id 4 in column 1"):
        Features(np.arange(5), {"m": np.pad([[np.nan]], ((4, 0), (1, 0)))})


def test_npy_rows_are_numbered_or_named(tmp_path):
    path = tmp_path / "x.npy"
    np.save(path, np.arange(6, dtype=np.float16).reshape(3, 2))
    assert list(load_features(path).ids) == [0, 1, 2]
    loaded = load_features(str(path), ids=["b", "a", "c"])
    equal(loaded, Features(["b", "a", "c"], {"features": np.arange(6.0).reshape(3, 2)}))
    with pytest.raises(ValueError, match=r"x.npy: modality 'features' must have one row for each of the 2 ids, got 3"):
        load_features(path, ids=[1, 2])


def test_npz_holds_modalities_and_perhaps_ids(tmp_path, features):
    path = tmp_path / "x.npz"
    np.savez_compressed(path, **features.modalities)
    equal(load_features(path), Features(range(3), features.modalities))
    equal(load_features(path, ids=features.ids), features)
    np.savez(path, ids=np.array(["a", "b", "c"]), **features.modalities)
    equal(load_features(path), features)
    with pytest.raises(ValueError, match=r"ids must not be given for .*x.npz, which has its own"):
        load_features(path, ids=[1, 2, 3])


@pytest.mark.parametrize("ids", [["a", "b", "ü"], list(np.array(["a", "b", "ü"])), [3, 1, 2**40]])
def test_saved_features_load_equal(tmp_path, features, ids):
    path = tmp_path / "x.npz"
    kept = Features(ids, features.modalities)
    kept.save(path)
    equal(load_features(path), kept)
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize(
    ("change", "name", "error", "match"),
    [
        ({"ids": [1.5, 2.5]}, "x.npz", TypeError, r"ids must be all int or all str to be saved, got \['float'\]"),
        ({"ids": ["a", (1, 2)]}, "x.npz", TypeError, r"all int or all str to be saved, got \['str', 'tuple'\]"),
        ({"modalities": {"ids": np.eye(2)}}, "x.npz", ValueError, r"must not be called any of .* got \['ids'\]"),
        ({"modalities": {"file": np.eye(2)}}, "x.npz", ValueError, r"must not be called any of .* got \['file'\]"),
        ({}, "x.npy", ValueError, "path must end in .npz, got 'x.npy'"),
    ],
)
def test_what_cannot_be_saved_is_named(tmp_path, change, name, error, match):
    with pytest.raises(error, match=match):
        Features(**{"ids": [1, 2], "modalities": {"x": np.eye(2)}} | change).save(tmp_path / name)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("kind", ["list", "large_list", "fixed_size_list"])
def test_parquet_lists_are_modalities_and_scalars_one_together(tmp_path, kind):
    path = tmp_path / "x.parquet"
    vectors = {
        "list": pyarrow.list_(pyarrow.float32()),
        "large_list": pyarrow.large_list(pyarrow.float64()),
        "fixed_size_list": pyarrow.list_(pyarrow.float32(), 2),
    }[kind]
    columns = {
        "p": pyarrow.array([1, 2, 3], pyarrow.int16()),
        "video_id": pyarrow.array(["b", "a", "c"]),
        "image": pyarrow.array([[1, 2], [3, 4], [5, 6]], vectors),
        "q": pyarrow.array([0.5, 1.5, 2.5]),
    }
    parquet.write_table(pyarrow.table(columns), path, row_group_size=2)
    tables = {"image": [[1, 2], [3, 4], [5, 6]], "features": [[1, 0.5], [2, 1.5], [3, 2.5]]}
    equal(load_features(path), Features(["b", "a", "c"], {name: np.array(rows) for name, rows in tables.items()}))


@pytest.mark.parametrize(
    ("columns", "error", "match"),
    [
        ({"id": [1], "x": [1.0]}, ValueError, r"must have a column 'video_id' and no name twice, got \['id', 'x'\]"),
        ({"video_id": [1]}, ValueError, "modalities must have at least one table, got none"),
        (
            {"video_id": [1, 2], "x": [[1.0], [1.0, 2.0]]},
            ValueError,
            "column 'x' must hold lists of one length, got 2 for id 2 and 1",
        ),
        (
            {"video_id": [1, 2], "x": [[1.0], None]},
            ValueError,
            "column 'x' must hold lists of one length, got no list for id 2",
        ),
        (
            {"video_id": [1, 2], "x": [None, [1.0]]},
            ValueError,
            "column 'x' must hold lists of one length, got no list for id 1",
        ),
        (
            {"video_id": [1, 2], "x": [[1.0], [None]]},
            ValueError,
            "'x' must be finite in float32, got nan for id 2 in column 0",
        ),
        (
            {"video_id": [1, 2], "x": [1, None], "y": [1, 2]},
            ValueError,
            "'features' must be finite .* nan for id 2 in column 0",
        ),
        (
            {"video_id": [1, 2], "x": ["a", "b"]},
            TypeError,
            "column 'x' must hold numbers or lists of numbers, got (large_)?string",
        ),
        (
            {"video_id": [1, 2], "x": [["a"], ["b"]]},
            TypeError,
            "column 'x' must hold numbers or lists of numbers, got .*list",
        ),
        ({"video_id": [1, 1], "x": [1, 2]}, ValueError, "ids must be unique, got more than one row for 1"),
        ({"video_id": [1], "features": [[1.0]], "y": [1]}, ValueError, "list column 'features' must be the only one"),
    ],
)
def test_bad_parquet_is_named(tmp_path, columns, error, match):
    path = tmp_path / "x.parquet"
    parquet.write_table(pyarrow.table(columns), path)
    with pytest.raises(error, match=match) as caught:
        load_features(path)
    assert str(path) in str(caught.value)


def test_parquet_of_a_pandas_frame(tmp_path):
    path = tmp_path / "x.parquet"
    frame = pd.DataFrame({"video_id": [4, 2], "vector": [np.array([1.0, 2.0]), np.array([3.0, 4.0])]})
    frame.to_parquet(path, index=False)
    equal(load_features(path), Features([4, 2], {"vector": np.array([[1.0, 2.0], [3.0, 4.0]])}))


@pytest.mark.parametrize("name", ["x.npy", "x.npz"])
def test_objects_are_never_unpickled(tmp_path, name):
    path = tmp_path / name
    array = np.array([[1.0, None]])
    np.save(path, array, allow_pickle=True) if name == "x.npy" else np.savez(path, audio=array)
    with pytest.raises(TypeError, match=rf"{name} holds Python objects, which are never unpickled"):
        load_features(path)


@pytest.mark.parametrize("name", ["x.npy", "x.npz", "x.parquet"])
@pytest.mark.parametrize("keep", [0, 3, 0.5, 0.9])
def test_a_truncated_file_is_named_in_one_sentence(tmp_path, name, keep):
    path = tmp_path / name
    table = np.random.default_rng(0).normal(size=(50, 3))
    if name == "x.npy":
        np.save(path, table)
    elif name == "x.npz":
        np.savez_compressed(path, audio=table)
    else:
        pd.DataFrame({"video_id": range(50), "x": table[:, 0]}).to_parquet(path)
    content = path.read_bytes()
    path.write_bytes(content[: keep if isinstance(keep, int) else int(keep * len(content))])
    with pytest.raises(ValueError, match=r"is not an? .*, or it is truncated or corrupt") as caught:
        load_features(path)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_damaged_archive_is_named(tmp_path):
    path = tmp_path / "x.npz"
    np.savez(path, audio=np.zeros((50, 3)))
    content = bytearray(path.read_bytes())
    content[400] ^= 1
    path.write_bytes(content)
    with pytest.raises(ValueError, match=r"array 'audio' of .*x.npz is not .*corrupt \(Bad CRC-32"):
        load_features(path)


def test_files_under_the_wrong_suffix_are_named(tmp_path):
    np.savez(tmp_path / "x", audio=np.zeros((2, 2)))
    (tmp_path / "x.npz").rename(tmp_path / "x.npy")
    with pytest.raises(
        ValueError, match=r"x.npy is not an .npy array, .*it is an archive, not an .npy array; name it .npz"
    ):
        load_features(tmp_path / "x.npy")
    np.save(tmp_path / "y.npy", np.zeros((2, 2)))
    (tmp_path / "y.npy").rename(tmp_path / "y.npz")
    with pytest.raises(ValueError, match=r"y.npz is not an .npz archive"):
        load_features(tmp_path / "y.npz")
    with pytest.raises(ValueError, match=r"path must end in one of \['.npy', '.npz', '.parquet'\], got 'x.csv'"):
        load_features(tmp_path / "x.csv")
    with pytest.raises(FileNotFoundError, match=r"z.npz not found: expected features in .npy, .npz or .parquet"):
        load_features(tmp_path / "z.npz")


def test_an_array_without_rows_is_named(tmp_path):
    np.save(tmp_path / "x.npy", np.float32(3))
    with pytest.raises(ValueError, match=r"x.npy: the features must have at least one row, got none"):
        load_features(tmp_path / "x.npy")
