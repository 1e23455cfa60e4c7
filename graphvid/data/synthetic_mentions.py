"""Generator of a small world of ambiguous names: topics separate some candidates, types by the nearest words the others."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from graphvid._checks import check_integer
from graphvid.data._world_words import (
    FIRST_COMMON,
    FIRST_FUNCTION,
    NEAR,
    NUM_WORDS,
    TOPIC_WORDS,
    TOPICS,
    TYPES,
    draw_contexts,
    encode_contexts,
    topic_vectors,
    vocabulary,
    word_codes,
)
from graphvid.data.mentions import Mentions

_COPIES, _NAMES, _SHARED = 4, 150, 6


class WorldContexts(NamedTuple):
    """The words of contexts, and the vectors of these contexts.

    Parameters
    ----------
    word_indptr : ndarray of int64, shape (num_mentions + 1,)
        Words of mention m are ``words[word_indptr[m]:word_indptr[m + 1]]``, without function words.
    words : ndarray of int64, shape (num_words,)
    context_vectors : ndarray of float32, shape (num_mentions, 128)
    mention_vectors : ndarray of float32, shape (num_mentions, 96)
    """

    word_indptr: NDArray[np.int64]
    words: NDArray[np.int64]
    context_vectors: NDArray[np.float32]
    mention_vectors: NDArray[np.float32]


class SyntheticMentions:
    r"""Documents, names that six entities share, contexts, and vectors of words, entities and contexts.

    There are 640 entities, 4 of each of 8 types and 20 topics, and 150 names. Of a name's six entities two have one topic
    and different types, two have one type and different topics, two are random. The prior of a name falls as 1 / rank in
    a random order, and golds are drawn from prior\ :sup:`0.7`. A document has one topic and 4 to 12 mentions; 80 % of their
    golds have that topic. A mention has 20 words around it, 60 % of them of the gold's topic. Nearer, within three words,
    there is one cue of the gold's type on each side. Two types share their cues and differ in the side of each cue, so a bag
    of words cannot separate them.

    Parameters
    ----------
    num_docs : tuple of 3 int, default (400, 60, 60)
        Documents of training, development and test.
    topic_noise : float, default 2.5
        Expected norm of the noise on the vectors of words and entities, whose topic directions have norm 1.
    cue_noise : float, default 0.05
        Share of mentions whose cues are those of a random type.
    contexts_per_entity : int, default 20
        Contexts in the mean of ``entity_context_vectors``.
    seed : int, default 0

    Attributes
    ----------
    mentions : Mentions
        With priors; ``left`` and ``right`` have 13 words each. Documents, entities and their names are numbered.
    split : ndarray of object, shape (num_mentions,)
        ``"train"``, ``"dev"`` or ``"test"``, by document.
    word_indptr : ndarray of int64, shape (num_mentions + 1,)
        Words of mention m are ``words[word_indptr[m]:word_indptr[m + 1]]``; function words are left out.
    words : ndarray of int64, shape (num_words,)
        Rows of ``word_vectors``.
    word_vectors : ndarray of float32, shape (1110, 32)
        Topic directions plus noise, of unit length; without information on types.
    entity_vectors : ndarray of float32, shape (640, 32)
        The same for entities.
    mention_vectors : ndarray of float32, shape (num_mentions, 96)
        Means of the vectors of the three words on the left, of the name, and of the three words on the right.
    context_vectors : ndarray of float32, shape (num_mentions, 128)
        Output for [MASK] at the mention's place of a frozen random encoder with positions, in place of BERT.
    entity_context_vectors : ndarray of float32, shape (640, 128)
        Mean of such outputs over contexts of the entity that are in no document.
    entity_type, entity_topic : ndarray of int64, shape (640,)
    link_src, link_dst : ndarray of int64, shape (3840,)
        Links of entities, six from each: four to entities of its topic, two to random ones.
    vocabulary : list of str
        All words, in the order of ``word_vectors``.

    Raises
    ------
    ValueError
        An argument out of its range.

    Notes
    -----
    0.5 seconds at the defaults.

    References
    ----------
    Made for Chen et al., "Improving Entity Linking by Modeling Latent Entity Type Information", AAAI 2020.

    Examples
    --------
    >>> world = SyntheticMentions(num_docs=(5, 1, 1))
    >>> world.mentions.num_docs, world.mentions.num_entities
    (7, 640)
    >>> bool((world.mentions.gold_candidate >= 0).all())
    True
    """

    name = "synthetic-mentions"

    def __init__(
        self,
        *,
        num_docs: tuple[int, int, int] = (400, 60, 60),
        topic_noise: float = 2.5,
        cue_noise: float = 0.05,
        contexts_per_entity: int = 20,
        seed: int = 0,
    ) -> None:
        for number in num_docs:
            check_integer("num_docs", number, 1)
        check_integer("contexts_per_entity", contexts_per_entity, 1)
        check_integer("seed", seed, 0)
        if not (np.isfinite(topic_noise) and topic_noise >= 0):
            raise ValueError(f"topic_noise must be a finite number >= 0, got {topic_noise}")
        if not 0 <= cue_noise <= 1:
            raise ValueError(f"cue_noise must be in [0, 1], got {cue_noise}")
        name_rng, doc_rng, context_rng, vector_rng, encoder_rng, entity_rng, link_rng = (
            np.random.default_rng(child) for child in np.random.SeedSequence(seed).spawn(7)
        )
        kind = np.arange(TYPES * TOPICS * _COPIES) // _COPIES
        self.entity_type, self.entity_topic = kind // TOPICS, kind % TOPICS
        self.vocabulary = vocabulary()
        shared = np.stack([_name(self.entity_type, self.entity_topic, name_rng) for _ in range(_NAMES)])
        prior = 1 / np.arange(1, _SHARED + 1)
        doc, name, gold = self._documents(shared, prior, sum(num_docs), doc_rng)
        order = np.argsort(shared, axis=1)[name]  # entities of a name are in the order of their priors
        near, wide = draw_contexts(self.entity_type[gold], self.entity_topic[gold], cue_noise, context_rng)
        entity = np.repeat(np.arange(len(kind)), contexts_per_entity)
        entity_near, entity_wide = draw_contexts(
            self.entity_type[entity], self.entity_topic[entity], cue_noise, entity_rng
        )

        self._code = np.concatenate([word_codes(encoder_rng), np.zeros((1, 128))])  # the last row is for no word
        self._sign = encoder_rng.choice([-1.0, 1.0], size=(2 * NEAR, 128))
        states = encode_contexts(entity_near, entity_wide, self._code, self._sign)
        self.entity_context_vectors = states.reshape(len(kind), contexts_per_entity, -1).mean(axis=1)

        directions = np.linalg.qr(vector_rng.normal(size=(32, 32)))[0][:TOPICS]
        topic_of_word = np.full(NUM_WORDS, -1)
        topic_of_word[:FIRST_COMMON] = np.arange(FIRST_COMMON) // TOPIC_WORDS
        self.word_vectors = topic_vectors(topic_of_word, directions, topic_noise, vector_rng)
        self.entity_vectors = topic_vectors(self.entity_topic, directions, topic_noise, vector_rng)
        self._name_vectors = topic_vectors(np.full(_NAMES, -1), directions, topic_noise, vector_rng)
        self.link_src, self.link_dst = _link(self.entity_topic, link_rng)
        window = np.concatenate([wide[:, :10], near, wide[:, 10:]], axis=1)
        text = np.array(self.vocabulary, dtype=object)[window]
        self.mentions = Mentions(
            doc,
            [f"name{i}" for i in name],
            gold,
            np.arange(len(name) + 1) * _SHARED,
            np.take_along_axis(shared[name], order, axis=1).ravel(),
            np.arange(len(kind)),
            [f"entity{i}" for i in range(len(kind))],
            prior=(prior / prior.sum())[order].ravel(),
            left=[" ".join(row) for row in text[:, :13]],
            right=[" ".join(row) for row in text[:, 13:]],
        )
        splits = np.repeat(np.array(["train", "dev", "test"], dtype=object), num_docs)
        self.split = splits[self.mentions.doc]
        assert self.mentions.left is not None
        assert self.mentions.right is not None
        self.word_indptr, self.words, self.context_vectors, self.mention_vectors = self.read_contexts(
            self.mentions.surface, self.mentions.left, self.mentions.right
        )

    def read_contexts(
        self,
        surface: Sequence[str] | NDArray[np.object_],
        left: Sequence[str] | NDArray[np.object_],
        right: Sequence[str] | NDArray[np.object_],
    ) -> WorldContexts:
        """Return the words and vectors of contexts, also of other text; unknown words are ignored.

        Parameters
        ----------
        surface, left, right : sequence of str, shape (num_mentions,)
            Mentions and the text before and after, with words separated by spaces.

        Returns
        -------
        WorldContexts
        """
        number = {word: at for at, word in enumerate(self.vocabulary)}
        near = np.full((len(surface), 2 * NEAR), -1, dtype=np.int64)
        wide: list[list[int]] = []
        listed: list[list[int]] = []
        for row, (before, after) in enumerate(zip(left, right, strict=True)):
            of_left, of_right = ([number.get(word, -1) for word in text.split()] for text in (before, after))
            for place, word in enumerate(reversed(of_left[-NEAR:])):
                near[row, NEAR - 1 - place] = word
            near[row, NEAR : NEAR + len(of_right[:NEAR])] = of_right[:NEAR]
            wide.append([*of_left[:-NEAR], *of_right[NEAR:]])
            listed.append([word for word in (*of_left, *of_right) if 0 <= word < FIRST_FUNCTION])
        padded = np.full((len(wide), max(map(len, wide), default=0)), -1, dtype=np.int64)
        for row, words in enumerate(wide):
            padded[row, : len(words)] = words
        vectors = np.concatenate([self.word_vectors, np.zeros((1, self.word_vectors.shape[1]), dtype=np.float32)])
        of_near = vectors[near].reshape(len(near), 2, NEAR, -1).mean(axis=2)
        names = {f"name{i}": vector for i, vector in enumerate(self._name_vectors)}
        of_name = np.array([names.get(name, vectors[-1]) for name in surface]).reshape(len(near), -1)
        indptr = np.concatenate([[0], np.cumsum([len(words) for words in listed], dtype=np.int64)])
        return WorldContexts(
            indptr,
            np.array([word for words in listed for word in words], dtype=np.int64),
            encode_contexts(near, padded, self._code, self._sign),
            np.concatenate([of_near[:, 0], of_name, of_near[:, 1]], axis=1).astype(np.float32),
        )

    def _documents(
        self, shared: NDArray[np.int64], prior: NDArray[np.float64], num_docs: int, rng: np.random.Generator
    ) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
        """Return document, name and gold of every mention."""
        weight = prior**0.7
        topic = self.entity_topic[shared]
        doc, names, golds = [], [], []
        for at in range(num_docs):
            about = rng.integers(TOPICS)
            with_topic = np.flatnonzero((topic == about).any(axis=1))
            for _ in range(rng.integers(4, 13)):
                on_topic = bool(rng.random() < 0.8) and with_topic.size > 0
                name = int(rng.choice(with_topic) if on_topic else rng.integers(_NAMES))
                chance = weight * (topic[name] == about) if on_topic else weight
                doc.append(at)
                names.append(name)
                golds.append(shared[name, rng.choice(_SHARED, p=chance / chance.sum())])
        return np.array(doc), np.array(names), np.array(golds)


def _name(kind: NDArray[np.int64], topic: NDArray[np.int64], rng: np.random.Generator) -> NDArray[np.int64]:
    """Return the six distinct entities of a name, in the random order of their priors."""
    about, of_type = rng.integers(TOPICS), rng.integers(TYPES)
    chosen = [
        *(rng.choice(np.flatnonzero((topic == about) & (kind == y))) for y in rng.choice(TYPES, 2, replace=False)),
    ]
    for t in rng.choice(np.delete(np.arange(TOPICS), about), 2, replace=False):
        chosen.append(rng.choice(np.flatnonzero((kind == of_type) & (topic == t))))
    rest = np.setdiff1d(np.arange(len(kind)), chosen)
    return rng.permutation(np.array([*chosen, *rng.choice(rest, 2, replace=False)], dtype=np.int64))


def _link(topic: NDArray[np.int64], rng: np.random.Generator) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return links: four from each entity to others of its topic, and two to random others."""
    own = np.arange(len(topic))
    by_topic = np.argsort(topic, kind="stable").reshape(TOPICS, -1)
    place = np.empty_like(own)
    place[by_topic.ravel()] = np.tile(np.arange(by_topic.shape[1]), TOPICS)
    steps = np.concatenate([rng.permutation(np.arange(1, by_topic.shape[1]))[None, :4] for _ in own])
    near = by_topic[topic[:, None], (place[:, None] + steps) % by_topic.shape[1]]
    far = (own[:, None] + rng.integers(1, len(topic), size=(len(topic), 2))) % len(topic)
    return np.repeat(own, 6), np.concatenate([near, far], axis=1).ravel()
