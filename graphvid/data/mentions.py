"""Mentions in documents, with their candidate entities."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from graphvid.data._ids import encode, unique_index

NIL, UNKNOWN = -1, -2  # values of Mentions.gold that are no entity


class Mentions:
    """Mentions: places in documents that name an entity, with the candidate entities of each.

    Candidates are ragged, in CSR form, and always sorted by entity number. So a file that lists the gold entity first does
    not leak it.

    Parameters
    ----------
    doc : array_like of hashable, shape (num_mentions,)
        Document of every mention. The mentions of a document must follow each other, in the order of the text.
    surface : sequence of str, shape (num_mentions,)
        The words of the mention.
    gold : array_like of int, shape (num_mentions,)
        Number of the true entity; -1 (NIL) if it is not in the knowledge base, -2 (UNKNOWN) if it is, but not among the
        entities here.
    cand_indptr : array_like of int, shape (num_mentions + 1,)
        Mention m has the candidates ``cand_indptr[m]`` to ``cand_indptr[m + 1] - 1``; it may have none.
    cand_entity : array_like of int, shape (num_candidates,)
        Entity numbers.
    entity_ids : array_like of hashable, shape (num_entities,)
        Original ids of the entities.
    entity_names : sequence of str, shape (num_entities,)
        Names of the entities.
    prior : array_like of float, shape (num_candidates,), optional
        p(entity | mention) in [0, 1], in the order of ``cand_entity``.
    left, right : sequence of str, shape (num_mentions,), optional
        Text before and after the mention; both or none.

    Attributes
    ----------
    doc : ndarray of int64, shape (num_mentions,)
        Document numbers 0, 1, ... in order of appearance; their ids are ``doc_ids``.
    surface, left, right : ndarray of object
    gold, cand_indptr, cand_entity : ndarray of int64
    prior : ndarray of float64 or None
    entity_ids, doc_ids : pandas.Index
    entity_names : ndarray of object

    Raises
    ------
    ValueError
        Different lengths, an entity that is twice a candidate of one mention, entity numbers out of range, documents that are
        not contiguous, priors outside [0, 1], a context on only one side.

    Notes
    -----
    O(num_candidates log num_candidates) time.

    Examples
    --------
    >>> mentions = Mentions(
    ...     [7, 7], ["Jordan", "Amman"], [1, 2], [0, 2, 3], [1, 0, 2], ["Q41421", "Q810", "Q3805"],
    ...     ["Michael Jordan", "Jordan", "Amman"], prior=[0.4, 0.6, 1.0])
    >>> mentions.cand_entity, mentions.prior  # by entity number
    (array([0, 1, 2]), array([0.6, 0.4, 1. ]))
    >>> mentions.gold_candidate  # positions in cand_entity
    array([1, 2])
    """

    def __init__(
        self,
        doc: Any,  # any column of hashable ids
        surface: Sequence[str] | NDArray[np.object_],
        gold: ArrayLike,
        cand_indptr: ArrayLike,
        cand_entity: ArrayLike,
        entity_ids: Any,  # any column of hashable ids
        entity_names: Sequence[str] | NDArray[np.object_],
        *,
        prior: ArrayLike | None = None,
        left: Sequence[str] | NDArray[np.object_] | None = None,
        right: Sequence[str] | NDArray[np.object_] | None = None,
    ) -> None:
        self.entity_ids = unique_index(entity_ids, "entity_ids")
        self.entity_names = _strings("entity_names", entity_names, len(self.entity_ids))
        codes, ids = encode(doc, "doc")
        starts = np.flatnonzero(np.diff(codes, prepend=-1))
        if len(np.unique(codes[starts])) != len(starts):
            raise ValueError("doc must be contiguous: the mentions of a document must follow each other")
        self.doc = np.cumsum(np.diff(codes, prepend=codes[:1]) != 0).astype(np.int64)
        self.doc_ids = ids[codes[starts]]
        self.surface = _strings("surface", surface, len(codes))
        self.gold = _integers("gold", gold, len(codes), -2, len(self.entity_ids))
        if (left is None) != (right is None):
            raise ValueError("left and right must both be given or both be left out")
        self.left = None if left is None else _strings("left", left, len(codes))
        self.right = None if right is None else _strings("right", right, len(codes))
        self.cand_indptr = _integers("cand_indptr", cand_indptr, len(codes) + 1, 0, None)
        num_candidates = int(self.cand_indptr[-1])
        if self.cand_indptr[0] != 0 or (np.diff(self.cand_indptr) < 0).any():
            raise ValueError("cand_indptr must start at 0 and never fall")
        entity = _integers("cand_entity", cand_entity, num_candidates, 0, len(self.entity_ids))
        order = np.lexsort((entity, self.cand_mention))
        self.cand_entity = entity[order]
        mention = self.cand_mention
        twice = (np.diff(mention) == 0) & (np.diff(self.cand_entity) == 0)
        if twice.any():
            at = int(twice.argmax())
            name, of = self.entity_ids[self.cand_entity[at]], self.surface[mention[at]]
            raise ValueError(
                f"candidates of a mention must be distinct, got {name!r} twice for mention {mention[at]} ({of!r})"
            )
        self.prior = None
        if prior is not None:
            values = np.asarray(prior, dtype=np.float64)
            if values.shape != (num_candidates,):
                raise ValueError(f"prior must have shape ({num_candidates},), got {values.shape}")
            if not ((values >= 0) & (values <= 1)).all():
                raise ValueError(f"prior must be in [0, 1], got {values[~((values >= 0) & (values <= 1))][0]}")
            self.prior = values[order]

    @property
    def num_mentions(self) -> int:
        """Number of mentions."""
        return len(self.doc)

    @property
    def num_docs(self) -> int:
        """Number of documents that have a mention."""
        return len(self.doc_ids)

    @property
    def num_entities(self) -> int:
        """Number of entities."""
        return len(self.entity_ids)

    @property
    def num_candidates(self) -> int:
        """Number of (mention, candidate) pairs."""
        return len(self.cand_entity)

    @property
    def cand_mention(self) -> NDArray[np.int64]:
        """Mention of every candidate, shape (num_candidates,)."""
        return np.repeat(np.arange(len(self.doc)), np.diff(self.cand_indptr))

    @property
    def gold_candidate(self) -> NDArray[np.int64]:
        """Position of the gold entity in ``cand_entity``, shape (num_mentions,); -1 if it is no candidate."""
        mention = self.cand_mention
        found = np.flatnonzero(self.cand_entity == self.gold[mention])
        position = np.full(len(self.doc), -1, dtype=np.int64)
        position[mention[found]] = found
        return position

    @property
    def linkable(self) -> NDArray[np.bool_]:
        """Mask of the mentions whose entity is in the knowledge base, (num_mentions,): the denominator of accuracy."""
        linkable: NDArray[np.bool_] = self.gold != NIL
        return linkable

    def take(self, mentions: ArrayLike) -> Mentions:
        """Return some mentions with the same entities.

        Parameters
        ----------
        mentions : array_like of int or bool, shape (num_rows,) or (num_mentions,)
            Numbers of mentions, or a mask. Mentions of a document must stay together.
        """
        rows = np.asarray(mentions)
        rows = np.flatnonzero(rows) if rows.dtype == bool else rows.astype(np.int64)
        counts = np.diff(self.cand_indptr)[rows]
        indptr = np.concatenate([[0], np.cumsum(counts)])
        place = np.arange(indptr[-1]) + np.repeat(self.cand_indptr[rows] - indptr[:-1], counts)
        return Mentions(
            self.doc_ids[self.doc[rows]],
            self.surface[rows],
            self.gold[rows],
            indptr,
            self.cand_entity[place],
            self.entity_ids,
            self.entity_names,
            prior=None if self.prior is None else self.prior[place],
            left=None if self.left is None else self.left[rows],
            right=None if self.right is None else self.right[rows],
        )


def _strings(name: str, values: Sequence[str] | NDArray[np.object_], length: int) -> NDArray[np.object_]:
    array = np.empty(len(values), dtype=object)
    array[:] = values
    if len(array) != length:
        raise ValueError(f"{name} must have {length} entries, got {len(array)}")
    wrong = next((value for value in array if not isinstance(value, str)), None)
    if wrong is not None:
        raise TypeError(f"{name} must hold text, got {type(wrong).__name__}")
    return array


def _integers(name: str, values: ArrayLike, length: int, low: int, high: int | None) -> NDArray[np.int64]:
    array = np.asarray(values)
    if array.shape != (length,):
        raise ValueError(f"{name} must have shape ({length},), got {array.shape}")
    if array.size and not np.issubdtype(array.dtype, np.integer):
        raise TypeError(f"{name} must hold integers, got dtype {array.dtype}")
    outside = array[(array < low) | (array >= (np.inf if high is None else high))]
    if outside.size:
        raise ValueError(f"{name} must be in [{low}, {'...' if high is None else high}), got {outside[0]}")
    return array.astype(np.int64)
