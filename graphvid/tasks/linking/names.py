"""Features of candidates from names: the match of title and surface, and longer names in the same document."""

from __future__ import annotations

import re
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from graphvid.data import Mentions

from .features import Columns, plain, relative

_MATCHES = (
    "exact",
    "whole",
    "overlap",
    "covered",
    "inside",
    "contains",
    "starts",
    "ends",
    "initials",
    "abbreviates",
    "letters",
)


def name_features(mentions: Mentions) -> Columns:
    """Return the features of candidates from names.

    Parameters
    ----------
    mentions : Mentions

    Returns
    -------
    dict of (group, values of shape (num_candidates,)), by name
        Matches of surface and title, without the parts in brackets or after a comma, absolute and relative to the best
        candidate; signs in a title; the number of candidates. From other mentions of the document: whether a longer name with
        all words of this one has the candidate too, and the number of other names with it.

    Notes
    -----
    O(num_candidates) comparisons of short texts, one for each distinct pair, and O(pairs of names of a document).
    """
    shown = [plain(surface) for surface in mentions.surface]
    titles = [plain(re.sub(r"\s*\(.*?\)|,.*$", "", name)) or plain(name) for name in mentions.entity_names]
    whole = [plain(name) for name in mentions.entity_names]
    numbers = {name: at for at, name in enumerate(dict.fromkeys(shown))}
    mention_name = np.array([numbers[name] for name in shown], dtype=np.int64)
    mention, entity = mentions.cand_mention, mentions.cand_entity
    names = list(numbers)
    pairs, place = np.unique(mention_name[mention] * mentions.num_entities + entity, return_inverse=True)
    found = np.array(
        [
            _match(names[pair // mentions.num_entities], titles[entity_], whole[entity_])
            for pair, entity_ in zip(pairs.tolist(), (pairs % mentions.num_entities).tolist(), strict=True)
        ],
        dtype=np.float64,
    ).reshape(len(pairs), len(_MATCHES))[place]
    columns: Columns = {name: ("prior", found[:, at]) for at, name in enumerate(_MATCHES)}
    for name in ("exact", "overlap", "letters"):
        columns[f"{name}, relative"] = ("prior", relative(columns[name][1], mentions))
    marks = np.array([["(" in name, "," in name] for name in mentions.entity_names], dtype=np.float64).reshape(-1, 2)
    columns["brackets"], columns["comma"] = (("prior", marks[entity, at]) for at in range(2))
    columns["capitals"] = ("prior", np.array([text.isupper() for text in mentions.surface], dtype=np.float64)[mention])
    counts = np.diff(mentions.cand_indptr)
    columns["candidates"] = ("prior", np.log(np.maximum(counts, 1))[mention])
    columns |= _document_features(mentions, mention_name, [set(name.split()) for name in names])
    return columns


def _match(surface: str, title: str, whole: str) -> tuple[float, ...]:
    of_surface, of_title, of_whole = set(surface.split()), set(title.split()), set(whole.split())
    initials = "".join(word[0] for word in title.split())
    short = surface.replace(" ", "")
    first, second = ({text[i : i + 3] for i in range(len(text) - 2)} or {text} for text in (surface, title))
    return (
        surface == title,
        surface == whole,
        len(of_surface & of_title) / max(1, len(of_surface | of_title)),
        len(of_surface & of_whole) / max(1, len(of_surface)),
        of_title <= of_surface,
        of_surface <= of_title,
        title.startswith(surface),
        title.endswith(surface),
        initials == short,
        len(short) <= 5 and " " not in surface and short in initials,
        2 * len(first & second) / (len(first) + len(second)),
    )


def _document_features(mentions: Mentions, name: NDArray[np.int64], words: list[set[str]]) -> Columns:
    """Return features from the other names of a document that share a candidate.

    A name of a document lists the candidates of its first mention there.
    """
    mention, num_entities = mentions.cand_mention, mentions.num_entities
    named, first, of_mention = np.unique(mentions.doc * len(words) + name, return_index=True, return_inverse=True)
    doc, kind = np.divmod(named, len(words))
    is_first = np.zeros(len(name), dtype=np.bool_)
    is_first[first] = True
    pair = of_mention[mention] * num_entities + mentions.cand_entity
    listed = np.unique(pair[is_first[mention]])
    in_doc = doc[listed // num_entities] * num_entities + listed % num_entities
    others = _count(in_doc, mentions.doc[mention] * num_entities + mentions.cand_entity) - _count(listed, pair)
    ends = np.searchsorted(listed // num_entities, np.arange(len(named) + 1))
    told_pairs = [np.zeros(0, dtype=np.int64)]
    for low, high in pairwise(np.searchsorted(doc, np.arange(mentions.num_docs + 1)).tolist()):
        held = [words[at] for at in kind[low:high].tolist()]
        for short in range(low, high):
            for long in range(low, high):
                if held[short - low] < held[long - low]:
                    told_pairs.append(short * num_entities + listed[ends[long] : ends[long + 1]] % num_entities)
    told = np.isin(pair, np.concatenate(told_pairs))
    any_told = np.bincount(mention, weights=told, minlength=len(name)) > 0
    return {
        "longer name": ("context", told.astype(np.float64)),
        "not of the longer name": ("context", (any_told[mention] & ~told).astype(np.float64)),
        "names with it": ("context", np.log1p(others.astype(np.float64))),
    }


def _count(values: NDArray[np.int64], keys: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the number of occurrences of each key among some values."""
    ordered = np.sort(values)
    return np.searchsorted(ordered, keys, side="right") - np.searchsorted(ordered, keys, side="left")
