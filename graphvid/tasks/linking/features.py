"""Features and vectors of candidates for linkers, by kind of source; none is made from an answer."""

from __future__ import annotations

import re
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from graphvid._dgl import DGLGraph
from graphvid.data import AidaCandidates, Mentions, SyntheticMentions
from graphvid.graphs import mention_graph
from graphvid.nn.context_embedding import ContextPool

from .names import Columns, name_features, plain, relative
from .vectors import TextVectors, link_vectors


class Inputs(NamedTuple):
    """What a linker is made from, beside its options.

    Parameters
    ----------
    graph : DGLGraph
        From `graphvid.graphs.mention_graph`.
    features : ndarray of float64, shape (num_candidates, num_features)
    groups, names : tuple of str
        What each feature speaks of, and what it is called.
    entities, words, mentions : ndarray of float32 or None
        Vectors, see `graphvid.models.linking.LinkTables`.
    """

    graph: DGLGraph
    features: NDArray[np.float64]
    groups: tuple[str, ...]
    names: tuple[str, ...]
    entities: NDArray[np.float32] | None = None
    words: NDArray[np.float32] | None = None
    mentions: NDArray[np.float32] | None = None


class WorldKnowledge:
    """Prior and similarity of contexts in the generated world, with vectors of words and entities."""

    def __init__(self, seed: int) -> None:
        self.world = SyntheticMentions(seed=seed)

    def read(self, mentions: Mentions, own: bool) -> Inputs:
        """Return the inputs of mentions of the world's entities."""
        world = self.world
        left, right = _contexts(mentions)
        found = world.read_contexts(mentions.surface, left, right)
        graph = mention_graph(mentions, words=(found.word_indptr, found.words), links=(world.link_src, world.link_dst))
        columns: Columns = {
            "prior": ("prior", _log_prior(mentions)),
            "contexts alike": ("type", _cosine(world.entity_context_vectors[mentions.cand_entity],
                                               found.context_vectors[mentions.cand_mention])),
        }  # fmt: skip
        return _inputs(graph, columns, world.entity_vectors, world.word_vectors, found.mention_vectors)


class AidaKnowledge:
    """Popularity, names, types and links of AIDA's candidates; nothing of golds."""

    def __init__(self, data_dir: str | None, encoder: str | None, cache: str | None) -> None:
        self.data = AidaCandidates(data_dir)
        found = self.data.mentions
        vectors = [link_vectors(self.data.link_src, self.data.link_dst, found.num_entities)]
        if encoder is not None:
            names = TextVectors(encoder, "mean", cache).of_texts(found.entity_names)
            vectors.append(np.asarray(names / 2, dtype=np.float32))
        self.entities = np.concatenate(vectors, axis=1)

    def read(self, mentions: Mentions, own: bool) -> Inputs:
        """Return the inputs of mentions of AIDA's entities."""
        data, entity = self.data, mentions.cand_entity
        columns = name_features(mentions)
        links, popularity = np.log1p(data.in_links.astype(np.float64)), np.nan_to_num(data.popularity, nan=0.0)
        for name, values in (("in-links", links), ("popularity", popularity)):
            columns[name] = ("prior", values[entity])
            columns[f"{name}, relative"] = ("prior", relative(values[entity], mentions))
        columns["popularity unknown"] = ("prior", np.isnan(data.popularity)[entity].astype(np.float64))
        columns["out-links"] = ("prior", np.log1p(data.out_links.astype(np.float64))[entity])
        columns["share of in-links"] = ("prior", _log_share(data.in_links[entity] + 1.0, mentions))
        for kind in ("PER", "ORG", "GPE"):
            columns[kind] = ("type", (data.entity_type[entity] == kind).astype(np.float64))
        return _inputs(mention_graph(mentions, links=(data.link_src, data.link_dst)), columns, self.entities)


class TextKnowledge:
    """Names, words around mentions, and what an encoder finds alike, for sources with text.

    Parameters
    ----------
    mentions : Mentions
        All, with contexts.
    train : ndarray of bool, shape (num_mentions,)
        Mentions whose golds may be known: the contexts of their entities come from them.
    encoder : str, optional
        Folder with an encoder; without one there are no vectors.
    pool : {"mean", "mask"}
    cache : str, optional
        Folder for the encoder's vectors.
    """

    def __init__(
        self, mentions: Mentions, train: NDArray[np.bool_], encoder: str | None, pool: ContextPool, cache: str | None
    ) -> None:
        self.known, self.train = mentions, train & (mentions.gold >= 0)
        self.vectors = None if encoder is None else TextVectors(encoder, pool, cache)
        self.names: NDArray[np.float32] | None = None
        if self.vectors is not None:
            left, right = _contexts(mentions)
            rows = np.flatnonzero(self.train)
            self.contexts = self.vectors.of_contexts(left, right)[rows]
            self.names = self.vectors.of_texts(mentions.entity_names)

    def read(self, mentions: Mentions, own: bool) -> Inputs:
        """Return the inputs of mentions of the same entities; of the known ones, without contexts of their own document."""
        left, right = _contexts(mentions)
        columns = name_features(mentions)
        columns |= _id_features(mentions)
        if mentions.prior is not None:
            columns["prior"] = ("prior", _log_prior(mentions))
        around = [set(plain(f"{before} {after}").split()) for before, after in zip(left, right, strict=True)]
        columns["words around"] = ("context", _words_around(mentions, around))
        if self.vectors is None or self.names is None:
            return _inputs(mention_graph(mentions), columns)
        entity, mention = mentions.cand_entity, mentions.cand_mention
        context = self.vectors.of_contexts(left, right)
        whole = self.vectors.of_texts([f"{a[-200:]}{s}{b[:200]}" for a, s, b in zip(left, mentions.surface, right)])
        surface = self.vectors.of_texts(mentions.surface)
        for name, vectors in (("context", context), ("sentence", whole), ("surface", surface)):
            alike = _cosine(self.names[entity], vectors[mention])
            group = "prior" if name == "surface" else "context"
            columns[f"name like {name}"] = (group, alike)
            columns[f"name like {name}, relative"] = (group, relative(alike, mentions))
        alike, counted = self._contexts_alike(mentions, context, own)
        columns["contexts alike"], columns["contexts known"] = ("type", alike), ("type", counted)
        return _inputs(mention_graph(mentions), columns, self.names, None, whole)

    def _contexts_alike(
        self, mentions: Mentions, context: NDArray[np.float32], own: bool
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return the cosine with the mean context of each candidate in other training documents, and whether it has one.

        An entity without contexts has the mean of all.
        """
        known, rows = self.known, np.flatnonzero(self.train)
        total = np.zeros((known.num_entities, self.contexts.shape[1]))
        count = np.zeros(known.num_entities)
        np.add.at(total, known.gold[rows], self.contexts)
        np.add.at(count, known.gold[rows], 1.0)
        entity, mention = mentions.cand_entity, mentions.cand_mention
        sums, counts = total[entity], count[entity]
        if own:
            by_doc: dict[tuple[int, int], list[int]] = {}
            for at, row in enumerate(rows):
                by_doc.setdefault((int(known.doc[row]), int(known.gold[row])), []).append(at)
            for at, key in enumerate(zip(mentions.doc[mention].tolist(), entity.tolist(), strict=True)):
                if key in by_doc:
                    sums[at] -= self.contexts[by_doc[key]].sum(axis=0)
                    counts[at] -= len(by_doc[key])
        has = counts > 0
        sums[~has] = self.contexts.mean(axis=0) if len(rows) else 0.0
        return _cosine(sums, context[mention]), has.astype(np.float64)


def _inputs(
    graph: DGLGraph, columns: Columns, entities: NDArray[np.float32] | None = None,
    words: NDArray[np.float32] | None = None, mentions: NDArray[np.float32] | None = None,
) -> Inputs:  # fmt: skip
    features = np.stack([values for _, values in columns.values()], axis=1)
    return Inputs(
        graph, features, tuple(group for group, _ in columns.values()), tuple(columns), entities, words, mentions
    )


def _contexts(mentions: Mentions) -> tuple[NDArray[np.object_], NDArray[np.object_]]:
    if mentions.left is None or mentions.right is None:
        raise ValueError("mentions must have the text around them, got none")
    return mentions.left, mentions.right


def _log_prior(mentions: Mentions) -> NDArray[np.float64]:
    if mentions.prior is None:
        raise ValueError("candidates must have a prior, got none")
    return np.log(mentions.prior + 1e-20)


def _log_share(values: NDArray[np.floating], mentions: Mentions) -> NDArray[np.float64]:
    total = np.zeros(mentions.num_mentions)
    np.add.at(total, mentions.cand_mention, values)
    share: NDArray[np.float64] = np.log(values / total[mentions.cand_mention])
    return share


def _cosine(x: NDArray[np.floating], y: NDArray[np.floating]) -> NDArray[np.float64]:
    norms = np.linalg.norm(x, axis=1) * np.linalg.norm(y, axis=1)
    found = np.einsum("nd,nd->n", x, y, dtype=np.float64) / np.maximum(norms, 1e-12)
    return np.asarray(found, dtype=np.float64)


def _id_features(mentions: Mentions) -> Columns:
    """Return the logarithm of numbers in ids, which fall with fame in Wikidata; nothing for other ids."""
    numbers = [re.fullmatch(r"Q(\d+)", str(entity)) for entity in mentions.entity_ids]
    if not all(numbers):
        return {}
    age = -np.log(np.array([float(number[1]) for number in numbers if number is not None]) + 1.0)[mentions.cand_entity]
    return {"age of the entry": ("prior", age), "age of the entry, relative": ("prior", relative(age, mentions))}


def _words_around(mentions: Mentions, around: list[set[str]]) -> NDArray[np.float64]:
    """Return the share of a name's words beyond those of the surface that stand around the mention; 0 without such words."""
    names = [set(plain(name).split()) for name in mentions.entity_names]
    surfaces = [set(plain(surface).split()) for surface in mentions.surface]
    found = np.zeros(mentions.num_candidates)
    for at, (mention, entity) in enumerate(zip(mentions.cand_mention.tolist(), mentions.cand_entity.tolist())):
        more = names[entity] - surfaces[mention]
        found[at] = len(more & around[mention]) / len(more) if more else 0.0
    return found
