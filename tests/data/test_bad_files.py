"""Readers of whole data sets and folders: what claims more than it holds, or is of another form, is one sentence."""

from __future__ import annotations

import gzip
import subprocess
import sys

import numpy as np
import pytest

from graphvid.clustering import ClusterTree
from graphvid.data import (
    AmazonCoPurchase,
    ClipFeatures,
    Interactions,
    OGBGraph,
    TikTok,
    load_features,
    read_clip_files,
    read_interactions,
    read_splits,
)


def header(shape, descr="<f4"):
    text = f"{{'descr': {descr!r}, 'fortran_order': False, 'shape': {shape}, }}".encode().ljust(117) + b"\n"
    return b"\x93NUMPY\x01\x00" + len(text).to_bytes(2, "little") + text


READERS = {
    "load_features npy": (load_features, "x.npy"),
    "ClipFeatures npy": (ClipFeatures.open, "x.npy"),
    "clip folder, features": (lambda path: ClipFeatures.open(path.parent), "features.npy"),
    "clip folder, ids": (lambda path: ClipFeatures.open(path.parent), "ids.npy"),
    "clip files": (lambda path: read_clip_files(path.parent), "7.npy"),
}


@pytest.mark.parametrize(("read", "name"), READERS.values(), ids=READERS.keys())
@pytest.mark.parametrize("shape", [(2**40,), (2**20, 2**10, 2**10), (2**40, 0, 1)])
@pytest.mark.parametrize("descr", ["<f4", "|V0", "<U0", "|S1"])
def test_arrays_that_claim_more_than_the_file_holds_are_named(tmp_path, read, name, shape, descr):
    for other in ("features.npy", "ids.npy"):
        np.save(tmp_path / other, np.ones((1, 1, 1)) if other[0] == "f" else np.array([1]))
    (tmp_path / name).write_bytes(header(shape, descr))
    with pytest.raises(
        ValueError,
        match=rf"{name} is not an .npy array, or it is truncated or corrupt \(it(s header claims| holds records)",
    ):
        read(tmp_path / name)


def test_a_tree_that_is_damaged_or_something_else_is_named(tmp_path):
    path = tmp_path / "tree.npz"
    good = {
        "format": np.array("graphvid.ClusterTree 1"),
        "shape": np.array([3, 1, 1]),
        "parents_0": np.array([0, 1, 0]),
    }
    np.savez(path, **good)
    assert ClusterTree.load(path).num_levels == 1
    for change in (
        {"shape": np.array([3, 2**40, 1])},
        {"shape": np.array([2**40, 1, 1])},
        {"shape": np.array([-3, 1, 1])},
        {"shape": np.array([3.5, 1, 1])},
        {"shape": np.array(3)},
        {"shape": np.array([3, 1, 5])},
        {"parents_0": np.array([0.0, 0.5, 0.0])},
        {"parents_0": np.array([0, 5, 0])},
        {"parents_0": np.array([0, -1, 0])},
        {"parents_0": np.array([0, 2**32, 1])},
        {"parents_0": np.array([0, 1])},
        {"parents_1": np.array([0, 0])},
        {"format": np.array([1, 2])},
    ):
        np.savez(path, **good | change)
        with pytest.raises(ValueError, match=r"path must be a cluster tree .*, got '.*tree.npz': "):
            ClusterTree.load(path)


@pytest.mark.parametrize("text", ["0 1\n2147483646 3\n", "0 1\n3 2147483646\n", "0 1\n2147483646\n"])
def test_ids_of_pairs_that_would_fill_the_memory_are_named(tmp_path, text):
    (tmp_path / "a.txt").write_text("0 1\n1 0\n")
    (tmp_path / "b.txt").write_text(text)
    match = r"b.txt: (users|items) must be numbered without wide gaps \(below 1048576 for \d+ values\) unless num_.* 2147483646"
    with pytest.raises(ValueError, match=match):
        read_interactions(tmp_path / "b.txt")
    with pytest.raises(ValueError, match=match):
        read_splits("toy", tmp_path / "a.txt", tmp_path / "b.txt")


def test_wide_gaps_are_read_where_the_sizes_are_given(tmp_path):
    (tmp_path / "a.txt").write_text("0 2000000\n1000000 0\n")
    pairs = read_interactions(tmp_path / "a.txt", num_items=2_000_001)
    assert (pairs.num_users, pairs.num_items) == (1_000_001, 2_000_001)
    with pytest.raises(ValueError, match="items must be numbered without wide gaps"):
        read_interactions(tmp_path / "a.txt")
    for users, items in (([2**31 - 2], [1]), ([1], [2**31 - 2])):
        with pytest.raises(
            ValueError, match=r"must be numbered without wide gaps \(below 1048576 for 1 values\) unless num"
        ):
            Interactions.from_pairs(users, items)
    assert Interactions.from_pairs([2**20 - 1], [1]).num_users == 2**20


@pytest.mark.parametrize("word", ["05", "00", "5.0", "+5", "-5", "1e3", "5,6", "\u0665"])
def test_ids_of_pairs_have_one_spelling(tmp_path, word):
    (tmp_path / "a.txt").write_text(f"0 1\n1 {word}\n")
    with pytest.raises(
        ValueError, match=r"integers >= 0 without leading zeros and with at most 18 digits, got .* in line 2"
    ):
        read_interactions(tmp_path / "a.txt")


PHOTO = {
    "edges": np.array([[0, 1], [1, 2]]),
    "labels": np.array([1, 0, 1, 0]),
    "x_indptr": np.array([0, 1, 2, 3, 4]),
    "x_indices": np.array([0, 1, 2, 0]),
    "x_shape": np.array([4, 3]),
}


@pytest.mark.parametrize(
    ("change", "match"),
    [
        ({"x_indices": np.array([0, 1, 2, 10**9])}, "column index|indices"),
        ({"x_indices": np.array([0, 1, 2, -1])}, "column index|indices"),
        ({"x_indices": np.array([0, 1, 2, 2**32])}, "column index|indices"),
        ({"x_indices": np.array([0.0, 1, 2, 0])}, "array 'x_indices' must hold integers in 1 dimensions, got float64"),
        ({"x_indptr": np.array([0, 1, 2, 3, 10**9])}, "ind"),
        ({"x_indptr": np.array([0, 3, 2, 3, 4])}, "indptr|index pointer"),
        ({"x_indptr": np.array([0, 1, 4])}, "index pointer|indptr"),
        ({"x_shape": np.array([4, 10**9])}, "array 'x_shape' must be two numbers >= 1 with a product of at most"),
        ({"x_shape": np.array([4])}, "array 'x_shape' must be two numbers"),
        ({"x_shape": np.array([-4, 3])}, "array 'x_shape' must be two numbers"),
        ({"edges": np.array([[0, 1], [1, 4]])}, r"dst must be in \[0, 4\), got 4 in row 1"),
        ({"edges": np.array([[0, -1], [1, 2]])}, r"src must be in \[0, 4\), got -1 in row 1"),
        ({"edges": np.array([0, 1])}, "array 'edges' must hold integers in 2 dimensions"),
        ({"edges": np.array([[0, 1]] * 3)}, r"array 'edges' must have shape \(2, num_edges\), got \(3, 2\)"),
        ({"edges": np.array([[0.0, 1], [1, 2]])}, "array 'edges' must hold integers in 2 dimensions, got float64"),
        ({"labels": np.array([1, 0, 1])}, r"labels must have shape \(4,\), got \(3,\)"),
        ({"labels": np.array(1)}, "array 'labels' must hold integers in 1 dimensions, got int64 in 0"),
        ({"labels": np.array([b"a", b"b", b"c", b"d"])}, "array 'labels' must hold integers in 1 dimensions, got .S1"),
    ],
)
def test_a_co_purchase_file_of_another_form_is_named(tmp_path, change, match):
    (tmp_path / "copurchase_graphs").mkdir()
    path = tmp_path / "copurchase_graphs" / "amazon_photo.npz"
    np.savez(path, **PHOTO)
    assert AmazonCoPurchase("photo", tmp_path).num_nodes == 4
    np.savez(path, **PHOTO | change)
    with pytest.raises(ValueError, match=rf"amazon_photo.npz: .*({match})"):
        AmazonCoPurchase("photo", tmp_path)


TIKTOK = {
    "train": np.array([[0, 1], [1, 0]]),
    "val": np.array([[0, 0]]),
    "test": np.array([[1, 2]]),
    "n_users": np.array(2),
    "n_videos": np.array(3),
}


@pytest.mark.parametrize(
    ("change", "match"),
    [
        ({"train": np.array([b"0 1"])}, "array 'train' must hold integers in 2 dimensions, got .S3 in 1"),
        ({"train": np.array([[0.0, 1.0]])}, "array 'train' must hold integers in 2 dimensions, got float64"),
        ({"train": np.array([[0, 1, 2]])}, r"the splits must have two columns, got \[3, 2, 2\]"),
        ({"train": np.array([[0, 3]])}, r"video must be in \[0, 3\), got 0 to 3"),
        ({"train": np.array([[-1, 1]])}, r"user must be in \[0, 2\), got -1 to 1"),
        ({"n_users": np.array(10**12)}, r"n_users and n_videos must be in \[1, 1048576\], got 1000000000000, 3"),
        ({"n_videos": np.array(-1)}, r"n_users and n_videos must be in \[1, 1048576\], got 2, -1"),
        ({"n_users": np.array([2])}, "array 'n_users' must hold integers in 0 dimensions, got int64 in 1"),
        ({"n_users": np.array(b"2")}, "array 'n_users' must hold integers in 0 dimensions, got .S1 in 0"),
    ],
)
def test_tiktok_files_of_another_form_are_named(tmp_path, change, match):
    (tmp_path / "tiktok").mkdir()
    np.savez(tmp_path / "tiktok" / "features.npz", audio=np.ones((3, 2)), image=np.ones((3, 2)))
    np.savez(tmp_path / "tiktok" / "interactions.npz", **TIKTOK)
    assert TikTok(tmp_path).log.num_interactions == 4
    np.savez(tmp_path / "tiktok" / "interactions.npz", **TIKTOK | change)
    with pytest.raises((TypeError, ValueError), match=rf"interactions.npz: .*{match}"):
        TikTok(tmp_path)
    np.savez(tmp_path / "tiktok" / "interactions.npz", **TIKTOK)
    for audio in (np.ones(3), np.ones((2, 2)), np.array([[b"a"]] * 3), np.full((3, 2), np.nan)):
        np.savez(tmp_path / "tiktok" / "features.npz", audio=audio, image=np.ones((3, 2)))
        with pytest.raises((TypeError, ValueError), match=r"features.npz: modality 'audio' must"):
            TikTok(tmp_path)


def ogb_folder(folder, **change):
    """Write a binary data set of ogb and return its description."""
    data = {
        "edge_index": np.array([[0, 1], [1, 2]]),
        "num_nodes_list": np.array([3]),
        "num_edges_list": np.array([2]),
        "node_feat": np.ones((3, 2), np.float32),
    }
    labels = change.pop("labels", np.array([[0], [1], [0]]))
    (folder / "raw").mkdir(parents=True, exist_ok=True)
    (folder / "RELEASE_v1.txt").write_text("none")
    np.savez(folder / "raw" / "data.npz", **data | change)
    np.savez(folder / "raw" / "node-label.npz", node_label=labels)
    return {
        "is hetero": "False",
        "binary": "True",
        "version": 1,
        "url": "none",
        "task type": "multiclass classification",
    }


@pytest.mark.parametrize(
    ("change", "match"),
    [
        ({"labels": np.array(1)}, r"the labels must be numbers in 3 rows, got shape \(\)"),
        ({"labels": np.array([0, 1, 0])}, r"the labels must be numbers in 3 rows, got shape \(3,\)"),
        ({"labels": np.array([[0], [1]])}, r"the labels must be numbers in 3 rows, got shape \(2, 1\)"),
        ({"labels": np.array([["a"]] * 3)}, "the labels must be numbers in 3 rows"),
        ({"labels": np.array([[0.5], [1e30], [0.0]])}, "the labels must be whole numbers below"),
        ({"num_nodes_list": np.array([10**18])}, "there must be features of every node, got 1000000000000000000 and 3"),
        ({"num_nodes_list": np.array([1e30])}, "must hold one graph, got num_nodes_list"),
        ({"num_nodes_list": np.array([3, 3])}, "must hold one graph, got num_nodes_list"),
        ({"num_nodes_list": np.array([-3])}, "there must be features of every node, got -3 and 3"),
        ({"num_edges_list": np.array([10**18])}, r"must hold 1000000000000000000 edges, got shape \(2, 2\)"),
        ({"edge_index": np.array([[0, 1], [1, 3]])}, r"the ends of edges must be in \[0, 3\), got 3 in row 1"),
        ({"edge_index": np.array([[0, -1], [1, 2]])}, r"the ends of edges must be in \[0, 3\), got -1 in row 1"),
        (
            {"edge_index": np.array([[0.0, 1], [1, 2]])},
            "array 'edge_index' must hold integers in 2 dimensions, got float64",
        ),
        ({"edge_index": np.array([[0, 1]] * 3)}, r"the edges must have shape \(2, num_edges\), got \(3, 2\)"),
        ({"edge_index": np.array(1)}, r"must hold 2 edges, got shape \(\)"),
        ({"edge_weight": np.ones(3)}, "there must be a weight of every edge, got 3 of 2"),
        ({"node_feat": np.ones(3)}, r"modality 'features' must have shape \(num_videos, dim\)"),
        ({"node_feat": np.array(3.0)}, "modality 'features' must have shape"),
        ({"node_feat": np.array([[b"a"]] * 3)}, "modality 'features' must have a real dtype"),
    ],
)
def test_an_ogb_set_of_another_form_is_named(tmp_path, change, match):
    meta = ogb_folder(tmp_path)
    assert OGBGraph("ogbn-tiny", tmp_path, meta_dict=meta).labels.tolist() == [0, 1, 0]
    ogb_folder(tmp_path, **change)
    with pytest.raises((TypeError, ValueError), match=match) as caught:
        OGBGraph("ogbn-tiny", tmp_path, meta_dict=meta)
    assert str(tmp_path) in str(caught.value)


@pytest.mark.parametrize("count", [str(10**30), "x", "", "-3"])
def test_counts_of_an_ogb_set_in_csv_are_compared(tmp_path, count):
    (tmp_path / "raw").mkdir()
    (tmp_path / "RELEASE_v1.txt").write_text("none")
    tables = {"edge": "0,1\n1,2\n", "num-node-list": count, "num-edge-list": "2", "node-feat": "1\n2\n3\n"}
    for name, text in (tables | {"node-label": "0\n1\n0\n"}).items():
        (tmp_path / "raw" / f"{name}.csv.gz").write_bytes(gzip.compress(text.encode()))
    meta = {"is hetero": "False", "binary": "False", "version": 1, "url": "none", "additional edge files": "None"}
    with pytest.raises(
        ValueError,
        match=r"is not a readable copy of ogbn-tiny, or it is|there must be features of every|at least one row",
    ):
        OGBGraph("ogbn-tiny", tmp_path, meta_dict=meta | {"task type": "multiclass classification"})


def test_importing_the_room_needs_no_ogb():
    code = "import sys; sys.modules['ogb'] = None; import graphvid.data; graphvid.data.SyntheticCoWatch"
    subprocess.run([sys.executable, "-c", code], check=True)
