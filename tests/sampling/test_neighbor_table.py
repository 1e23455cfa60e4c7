from __future__ import annotations

import pytest
import torch

from graphvid._dgl import dgl
from graphvid.ops import NeighborTable
from graphvid.sampling import neighbor_table


def test_equals_the_edges(world):
    graph, _ = world
    expected = NeighborTable.from_edges(*graph.edges(), num_nodes=48)
    table = neighbor_table(graph)
    assert torch.equal(table.indptr, expected.indptr)
    assert torch.equal(table.indices, expected.indices)


def test_order_of_the_edges_does_not_matter(world):
    graph, _ = world
    src, dst = graph.edges()
    order = torch.randperm(len(src), generator=torch.Generator().manual_seed(0))
    moved = neighbor_table(dgl.graph((src[order], dst[order]), num_nodes=48))
    assert all(torch.equal(x, y) for x, y in zip(moved, neighbor_table(graph), strict=True))


def test_int32_graph_gives_int64_lists(world):
    graph, _ = world
    table = neighbor_table(graph.int())
    assert table.indptr.dtype == table.indices.dtype == torch.int64


def test_named_types_and_no_edges():
    graph = dgl.heterograph({("video", "co_watch", "video"): ([], [])}, num_nodes_dict={"video": 3})
    assert neighbor_table(graph).indptr.tolist() == [0, 0, 0, 0]


@pytest.mark.parametrize(
    ("src", "dst", "message"),
    [
        ([0, 1, 1], [1, 0, 1], "graph must have no self loops, got 1"),
        ([0, 0, 1, 1], [1, 1, 0, 0], "graph must have no parallel edges, got 2"),
        ([0, 1, 1], [1, 0, 2], "graph must store both directions of every edge"),
    ],
)
def test_bad_edges(src, dst, message):
    with pytest.raises(ValueError, match=message):
        neighbor_table(dgl.graph((src, dst), num_nodes=3))


def test_several_relations():
    graph = dgl.heterograph({("user", "watch", "video"): ([0], [0])})
    with pytest.raises(ValueError, match="one node type and one relation, got relations"):
        neighbor_table(graph)


def test_no_graph():
    with pytest.raises(TypeError, match="graph must be a DGLGraph, got list"):
        neighbor_table([[0, 1]])
