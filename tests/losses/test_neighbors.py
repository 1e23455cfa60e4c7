from __future__ import annotations

import numpy as np
import pytest
import torch

from graphvid.losses import NeighborTable
from graphvid.losses.neighbors import CandidateLookup


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


@pytest.mark.parametrize("with_table", [True, False])
def test_lookup_finds_every_excluded_entry(with_table):
    rng = np.random.default_rng(1)
    src, dst = torch.from_numpy(rng.integers(0, 20, size=(2, 80)))
    table = NeighborTable.from_edges(src, dst, num_nodes=20) if with_table else None
    candidates, queries, partners = (torch.from_numpy(rng.integers(0, 20, size=n)) for n in (40, 15, 15))
    found = torch.zeros(15, 40, dtype=torch.bool)
    found[CandidateLookup(candidates, table).excluded(queries, partners)] = True
    for i, (q, p) in enumerate(zip(queries.tolist(), partners.tolist(), strict=True)):
        barred = {q, p} | (set(rows(table)[q]) if table else set())
        assert found[i].tolist() == [c in barred for c in candidates.tolist()]
