"""Knowledge of entities: it computes features of candidates, without golds, and vectors, for old and new documents."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any, ClassVar, NamedTuple

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray

from graphvid._dgl import DGLGraph
from graphvid.data import AidaCandidates, Mentions, Standardizer, SyntheticMentions
from graphvid.graphs import mention_graph
from graphvid.models.linking import LinkTables

from .features import Columns, age_of_entry, cosine, log_prior, log_share, relative, words_around
from .names import name_features
from .vectors import TextVectors, link_vectors

Arrays = Mapping[str, NDArray[Any]]


class Inputs(NamedTuple):
    """Inputs of a linker beside its options.

    Parameters
    ----------
    graph : DGLGraph
        From `graphvid.graphs.mention_graph`.
    features : ndarray of float64, shape (num_candidates, num_features)
    groups, names : tuple of str
        Subject and name of each feature.
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


class UsedFeatures(NamedTuple):
    """The features in use of a run's linker, at the scale of its training candidates.

    Parameters
    ----------
    groups : tuple of str
        Groups of features in use; the others are left out.
    scale : Standardizer
        Of the features in use.
    """

    groups: tuple[str, ...]
    scale: Standardizer

    def tables(self, inputs: Inputs) -> LinkTables:
        """Return features and vectors for a linker; words are of the group context."""
        kept = used(inputs, self.groups)
        words = inputs.words if "context" in self.groups else None
        return LinkTables(
            torch.from_numpy(self.scale.transform(inputs.features[:, kept])),
            tuple(inputs.groups[at] for at in kept),
            *(None if x is None else torch.from_numpy(x) for x in (inputs.entities, words, inputs.mentions)),
        )


class Knowledge(ABC):
    """Facts of some entities, independent of the documents with their mentions.

    Attributes
    ----------
    entity_ids : pandas.Index
    entity_names : ndarray of object
    has_prior : bool
        Whether candidates come with priors.
    arrays : dict of ndarray
        Arrays that `read` needs, by the names in `kept`; a run stores them.
    encoder : TextVectors or None
        Of new texts.
    """

    kept: ClassVar[tuple[str, ...]]

    def __init__(
        self,
        entity_ids: pd.Index,
        entity_names: NDArray[np.object_],
        arrays: Arrays,
        *,
        has_prior: bool,
        encoder: TextVectors | None = None,
    ) -> None:
        self.entity_ids, self.entity_names, self.arrays = entity_ids, entity_names, arrays
        self.has_prior, self.encoder = has_prior, encoder

    @abstractmethod
    def read(self, mentions: Mentions, learnt: NDArray[np.bool_] | None = None) -> Inputs:
        """Return the inputs of mentions of these entities.

        Parameters
        ----------
        mentions : Mentions
        learnt : ndarray of bool, shape (num_mentions,), optional
            For mentions of the run: the mask of those whose golds are part of the knowledge. The knowledge from a mention's
            own document is then left out.
        """


class WorldKnowledge(Knowledge):
    """Prior and similarity of contexts in the generated world, with vectors of words and entities.

    It generates the world again from its seed; its arrays check that the world is the same.
    """

    kept = ("entities", "contexts")

    def __init__(self, seed: int) -> None:
        self.world = SyntheticMentions(seed=seed)
        known = self.world.mentions
        arrays = {"entities": self.world.entity_vectors, "contexts": self.world.entity_context_vectors}
        super().__init__(known.entity_ids, known.entity_names, arrays, has_prior=True)

    def read(self, mentions: Mentions, learnt: NDArray[np.bool_] | None = None) -> Inputs:
        """See `Knowledge.read`."""
        world = self.world
        found = world.read_contexts(mentions.surface, *_contexts(mentions))
        graph = mention_graph(mentions, words=(found.word_indptr, found.words), links=(world.link_src, world.link_dst))
        alike = cosine(world.entity_context_vectors[mentions.cand_entity], found.context_vectors[mentions.cand_mention])
        columns: Columns = {"prior": ("prior", log_prior(mentions)), "contexts alike": ("type", alike)}
        return _inputs(graph, columns, world.entity_vectors, world.word_vectors, found.mention_vectors)


class AidaKnowledge(Knowledge):
    """Popularity, names, types and links of AIDA's candidates, without golds."""

    kept = ("in_links", "out_links", "popularity", "entity_type", "link_src", "link_dst", "entities")

    @classmethod
    def of(cls, data: AidaCandidates, encoder: TextVectors | None) -> AidaKnowledge:
        """Return the knowledge of the candidates; with an encoder, entities have vectors of names beside those of links."""
        found = data.mentions
        vectors = [link_vectors(data.link_src, data.link_dst, found.num_entities)]
        if encoder is not None:
            vectors.append(encoder.of_texts(found.entity_names) / np.float32(2))
        arrays = {
            "in_links": data.in_links,
            "out_links": data.out_links,
            "popularity": data.popularity,
            "entity_type": data.entity_type.astype(np.str_),
            "link_src": data.link_src,
            "link_dst": data.link_dst,
            "entities": np.concatenate(vectors, axis=1),
        }
        return cls(found.entity_ids, found.entity_names, arrays, has_prior=False)

    def read(self, mentions: Mentions, learnt: NDArray[np.bool_] | None = None) -> Inputs:
        """See `Knowledge.read`."""
        known, entity = self.arrays, mentions.cand_entity
        columns = name_features(mentions)
        links, popularity = np.log1p(known["in_links"].astype(np.float64)), np.nan_to_num(known["popularity"], nan=0.0)
        for name, values in (("in-links", links), ("popularity", popularity)):
            columns[name] = ("prior", values[entity])
            columns[f"{name}, relative"] = ("prior", relative(values[entity], mentions))
        columns["popularity unknown"] = ("prior", np.isnan(known["popularity"])[entity].astype(np.float64))
        columns["out-links"] = ("prior", np.log1p(known["out_links"].astype(np.float64))[entity])
        columns["share of in-links"] = ("prior", log_share(known["in_links"][entity] + 1.0, mentions))
        for kind in ("PER", "ORG", "GPE"):
            columns[kind] = ("type", (known["entity_type"][entity] == kind).astype(np.float64))
        graph = mention_graph(mentions, links=(known["link_src"], known["link_dst"]))
        return _inputs(graph, columns, known["entities"])


class TextKnowledge(Knowledge):
    """Names, words around mentions, and similarities by an encoder, for sources with text.

    With an encoder, the arrays are ``names``, vectors of the entities' names; of the entities ``known``, which have contexts
    in training documents, the ``sums`` of the contexts' vectors and their ``counts``; and ``mean`` of all these contexts.
    Without an encoder there are no arrays.
    """

    kept = ("names", "known", "sums", "counts", "mean")

    @classmethod
    def of(cls, mentions: Mentions, train: NDArray[np.bool_], encoder: TextVectors | None) -> TextKnowledge:
        """Return the knowledge from the golds of training mentions; without an encoder it uses no golds."""
        arrays: dict[str, NDArray[Any]] = {}
        if encoder is not None:
            contexts = encoder.of_contexts(*_contexts(mentions))
            rows = np.flatnonzero(train & (mentions.gold >= 0))
            known, sums, counts = _sums(mentions.gold[rows], contexts[rows])
            mean = contexts[rows].mean(axis=0) if len(rows) else np.zeros(contexts.shape[1])
            arrays = {
                "names": encoder.of_texts(mentions.entity_names),
                "known": known,
                "sums": sums,
                "counts": counts,
                "mean": mean,
            }
        has_prior = mentions.prior is not None
        return cls(mentions.entity_ids, mentions.entity_names, arrays, has_prior=has_prior, encoder=encoder)

    def read(self, mentions: Mentions, learnt: NDArray[np.bool_] | None = None) -> Inputs:
        """See `Knowledge.read`."""
        left, right = _contexts(mentions)
        columns = name_features(mentions)
        columns |= age_of_entry(mentions)
        if self.has_prior:
            columns["prior"] = ("prior", log_prior(mentions))
        columns["words around"] = ("context", words_around(mentions, left, right))
        if self.encoder is None:
            return _inputs(mention_graph(mentions), columns)
        entity, mention, names = mentions.cand_entity, mentions.cand_mention, self.arrays["names"]
        context = self.encoder.of_contexts(left, right)
        whole = self.encoder.of_texts(
            [f"{a[-200:]}{s}{b[:200]}" for a, s, b in zip(left, mentions.surface, right, strict=True)]
        )
        surface = self.encoder.of_texts(mentions.surface)
        for name, vectors in (("context", context), ("sentence", whole), ("surface", surface)):
            alike = cosine(names[entity], vectors[mention])
            group = "prior" if name == "surface" else "context"
            columns[f"name like {name}"] = (group, alike)
            columns[f"name like {name}, relative"] = (group, relative(alike, mentions))
        alike, counted = self._contexts_alike(mentions, context, learnt)
        columns["contexts alike"], columns["contexts known"] = ("type", alike), ("type", counted)
        return _inputs(mention_graph(mentions), columns, names, None, whole)

    def _contexts_alike(
        self, mentions: Mentions, context: NDArray[np.float32], learnt: NDArray[np.bool_] | None
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return the cosine with each candidate's mean context in other training documents, and whether it has a context.

        For an entity without contexts this is the mean of all contexts.
        """
        entity, mention = mentions.cand_entity, mentions.cand_mention
        sums, counts = _find(entity, *(self.arrays[name] for name in ("known", "sums", "counts")))
        if learnt is not None:
            rows = np.flatnonzero(learnt & (mentions.gold >= 0))
            own = _sums(mentions.doc[rows] * mentions.num_entities + mentions.gold[rows], context[rows])
            of_own, counts_of_own = _find(mentions.doc[mention] * mentions.num_entities + entity, *own)
            sums, counts = sums - of_own, counts - counts_of_own
        has = counts > 0
        sums[~has] = self.arrays["mean"]
        return cosine(sums, context[mention]), has.astype(np.float64)


def used(inputs: Inputs, groups: tuple[str, ...]) -> list[int]:
    """Return the columns of the features of some groups."""
    return [at for at, group in enumerate(inputs.groups) if group in groups]


def _sums(
    keys: NDArray[np.int64], vectors: NDArray[np.float32]
) -> tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.int64]]:
    """Return the distinct keys, and the sum and number of the vectors of each."""
    known, place, counts = np.unique(keys, return_inverse=True, return_counts=True)
    sums = np.zeros((len(known), vectors.shape[1]))
    np.add.at(sums, place, vectors)
    return known, sums, counts


def _find(
    wanted: NDArray[np.int64], known: NDArray[np.int64], sums: NDArray[np.float64], counts: NDArray[np.int64]
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Return the sums and counts of keys, 0 for unknown ones."""
    place = pd.Index(known).get_indexer(pd.Index(wanted))  # -1, the last row, for an unknown key
    return np.append(sums, np.zeros((1, sums.shape[1])), axis=0)[place], np.append(counts, 0)[place]


def _inputs(
    graph: DGLGraph,
    columns: Columns,
    entities: NDArray[np.float32] | None = None,
    words: NDArray[np.float32] | None = None,
    mentions: NDArray[np.float32] | None = None,
) -> Inputs:
    features = np.stack([values for _, values in columns.values()], axis=1)
    groups = tuple(group for group, _ in columns.values())
    return Inputs(graph, features, groups, tuple(columns), entities, words, mentions)


def _contexts(mentions: Mentions) -> tuple[NDArray[np.object_], NDArray[np.object_]]:
    if mentions.left is None or mentions.right is None:
        raise ValueError("mentions must have the text around them, got none")
    return mentions.left, mentions.right
