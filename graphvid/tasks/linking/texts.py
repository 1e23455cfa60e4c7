"""Reader of new texts to link from two CSV files: texts with their mentions, and the candidate entities of surfaces."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

from graphvid._files import reading
from graphvid.data import Mentions

from .knowledge import Knowledge

_CONTEXT = 1000  # characters kept on each side of a mention


class Span(NamedTuple):
    """A mention in a text.

    Parameters
    ----------
    document, text : str
        Id and text.
    start, end : int
        Place in the text, in characters.
    """

    document: str
    text: str
    start: int
    end: int

    @property
    def surface(self) -> str:
        """The words of the mention."""
        return self.text[self.start : self.end]


class Surfaces(NamedTuple):
    """The candidate entities of surfaces.

    Parameters
    ----------
    spellings : tuple of str
        Original spelling of the surfaces.
    entities : dict of list of int, by surface without its case
        Entity numbers.
    priors : dict of list of float, by surface without its case
        NaN for a missing prior.
    """

    spellings: tuple[str, ...]
    entities: dict[str, list[int]]
    priors: dict[str, list[float]]


def read_candidates(path: Path, knowledge: Knowledge) -> Surfaces:
    """Read a CSV file with the columns ``surface``, ``entity`` and perhaps ``prior``; see `LinkingRun.link`."""
    frame = _read_csv(path, ["surface", "entity", *(["prior"] if knowledge.has_prior else [])])
    number = {str(entity): at for at, entity in enumerate(knowledge.entity_ids)}
    unknown = sorted({entity for entity in frame["entity"] if entity not in number})
    if unknown:
        shown = ", ".join(map(repr, unknown[:5])) + (f" and {len(unknown) - 5} more" if len(unknown) > 5 else "")
        raise ValueError(f"entity must be among the {len(number)} entities of the run, got {shown}")
    entities: dict[str, list[int]] = {}
    priors: dict[str, list[float]] = {}
    for row in frame.to_dict("records"):
        surface, entity = row["surface"].casefold(), number[row["entity"]]
        listed = entities.setdefault(surface, [])
        if entity in listed:
            raise ValueError(
                f"candidates of a surface must be distinct, got {row['entity']!r} twice for {row['surface']!r}"
            )
        listed.append(entity)
        try:
            prior = float(row.get("prior", "") or "nan")
        except ValueError:
            prior = float("nan")
        if knowledge.has_prior and not 0 <= prior <= 1:
            raise ValueError(f"prior must be a number in [0, 1], got {row['prior']!r} for {row['surface']!r}")
        priors.setdefault(surface, []).append(prior)
    return Surfaces(tuple(dict.fromkeys(filter(None, frame["surface"]))), entities, priors)


def read_spans(path: Path, surfaces: Surfaces) -> list[Span]:
    """Read a CSV file with the columns ``id``, ``text`` and perhaps ``start`` and ``end``; see `LinkingRun.link`.

    Mentions are in the order of the texts, those of a text by their places. For a text without offsets it finds mentions.
    """
    frame = _read_csv(path, ["id", "text"])
    if ("start" in frame.columns) != ("end" in frame.columns):
        raise ValueError(f"{path} must have both start and end, or neither")
    texts: dict[str, str] = {}
    places: dict[str, set[tuple[int, int]]] = {}
    for number, row in enumerate(frame.to_dict("records")):
        text, of_text = texts.setdefault(row["id"], row["text"]), places.setdefault(row["id"], set())
        if text != row["text"]:
            raise ValueError(f"rows of one id must have one text, got another one for {row['id']!r} in row {number}")
        start, end = row.get("start", ""), row.get("end", "")
        if bool(start) != bool(end):
            raise ValueError(f"start and end must both be given in row {number}, got {start!r} and {end!r}")
        if start:
            place = _offsets(start, end, text, number)
            if place in of_text:
                raise ValueError(f"mentions must be distinct, got {place} twice for {row['id']!r}")
            of_text.add(place)
    find = _finder(surfaces)
    return [Span(name, text, *place) for name, text in texts.items() for place in sorted(places[name] or find(text))]


def to_mentions(spans: list[Span], surfaces: Surfaces, knowledge: Knowledge) -> Mentions:
    """Return spans as mentions of the known entities, with their candidates and the text around."""
    keys = [span.surface.casefold() for span in spans]
    listed = [surfaces.entities.get(key, []) for key in keys]
    prior = [value for key in keys for value in surfaces.priors.get(key, [])]
    return Mentions(
        [span.document for span in spans],
        [span.surface for span in spans],
        np.full(len(spans), -1),
        np.concatenate([[0], np.cumsum([len(entities) for entities in listed], dtype=np.int64)]),
        np.array([entity for entities in listed for entity in entities], dtype=np.int64),
        knowledge.entity_ids,
        knowledge.entity_names,
        prior=prior if knowledge.has_prior else None,
        left=[span.text[max(0, span.start - _CONTEXT) : span.start] for span in spans],
        right=[span.text[span.end : span.end + _CONTEXT] for span in spans],
    )


def _finder(surfaces: Surfaces) -> Callable[[str], set[tuple[int, int]]]:
    """Return the function that finds the places of the longest known surfaces in a text, from left to right."""
    if not surfaces.spellings:
        return lambda text: set()
    longest = sorted(surfaces.spellings, key=lambda surface: (-len(surface), surface))
    pattern = re.compile(rf"(?<!\w)(?:{'|'.join(map(re.escape, longest))})(?!\w)", re.IGNORECASE)
    return lambda text: {found.span() for found in pattern.finditer(text)}


def _read_csv(path: Path, columns: list[str]) -> pd.DataFrame:
    form = f"a CSV file in UTF-8 with the columns {columns}"
    if not path.is_file():
        raise FileNotFoundError(f"{path} not found: expected {form}")
    with reading(path, form):
        frame = pd.read_csv(path, dtype=str, keep_default_na=False, encoding="utf-8")
    absent = [name for name in columns if name not in frame.columns]
    if absent:
        raise ValueError(f"{path} must have the columns {columns}, got no {absent}")
    return frame


def _offsets(start: str, end: str, text: str, number: int) -> tuple[int, int]:
    try:
        first, last = int(start), int(end)
    except ValueError:
        raise ValueError(f"start and end must be integers in row {number}, got {start!r} and {end!r}") from None
    if not 0 <= first < last <= len(text):
        raise ValueError(
            f"start and end must lie in the text of {len(text)} characters, got {first} and {last} in row {number}"
        )
    return first, last
