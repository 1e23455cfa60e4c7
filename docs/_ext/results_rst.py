"""Records of benchmarks, JSON files in ``benchmarks/results``, as reStructuredText. Standard library only.

A quality record (``quality/*.json``)::

    {"name", "title", "protocol", "date", "versions": {...}, "dataset_sha256", "command", "seeds": [0, 1, 2],
     "metrics": ["ndcg", "map", ...], "k": 60, "notes",
     "rows": [{"name", "description", "values": {"ndcg": [one number a seed], ...}, "seconds": [one number a seed]}]}

``protocol`` and ``notes`` are reStructuredText, the other texts are plain. A row may also hold ``"reference": true`` (an
oracle: never set in bold as the best). A speed record (``speed/*.json``)::

    {"name", "title", "date", "machine", "versions": {...}, "command", "columns": [...], "rows": [[...], ...], "notes"}
"""

from __future__ import annotations

import json
import math
import statistics
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

_AT_K = {"ndcg": "NDCG@{k}", "recall": "Recall@{k}", "hit": "Hit@{k}", "map": "MAP", "mrr": "MRR"}
_REQUIRED = {
    "quality": ("name", "title", "protocol", "date", "versions", "command", "seeds", "metrics", "rows"),
    "speed": ("name", "title", "date", "machine", "versions", "command", "columns", "rows"),
}


def read_records(folder: Path) -> list[dict[str, Any]]:
    """Return the records of a folder called ``quality`` or ``speed``, by file name; none if it is absent."""
    records = []
    for path in sorted(folder.glob("*.json")):
        try:
            record = json.loads(path.read_text(encoding="utf-8"))
            check_record(folder.name, record)
        except ValueError as error:
            raise ValueError(f"{path}: {error}") from None
        records.append(record)
    return records


def check_record(kind: str, record: Mapping[str, Any]) -> None:
    """Raise a ValueError that names what is wrong unless ``record`` has the form in the module's docstring."""
    absent = [key for key in _REQUIRED[kind] if key not in record]
    if absent:
        raise ValueError(f"a {kind} record must have {list(_REQUIRED[kind])}, {absent} are absent")
    for number, row in enumerate(record["rows"]):
        if kind == "speed":
            if len(row) != len(record["columns"]):
                raise ValueError(f"row {number} must have {len(record['columns'])} cells, got {len(row)}")
            continue
        for metric in record["metrics"]:
            count = len(row["values"].get(metric, ()))
            if count != len(record["seeds"]):
                raise ValueError(
                    f"row {row['name']!r} must have {len(record['seeds'])} values of {metric!r}, one a seed, got {count}"
                )


def render(kind: str, record: Mapping[str, Any]) -> str:
    """Return a section: title, protocol, table, notes, and how to make it again."""
    title = _plain(record["title"])
    body = quality_table(record) if kind == "quality" else speed_table(record)
    lead = record["protocol"] if kind == "quality" else f"Measured on {_plain(record['machine'])}."
    parts = [f".. _result-{kind}-{record['name']}:", f"{title}\n{'-' * len(title)}", lead, body, record.get("notes", "")]
    return "\n\n".join(part for part in [*parts, provenance(record)] if part) + "\n"


def quality_table(record: Mapping[str, Any]) -> str:
    """Return the rows as a list-table, mean ± standard deviation over the seeds, the best mean of a metric in bold."""
    metrics, rows = record["metrics"], record["rows"]
    best = {
        metric: max((_mean(row, metric) for row in rows if not row.get("reference")), default=math.nan)
        for metric in metrics
    }
    with_seconds = any(row.get("seconds") for row in rows)
    header = ["row", *(_AT_K.get(metric, metric).format(k=record.get("k", "k")) for metric in metrics)]
    lines = []
    for row in rows:
        name = f"**{_plain(row['name'])}**"
        cells = [f"{name} — {_plain(row['description'])}" if row.get("description") else name]
        for metric in metrics:
            bold = not row.get("reference") and _mean(row, metric) == best[metric]
            cells.append(_spread(row["values"][metric], bold=bold))
        if with_seconds:
            cells.append(f"{statistics.fmean(row['seconds']):,.0f}" if row.get("seconds") else "")
        lines.append(cells)
    return list_table([*header, *(["seconds"] if with_seconds else [])], lines)


def speed_table(record: Mapping[str, Any]) -> str:
    """Return the rows as a list-table."""
    return list_table([_plain(name) for name in record["columns"]], [[_cell(x) for x in row] for row in record["rows"]])


def list_table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return a ``list-table`` with one header row; the first column is left-aligned by its class, the others right."""
    lines = [".. list-table::", "   :header-rows: 1", "   :class: results", ""]
    for row in [header, *rows]:
        lines += [f"   {'* -' if at == 0 else '  -'} {cell}".rstrip() for at, cell in enumerate(row)]
    return "\n".join(lines)


def provenance(record: Mapping[str, Any]) -> str:
    """Return the command, date, seeds, versions and the data's checksum."""
    versions = ", ".join(f"{name} {version}" for name, version in record["versions"].items())
    facts = [f"Measured {record['date']}", f"with {versions}"]
    if "seeds" in record:
        facts.append(f"seeds {', '.join(str(seed) for seed in record['seeds'])}; mean ± standard deviation")
    if record.get("dataset_sha256"):
        facts.append(f"SHA-256 of the data {str(record['dataset_sha256'])[:16]}…")
    command = "\n".join(f"   {line}" for line in str(record["command"]).splitlines())
    return f".. code-block:: console\n\n{command}\n\n.. rst-class:: provenance\n\n{_plain('; '.join(facts))}."


def _mean(row: Mapping[str, Any], metric: str) -> float:
    return statistics.fmean(row["values"][metric])


def _spread(values: Sequence[float], *, bold: bool) -> str:
    mean = f"{statistics.fmean(values):.4f}"
    text = f"**{mean}**" if bold else mean
    return f"{text} ± {statistics.stdev(values):.4f}" if len(values) > 1 else text


def _cell(value: Any) -> str:
    if isinstance(value, bool) or value is None:
        return "" if value is None else str(value).lower()
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, float):
        return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}"
    return _plain(str(value))


def _plain(text: str) -> str:
    """Return text that reStructuredText shows as it is."""
    return "".join(f"\\{c}" if c in "\\*`_|" else c for c in str(text)).replace("\n", " ")
