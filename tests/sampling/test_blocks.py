from __future__ import annotations

import pytest
import torch

from graphvid.ops import Adjacency
from graphvid.sampling import NeighborPicks, to_block

NORMS = ("none", "left", "right", "both")


def picks_of(adjacency: Adjacency, edges: list[list[int]], dst_ids: list[int]) -> NeighborPicks:
    counts = torch.tensor([len(x) for x in edges])
    ids = torch.tensor([e for x in edges for e in x])
    owner = torch.repeat_interleave(counts)
    return NeighborPicks(ids, adjacency.ends("src")[ids].long(), owner, torch.tensor(dst_ids), counts)


def relation(**options) -> Adjacency:
    src, dst = torch.tensor([5, 2, 2, 7, 0, 5]), torch.tensor([2, 7, 7, 2, 0, 7])
    return Adjacency.from_coo(src, dst, num_src=8, num_dst=8, weight=torch.arange(6.0), **options)


def test_a_block_by_hand():
    picks = picks_of(relation(), [[5, 1, 1], [], [3]], [7, 1, 2])
    block = to_block(relation(), picks, include_dst_in_src=True)
    assert block.src_ids.tolist() == [7, 1, 2, 5]
    assert block.adjacency.ends("src").tolist() == [3, 2, 2, 0]
    assert block.adjacency.ends("dst").tolist() == [0, 0, 0, 2]
    assert block.adjacency.weight.tolist() == [5.0, 1.0, 1.0, 3.0]
    assert block.edge_ids.tolist() == [5, 1, 1, 3]
    bare = to_block(relation(), picks, include_dst_in_src=False)
    assert bare.src_ids.tolist() == [2, 5, 7]
    assert bare.adjacency.ends("src").tolist() == [1, 0, 0, 2]
    assert {x.src_ids.dtype for x in (block, bare)} == {torch.int64}


@pytest.mark.parametrize("norm", NORMS)
@pytest.mark.parametrize("turned", [False, True])
def test_the_block_has_the_norm_of_the_relation(norm, turned):
    adjacency = relation(norm=norm).t() if turned else relation(norm=norm)
    picks = picks_of(adjacency, [[2, 1], [5]] if turned else [[1, 2], [0, 3]], [2, 5] if turned else [7, 2])
    inner = to_block(adjacency, picks, include_dst_in_src=True).adjacency
    norm = {"left": "right", "right": "left"}.get(norm, norm) if turned else norm
    assert inner.norm == norm
    plain = Adjacency.from_coo(
        inner.ends("src"), inner.ends("dst"), num_src=inner.num_src, num_dst=2, weight=inner.weight, norm=norm
    )
    x = torch.rand(inner.num_src, 3)
    torch.testing.assert_close(inner.spmm(x), plain.spmm(x))


def test_two_lists_of_nodes_or_a_repeated_destination_are_refused():
    picks = picks_of(relation(), [[1], [1]], [7, 7])
    with pytest.raises(ValueError, match="dst_ids must be distinct with include_dst_in_src=True, got 7 more than once"):
        to_block(relation(), picks, include_dst_in_src=True)
    assert to_block(relation(), picks, include_dst_in_src=False).dst_ids.tolist() == [7, 7]
    two = Adjacency.from_coo(torch.tensor([0]), torch.tensor([0]), num_src=2, num_dst=1)
    with pytest.raises(ValueError, match="include_dst_in_src=True needs num_src equal to num_dst, one node type, got"):
        to_block(two, picks_of(two, [[0]], [0]), include_dst_in_src=True)
