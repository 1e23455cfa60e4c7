"""Blocks of histories: what a row reads, and what it leaves out."""

from __future__ import annotations

import pytest
import torch

from graphvid.ops import NeighborTable
from graphvid.sampling import histories, history_block

TABLE = NeighborTable(torch.tensor([0, 3, 3, 5]), torch.tensor([1, 4, 6, 0, 4]))


def _read(block):
    """The items of every row."""
    found = [[] for _ in range(block.adjacency.num_dst)]
    ends = block.adjacency.ends("src").tolist(), block.adjacency.ends("dst").tolist()
    for source, row in zip(*ends, strict=True):
        found[row].append(int(block.src_ids[source]))
    return found


def test_rows_read_the_history_without_the_item_they_predict() -> None:
    users = torch.tensor([2, 0, 1, 0, 2])
    block = history_block(TABLE, users, torch.tensor([4, 6, 3, 1, 5]))
    assert _read(block) == [[0], [1, 4], [], [4, 6], [0, 4]]
    assert block.src_ids.tolist() == [0, 1, 4, 6]
    assert torch.equal(TABLE.indices[block.edge_ids], block.src_ids[block.adjacency.ends("src").long()])
    assert torch.equal(block.dst_ids, users)


def test_whole_histories_and_none() -> None:
    assert _read(history_block(TABLE, torch.tensor([0, 2]))) == [[1, 4, 6], [0, 4]]
    empty = history_block(TABLE, torch.tensor([1]))
    assert (empty.adjacency.num_dst, empty.adjacency.num_edges, len(empty.src_ids)) == (1, 0, 0)


def test_items_without_an_edge() -> None:
    users, others = torch.tensor([2, 0]), torch.tensor([5, 4, 9])
    block = history_block(TABLE, users, torch.tensor([0, 0]), also=others)
    assert block.src_ids.tolist() == [1, 4, 5, 6, 9]
    assert block.adjacency.num_src == 5
    assert _read(block) == _read(history_block(TABLE, users, torch.tensor([0, 0]))) == [[4], [1, 4, 6]]


def test_unequal_lengths_are_an_error() -> None:
    with pytest.raises(ValueError, match=r"left_out must have the shape of users, \(2,\), got \(1,\)"):
        history_block(TABLE, torch.tensor([0, 2]), torch.tensor([1]))


def test_a_user_out_of_range_is_an_error() -> None:
    with pytest.raises(ValueError, match=r"users must lie in \[0, 3\), got 0 to 3"):
        history_block(TABLE, torch.tensor([0, 3]))


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("leave_out", [False, True])
def test_both_ways_to_list_histories(seed, leave_out) -> None:
    """The kernel of the CPU, and the tensors of other devices."""
    generator = torch.Generator().manual_seed(seed)
    pairs = (torch.rand(12, 30, generator=generator) < 0.3).nonzero()
    indptr = torch.bincount(pairs[:, 0] + 1, minlength=14).cumsum(0)  # the last user has nothing
    table = NeighborTable(indptr, pairs[:, 1].contiguous())
    users = torch.randint(13, (20,), generator=generator)
    left_out = torch.randint(30, (20,), generator=generator) if leave_out else None
    found = [listed(table, users, left_out) for listed in (histories._list_fused, histories._list_tensors)]
    assert all(torch.equal(one, other) for one, other in zip(*found, strict=True))
    assert int(found[0][2][-1]) == len(found[0][0]) > 0
