"""Builders of graphs of mentions: their candidate entities, the words around them, and links between entities."""

from __future__ import annotations

from typing import Literal, get_args

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray

from graphvid._checks import node_ids
from graphvid._dgl import DGLGraph, dgl
from graphvid.data import Mentions

CAND, IN, LINKS = ("mention", "cand", "entity"), ("word", "in", "mention"), ("entity", "links", "entity")

AssignmentPairs = Literal["links", "all"]


def mention_graph(
    mentions: Mentions,
    *,
    words: tuple[ArrayLike, ArrayLike] | None = None,
    links: tuple[ArrayLike, ArrayLike] | None = None,
) -> DGLGraph:
    """Return the graph of mentions, candidates, words and links, documents side by side.

    The graph is the batch of the graphs of the documents. The entities of different documents are different nodes, so no
    message passes between documents, and `dgl.unbatch` separates them. There is no padding.

    Parameters
    ----------
    mentions : Mentions
    words : tuple of 2 arrays, optional
        ``(indptr, words)``: mention m has the words ``words[indptr[m]:indptr[m + 1]]``, numbers of a vocabulary. Default:
        no words.
    links : tuple of 2 arrays, optional
        ``(src, dst)``: entity numbers of links. Those between candidates of one document become edges. Default: none.

    Returns
    -------
    DGLGraph
        ``("mention", "cand", "entity")``: edge e is candidate e of ``mentions``, with ``edata["log_prior"]``, float32, of
        prior + 1e-20, where there are priors. ``("word", "in", "mention")``: edge and node i are word i.
        ``("entity", "links", "entity")``, without repetition, sorted by (src, dst). Node data: ``doc`` of each;
        ``gold`` of mentions (the edge of the right candidate, -1 without one), ``linkable`` (whether the entity is in the
        knowledge base) and ``name`` (equal for equal surfaces, whatever their case); ``entity`` of entities and ``word``
        of words, their numbers; ``degree`` of entities, how many others each links with among all ``links``. int64 ids,
        on the CPU. A document's nodes are contiguous.

    Raises
    ------
    TypeError, ValueError
        Arguments of another kind, word lists that do not fit, links of unknown entities.

    Notes
    -----
    O(num_candidates log num_candidates + num_words) time, and for the links O(sum over documents of the links that start
    at one of its candidates).

    Examples
    --------
    >>> mentions = Mentions(
    ...     [0, 0], ["Jordan", "Amman"], [1, 2], [0, 2, 3], [0, 1, 2], ["a", "b", "c"],
    ...     ["Michael Jordan", "Jordan", "Amman"])
    >>> graph = mention_graph(mentions, links=([1], [2]))
    >>> graph.edges(etype="cand"), graph.edges(etype="links")
    ((tensor([0, 0, 1]), tensor([0, 1, 2])), (tensor([1]), tensor([2])))
    """
    if not isinstance(mentions, Mentions):
        raise TypeError(f"mentions must be a Mentions, got {type(mentions).__name__}")
    num_docs, num_entities = mentions.num_docs, mentions.num_entities
    keys, entity_of = np.unique(
        mentions.doc[mentions.cand_mention] * num_entities + mentions.cand_entity, return_inverse=True
    )
    doc, entity = keys // num_entities, keys % num_entities
    word, word_mention = _words(mentions, words)
    src, dst = _links(keys, doc, entity, num_entities, links)
    ends = {
        CAND: (torch.from_numpy(mentions.cand_mention), torch.from_numpy(entity_of)),
        IN: (torch.arange(len(word)), torch.from_numpy(word_mention)),
        LINKS: (torch.from_numpy(src), torch.from_numpy(dst)),
    }
    num_nodes = {"mention": mentions.num_mentions, "entity": len(keys), "word": len(word)}
    graph = dgl.heterograph(ends, num_nodes_dict=num_nodes, idtype=torch.int64)
    docs = {"mention": mentions.doc, "entity": doc, "word": mentions.doc[word_mention]}
    for ntype, of_node in docs.items():
        graph.nodes[ntype].data["doc"] = torch.from_numpy(of_node)
    graph.nodes["mention"].data["gold"] = torch.from_numpy(mentions.gold_candidate)
    graph.nodes["mention"].data["linkable"] = torch.from_numpy(mentions.linkable)
    names = {name: code for code, name in enumerate(dict.fromkeys(surface.casefold() for surface in mentions.surface))}
    name = np.array([names[surface.casefold()] for surface in mentions.surface], dtype=np.int64)
    graph.nodes["mention"].data["name"] = torch.from_numpy(name)
    graph.nodes["entity"].data["entity"] = torch.from_numpy(entity)
    graph.nodes["entity"].data["degree"] = torch.from_numpy(_degrees(num_entities, links)[entity])
    graph.nodes["word"].data["word"] = torch.from_numpy(word)
    if mentions.prior is not None:
        graph.edges["cand"].data["log_prior"] = torch.from_numpy(np.log(mentions.prior + 1e-20).astype(np.float32))
    counts = {ntype: np.bincount(of_node, minlength=num_docs) for ntype, of_node in docs.items()}
    graph.set_batch_num_nodes({ntype: torch.from_numpy(count) for ntype, count in counts.items()})
    edge_docs = {CAND: mentions.doc[mentions.cand_mention], IN: docs["word"], LINKS: doc[src]}
    graph.set_batch_num_edges(
        {etype: torch.from_numpy(np.bincount(of_edge, minlength=num_docs)) for etype, of_edge in edge_docs.items()}
    )
    return graph


def assignment_graph(graph: DGLGraph, *, pairs: AssignmentPairs = "links") -> DGLGraph:
    """Return the graph whose nodes are (mention, candidate); an edge connects two choices of a document that cohere.

    Parameters
    ----------
    graph : DGLGraph
        From `mention_graph`.
    pairs : {"links", "all"}, default "links"
        Edges between nodes of different mentions of a document. ``"links"``: if the candidates link, in either direction,
        or are one entity. ``"all"``: every pair; their number grows with the square of the candidates of a document.
        `graphvid.nn.AssignmentLayout` sends messages over all pairs without the edges.

    Returns
    -------
    DGLGraph
        Node type ``assignment``, node n is edge n of ``cand``; ``ndata["mention"]``, ``ndata["entity"]`` (numbers),
        ``ndata["doc"]``. Edge type ``coheres``, both directions of each pair, sorted by (dst, src), so that the sources of
        one mention follow each other: with ``edata["same"]``, whether both are one entity. int64 ids, on the CPU.

    Raises
    ------
    TypeError, ValueError
        Another graph, an unknown choice.

    Notes
    -----
    O(num_edges log num_edges) time of the result.

    Examples
    --------
    >>> mentions = Mentions(
    ...     [0, 0], ["Jordan", "Amman"], [1, 2], [0, 2, 3], [0, 1, 2], ["a", "b", "c"],
    ...     ["Michael Jordan", "Jordan", "Amman"])
    >>> assignment_graph(mention_graph(mentions, links=([1], [2]))).edges()
    (tensor([2, 1]), tensor([1, 2]))
    """
    if not isinstance(graph, DGLGraph) or CAND not in graph.canonical_etypes:
        raise TypeError(f"graph must be a DGLGraph made by mention_graph, got {type(graph).__name__}")
    if pairs not in get_args(AssignmentPairs):
        raise ValueError(f"pairs must be one of {list(get_args(AssignmentPairs))}, got {pairs!r}")
    mention, entity = (ends.numpy() for ends in graph.edges(etype="cand", order="eid"))
    doc = graph.nodes["mention"].data["doc"].numpy()[mention]
    if pairs == "links":
        src, dst = linked_pairs(graph, entity)
    else:
        starts = np.searchsorted(doc, np.arange(graph.batch_size + 1))
        count = np.diff(starts)[doc]
        dst = np.repeat(np.arange(len(doc)), count)
        src = np.arange(len(dst)) - np.repeat(np.cumsum(count) - count, count) + starts[doc[dst]]
    different = mention[src] != mention[dst]
    src, dst = src[different], dst[different]
    order = np.lexsort((src, dst))
    src, dst = src[order], dst[order]
    made = dgl.heterograph(
        {("assignment", "coheres", "assignment"): (torch.from_numpy(src), torch.from_numpy(dst))},
        num_nodes_dict={"assignment": len(mention)},
        idtype=torch.int64,
    )
    made.ndata["mention"], made.ndata["doc"] = torch.from_numpy(mention), torch.from_numpy(doc)
    made.ndata["entity"] = graph.nodes["entity"].data["entity"][torch.from_numpy(entity)]
    made.edata["same"] = torch.from_numpy(entity[src] == entity[dst])
    return made


def linked_pairs(graph: DGLGraph, entity: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return each ordered pair of items whose entities link, in either direction, or are the same; self-pairs too.

    Parameters
    ----------
    graph : DGLGraph
        From `mention_graph`.
    entity : ndarray of int64, shape (num_items,)
        Entity node of each item, such as a mention with a candidate.

    Returns
    -------
    src, dst : ndarray of int64, shape (num_pairs,)
        Items, in no order.

    Notes
    -----
    O(num_pairs + num_links log num_links) time and memory.
    """
    src, dst = (ends.numpy() for ends in graph.edges(etype="links", order="eid"))
    num = graph.num_nodes("entity")
    own = np.arange(num)
    code = np.unique(np.concatenate([src * num + dst, dst * num + src, own * num + own]))
    src, dst = code // num, code % num
    order = np.argsort(entity, kind="stable")
    indptr = np.searchsorted(entity[order], np.arange(num + 1))
    held = np.diff(indptr)
    count = held[src] * held[dst]
    pair = np.repeat(np.arange(len(code)), count)
    within = np.arange(len(pair)) - np.repeat(np.cumsum(count) - count, count)
    first, second = within // held[dst[pair]], within % held[dst[pair]]
    return order[indptr[src[pair]] + first], order[indptr[dst[pair]] + second]


def _words(
    mentions: Mentions, words: tuple[ArrayLike, ArrayLike] | None
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the words and the mention of each word."""
    if words is None:
        return np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.int64)
    indptr, word = (np.asarray(x) for x in words)
    if indptr.shape != (mentions.num_mentions + 1,) or indptr[0] != 0 or (np.diff(indptr) < 0).any():
        raise ValueError(
            f"the indptr of words must start at 0, never fall and have {mentions.num_mentions + 1} entries"
        )
    word = node_ids("words", word, np.iinfo(np.int64).max, "(num_words,)")
    if len(word) != indptr[-1]:
        raise ValueError(f"words must have {indptr[-1]} entries, as their indptr says, got {len(word)}")
    return word, np.repeat(np.arange(mentions.num_mentions), np.diff(indptr))


def _links(
    keys: NDArray[np.int64],
    doc: NDArray[np.int64],
    entity: NDArray[np.int64],
    num_entities: int,
    links: tuple[ArrayLike, ArrayLike] | None,
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the ends of the links between entities of the same document, as nodes of the graph."""
    if links is None:
        return np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.int64)
    src, dst = (node_ids(name, x, num_entities, "(num_links,)") for name, x in zip(("link_src", "link_dst"), links))
    if len(src) != len(dst):
        raise ValueError(f"link_src and link_dst must have equal lengths, got {len(src)} and {len(dst)}")
    code = np.unique(src * num_entities + dst)
    src, dst = code // num_entities, code % num_entities
    indptr = np.searchsorted(src, np.arange(num_entities + 1))
    count = np.diff(indptr)[entity]
    node = np.repeat(np.arange(len(entity)), count)
    to = dst[np.arange(len(node)) - np.repeat(np.cumsum(count) - count, count) + indptr[entity[node]]]
    wanted = doc[node] * num_entities + to
    at = np.minimum(np.searchsorted(keys, wanted), len(keys) - 1)
    found = keys[at] == wanted
    return node[found], at[found]


def _degrees(num_entities: int, links: tuple[ArrayLike, ArrayLike] | None) -> NDArray[np.int64]:
    """Return, for each entity, the number of distinct other entities that it links with, in either direction."""
    if links is None:
        return np.zeros(num_entities, dtype=np.int64)
    src, dst = (np.asarray(x, dtype=np.int64) for x in links)
    code = np.unique(np.concatenate([src * num_entities + dst, dst * num_entities + src]))
    return np.bincount((code // num_entities)[code // num_entities != code % num_entities], minlength=num_entities)
