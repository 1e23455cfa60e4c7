"""Graphs with bags of words: what the files become, and what is refused."""

from __future__ import annotations

import os

import numpy as np
import pytest
from scipy import sparse

from graphvid.data import AttributedGraph

FILE = {
    "edges": np.array([[0, 0, 1], [1, 2, 3]], dtype=np.int32),
    "labels": np.array([1, 0, 0, 1], dtype=np.int16),
    "x_indptr": np.array([0, 2, 2, 3, 4], dtype=np.int32),
    "x_indices": np.array([0, 2, 1, 2], dtype=np.int16),
    "x_shape": np.array([4, 3], dtype=np.int32),
}


def stored(folder, **changes):
    (folder / "attributed_graphs").mkdir()
    np.savez(folder / "attributed_graphs" / "dblp.npz", **{**FILE, **changes})
    return folder


@pytest.mark.parametrize("values", [None, [0.5, 2, 3, 4]])
def test_words_edges_and_labels(tmp_path, values):
    data = AttributedGraph("dblp", stored(tmp_path, **({} if values is None else {"x_data": np.float32(values)})))
    a, b, c, d = values or (1, 1, 1, 1)
    words = data.features.modalities["words"]
    assert isinstance(words, sparse.csr_array)
    np.testing.assert_array_equal(words.toarray(), [[a, 0, b], [0, 0, 0], [0, c, 0], [0, 0, d]])
    np.testing.assert_array_equal([data.src, data.dst], FILE["edges"])
    np.testing.assert_array_equal(data.labels, FILE["labels"])
    assert (data.name, data.weight) == ("dblp", None)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"x_shape": np.array([4, 0])}, r"array 'x_shape' must be two numbers >= 1, got \(4, 0\)"),
        ({"x_indices": np.array([0, 3, 1, 2])}, "indices must be < 3"),
        ({"edges": np.array([[0, 1, 2]])}, r"array 'edges' must have shape \(2, num_edges\), got \(1, 3\)"),
    ],
)
def test_a_bad_file_is_named(tmp_path, changes, message):
    with pytest.raises(ValueError, match=rf"dblp\.npz: .*{message}"):
        AttributedGraph("dblp", stored(tmp_path, **changes))


def test_names_and_absent_files(tmp_path):
    with pytest.raises(ValueError, match=r"name must be one of .*'cora_ml'.*, got 'cora'"):
        AttributedGraph("cora", tmp_path)
    with pytest.raises(FileNotFoundError, match=r"attributed_graphs/ with citeseer\.npz"):
        AttributedGraph("citeseer", tmp_path)


@pytest.mark.skipif("GRAPHVID_DATA" not in os.environ, reason="needs the data sets: set GRAPHVID_DATA")
def test_the_counts_of_the_docstring():
    data = AttributedGraph("cora_ml")
    assert (data.num_nodes, data.num_edges, data.features.dims, len(set(data.labels))) == (
        2995,
        8158,
        {"words": 2879},
        7,
    )
