"""Features of candidates, one number for each, computed from priors, ids, words around the mention, and vectors."""

from __future__ import annotations

import re

import numpy as np
from numpy.typing import NDArray

from graphvid.data import Mentions

Columns = dict[str, tuple[str, NDArray[np.float64]]]  # group and values by name


def plain(name: str) -> str:
    """Return a name in lower case without signs."""
    return re.sub(r"[^\w ]", "", name.casefold().replace("-", " ")).strip()


def relative(values: NDArray[np.float64], mentions: Mentions) -> NDArray[np.float64]:
    """Return values minus the largest among the candidates of the mention."""
    filled = np.diff(mentions.cand_indptr) > 0
    most = np.zeros(mentions.num_mentions)
    if filled.any():
        most[filled] = np.maximum.reduceat(values, mentions.cand_indptr[:-1][filled])
    return values - most[mentions.cand_mention]


def log_prior(mentions: Mentions) -> NDArray[np.float64]:
    """Return the logarithm of the priors, with a smallest value for a prior of 0."""
    if mentions.prior is None:
        raise ValueError("candidates must have a prior, got none")
    return np.log(mentions.prior + 1e-20)


def log_share(values: NDArray[np.float64], mentions: Mentions) -> NDArray[np.float64]:
    """Return the logarithm of each value's share of the sum over the candidates of the mention."""
    total = np.bincount(mentions.cand_mention, weights=values, minlength=mentions.num_mentions)
    share: NDArray[np.float64] = np.log(values / total[mentions.cand_mention])
    return share


def cosine(x: NDArray[np.floating], y: NDArray[np.floating]) -> NDArray[np.float64]:
    """Return the cosines of the rows of two matrices; 0 if one row is zero."""
    norms = np.linalg.norm(x, axis=1) * np.linalg.norm(y, axis=1)
    found = np.einsum("nd,nd->n", x, y, dtype=np.float64) / np.maximum(norms, 1e-12)
    return np.asarray(found, dtype=np.float64)


def age_of_entry(mentions: Mentions) -> Columns:
    """Return the logarithm of the numbers in ids (in Wikidata, famous entities have small ones); nothing for other ids."""
    numbers = [re.fullmatch(r"Q(\d+)", str(entity)) for entity in mentions.entity_ids]
    if not all(numbers):
        return {}
    age = -np.log(np.array([float(number[1]) for number in numbers if number is not None]) + 1.0)[mentions.cand_entity]
    return {"age of the entry": ("prior", age), "age of the entry, relative": ("prior", relative(age, mentions))}


def words_around(mentions: Mentions, left: NDArray[np.object_], right: NDArray[np.object_]) -> NDArray[np.float64]:
    """Return, of a name's words that are not in the surface, the share around the mention; 0 without such words."""
    around = [set(plain(f"{before} {after}").split()) for before, after in zip(left, right, strict=True)]
    names = [set(plain(name).split()) for name in mentions.entity_names]
    surfaces = [set(plain(surface).split()) for surface in mentions.surface]
    found = np.zeros(mentions.num_candidates)
    for at, (mention, entity) in enumerate(zip(mentions.cand_mention.tolist(), mentions.cand_entity.tolist())):
        more = names[entity] - surfaces[mention]
        found[at] = len(more & around[mention]) / len(more) if more else 0.0
    return found
