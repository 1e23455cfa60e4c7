"""Accuracy of chosen entities, and the share of wrong ones that are of another type."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

NIL = -1


class LinkingScores(NamedTuple):
    """Accuracy of chosen entities.

    Parameters
    ----------
    accuracy : float
        In-KB micro accuracy, in [0, 1]: ``right / linkable``; NaN without linkable mentions.
    right : int
        Mentions whose chosen entity is the gold entity.
    linkable : int
        Mentions whose gold entity is in the knowledge base.
    without_candidates : int
        Linkable mentions without a candidate. They are errors.
    gold_missing : int
        Linkable mentions whose candidates do not contain the gold entity. They are errors.
    """

    accuracy: float
    right: int
    linkable: int
    without_candidates: int
    gold_missing: int


def linking_scores(gold: ArrayLike, chosen: ArrayLike, cand_indptr: ArrayLike, cand_entity: ArrayLike) -> LinkingScores:
    """Return the in-KB micro accuracy of the chosen entities.

    Parameters
    ----------
    gold : array_like of int, shape (num_mentions,)
        Gold entity. Mentions with -1 (NIL) are not counted. Other negative numbers are entities that are never candidates.
    chosen : array_like of int, shape (num_mentions,)
        Entity that the system chose; -1: none.
    cand_indptr, cand_entity : array_like of int
        Candidates in CSR form, see `graphvid.data.Mentions`.

    Returns
    -------
    LinkingScores

    Raises
    ------
    ValueError
        Lengths that differ.

    Notes
    -----
    If every mention has a gold entity in the knowledge base, the accuracy equals the micro F1. A mention whose gold entity is
    not among its candidates is always an error.

    Examples
    --------
    >>> linking_scores([4, -1, 7], [4, 2, -1], [0, 2, 3, 3], [3, 4, 2])
    LinkingScores(accuracy=0.5, right=1, linkable=2, without_candidates=1, gold_missing=0)
    """
    gold, chosen, indptr, entity = (np.asarray(x) for x in (gold, chosen, cand_indptr, cand_entity))
    if chosen.shape != gold.shape or indptr.shape != (len(gold) + 1,):
        raise ValueError(
            f"gold, chosen and cand_indptr must have n, n and n + 1 entries, got {gold.shape}, {chosen.shape}, {indptr.shape}"
        )
    linkable = gold != NIL
    counts = np.diff(indptr)
    mention = np.repeat(np.arange(len(gold)), counts)
    held = np.zeros(len(gold), dtype=bool)
    held[mention[entity == gold[mention]]] = True
    right = int((linkable & held & (chosen == gold)).sum())
    total = int(linkable.sum())
    return LinkingScores(
        right / total if total else float("nan"),
        right,
        total,
        int((linkable & (counts == 0)).sum()),
        int((linkable & (counts > 0) & ~held).sum()),
    )


def type_error_share(gold: ArrayLike, chosen: ArrayLike, entity_type: ArrayLike) -> float:
    """Return the share of errors whose chosen entity has another type than the gold entity.

    Parameters
    ----------
    gold, chosen : array_like of int, shape (num_mentions,)
        See `linking_scores`. An error without a chosen entity, or with a negative gold entity, counts in the denominator only:
        it has no two types to compare.
    entity_type : array_like, shape (num_entities,)
        Type of every entity, of any dtype with ``==``.

    Returns
    -------
    float
        In [0, 1]; NaN without errors.

    Examples
    --------
    >>> type_error_share([0, 1, 2], [0, 2, 0], ["person", "place", "person"])
    0.5
    """
    gold, chosen, kind = (np.asarray(x) for x in (gold, chosen, entity_type))
    if chosen.shape != gold.shape:
        raise ValueError(f"gold and chosen must have one shape, got {gold.shape} and {chosen.shape}")
    errors = (gold != NIL) & (gold != chosen)
    typed = errors & (gold >= 0) & (chosen >= 0)
    if not errors.any():
        return float("nan")
    return float((kind[gold[typed]] != kind[chosen[typed]]).sum() / errors.sum())


def choose(scores: ArrayLike, cand_indptr: ArrayLike) -> NDArray[np.int64]:
    """Return the position of the best candidate of every mention: the first one of equal scores, -1 without candidates.

    Parameters
    ----------
    scores : array_like of float, shape (num_candidates,)
    cand_indptr : array_like of int, shape (num_mentions + 1,)

    Returns
    -------
    ndarray of int64, shape (num_mentions,)

    Raises
    ------
    ValueError
        A score that is NaN, or lengths that do not fit.

    Examples
    --------
    >>> choose([0.1, 0.9, 0.3], [0, 2, 2, 3])
    array([ 1, -1,  2])
    """
    values, indptr = np.asarray(scores, dtype=np.float64), np.asarray(cand_indptr)
    if values.shape != (int(indptr[-1]),):
        raise ValueError(f"scores must have shape ({int(indptr[-1])},), got {values.shape}")
    if np.isnan(values).any():
        raise ValueError("scores must not be NaN")
    counts = np.diff(indptr)
    mention = np.repeat(np.arange(len(counts)), counts)
    order = np.lexsort((np.arange(len(values)), -values, mention))
    best = np.full(len(counts), -1, dtype=np.int64)
    best[counts > 0] = order[indptr[:-1][counts > 0]]
    return best
