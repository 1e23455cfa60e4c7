"""Gowalla, Amazon Electronics and TikTok's pairs: small files of the same form, and the real ones where they are."""

from __future__ import annotations

import gzip
import os
from pathlib import Path

import numpy as np
import pytest

from graphvid.data import AmazonElectronics, Gowalla, InteractionSplits, TikTok

SETS = {
    "gowalla": (Gowalla, {"train": "0 1 2\n1 0\n", "test": "0 3\n1 2\n"}),
    "amazon_electronics": (AmazonElectronics, {"train": "0 2 1\n1 0\n", "val": "0 0\n", "test": "1 3\n"}),
}


@pytest.fixture
def data_dir(tmp_path):
    for name, (_, files) in SETS.items():
        (tmp_path / name).mkdir()
        for split, text in files.items():
            (tmp_path / name / f"{split}.txt.gz").write_bytes(gzip.compress(text.encode()))
    return tmp_path


def pairs(split):
    return list(zip(split.users.tolist(), split.items.tolist()))


def test_gowalla_reads_files_of_its_form(data_dir):
    data = Gowalla(data_dir)
    assert isinstance(data, InteractionSplits)
    assert (data.name, pairs(data.train), pairs(data.test)) == ("gowalla", [(0, 1), (0, 2), (1, 0)], [(0, 3), (1, 2)])
    assert data.validation is None
    assert {(split.num_users, split.num_items) for split in (data.train, data.test)} == {(2, 4)}


def test_electronics_reads_files_of_its_form(data_dir):
    data = AmazonElectronics(data_dir)
    assert (data.name, pairs(data.train)) == ("amazon_electronics", [(0, 1), (0, 2), (1, 0)])
    assert (pairs(data.validation), pairs(data.test)) == ([(0, 0)], [(1, 3)])
    assert {(x.num_users, x.num_items) for x in (data.train, data.validation, data.test)} == {(2, 4)}


@pytest.mark.parametrize("name", SETS)
def test_the_environment_variable_is_the_default(data_dir, monkeypatch, name):
    monkeypatch.setenv("GRAPHVID_DATA", str(data_dir))
    assert SETS[name][0]().train.num_interactions == 3


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("gowalla", "gowalla/ with train.txt.gz and test.txt.gz; they come from .* gusye1234/LightGCN-PyTorch"),
        ("amazon_electronics", "train.txt.gz and val.txt.gz and test.txt.gz; they come from .* Wenhui-Yu/NBPO"),
    ],
)
def test_a_missing_file_says_what_is_expected_and_where_it_comes_from(data_dir, monkeypatch, name, expected):
    monkeypatch.delenv("GRAPHVID_DATA", raising=False)
    with pytest.raises(FileNotFoundError, match=f"data_dir must be given, or GRAPHVID_DATA set, to .*{expected}"):
        SETS[name][0]()
    (data_dir / name / "test.txt.gz").unlink()
    with pytest.raises(FileNotFoundError, match=rf"^[^ ]*test.txt.gz not found; .*{expected}"):
        SETS[name][0](data_dir)


@pytest.mark.parametrize("name", SETS)
def test_a_pair_in_two_splits_is_refused(data_dir, name):
    (data_dir / name / "test.txt.gz").write_bytes(gzip.compress(b"1 0\n"))
    with pytest.raises(ValueError, match="train and test must have no pair in common, got item 0 of user 1"):
        SETS[name][0](data_dir)


def test_tiktok_has_its_splits_as_pairs_too(tmp_path):
    (tmp_path / "tiktok").mkdir()
    splits = {"train": [[0, 1], [0, 2], [1, 0]], "val": [[0, 0]], "test": [[1, 3], [2, 1]]}
    arrays = {name: np.array(rows, dtype=np.int32) for name, rows in splits.items()}
    np.savez(tmp_path / "tiktok" / "interactions.npz", n_users=np.int32(4), n_videos=np.int32(5), **arrays)
    tables = {name: np.ones((5, 3), dtype=np.float16) for name in ("image", "audio")}
    np.savez(tmp_path / "tiktok" / "features.npz", **tables)
    data = TikTok(tmp_path)
    for name, split in (("train", data.train), ("val", data.validation), ("test", data.test)):
        assert pairs(split) == [tuple(row) for row in splits[name]]
        assert (split.num_users, split.num_items) == (4, 5)


def real(name, make):
    """Return the real data set, or skip with what is missing."""
    root = os.environ.get("GRAPHVID_DATA")
    if not root:
        pytest.skip("GRAPHVID_DATA is not set")
    if not Path(root, name).is_dir():
        pytest.skip(f"{name} is not below GRAPHVID_DATA")
    return make()


def counts(data):
    splits = (data.train, data.validation, data.test)
    return [None if split is None else split.num_interactions for split in splits]


def test_gowalla_has_the_counts_of_its_readme():
    data = real("gowalla", Gowalla)
    assert (data.train.num_users, data.train.num_items, counts(data)) == (29858, 40981, [810128, None, 217242])
    assert np.diff(data.train.indptr).min() > 0
    assert data.train.item_counts.min() > 0
    assert np.diff(data.test.indptr).min() > 0


def test_electronics_has_the_counts_of_its_readme():
    data = real("amazon_electronics", AmazonElectronics)
    assert (data.train.num_users, data.train.num_items, counts(data)) == (1435, 1522, [31887, 4044, 4044])
    assert data.train.item_counts.min() > 0
    assert min(np.diff(split.indptr).min() for split in (data.train, data.validation, data.test)) > 0
    InteractionSplits(data.name, data.train, data.test, data.validation, unseen="raise")


def test_tiktok_pairs_have_the_counts_of_its_readme():
    data = real("tiktok", TikTok)
    assert (data.train.num_users, data.train.num_items, counts(data)) == (9308, 6710, [59541, 3051, 6130])
    assert (np.diff(data.train.indptr) > 0).sum() == 9298
    assert (data.train.item_counts > 0).sum() == 6245
    assert np.diff(data.validation.indptr).max() == np.diff(data.test.indptr).max() == 1
    assert (data.test.item_counts[data.train.item_counts == 0] > 0).sum() == 340
    with pytest.raises(ValueError, match="must have only items that are in train"):
        InteractionSplits(data.name, data.train, data.test, unseen="raise")
