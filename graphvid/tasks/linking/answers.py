"""Answers of a linking run: mentions in new texts, with probabilities and reasons."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from torch import Tensor

from graphvid.data import Mentions
from graphvid.models.linking import GROUPS, LinkConfig, Linker, probabilities
from graphvid.runs import Run

from .source import LinkingSource, LoadedLinking, load_linking

if TYPE_CHECKING:
    from .task import Linking

WEIGHTS = "model.safetensors"
REASONS = (*GROUPS, "coherence")
COLUMNS = ["id", "start", "end", "mention", "entity", "name", "probability", "reason"]


class LinkingRun(Run):
    """A run of the task linking: it says which entities the mentions of texts mean."""

    _task: Linking

    def model(self) -> Linker:
        """Give the trained model, in evaluation mode, for the documents that it was made from.

        Raises
        ------
        FileNotFoundError
            If the run is unfinished, or its source is not there.
        ValueError
            If the source has changed, or the weights are corrupt or of another model.
        """
        return self._load()[0]

    def link(self, text: str | os.PathLike[str], candidates: str | os.PathLike[str]) -> pd.DataFrame:
        """Say which entity each mention means.

        Parameters
        ----------
        text : path-like
            CSV with the columns ``id`` and ``text``, and perhaps ``start`` and ``end``, offsets of a mention in
            characters, a row a mention. Rows of one id are mentions of one document and must have one text. Where ``start``
            and ``end`` are empty or absent, the longest surfaces of ``candidates`` in the text are taken as mentions,
            from left to right: that is no detector of mentions.
        candidates : path-like
            CSV with the columns ``surface``, ``entity`` (an id of the run's entities) and, for runs that know priors,
            ``prior``: what each surface may mean. Surfaces are compared without their case.

        Returns
        -------
        DataFrame
            A row a mention, in the order of the texts: ``id``, ``start``, ``end``, ``mention``, ``entity``, ``name``,
            ``probability``, and ``reason``: what the choice leans on most, of prior, context, type and coherence.
            A mention without candidates has no entity, and the reason "no candidate".

        Raises
        ------
        FileNotFoundError
            A file is not there, or the run is unfinished.
        ValueError
            Files that are not as said, offsets outside of the text, unknown entities, or a changed source.
        """
        model, data = self._load()
        rows = _read_text(Path(text))
        surfaces, priors = _read_candidates(Path(candidates), data.mentions)
        spans = [span for doc in rows for span in _spans(doc, surfaces)]
        if not spans:
            return pd.DataFrame(columns=COLUMNS)
        mentions = _mentions(spans, surfaces, priors, data.mentions)
        inputs = data.read(mentions, False)
        linker = self._of(inputs.graph, data.tables(inputs), model)
        scores = _score(linker, mentions, None)
        reasons = _reasons(linker, mentions, scores)
        return _table(spans, mentions, scores, reasons)

    def _load(self) -> tuple[Linker, LoadedLinking]:
        self.directory.require(self.directory.path / WEIGHTS)
        source, options = self.source, self.options
        assert isinstance(source, LinkingSource)
        assert isinstance(options, LinkConfig)
        data = load_linking(source)
        self.check_source(data.fingerprint())
        build = self._task.methods[self.method].build
        assert build is not None
        model: Linker = build(data.inputs.graph, data.tables(data.inputs), data.docs("train"), options)
        self.load_weights(model, WEIGHTS)
        return model, data

    def _of(self, graph: Any, tables: Any, model: Linker) -> Linker:
        """Return the model for other documents, with the same weights."""
        build = self._task.methods[self.method].build
        assert build is not None
        other: Linker = build(graph, tables, None, model.config)
        other.load_state_dict(model.state_dict())
        return other.eval()


class _Span:
    """A mention in a text."""

    def __init__(self, document: str, text: str, start: int, end: int) -> None:
        self.document, self.text, self.start, self.end = document, text, start, end

    @property
    def surface(self) -> str:
        return self.text[self.start : self.end]


_Document = tuple[str, str, list[tuple[int, int]]]  # id, text, places of mentions


def _read_csv(path: Path, columns: list[str]) -> pd.DataFrame:
    if not path.is_file():
        raise FileNotFoundError(f"{path} not found: expected a CSV file with the columns {columns}")
    try:
        frame = pd.read_csv(path, dtype=str, keep_default_na=False, encoding="utf-8")
    except UnicodeDecodeError as error:
        raise ValueError(f"{path} must be UTF-8, got byte {error.object[error.start]:#x} at {error.start}") from None
    except (pd.errors.ParserError, pd.errors.EmptyDataError) as error:
        raise ValueError(f"{path} is no CSV file with the columns {columns} ({error})") from None
    absent = [name for name in columns if name not in frame.columns]
    if absent:
        raise ValueError(f"{path} must have the columns {columns}, got no {absent}")
    return frame


def _read_text(path: Path) -> list[_Document]:
    """Return the documents in order, each with the places given for it."""
    frame = _read_csv(path, ["id", "text"])
    if ("start" in frame.columns) != ("end" in frame.columns):
        raise ValueError(f"{path} must have both start and end, or neither")
    documents: dict[str, tuple[str, list[tuple[int, int]]]] = {}
    for number, row in enumerate(frame.to_dict("records")):
        text, places = documents.setdefault(row["id"], (row["text"], []))
        if text != row["text"]:
            raise ValueError(f"rows of one id must have one text, got another one for {row['id']!r} in row {number}")
        start, end = row.get("start", ""), row.get("end", "")
        if bool(start) != bool(end):
            raise ValueError(f"start and end must both be given in row {number}, got {start!r} and {end!r}")
        if start:
            place = _offsets(start, end, text, number)
            if place in places:
                raise ValueError(f"mentions must be distinct, got {place} twice for {row['id']!r}")
            places.append(place)
    return [(name, text, places) for name, (text, places) in documents.items()]


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


def _read_candidates(path: Path, known: Mentions) -> tuple[dict[str, list[int]], dict[str, list[float]]]:
    """Return the entity numbers and the priors of every surface in lower case."""
    frame = _read_csv(path, ["surface", "entity"])
    number = {str(entity): at for at, entity in enumerate(known.entity_ids)}
    unknown = sorted({entity for entity in frame["entity"] if entity not in number})
    if unknown:
        shown = ", ".join(map(repr, unknown[:5])) + (f" and {len(unknown) - 5} more" if len(unknown) > 5 else "")
        raise ValueError(f"entity must be among the {len(number)} entities of the run, got {shown}")
    if known.prior is not None and "prior" not in frame.columns:
        raise ValueError(f"{path} must have the column prior, which this run knows")
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
            priors.setdefault(surface, []).append(float(row.get("prior", "") or "nan"))
        except ValueError:
            raise ValueError(f"prior must be a number in [0, 1], got {row['prior']!r} for {row['surface']!r}") from None
    return entities, priors


def _spans(document: _Document, surfaces: dict[str, list[int]]) -> list[_Span]:
    """Return the mentions of a document in the order of the text: those given, or else the longest known surfaces."""
    name, text, places = document
    if not places and surfaces:
        ordered = sorted(filter(None, surfaces), key=lambda surface: (-len(surface), surface))
        pattern = re.compile(rf"(?<!\w)(?:{'|'.join(map(re.escape, ordered))})(?!\w)", re.IGNORECASE)
        places = [found.span() for found in pattern.finditer(text) if found.end() > found.start()]
    return [_Span(name, text, start, end) for start, end in sorted(places)]


def _mentions(
    spans: list[_Span], surfaces: dict[str, list[int]], priors: dict[str, list[float]], known: Mentions
) -> Mentions:
    keys = [span.surface.casefold() for span in spans]
    listed = [surfaces.get(key, []) for key in keys]
    prior = [value for key in keys for value in priors.get(key, [])]
    return Mentions(
        [span.document for span in spans], [span.surface for span in spans], np.full(len(spans), -1),
        np.concatenate([[0], np.cumsum([len(entities) for entities in listed], dtype=np.int64)]),
        np.array([entity for entities in listed for entity in entities], dtype=np.int64), known.entity_ids,
        known.entity_names, prior=prior if known.prior is not None else None,
        left=[span.text[max(0, span.start - 1000) : span.start] for span in spans],
        right=[span.text[span.end : span.end + 1000] for span in spans],
    )  # fmt: skip


def _score(linker: Linker, mentions: Mentions, without: str | None) -> NDArray[np.float64]:
    candidates, scores = linker.score(torch.arange(mentions.num_docs), without)
    whole = np.zeros(mentions.num_candidates)
    whole[candidates.numpy()] = scores.numpy()
    return whole


def _reasons(linker: Linker, mentions: Mentions, scores: NDArray[np.float64]) -> list[str]:
    """Return, for each mention, what its choice loses most by: the fall of its lead when that is not known."""
    lead = _lead(mentions, scores, scores)
    falls = [lead - _lead(mentions, scores, _score(linker, mentions, reason)) for reason in REASONS]
    most = np.stack(falls).argmax(axis=0)
    counts = np.diff(mentions.cand_indptr)
    return [
        "no candidate" if n == 0 else "only candidate" if n == 1 else REASONS[at]
        for n, at in zip(counts.tolist(), most.tolist(), strict=True)
    ]


def _lead(mentions: Mentions, scores: NDArray[np.float64], other: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return how far, in ``other``, the best candidates by ``scores`` are ahead of the best of the others; 0 without others."""
    lead = np.zeros(mentions.num_mentions)
    for m, (start, end) in enumerate(zip(mentions.cand_indptr[:-1].tolist(), mentions.cand_indptr[1:].tolist())):
        if end - start > 1:
            best = int(scores[start:end].argmax())
            lead[m] = other[start + best] - np.delete(other[start:end], best).max()
    return lead


def _table(spans: list[_Span], mentions: Mentions, scores: NDArray[np.float64], reasons: list[str]) -> pd.DataFrame:
    filled = np.diff(mentions.cand_indptr) > 0
    indptr: Tensor = torch.from_numpy(np.concatenate([[0], mentions.cand_indptr[1:][filled]]))
    prob = probabilities(torch.from_numpy(scores), indptr).numpy()
    rows = []
    for m, span in enumerate(spans):
        row: dict[str, Any] = dict(zip(COLUMNS, [span.document, span.start, span.end, span.surface]))
        row |= {"entity": None, "name": "", "probability": None, "reason": reasons[m]}
        start, end = mentions.cand_indptr[m : m + 2].tolist()
        if end > start:
            at = start + int(scores[start:end].argmax())
            entity = mentions.cand_entity[at]
            row |= {
                "entity": mentions.entity_ids[entity], "name": mentions.entity_names[entity],
                "probability": float(prob[at]),
            }  # fmt: skip
        rows.append(row)
    return pd.DataFrame(rows, columns=COLUMNS)
