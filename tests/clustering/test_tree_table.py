"""Trees from a table with a row for each node."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from graphvid.clustering import ClusterTree

TABLE = {
    "video_id": ["b", "a", "d", "c"],
    "node": [1, 0, 3, 2],
    "level_1": [1, 0, 0, 1],
    "level_2": [0, 0, 0, 0],
    "level_3": [0, 0, 0, 0],
}


def read(tmp_path, table, **options) -> ClusterTree:
    pd.DataFrame(table).to_parquet(tmp_path / "tree.parquet")
    return ClusterTree.read_parquet(tmp_path / "tree.parquet", **options)


def test_rows_in_any_order(tmp_path):
    tree = read(tmp_path, TABLE)
    assert [labels.tolist() for labels in tree.labels] == [[0, 1, 2, 3], [0, 1, 1, 0], [0, 0, 0, 0], [0, 0, 0, 0]]
    assert tree.num_effective_levels == 2


def test_nodes_in_the_order_of_ids_and_one_without_an_edge(tmp_path):
    tree = read(tmp_path, TABLE, ids=np.array(["c", "e", "b", "d", "a"]))
    assert tree.labels[1].tolist() == [0, 1, 0, 2, 2]
    assert tree.labels[2].tolist() == [0, 1, 0, 0, 0]


@pytest.mark.parametrize(
    ("change", "options", "match"),
    [
        ({"node": [1, 0, 3, 3]}, {}, "node must hold 0 to 3, each once"),
        ({"level_2": [0, 0, 1, 1]}, {}, "level 2 must keep the clusters of the level below together"),
        ({"level_2": [0.0, 0, 0, 0]}, {}, "columns of integers"),
        ({"level_5": [0, 0, 0, 0]}, {}, "columns of integers 'node', 'level_1'"),
        ({}, {"ids": ["a", "b", "c"]}, "ids must hold every video_id of the table, got none of 'd'"),
    ],
)
def test_other_tables(change, options, match, tmp_path):
    with pytest.raises(ValueError, match=match):
        read(tmp_path, TABLE | change, **options)


def test_no_table(tmp_path):
    (tmp_path / "tree.parquet").write_bytes(b"PAR1")
    with pytest.raises(ValueError, match=r"a \.parquet file"):
        ClusterTree.read_parquet(tmp_path / "tree.parquet")
    with pytest.raises(FileNotFoundError):
        ClusterTree.read_parquet(tmp_path / "other.parquet")
    without = {name: values for name, values in TABLE.items() if name != "video_id"}
    with pytest.raises(ValueError, match="column 'video_id'"):
        read(tmp_path, without, ids=["a", "b", "c", "d"])
