from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from graphvid.data import Features, read_edges


@pytest.fixture
def features():
    return Features(["b", "a", "10"], {"x": np.ones((3, 2))})


@pytest.mark.parametrize("suffix", [".csv", ".csv.gz", ".parquet"])
def test_ends_become_rows_of_the_features(tmp_path, features, suffix):
    path = tmp_path / f"edges{suffix}"
    frame = pd.DataFrame({"dst": ["b", "10"], "src": ["a", "b"], "weight": [2, 0.5]})
    frame.to_parquet(path) if suffix == ".parquet" else frame.to_csv(path, index=False)
    data = read_edges(path, features)
    np.testing.assert_array_equal(data.src, [1, 0])
    np.testing.assert_array_equal(data.dst, [0, 2])
    np.testing.assert_array_equal(data.weight, np.float32([2, 0.5]))
    assert data.weight.dtype == np.float32
    assert (data.name, data.num_nodes, data.num_edges) == (path.name, 3, 2)
    assert data.features is features


def test_weight_is_optional_and_integer_ids_stay_integers(tmp_path):
    path = tmp_path / "edges.csv"
    path.write_text("src,dst\n5,7\n")
    data = read_edges(path, Features([7, 5], {"x": np.ones((2, 2))}))
    assert data.weight is None
    np.testing.assert_array_equal((data.src, data.dst), [[1], [0]])


@pytest.mark.parametrize(
    ("content", "match"),
    [
        ("src,to\na,b\n", r"the columns 'src' and 'dst', each once, got \['src', 'to'\]"),
        ("src,dst\n", "at least one edge, got none"),
        ("src,dst\na,zz\n", "dst must be among the 3 of the features, got 'zz'"),
        ("src,dst\na,\n", "dst must not be missing, got 1 missing, the first in row 0"),
        ("src,dst,weight\na,b,1\na,10,inf\n", "weight must be a finite number in float32, got inf in row 1"),
        ("src,dst,weight\na,b,heavy\n", "weight must be a finite number in float32, got heavy in row 0"),
        ("src,dst\na\n", "it is not a .csv file, or it is truncated or corrupt"),
    ],
)
def test_bad_files_are_named(tmp_path, features, content, match):
    path = tmp_path / "edges.csv"
    path.write_text(content)
    with pytest.raises(ValueError, match=match) as caught:
        read_edges(path, features)
    assert str(caught.value).startswith(str(path))


def test_a_missing_file_is_named(tmp_path, features):
    with pytest.raises(FileNotFoundError, match=r"edges.csv not found"):
        read_edges(tmp_path / "edges.csv", features)
