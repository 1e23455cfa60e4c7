import numpy as np
import pytest
import torch

from graphvid._dgl import dgl
from graphvid.data import Mentions
from graphvid.graphs import assignment_graph, mention_graph


@pytest.fixture
def mentions():
    """Two documents; the first has an entity that two mentions may mean, and a mention without candidates."""
    return Mentions(
        [0, 0, 0, 1, 1],
        ["a", "b", "c", "A", "d"],
        [0, 3, -1, 0, 2],
        [0, 2, 4, 4, 6, 7],
        [0, 1, 1, 3, 0, 2, 2],
        list("pqrs"),
        list("pqrs"),
        prior=[0.5, 0.5, 0.25, 0.75, 0.9, 0.1, 1.0],
    )


WORDS = ([0, 2, 2, 3, 3, 4], [7, 8, 7, 9])
LINKS = ([0, 0, 0, 3], [2, 2, 3, 1])  # one of them twice


def test_is_the_batch_of_its_documents(mentions):
    graph = mention_graph(mentions, words=WORDS, links=LINKS)
    alone = [
        mention_graph(mentions.take(mentions.doc == d), words=words, links=LINKS)
        for d, words in ((0, ([0, 2, 2, 3], [7, 8, 7])), (1, ([0, 0, 1], [9])))
    ]
    for got, expected in zip(dgl.unbatch(graph), alone, strict=True):
        for etype in expected.canonical_etypes:
            for ends, wanted in zip(
                got.edges(etype=etype, order="eid"), expected.edges(etype=etype, order="eid"), strict=True
            ):
                torch.testing.assert_close(ends, wanted)
        torch.testing.assert_close(got.nodes["entity"].data["entity"], expected.nodes["entity"].data["entity"])
        torch.testing.assert_close(got.edges["cand"].data["log_prior"], expected.edges["cand"].data["log_prior"])


def test_content(mentions):
    graph = mention_graph(mentions, words=WORDS, links=LINKS)
    assert {ntype: graph.num_nodes(ntype) for ntype in graph.ntypes} == {"mention": 5, "entity": 5, "word": 4}
    assert graph.nodes["mention"].data["gold"].tolist() == [0, 3, -1, 4, 6]
    assert graph.nodes["mention"].data["name"].tolist() == [0, 1, 2, 0, 3]  # whatever the case
    assert graph.edges(etype="in")[1].tolist() == [0, 0, 2, 4]
    entity = graph.nodes["entity"].data["entity"]
    linked = [(int(entity[s]), int(entity[d])) for s, d in zip(*graph.edges(etype="links"), strict=True)]
    assert sorted(linked) == [(0, 2), (0, 3), (3, 1)]


@pytest.mark.parametrize("pairs", ["links", "all"])
def test_assignments_equal_the_loops(mentions, pairs):
    graph = mention_graph(mentions, links=LINKS)
    found = assignment_graph(graph, pairs=pairs)
    mention, entity = mentions.cand_mention, mentions.cand_entity
    linked = {(0, 2), (0, 3), (3, 1)}
    expected = [
        (s, d)
        for d in range(len(entity))
        for s in range(len(entity))
        if mentions.doc[mention[s]] == mentions.doc[mention[d]]
        and mention[s] != mention[d]
        and (pairs == "all" or entity[s] == entity[d] or {(entity[s], entity[d]), (entity[d], entity[s])} & linked)
    ]
    src, dst = found.edges(order="eid")
    assert list(zip(src.tolist(), dst.tolist(), strict=True)) == expected
    np.testing.assert_array_equal(found.edata["same"], [entity[s] == entity[d] for s, d in expected])


def test_nothing_to_link():
    lonely = Mentions([0], ["x"], [-2], [0, 0], [], ["a"], ["a"])
    graph = mention_graph(lonely, links=([0], [0]))
    assert graph.num_nodes("entity") == graph.num_edges("links") == 0
    assert assignment_graph(graph).num_nodes() == 0


def test_refused(mentions):
    with pytest.raises(TypeError, match="mentions must be a Mentions, got list"):
        mention_graph([])
    with pytest.raises(ValueError, match="words must have 4 entries, as their indptr says, got 3"):
        mention_graph(mentions, words=(WORDS[0], [1, 2, 3]))
    with pytest.raises(ValueError, match=r"link_dst must be in \[0, 4\), got 4"):
        mention_graph(mentions, links=([0], [4]))
    with pytest.raises(ValueError, match="pairs must be one of"):
        assignment_graph(mention_graph(mentions), pairs="some")
