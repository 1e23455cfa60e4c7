"""The JSON record of a table of quality: lines of rows, what is kept of earlier commands, and Markdown of it."""

from __future__ import annotations

import logging
import statistics
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks._rows import Json, Row, read_json

_log = logging.getLogger("benchmarks")


def earlier_record(path: Path, data: Json) -> Json:
    """Return the record of earlier commands, with a date and versions in every row; empty if there is none.

    Raises
    ------
    ValueError
        It was made from other data.
    """
    if not path.exists():
        return {}
    record = read_json(path)
    if record["data"] != data:
        raise ValueError(f"{path} was made from other data, {record['data']}, now {data}; use --fresh")
    when = {name: record[name] for name in ("date", "versions")}
    return {**record, "rows": [{**when, **line} for line in record["rows"]]}


def unchanged(rows: Sequence[Row], earlier: Json) -> dict[str, Json]:
    """Return the lines of rows that are still made in the same way; the others are named in the log."""
    by_name = {row.name: row for row in rows}
    old = {line["name"]: line for line in earlier.get("rows", ())}
    same = {
        name: line
        for name, line in old.items()
        if name in by_name and by_name[name].about_line(line) == by_name[name].about
    }
    if gone := sorted(old.keys() - same.keys()):
        _log.warning("figures of rows that have changed, or are no rows any more, leave the table: %s", gone)
    return same


def line_of(row: Row, entries: Sequence[Json | None], metrics: Sequence[str], aside: Sequence[str] = ()) -> Json:
    """Return the line of a row from what each seed gave, ``{"values": {metric: number}, what else is kept}``."""
    more = dict.fromkeys(name for entry in entries if entry for name in entry if name not in ("values", *aside))
    return {
        "name": row.name,
        "description": row.description,
        **({"reference": True} if row.reference else {}),
        **row.about,
        "values": {metric: [entry["values"][metric] if entry else None for entry in entries] for metric in metrics},
        **{name: [entry.get(name) if entry else None for entry in entries] for name in more},
    }


def entries_of(line: Json, seeds: Sequence[int], metrics: Sequence[str]) -> dict[int, Json]:
    """Return the entries of a line by seed, where there is one; the inverse of `line_of`."""
    entries = {}
    for at, seed in enumerate(seeds):
        values = {metric: line["values"][metric][at] for metric in metrics if metric in line["values"]}
        more = {name: value[at] for name, value in line.items() if isinstance(value, list)}
        if any(value is not None for value in (*values.values(), *more.values())):
            entries[seed] = {"values": {**dict.fromkeys(metrics), **values}, **more}
    return entries


def markdown(record: Mapping[str, Any]) -> str:
    """Return the figures of a record as a Markdown table: mean ± standard deviation over the seeds, median seconds."""
    metrics = record["metrics"]
    lines = [f"| row | {' | '.join(metrics)} | seconds |", "|---" * (len(metrics) + 2) + "|"]
    for row in record["rows"]:
        seconds = [value for value in row.get("seconds") or [] if value is not None]
        cells = [row["name"], *(spread(row["values"][metric]) for metric in metrics)]
        lines.append(f"| {' | '.join(cells)} | {f'{statistics.median(seconds):,.0f}' if seconds else '–'} |")
    return "\n".join(lines)


def spread(values: Sequence[float | None]) -> str:
    """Return mean ± standard deviation of the values there are, or a dash."""
    known = [value for value in values if value is not None]
    if not known:
        return "–"
    deviation = f" ± {statistics.stdev(known):.4f}" if len(known) > 1 else ""
    return f"{statistics.mean(known):.4f}{deviation}"
