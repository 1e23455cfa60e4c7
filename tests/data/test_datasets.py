"""TikTok and the co-purchase graphs: tiny files of the same form always, the real ones where GRAPHVID_DATA has them."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from graphvid.data import AmazonCoPurchase, TikTok

needs_data = pytest.mark.skipif("GRAPHVID_DATA" not in os.environ, reason="GRAPHVID_DATA is not set")


@pytest.fixture
def tiktok_dir(tmp_path):
    folder = tmp_path / "tiktok"
    folder.mkdir()
    splits = {"train": [[0, 1], [0, 2], [1, 0]], "val": [[0, 0]], "test": [[1, 3], [2, 1]]}
    np.savez(
        folder / "interactions.npz",
        n_users=np.int32(4),
        n_videos=np.int32(5),
        **{name: np.array(rows, dtype=np.int32) for name, rows in splits.items()},
    )
    tables = {name: np.full((5, 3), 200, dtype=np.float16) for name in ("image", "audio")}
    np.savez(folder / "features.npz", **tables)
    return tmp_path


@pytest.fixture
def amazon_dir(tmp_path):
    folder = tmp_path / "copurchase_graphs"
    folder.mkdir()
    np.savez(
        folder / "amazon_photo.npz",
        edges=np.array([[0, 0, 1], [1, 2, 3]], dtype=np.int32),
        labels=np.array([1, 0, 0, 1, 1], dtype=np.int16),
        x_indptr=np.array([0, 2, 2, 3, 3, 4], dtype=np.int32),
        x_indices=np.array([0, 2, 1, 2], dtype=np.int16),
        x_shape=np.array([5, 3], dtype=np.int32),
    )
    return tmp_path


def test_tiktok_splits_share_the_vocabularies_of_the_whole_log(tiktok_dir):
    data = TikTok(tiktok_dir)
    np.testing.assert_array_equal(data.log.user, [0, 0, 1, 0, 1, 2])
    np.testing.assert_array_equal(data.log.video, [1, 2, 0, 0, 3, 1])
    for log, video in ((data.train_log, [1, 2, 0]), (data.val_log, [0]), (data.test_log, [3, 1])):
        np.testing.assert_array_equal(log.video, video)
        assert (log.num_users, log.num_videos) == (4, 5)
        assert log.user.dtype == log.video.dtype == np.int64
    assert data.log.watch_time is data.log.duration is data.log.timestamp is None
    assert data.features.dims == {"audio": 3, "image": 3}
    assert list(data.features.ids) == list(data.log.video_ids)
    assert data.features.modalities["audio"].dtype == np.float32


def test_amazon_unpacks_words_edges_and_labels(amazon_dir):
    data = AmazonCoPurchase("photo", amazon_dir)
    assert (data.name, data.num_nodes, data.num_edges) == ("amazon_photo", 5, 3)
    np.testing.assert_array_equal(data.src, [0, 0, 1])
    np.testing.assert_array_equal(data.dst, [1, 2, 3])
    np.testing.assert_array_equal(data.labels, [1, 0, 0, 1, 1])
    words = [[1, 0, 1], [0, 0, 0], [0, 1, 0], [0, 0, 0], [0, 0, 1]]
    np.testing.assert_array_equal(data.features.modalities["words"], words)
    assert data.weight is None
    assert {data.src.dtype, data.dst.dtype, data.labels.dtype} == {np.dtype(np.int64)}


def test_the_environment_variable_is_the_default(tiktok_dir, monkeypatch):
    monkeypatch.setenv("GRAPHVID_DATA", str(tiktok_dir))
    assert TikTok().log.num_interactions == 6
    monkeypatch.setenv("GRAPHVID_DATA", "elsewhere")
    assert TikTok(tiktok_dir).log.num_interactions == 6


@pytest.mark.parametrize(
    ("make", "expected"),
    [
        (TikTok, r"tiktok/ with interactions.npz and features.npz; they come from the GitHub repository HKUDS/DiffMM"),
        (
            lambda data_dir: AmazonCoPurchase("computers", data_dir),
            r"copurchase_graphs/ with amazon_computers.npz; they come from the GitHub repository Edison[Le]*/GraphData",
        ),
    ],
)
def test_a_missing_file_says_what_is_expected_and_where_it_comes_from(tmp_path, monkeypatch, make, expected):
    monkeypatch.delenv("GRAPHVID_DATA", raising=False)
    with pytest.raises(FileNotFoundError, match=rf"data_dir must be given, or GRAPHVID_DATA set, to .* {expected}"):
        make(None)
    with pytest.raises(
        FileNotFoundError, match=rf"{tmp_path}.* not found; data_dir must hold {expected}.*nothing is d"
    ):
        make(tmp_path)


def test_only_the_absent_file_is_named(tiktok_dir):
    (tiktok_dir / "tiktok" / "features.npz").unlink()
    with pytest.raises(FileNotFoundError, match=r"^[^ ]*features.npz not found"):
        TikTok(tiktok_dir)


def test_a_truncated_or_foreign_file_is_named(tiktok_dir, amazon_dir):
    path = tiktok_dir / "tiktok" / "features.npz"
    path.write_bytes(path.read_bytes()[:100])
    with pytest.raises(ValueError, match=r"features.npz is not an .npz archive, or it is truncated or corrupt"):
        TikTok(tiktok_dir)
    np.savez(path, sound=np.zeros(3))
    with pytest.raises(ValueError, match=r"features.npz must hold the arrays \['audio', 'image'\], got \['sound'\]"):
        TikTok(tiktok_dir)
    path = amazon_dir / "copurchase_graphs" / "amazon_photo.npz"
    path.write_bytes(path.read_bytes()[:-40])
    with pytest.raises(ValueError, match=r"amazon_photo.npz is not an .npz archive, or it is truncated or corrupt"):
        AmazonCoPurchase("photo", amazon_dir)


def test_an_unknown_name_is_refused(tmp_path):
    with pytest.raises(ValueError, match="name must be 'photo' or 'computers', got 'books'"):
        AmazonCoPurchase("books", tmp_path)


@needs_data
def test_tiktok_has_the_counts_of_its_readme():
    if not Path(os.environ["GRAPHVID_DATA"], "tiktok").is_dir():
        pytest.skip("no tiktok")
    data = TikTok()
    assert (data.log.num_users, data.log.num_videos, data.log.num_interactions) == (9308, 6710, 68722)
    assert [log.num_interactions for log in (data.train_log, data.val_log, data.test_log)] == [59541, 3051, 6130]
    assert data.features.dims == {"audio": 128, "image": 128}
    cold = ~np.isin(data.test_log.video, data.train_log.video)
    assert len(np.unique(data.test_log.video[cold])) == 340


@needs_data
@pytest.mark.parametrize(
    ("name", "nodes", "edges", "dim", "classes", "isolated"),
    [("photo", 7650, 119081, 745, 8, 115), ("computers", 13752, 245861, 767, 10, 281)],
)
def test_amazon_has_the_counts_of_its_readme(name, nodes, edges, dim, classes, isolated):
    if not Path(os.environ["GRAPHVID_DATA"], "copurchase_graphs").is_dir():
        pytest.skip("no copurchase_graphs")
    data = AmazonCoPurchase(name)
    assert (data.num_nodes, data.num_edges, data.features.dims) == (nodes, edges, {"words": dim})
    assert (data.src < data.dst).all()
    assert len(np.unique(data.labels)) == classes
    assert nodes - len(np.union1d(data.src, data.dst)) == isolated
