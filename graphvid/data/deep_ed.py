"""Reader of mentions in the tab-separated form of deep-ed and mulrel-nel."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from graphvid.data._files import as_path, with_path
from graphvid.data._id_spelling import INTEGER
from graphvid.data._text import read_lines
from graphvid.data.mentions import NIL, Mentions


def read_deep_ed(path: str | Path) -> Mentions:
    """Read mentions and candidates from the tab-separated form of deep-ed and mulrel-nel.

    A line has: document, document, mention, left context, right context, a marker, one column ``id,prob,title`` for each
    candidate (or ``EMPTYCAND``), a marker, and the gold. The gold is ``index,id,prob,title``; ``-1,id,title`` for an entity
    that is no candidate; or ``-1`` for NIL.

    Parameters
    ----------
    path : path-like
        UTF-8 text, or such text in ``.gz``.

    Returns
    -------
    Mentions
        Entity ids are the integers of the file. Priors are clipped to [1e-3, 1], as in the published code. An empty context
        (``EMPTYCTXT``) is an empty string.

    Raises
    ------
    FileNotFoundError
        There is no such file.
    ValueError
        Text that is not UTF-8, or a malformed line, by its number.

    Notes
    -----
    The gold is identified by its id, because some writers count candidates from 0, others from 1. With an index the id must
    be among the candidates. If a title differs between lines, the first counts.

    References
    ----------
    Ganea and Hofmann, "Deep Joint Entity Disambiguation with Local Neural Attention", EMNLP 2017; Le and Titov,
    "Improving Entity Linking by Modeling Latent Relations between Mentions", ACL 2018: their released data.

    Examples
    --------
    >>> import tempfile, pathlib
    >>> path = pathlib.Path(tempfile.mkdtemp()) / "set.csv"
    >>> columns = ["1", "1", "Paris", "in", "EMPTYCTXT", "CANDIDATES", "5,0.9,Paris", "8,0.1,Paris, Texas", "GT:"]
    >>> _ = path.write_text("\\t".join([*columns, "2,8,0.1,Paris, Texas"]) + "\\n")
    >>> mentions = read_deep_ed(path)
    >>> mentions.entity_names[mentions.gold], mentions.right
    (array(['Paris, Texas'], dtype=object), array([''], dtype=object))
    """
    path = as_path(path)
    lines = read_lines(path, "mentions in the tab-separated form of deep-ed")
    names: dict[int, str] = {}
    rows = []
    for number, line in enumerate(lines, 1):
        try:
            rows.append(_parse_line(line, names))
        except ValueError as error:
            raise ValueError(f"{path} line {number}: {error}") from None
    code = {entity: at for at, entity in enumerate(sorted(names))}
    counts = [len(row[4]) for row in rows]
    try:
        return Mentions(
            [row[0] for row in rows],
            [row[1] for row in rows],
            [NIL if row[5] == NIL else code[row[5]] for row in rows],
            np.concatenate([[0], np.cumsum(counts, dtype=np.int64)]),
            [code[entity] for row in rows for entity, _ in row[4]],
            sorted(names),
            [names[entity] for entity in sorted(names)],
            prior=[min(max(prob, 1e-3), 1.0) for row in rows for _, prob in row[4]],
            left=[row[2] for row in rows],
            right=[row[3] for row in rows],
        )
    except ValueError as error:
        raise with_path(error, path) from None


_Row = tuple[str, str, str, str, list[tuple[int, float]], int]


def _parse_line(line: str, names: dict[int, str]) -> _Row:
    """Return document, mention, contexts, candidates and gold id of a line; write the titles into ``names``."""
    columns = line.split("\t")
    if len(columns) < 9:
        raise ValueError(f"expected at least 9 columns between tabs, got {len(columns)}")
    doc, mention = columns[0], columns[2]
    left, right = ("" if text == "EMPTYCTXT" else text for text in columns[3:5])
    listed = columns[6:-2]
    candidates: list[tuple[int, float]] = []
    for text in [] if listed == ["EMPTYCAND"] else listed:
        identifier, prob, title = _split(text, 3, "id,prob,title")
        if not 0 <= float(prob) <= 1:
            raise ValueError(f"a candidate's prob must be in [0, 1], got {prob}")
        entity = _entity(identifier)
        names.setdefault(entity, title)
        candidates.append((entity, float(prob)))
    if len({entity for entity, _ in candidates}) < len(candidates):
        raise ValueError(f"candidates of a mention must be distinct, got one twice for {mention!r}")
    last = columns[-1]
    if last == "-1":
        return doc, mention, left, right, candidates, NIL
    if last.startswith("-1,"):
        _, identifier, title = _split(last, 3, "-1,id,title")
        names.setdefault(_entity(identifier), title)
        return doc, mention, left, right, candidates, _entity(identifier)
    gold = _entity(_split(last, 4, "index,id,prob,title")[1])
    if gold not in {entity for entity, _ in candidates}:
        raise ValueError(f"the gold must be among the candidates unless its index is -1, got {last!r}")
    return doc, mention, left, right, candidates, gold


def _split(text: str, count: int, form: str) -> list[str]:
    parts = text.split(",", count - 1)
    if len(parts) < count:
        raise ValueError(f"expected a column {form}, got {text!r}")
    return parts


def _entity(text: str) -> int:
    if INTEGER.fullmatch(text) is None or not 0 <= int(text) < 2**63:
        raise ValueError(f"the id of an entity must be an integer in [0, 2**63), got {text[:50]!r}")
    return int(text)
