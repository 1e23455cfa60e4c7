"""Sparse and memory-mapped features: every form of a file gives the same table, and what is wrong is named."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy import sparse

from graphvid.data import Features, MappedTable, StandardizedTable, Standardizer, load_features, row_blocks
from graphvid.data.feature_tables import unit_rows

DENSE = np.array([[0, 2.5, 0, 1], [0, 0, 0, 0], [3, 0, 0, -1], [0, 0.5, 0, 0]], dtype=np.float32)
IDS = ["a", "b", "c", "d"]


def save(path, ids=None, matrix=None, **changed):
    """Write what SciPy would, with ids beside and other arrays in place of its own; None leaves one out."""
    sparse.save_npz(path, sparse.csr_array(DENSE) if matrix is None else matrix)
    with np.load(path) as stored:
        arrays = dict(stored)
    arrays |= ({} if ids is None else {"ids": np.array(ids)}) | changed
    np.savez(path, **{name: array for name, array in arrays.items() if array is not None})
    return path


def check(features, ids=IDS, dense=DENSE):
    table = features.modalities["features"]
    assert isinstance(table, sparse.csr_array)
    assert table.dtype == np.float32
    assert table.nnz == np.count_nonzero(dense)
    assert all((np.diff(table.indices[a:b]) > 0).all() for a, b in zip(table.indptr, table.indptr[1:]))
    np.testing.assert_array_equal(table.toarray(), dense)
    assert list(features.ids) == list(ids)


@pytest.mark.parametrize("dtype", [">f8", np.float16, ">i4", bool])
def test_values_of_any_real_dtype_are_read(tmp_path, dtype):
    csr = sparse.csr_array(DENSE)
    path = save(tmp_path / "x.npz", data=csr.data.astype(dtype), indices=csr.indices.astype(">i8"))
    check(load_features(path), range(4), DENSE.astype(dtype).astype(np.float32))


@pytest.mark.parametrize("kind", [sparse.csr_array, sparse.csr_matrix])
@pytest.mark.parametrize("dtype", [np.float64, np.float32, np.int8])
def test_files_of_scipy_are_read(tmp_path, kind, dtype):
    path, dense = tmp_path / "x.npz", DENSE.astype(dtype)
    sparse.save_npz(path, kind(dense), compressed=dtype != np.int8)
    check(load_features(path), range(4), dense.astype(np.float32))
    check(load_features(path, ids=IDS), IDS, dense.astype(np.float32))
    check(load_features(save(path, ids=IDS)))
    with pytest.raises(ValueError, match=r"ids must not be given for .*x\.npz, which has its own"):
        load_features(path, ids=IDS)


def test_what_is_saved_is_read_by_scipy_and_by_us(tmp_path):
    features = Features(IDS, {"features": sparse.csr_array(DENSE)})
    features.save(tmp_path / "x.npz")
    check(load_features(tmp_path / "x.npz"))
    np.testing.assert_array_equal(sparse.load_npz(tmp_path / "x.npz").toarray(), DENSE)
    with pytest.raises(
        ValueError, match=r"must be called 'features' and be the only one to be saved, got \['a', 'b'\]"
    ):
        Features(IDS, {"a": sparse.csr_array(DENSE), "b": DENSE}).save(tmp_path / "y.npz")


def test_zeros_order_and_duplicates_do_not_matter():
    given = sparse.csr_array(
        (
            np.array([1, 2, 0, 0.5, 0, -1, 3, 0.25, 0.25]),
            np.array([3, 1, 2, 1, 0, 3, 0, 1, 1]),
            np.array([0, 4, 5, 7, 9]),
        ),
        shape=(4, 4),
    )
    before = given.copy()
    check(Features(IDS, {"features": given}))
    for name in ("data", "indices", "indptr"):
        np.testing.assert_array_equal(getattr(given, name), getattr(before, name))  # what was given stays as it is
    many = sparse.coo_array((np.full(3, 100, np.int8), ([0, 0, 0], [1, 1, 1])), shape=(1, 2))
    assert Features([0], {"x": many}).modalities["x"][0, 1] == 300
    small = sparse.csr_array((np.full(3, 100, np.int8), np.ones(3, np.int32), np.array([0, 3])), shape=(1, 2))
    assert Features([0], {"x": small}).modalities["x"][0, 1] == 300  # no sum in int8
    for form in ("csc", "coo", "lil", "dok"):
        check(Features(IDS, {"features": sparse.csr_array(DENSE).asformat(form)}))


def long_table():
    rows, columns = np.nonzero(DENSE)
    table = pd.DataFrame({"video_id": np.array(IDS)[rows], "column": columns, "weight": DENSE[rows, columns]})
    empty = pd.DataFrame({"video_id": ["b"], "column": [0], "weight": np.float32([0])})
    return pd.concat([table[:2], empty, table[2:]])


def list_table():
    values = [np.flatnonzero(row) for row in DENSE]
    return pd.DataFrame({"video_id": IDS, "columns": values, "weights": [row[at] for row, at in zip(DENSE, values)]})


def test_tables_of_ids_columns_and_weights_are_read(tmp_path):
    for table in (long_table(), list_table()):
        table.to_parquet(tmp_path / "x.parquet", index=False)
        check(load_features(tmp_path / "x.parquet"))
        wide = load_features(tmp_path / "x.parquet", num_columns=9)
        assert wide.dims == {"features": 9}
        np.testing.assert_array_equal(wide.modalities["features"][:, :4].toarray(), DENSE)
        with pytest.raises(ValueError, match=r"x\.parquet: column must be in \[0, 3\), got 3 for id 'a' \(2 such\)"):
            load_features(tmp_path / "x.parquet", num_columns=3)
    twice = pd.concat([long_table(), long_table().iloc[[0]]])
    twice.to_parquet(tmp_path / "x.parquet", index=False)
    assert load_features(tmp_path / "x.parquet").modalities["features"][0, 1] == 5.0  # added


@pytest.mark.parametrize(
    ("change", "error", "match"),
    [
        ({"column": -1}, ValueError, r"column must be in \[0, 2147483648\), got -1 for id 'a' \(6 such\)"),
        ({"column": 2**40}, ValueError, r"column must be in \[0, 2147483648\), got 1099511627776 for id 'a'"),
        ({"column": "word"}, TypeError, "column must hold integers, got object"),
        ({"column": 0.5}, TypeError, "column must hold integers, got float64"),
        ({"column": None}, ValueError, "column must not be missing, got 6 missing, the first for id 'a'"),
        ({"weight": np.nan}, ValueError, "weight must not be missing, got 6 missing, the first for id 'a'"),
        ({"weight": np.inf}, ValueError, r"'features' must be finite in float32, got inf for id 'a' in column 1"),
        ({"weight": "x"}, TypeError, "weight must hold real numbers, got object"),
        ({"video_id": None}, ValueError, "video_id must not be missing, got 6 missing"),
    ],
)
def test_bad_long_tables_are_named(tmp_path, change, error, match):
    long_table().assign(**change).to_parquet(tmp_path / "x.parquet", index=False)
    with pytest.raises(error, match=rf"x\.parquet: .*{match}"):
        load_features(tmp_path / "x.parquet")


def test_bad_lists_are_named(tmp_path):
    table = list_table()
    for columns, got in (([[1], [], [0, 3], [1]], "1 and 2"), ([[1, 3], None, [0, 3], [1]], "nan and 0")):
        table.assign(columns=columns).to_parquet(tmp_path / "x.parquet", index=False)
        with pytest.raises(ValueError, match=rf"columns and weights must be lists of one length, got {got}.* for id"):
            load_features(tmp_path / "x.parquet")
    table.assign(video_id=["a", "a", "b", "c"]).to_parquet(tmp_path / "x.parquet", index=False)
    with pytest.raises(ValueError, match="ids must be unique, got more than one row for 'a'"):
        load_features(tmp_path / "x.parquet")


@pytest.mark.parametrize(
    ("changed", "error", "match"),
    [
        ({"format": np.array(b"csc")}, ValueError, r"in the format 'csr', got 'csc'; save matrix\.tocsr\(\)"),
        ({"data": None}, ValueError, r"must have the arrays \[.*\] and perhaps 'ids', got "),
        ({"edges": np.ones(2)}, ValueError, "and perhaps 'ids', got .*'edges'"),
        ({"shape": np.array([4, 3])}, ValueError, r"indices must be in \[0, 3\), got 0 to 3"),
        ({"shape": np.array([5, 4])}, ValueError, "indptr must have 6 values, one more than rows"),
        ({"shape": np.array([4, 2**40])}, ValueError, "shape must be two integers, of columns 1 to 2147483648"),
        ({"shape": np.array([4.0, 4])}, ValueError, "shape must be two integers"),
        ({"indices": np.array([1, 3, 0, -3, 1])}, ValueError, r"indices must be in \[0, 4\), got -3 to 3"),
        ({"indices": np.array([1, 3, 0])}, ValueError, r"indices must be integers and as many as data"),
        ({"indices": np.ones(5)}, ValueError, "indices must be integers and as many as data, got float64"),
        ({"indptr": np.array([0, 2, 1, 4, 5])}, ValueError, "indptr must not fall, got 2 before 1 at 1"),
        ({"indptr": np.array([0, 2, 2, 4, 9])}, ValueError, "indptr must run from 0 to 5, got 0 to 9"),
        ({"data": np.array([1, np.nan, 2, 3, 4])}, ValueError, r"got nan for id 0 in column 3 \(1 such rows\)"),
        ({"data": np.array([1, 2, 1e39, 3, -1e39])}, ValueError, r"got inf for id 2 in column 0 \(2 such rows\)"),
        ({"data": np.ones(5, complex)}, TypeError, r"data must have a real dtype .* got complex128"),
        ({"ids": np.array([1, 2])}, ValueError, "'features' must have one row for each of the 2 ids, got 4 rows"),
        ({"ids": np.array([1, 2, 2, 3])}, ValueError, "ids must be unique, got more than one row for 2"),
    ],
)
def test_foreign_and_damaged_files_are_named(tmp_path, changed, error, match):
    with pytest.raises(error, match=rf"x\.npz: .*{match}"):
        load_features(save(tmp_path / "x.npz", **changed))


def test_a_truncated_file_is_named(tmp_path):
    path = save(tmp_path / "x.npz")
    path.write_bytes(path.read_bytes()[:-30])
    with pytest.raises(ValueError, match=r"x\.npz is not an \.npz archive, or it is truncated or corrupt"):
        load_features(path)


def test_shards_are_one_table_in_the_order_of_their_numbers(tmp_path):
    rng = np.random.default_rng(0)
    parts = [rng.normal(size=(size, 3)).astype(dtype) for size, dtype in ((4, "f4"), (1, "f2"), (5, ">f8"))]
    for number, part in zip((2, 10, 100), parts):
        np.save(tmp_path / f"part-{number}.npy", part)
    whole = np.concatenate([part.astype(np.float32) for part in parts])
    in_memory, mapped = load_features(tmp_path), load_features(tmp_path, mmap=True)
    table = mapped.modalities["features"]
    assert isinstance(table, MappedTable)
    assert isinstance(in_memory.modalities["features"], np.ndarray)
    np.testing.assert_array_equal(in_memory.modalities["features"], whole)
    for rows in (np.array([9, 0, 4, 4, 3, 5]), slice(3, 7), slice(None), slice(20, 30), slice(8, 1, -3), np.arange(0)):
        found = table[rows]
        assert found.dtype == np.float32
        np.testing.assert_array_equal(found, whole[rows])
    np.testing.assert_array_equal(np.asarray(table), whole)
    assert mapped.checksum() == in_memory.checksum() != 0
    np.save(tmp_path / "ids.npy", np.array([f"v{i}" for i in range(10)]))
    assert (
        load_features(tmp_path, mmap=True).align(["v9", "v0"]).modalities["features"].tolist() == whole[[9, 0]].tolist()
    )
    with pytest.raises(IndexError, match=r"rows must be in \[0, 10\), got -1 to 2"):
        table[np.array([2, -1])]
    with pytest.raises(TypeError, match="rows must be a slice or integers"):
        table[np.array([True] * 10)]
    np.save(tmp_path / "ids.npy", np.arange(9))
    with pytest.raises(ValueError, match="must have one row for each of the 9 ids, got 10 rows"):
        load_features(tmp_path, mmap=True)


def test_bad_shards_are_named(tmp_path):
    with pytest.raises(ValueError, match=r"must hold features in \.npy files, got none"):
        load_features(tmp_path)
    np.save(tmp_path / "a.npy", np.zeros((2, 3)))
    np.save(tmp_path / "b.npy", np.array([[1.0, 2, 3], [1, np.nan, 3]]))
    with pytest.raises(ValueError, match=r"'features' must be finite in float32, got nan for id 3 in column 1"):
        load_features(tmp_path, mmap=True)
    np.save(tmp_path / "b.npy", np.zeros((2, 4)))
    with pytest.raises(ValueError, match=r"with one dim, got \(2, 3\) and \(2, 4\)"):
        load_features(tmp_path, mmap=True)
    np.save(tmp_path / "b.npy", np.zeros((2, 3), complex))
    with pytest.raises(TypeError, match="parts must have a real dtype"):
        load_features(tmp_path)


def test_other_columns_than_asked_are_named(tmp_path):
    np.save(tmp_path / "x.npy", np.zeros((2, 3)))
    assert load_features(tmp_path / "x.npy", num_columns=3).dims == {"features": 3}
    with pytest.raises(ValueError, match=r"x\.npy: modality 'features' must have 4 columns, got 3"):
        load_features(tmp_path / "x.npy", num_columns=4)
    with pytest.raises(ValueError, match="num_columns must be None or an integer >= 1, got 0"):
        load_features(tmp_path / "x.npy", num_columns=0)


def forms(x, folder):
    np.save(folder / "x.npy", x)
    half = {"a": sparse.csr_array(x[:, :3]), "b": x[:, 3:]}
    return {
        "dense": x,
        "sparse": sparse.csr_array(x),
        "mapped": load_features(folder / "x.npy", mmap=True).modalities["features"],
        "joined": Features(range(len(x)), half).joined(),
    }


def test_every_form_is_standardised_alike(tmp_path):
    rng = np.random.default_rng(0)
    x = (rng.gamma(1.0, 50, size=(200, 8)) * (rng.random((200, 8)) < 0.3)).astype(np.float32)
    x[:, 2], x[:, 5], x[:, 6] = 7, 0, x[:, 1]  # constant, without values, the same as another
    x[11] = 0
    rows = rng.permutation(200)[:120]
    x[rows, 2] = 7.0
    expected = Standardizer.fit(x, rows)
    assert expected.scale[[2, 5]].tolist() == [1, 1]
    oracle = x[rows].astype(np.float64)
    np.testing.assert_allclose(expected.mean, oracle.mean(axis=0), rtol=1e-12)
    np.testing.assert_allclose(expected.scale[[0, 1]], oracle.std(axis=0)[[0, 1]], rtol=1e-12)
    for name, table in forms(x, tmp_path).items():
        found = Standardizer.fit(table, rows)
        np.testing.assert_allclose(found.mean, expected.mean, rtol=1e-12, err_msg=name)
        np.testing.assert_allclose(found.scale, expected.scale, rtol=1e-12, err_msg=name)
        standard = StandardizedTable(table, expected)[rows]
        np.testing.assert_array_equal(standard, expected.transform(x[rows]), err_msg=name)
        assert not standard[:, [2, 5]].any()
        np.testing.assert_array_equal(standard[:, 1], standard[:, 6])


def test_blocks_cut_the_sums_without_changing_them(tmp_path, monkeypatch):
    x = np.random.default_rng(0).normal(size=(50, 8)).astype(np.float32)
    whole = Standardizer.fit(x, np.arange(40))
    blocks = row_blocks
    monkeypatch.setattr("graphvid.data.standardizer.row_blocks", lambda table, rows: blocks(table, rows, num_values=24))
    for table in forms(x, tmp_path).values():
        cut = Standardizer.fit(table, np.arange(40))
        np.testing.assert_allclose(cut.mean, whole.mean, rtol=1e-12, atol=1e-15)
        np.testing.assert_allclose(cut.scale, whole.scale, rtol=1e-12)


def test_unit_rows_of_every_form_are_alike(tmp_path):
    x = (np.random.default_rng(0).normal(size=(6, 8)) * [1e-30, 1, 1, 1e10, 1, 1, 1, 1]).astype(np.float32)
    x[3] = 0
    lengths = np.linalg.norm(x.astype(np.float64), axis=1, keepdims=True)
    for table in forms(x, tmp_path).values():
        found = unit_rows(table[:])
        dense = found.toarray() if sparse.issparse(found) else found
        np.testing.assert_allclose(dense, x / np.where(lengths > 0, lengths, 1), rtol=1e-6, atol=1e-37)


def test_rows_are_taken_by_id_and_turned_dense():
    features = Features(IDS, {"words": sparse.csr_array(DENSE), "image": DENSE[:, :2]})
    taken = features.align(["c", "a"])
    np.testing.assert_array_equal(taken.modalities["words"].toarray(), DENSE[[2, 0]])
    np.testing.assert_array_equal(features.take([1, 3]).modalities["words"].toarray(), DENSE[[1, 3]])
    dense = features.dense()
    assert all(isinstance(table, np.ndarray) for table in dense.modalities.values())
    np.testing.assert_array_equal(dense.concatenate(), features.concatenate())
    np.testing.assert_array_equal(features.joined()[np.array([2])].toarray(), dense.concatenate()[[2]])
    assert features.joined().shape == (4, 6)
