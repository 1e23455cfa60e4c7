from __future__ import annotations

import contextlib
import gzip
import io
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch

from graphvid.data import OGBGraph

EDGES = np.array([[0, 1, 3, 2, 2, 0], [1, 0, 1, 2, 3, 1]])  # 0-1 three times, a self loop at 2
FEATURES = np.arange(8, dtype=np.float32).reshape(4, 2)


@pytest.fixture(autouse=True)
def never_ask(monkeypatch):
    def refuse(*_):
        raise AssertionError("asked")

    monkeypatch.setattr("builtins.input", refuse)


@pytest.fixture
def save(tmp_path, monkeypatch):
    """Write a tiny data set with ogb's own saver, offline; return its description."""
    monkeypatch.setitem(sys.modules, "outdated", None)

    def write(name="ogbn-tiny", labels=None, task="multiclass classification", **graph):
        from ogb.io import DatasetSaver

        content = {"edge_index": EDGES, "num_nodes": 4, "node_feat": FEATURES} | graph
        mapping = tmp_path / "mapping"
        mapping.mkdir(exist_ok=True)
        (mapping / "README.md").write_text("none")
        with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
            saver = DatasetSaver(name, is_hetero=False, version=1, root=str(tmp_path / "saved"))
            saver.save_graph_list([{key: value for key, value in content.items() if value is not None}])
            if name.startswith("ogbn"):
                saver.save_target_labels(np.array([[0], [2], [1], [2]]) if labels is None else labels)
            saver.save_split({part: np.arange(1) for part in ("train", "valid", "test")}, split_name="random")
            saver.copy_mapping_dir(str(mapping))
            saver.save_task_info(task, eval_metric="acc", num_classes=3)
            return saver.get_meta_dict()

    return write


@pytest.fixture
def arxiv(tmp_path):
    """Write files of the form of ogbn-arxiv, with directed edges in CSV."""
    folder = tmp_path / "root" / "ogbn_arxiv"
    (folder / "raw").mkdir(parents=True)
    (folder / "RELEASE_v1.txt").write_text("none")
    tables = {"edge": EDGES.T, "num-node-list": [[4]], "num-edge-list": [[6]], "node-feat": FEATURES}
    tables["node-label"] = [[1], [0], [1], [1]]
    for name, table in tables.items():
        pd.DataFrame(table).to_csv(folder / "raw" / f"{name}.csv.gz", header=False, index=False)
    return folder


def test_a_saved_graph_is_read_once_per_edge(save, capsys):
    meta = save()
    data = OGBGraph("ogbn-tiny", meta["dir_path"], meta_dict=meta)
    np.testing.assert_array_equal(data.src, [0, 1, 2])
    np.testing.assert_array_equal(data.dst, [1, 3, 3])
    np.testing.assert_array_equal(data.features.modalities["features"], FEATURES)
    np.testing.assert_array_equal(data.labels, [0, 2, 1, 2])
    assert data.labels.dtype == data.src.dtype == data.dst.dtype == np.int64
    assert data.weight is None
    assert (data.name, data.num_nodes, data.num_edges) == ("ogbn-tiny", 4, 3)
    assert list(data.features.ids) == [0, 1, 2, 3]
    assert capsys.readouterr() == ("", "")


def test_weights_of_parallel_edges_are_summed(save):
    meta = save("ogbl-tiny", edge_weight=np.array([[1.0], [2.0], [4.0], [8.0], [0.5], [0.25]]))
    data = OGBGraph("ogbl-tiny", meta["dir_path"], meta_dict=meta)
    np.testing.assert_array_equal(data.weight, np.float32([3.25, 4, 0.5]))
    assert data.weight.dtype == np.float32
    assert data.labels is None


def test_random_edges_equal_a_loop(save):
    rng = np.random.default_rng(0)
    edges, weight = rng.integers(0, 12, size=(2, 80)), rng.random((80, 1)).astype(np.float32)
    expected = {}
    for (u, v), w in zip(edges.T, weight[:, 0]):
        if u != v:
            expected[min(u, v), max(u, v)] = expected.get((min(u, v), max(u, v)), 0.0) + float(w)
    meta = save(edge_index=edges, num_nodes=12, node_feat=np.ones((12, 1)), edge_weight=weight, labels=np.ones((12, 1)))
    data = OGBGraph("ogbn-tiny", meta["dir_path"], meta_dict=meta)
    assert list(zip(data.src, data.dst)) == sorted(expected)
    np.testing.assert_allclose(data.weight, [expected[pair] for pair in sorted(expected)], rtol=1e-6)


@pytest.mark.parametrize(
    ("labels", "task", "expected"),
    [
        (np.array([[0.0], [np.nan], [1.0], [2.0]]), "multiclass classification", [0, -1, 1, 2]),
        (np.eye(4), "binary classification", None),
        (np.array([[0.5], [1.5], [1.0], [2.0]]), "regression", None),
    ],
)
def test_labels_are_one_class_a_node_or_none(save, labels, task, expected):
    meta = save(labels=labels, task=task)
    found = OGBGraph("ogbn-tiny", meta["dir_path"], meta_dict=meta).labels
    assert (found if found is None else found.tolist()) == expected


def test_a_graph_in_csv_is_read(arxiv):
    data = OGBGraph("ogbn-arxiv", arxiv.parent)
    np.testing.assert_array_equal(data.src, [0, 1, 2])
    np.testing.assert_array_equal(data.dst, [1, 3, 3])
    np.testing.assert_array_equal(data.features.modalities["features"], FEATURES)
    np.testing.assert_array_equal(data.labels, [1, 0, 1, 1])


def test_the_environment_variable_is_the_default_root(arxiv, monkeypatch):
    monkeypatch.setenv("GRAPHVID_DATA", str(arxiv.parent))
    assert OGBGraph("ogbn-arxiv").num_edges == 3
    monkeypatch.delenv("GRAPHVID_DATA")
    with pytest.raises(
        FileNotFoundError, match=r"root must be given, or GRAPHVID_DATA set, to .* ogbn_arxiv/ of ogbn-arxiv"
    ):
        OGBGraph("ogbn-arxiv")


def test_the_pickled_cache_of_ogb_is_neither_read_nor_written(save):
    meta = save()
    path = Path(meta["dir_path"], "processed", "data_processed")
    OGBGraph("ogbn-tiny", meta["dir_path"], meta_dict=meta)
    assert not path.exists()
    torch.save({"graph": None, "labels": None}, path, pickle_protocol=4)
    assert OGBGraph("ogbn-tiny", meta["dir_path"], meta_dict=meta).num_edges == 3


def test_missing_files_are_named_and_nothing_is_downloaded(tmp_path, arxiv):
    with pytest.raises(
        FileNotFoundError,
        match=r"ogbn-products needs RELEASE_v1.txt and raw/edge.csv.gz and raw/node-label.csv.gz in .*ogbn_products, "
        r"which does not exist; pass download=True to get it from http",
    ):
        OGBGraph("ogbn-products", tmp_path)
    assert not (tmp_path / "ogbn_products").exists()
    (arxiv / "raw" / "node-label.csv.gz").unlink()
    with pytest.raises(
        FileNotFoundError, match=r"needs raw/node-label.csv.gz in .*, got a folder with 'RELEASE_v1.txt', 'raw'"
    ):
        OGBGraph("ogbn-arxiv", arxiv.parent)


@pytest.mark.parametrize("download", [False, True])
def test_another_version_is_refused_and_never_replaced(arxiv, download):
    (arxiv / "RELEASE_v1.txt").rename(arxiv / "RELEASE_v0.txt")
    with pytest.raises(FileNotFoundError, match=r"needs RELEASE_v1.txt in .*; move it away and pass download=True"):
        OGBGraph("ogbn-arxiv", arxiv.parent, download=download)
    assert (arxiv / "raw" / "edge.csv.gz").exists()


def test_a_download_that_was_asked_for_ends_in_the_right_place(save, tmp_path, capsys):
    meta = save()
    archive = tmp_path / "tiny.zip"
    with zipfile.ZipFile(archive, "w") as file:
        for path in sorted((tmp_path / "saved_ogbn_tiny" / "tiny").rglob("*")):
            file.write(path, path.relative_to(tmp_path / "saved_ogbn_tiny"))
    meta["url"] = archive.as_uri()
    target = tmp_path / "new" / "tiny"
    assert OGBGraph("ogbn-tiny", target, download=True, meta_dict=meta).num_edges == 3
    assert [path.name for path in target.parent.iterdir()] == ["tiny"]
    assert capsys.readouterr().out == ""

    archive.write_bytes(archive.read_bytes()[:-30])
    broken = tmp_path / "broken" / "tiny"
    with pytest.raises(OSError, match=r"tiny.zip could not be downloaded and unpacked \("):
        OGBGraph("ogbn-tiny", broken, download=True, meta_dict=meta)
    assert not list(broken.parent.iterdir())


@pytest.mark.parametrize(
    ("name", "match"),
    [
        ("ogbg-molhiv", "name must start with 'ogbn-' or 'ogbl-', got 'ogbg-molhiv'"),
        ("ogbn-none", r"name must be one of \['ogbn-proteins', .*\], got 'ogbn-none'"),
        ("ogbn-mag", "name must be a data set with one node type, got 'ogbn-mag', which has several"),
    ],
)
def test_unfit_names_are_refused(tmp_path, name, match):
    with pytest.raises(ValueError, match=match):
        OGBGraph(name, tmp_path)


def test_a_graph_without_node_features_is_refused(save):
    meta = save(node_feat=None)
    with pytest.raises(ValueError, match="name must be a data set with node features, got 'ogbn-tiny', which has none"):
        OGBGraph("ogbn-tiny", meta["dir_path"], meta_dict=meta)


def test_features_with_nan_are_refused(save):
    meta = save(node_feat=np.array([[0.0], [1.0], [np.nan], [0.0]]))
    with pytest.raises(ValueError, match="modality 'features' must be finite in float32, got nan for id 2 in column 0"):
        OGBGraph("ogbn-tiny", meta["dir_path"], meta_dict=meta)


@pytest.mark.parametrize("content", [b"", b"not gzip", gzip.compress(b"1,2\n" * 50, mtime=0)[:-9]])
def test_a_truncated_file_is_named(arxiv, content):
    (arxiv / "raw" / "edge.csv.gz").write_bytes(content)
    with pytest.raises(
        ValueError, match=r"ogbn_arxiv is not a readable copy of ogbn-arxiv, or it is truncated or corrupt"
    ):
        OGBGraph("ogbn-arxiv", arxiv.parent)


def test_the_import_of_ogb_calls_no_network_and_starts_no_thread(arxiv):
    code = f"""
import os, socket, sys, threading
def refuse(*arguments):
    raise SystemExit("network")
socket.socket.connect = socket.getaddrinfo = refuse
from graphvid.data import OGBGraph
assert "ogb" not in sys.modules and "torch" not in sys.modules
start, started = threading.Thread.start, []
threading.Thread.start = lambda thread: (started.append(thread), start(thread))
OGBGraph("ogbn-arxiv", {str(arxiv.parent)!r})
assert not [t for t in started if t._target is not None and t._target.__module__.startswith("ogb")], started
assert "dgl" not in sys.modules and "outdated" not in sys.modules and "OUTDATED_IGNORE" not in os.environ
"""
    environment = {key: value for key, value in os.environ.items() if key != "OUTDATED_IGNORE"}
    command = [sys.executable, "-W", "error", "-c", code]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False, env=environment)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
