"""Selection of a few candidates of each mention, by prior and by context."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from graphvid._checks import check_integer
from graphvid.data.mentions import Mentions


def select_candidates(
    mentions: Mentions,
    context_scores: ArrayLike,
    *,
    num_considered: int = 30,
    num_by_prior: int = 4,
    num_by_context: int = 3,
) -> NDArray[np.int64]:
    """Return the candidates to keep, without using golds.

    Of the ``num_considered`` candidates of highest prior it keeps the first ``num_by_prior`` by prior and the first
    ``num_by_context`` by context. If some are in both lists, the next by prior follow, up to ``num_by_prior +
    num_by_context`` or all.

    Parameters
    ----------
    mentions : Mentions
        With priors.
    context_scores : array_like of float, shape (num_candidates,)
        Score of each candidate for the words around the mention; in the papers the product of its vector with the sum of the
        vectors of 50 words.
    num_considered, num_by_prior, num_by_context : int, default 30, 4 and 3
        The numbers of deep-ed; mulrel-nel keeps 4 by context.

    Returns
    -------
    ndarray of int64
        Positions in ``mentions.cand_entity``, ascending.

    Raises
    ------
    ValueError
        Mentions without priors, scores of another shape or NaN, numbers below 1.

    Notes
    -----
    Ties go to the candidate of higher prior, and of equal ones to the lower entity number. O(n log n) time.

    References
    ----------
    Ganea and Hofmann, EMNLP 2017, section 6; Le and Titov, ACL 2018.

    Examples
    --------
    >>> mentions = Mentions([0], ["x"], [-1], [0, 3], [0, 1, 2], ["a", "b", "c"], ["a", "b", "c"], prior=[0.5, 0.3, 0.2])
    >>> select_candidates(mentions, [0.0, 0.1, 0.9], num_by_prior=1, num_by_context=1)
    array([0, 2])
    """
    for name, value in (
        ("num_considered", num_considered),
        ("num_by_prior", num_by_prior),
        ("num_by_context", num_by_context),
    ):
        check_integer(name, value, 1)
    if mentions.prior is None:
        raise ValueError("mentions must have priors to be selected by, got none")
    scores = np.asarray(context_scores, dtype=np.float64)
    if scores.shape != mentions.prior.shape or np.isnan(scores).any():
        raise ValueError(f"context_scores must have shape {mentions.prior.shape} and no NaN, got shape {scores.shape}")
    mention = mentions.cand_mention
    by_prior = _ranks(mention, mentions.cand_indptr, -mentions.prior, mentions.cand_entity)
    considered = by_prior < num_considered
    by_context = _ranks(mention, mentions.cand_indptr, np.where(considered, -scores, np.inf), by_prior)
    kept = considered & ((by_prior < num_by_prior) | (by_context < num_by_context))
    # The rest by prior, behind those kept, until there are enough.
    place = _ranks(mention, mentions.cand_indptr, (~kept).astype(np.float64), by_prior)
    return np.flatnonzero(considered & (place < num_by_prior + num_by_context))


def _ranks(
    mention: NDArray[np.int64], indptr: NDArray[np.int64], first: NDArray[np.float64], then: NDArray[np.int64]
) -> NDArray[np.int64]:
    """Return the place of every candidate in its mention, from 0, by ``first`` and then by ``then``."""
    order = np.lexsort((then, first, mention))
    rank = np.empty(len(order), dtype=np.int64)
    rank[order] = np.arange(len(order)) - indptr[mention[order]]
    return rank
