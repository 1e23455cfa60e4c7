from itertools import pairwise

import numpy as np
import pytest
import torch

from graphvid.data import Mentions
from graphvid.graphs import mention_graph
from graphvid.models.linking import (
    LinkGlobal,
    LinkGlobalConfig,
    LinkGraph,
    LinkGraphConfig,
    LinkLocal,
    LinkLocalConfig,
    LinkTables,
)

KINDS = {
    "local": (LinkLocal, LinkLocalConfig(hidden=6)),
    "pair": (LinkGlobal, LinkGlobalConfig(hidden=6, num_rounds=3)),
    "relations": (
        LinkGlobal,
        LinkGlobalConfig(hidden=6, num_rounds=3, coherence="relations", relation_hidden=5, prior_in_rounds=False),
    ),
    "graph": (LinkGraph, LinkGraphConfig(hidden=6)),
}
COUNTS = [3, 2, 0, 4, 1, 5, 2]
DOCS = [0, 0, 0, 1, 2, 2, 2]
NAMES = ["a", "b", "c", "d", "e", "e", "f"]


def _world(order=None):
    """Give a graph of three documents and its tables, with the documents in another order if asked for."""
    rng = np.random.default_rng(0)
    indptr = np.concatenate([[0], np.cumsum(COUNTS)])
    entity = np.concatenate([np.sort(rng.permutation(8)[:n]) for n in COUNTS])
    gold = [entity[s] if n else -1 for s, n in zip(indptr[:-1], COUNTS, strict=True)]
    mentions = Mentions(DOCS, NAMES, gold, indptr, entity, np.arange(8), list("abcdefgh"))
    features = rng.normal(size=(len(entity), 3))
    word_indptr, words = np.arange(8) * 2, rng.integers(0, 6, 14)
    links, tables = (rng.integers(0, 8, 20), rng.integers(0, 8, 20)), rng.normal(size=(14, 4)).astype(np.float32)
    rows = np.arange(7) if order is None else np.concatenate([np.flatnonzero(np.array(DOCS) == d) for d in order])
    place = np.concatenate([np.arange(indptr[m], indptr[m + 1]) for m in rows])
    at_word = np.concatenate([np.arange(2 * m, 2 * m + 2) for m in rows])
    graph = mention_graph(mentions.take(rows), words=(word_indptr, words[at_word]), links=links)
    vectors = torch.from_numpy(tables)
    return (
        graph,
        LinkTables(torch.from_numpy(features[place]).float(), ("prior", "type", "prior"), vectors[:8], vectors[8:]),
        place,
    )


@pytest.mark.parametrize("kind", list(KINDS))
def test_order_of_documents_does_not_matter(kind):
    model, config = KINDS[kind]
    graph, tables, place = _world()
    first = model(graph, tables, torch.tensor([0, 1]), config)
    again, shuffled, moved = _world([2, 0, 1])
    second = model(again, shuffled, torch.tensor([1, 2]), config)
    second.load_state_dict(first.state_dict())
    whole, parted = torch.zeros(len(place)), torch.zeros(len(place))
    for linker, out, at in ((first, whole, place), (second, parted, moved)):
        candidates, scores = linker.score(torch.arange(3))
        out[torch.from_numpy(at)[candidates]] = scores
    torch.testing.assert_close(whole, parted)
    alone = first.score(torch.tensor([1]))
    torch.testing.assert_close(alone[1], whole[alone[0]])  # documents do not hear of each other


@pytest.mark.parametrize("kind", list(KINDS))
def test_hidden_golds_are_not_read(kind):
    model, config = KINDS[kind]
    graph, tables, _ = _world()
    linker = model(graph, tables, torch.tensor([0]), config)
    assert linker.gold[3:].tolist() == [-2] * 4
    graph.nodes["mention"].data["gold"][3:] = -1
    other = model(graph, tables, torch.tensor([0]), config)
    losses = [one.eval().loss(next(iter(one.train_dataloader()))) for one in (linker, other)]  # without dropout
    assert torch.equal(*losses)
    losses[0].backward()
    assert sum(p.grad is not None and bool(p.grad.abs().sum() > 0) for p in linker.parameters()) >= 4


@pytest.mark.parametrize("kind", list(KINDS))
def test_without(kind):
    model, config = KINDS[kind]
    graph, tables, _ = _world()
    linker = model(graph, tables, torch.tensor([0, 1]), config)
    docs = torch.arange(3)
    blind = linker.score(docs, "type")[1]
    changed = tables.features.clone()
    changed[:, 1] = torch.randn(len(changed))
    means = torch.zeros(len(changed))
    starts = linker.documents.cand_indptr.tolist()
    for a, b in pairwise(starts):
        means[a:b] = tables.features[a:b, 1].mean() if b > a else 0.0
    changed[:, 1] = means
    same = model(graph, LinkTables(changed, tables.groups, tables.entities, tables.words), docs, config)
    same.load_state_dict(linker.state_dict())
    torch.testing.assert_close(blind, same.score(docs)[1])


def test_long_documents_are_cut():
    graph, tables, _ = _world()
    config = LinkGlobalConfig(hidden=6, block_size=1)
    linker = LinkGlobal(graph, tables, torch.arange(3), config)
    assert linker.documents.num_docs == 7
    alone = linker.score(torch.arange(3))
    silent = linker.score(torch.arange(3), "coherence")
    torch.testing.assert_close(alone[1], silent[1])  # one mention has nobody to hear


def test_refused():
    graph, tables, _ = _world()
    with pytest.raises(ValueError, match="docs must have a mention whose gold is a candidate"):
        LinkLocal(graph, tables, torch.tensor([7]))
    with pytest.raises(ValueError, match="entities must be given"):
        LinkGlobal(graph, LinkTables(tables.features, tables.groups), torch.tensor([0]))
    with pytest.raises(TypeError, match="config must be a LinkLocalConfig"):
        LinkLocal(graph, tables, torch.tensor([0]), LinkGraphConfig())
    with pytest.raises(ValueError, match="features must have a row for each of the 17 candidates"):
        LinkLocal(graph, LinkTables(tables.features[1:], tables.groups), torch.tensor([0]))
    with pytest.raises(ValueError, match="groups must be among"):
        LinkTables(tables.features, ("prior", "gold_type", "type"))
    with pytest.raises(ValueError, match="features must be finite"):
        LinkTables(tables.features / 0, tables.groups)
