from __future__ import annotations

import numpy as np
import pytest
import torch

from graphvid.ops import NeighborTable


def rows(table: NeighborTable) -> list[list[int]]:
    return [table.indices[a:b].tolist() for a, b in zip(table.indptr[:-1], table.indptr[1:], strict=True)]


def test_table_holds_each_pair_once_and_sorted():
    rng = np.random.default_rng(0)
    src, dst = torch.from_numpy(rng.integers(0, 9, size=(2, 60)))
    table = NeighborTable.from_edges(src, dst, num_nodes=11)
    expected = [sorted({int(d) for s, d in zip(src, dst, strict=True) if s == v}) for v in range(11)]
    assert rows(table) == expected
    assert table.num_nodes == 11
    assert table.indptr.dtype == table.indices.dtype == torch.int64


@pytest.mark.parametrize("num_nodes", [0, 3])
def test_table_without_edges(num_nodes):
    none = torch.empty(0, dtype=torch.int64)
    assert rows(NeighborTable.from_edges(none, none, num_nodes=num_nodes)) == [[]] * num_nodes


@pytest.mark.parametrize(
    ("src", "dst", "error", "message"),
    [
        ([0, 1], [1], ValueError, r"equal length, got shapes \(2,\) and \(1,\)"),
        ([0], [3], ValueError, r"dst must lie in \[0, 3\), got 3 to 3"),
        ([-1], [0], ValueError, r"src must lie in \[0, 3\), got -1 to -1"),
        ([0.0], [1], TypeError, r"src must be an integer tensor, got dtype torch.float32"),
    ],
)
def test_bad_edges(src, dst, error, message):
    with pytest.raises(error, match=message):
        NeighborTable.from_edges(torch.tensor(src), torch.tensor(dst), num_nodes=3)
