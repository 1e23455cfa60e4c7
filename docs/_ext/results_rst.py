"""Records of benchmarks, JSON files in ``benchmarks/results``, as reStructuredText. Standard library only.

A quality record (``quality/*.json``)::

    {"name", "title", "protocol", "date", "versions": {...}, "command", "seeds": [0, 1, 2], "metrics": ["ndcg", ...],
     "k": 60, "data": {...}, "notes",
     "rows": [{"name", "description", "values": {"ndcg": [one number or null a seed], ...}, "seconds": [one a seed]}]}

``protocol`` and ``notes`` are reStructuredText, the other texts are plain; ``k``, ``data`` and ``notes`` may be absent,
and so may a row's ``description`` and ``seconds``. A row with ``"reference": true`` is an oracle, never set in bold.

A speed record (``speed/*.json``)::

    {"title", "date", "machine": text or {...}, "versions": {...}, "settings": {...}, "command", "columns": [...],
     "rows": [[...], ...] or [{column: cell, ...}, ...], "notes"}

of which only ``rows`` must be there. Without ``columns``, the tables in ``NAME.md`` are shown where that file is there:
it is how the program that measured lays its rows out. Pictures, ``NAME*.svg`` or ``NAME*.png``, stand below the table.
"""

from __future__ import annotations

import json
import math
import re
import statistics
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

_RANKING = {"ndcg": "NDCG\\@{k}", "map": "MAP", "mrr": "MRR", "recall": "Recall\\@{k}", "hit": "Hit\\@{k}"}
_WORDS = {"gauc": "GAUC", "auc": "AUC", "ece": "ECE"}
_QUALITY = ("name", "title", "protocol", "date", "versions", "command", "seeds", "metrics", "rows")
SUMMARY = {  # method, record, metric (one that is to be small ends in "-"), its row, the row of a baseline
    "rgc": ("Relational graph clustering", "amazon_photo", "ndcg", "neighbour softmax, L0", "raw features"),
    "rgc-tiktok": ("the same on TikTok", "tiktok", "ndcg", "neighbour softmax, random", "raw features"),
    "rgc-cora": (
        "the same on citations",
        "attributed_graphs",
        "ndcg",
        "cora_ml: default",
        "cora_ml: raw features",
    ),
    "frame": ("FRAME", "frame_synthetic", "gauc", "main: survival, 8 clips", "main: logistic hazard, 8"),
    "frame-segmm": (
        "the same on real views",
        "frame_segmm",
        "segment_log_loss-",
        "FRAME, 16 clips",
        "position prior by user",
    ),
    "simplex": ("SimpleX", "recommenders_gowalla", "recall", "SimpleX, clean", "recommender_peers_gowalla: GF-CF"),
    "mf": ("MF-CCL", "recommenders_gowalla", "recall", "MF-CCL, clean", "recommender_peers_gowalla: GF-CF"),
    "lightgcn": (
        "LightGCN",
        "recommenders_electronics",
        "recall",
        "LightGCN-CCL, clean",
        "recommender_peers_amazon_electronics: GF-CF",
    ),
    "two-tower": (
        "Two towers",
        "towers_tiktok",
        "recall",
        "content: in-batch, 128",
        "recommender_peers_tiktok: RP3beta",
    ),
    "mecoq": ("MeCoQ", "codes_digits", "map", "MeCoQ", "FAISS PQ"),
    "phpq": ("PHPQ-style", "codes_pyramid", "map", "PHPQ-style", "frozen random codebooks"),
    "periodic-interests": (
        "Periodic interests",
        "next_poi_foursquare",
        "recall",
        "periodic interests",
        "mixture of counts",
    ),
    "link-graph": ("Entity linking", "linking_aida", "accuracy", "link-graph", "most in-links"),
    "twin-tower": ("Twin tower", "similarity_synthetic", "spearman", "model 1", "titles, TF-IDF"),
    "clips": ("Clips without labels", "clips_synthetic", "motion", "differences, swaps and shuffles", "random weights"),
}
_NONE = "–"
_FIGURES_A_TABLE = 4


class Compared(NamedTuple):
    """A figure of a method beside a baseline's, as reStructuredText."""

    verdict: str
    figure: str
    baseline: str


def read_records(folder: Path) -> list[dict[str, Any]]:
    """Return the checked records of a folder called ``quality`` or ``speed``, by file name; none if it is absent."""
    records = []
    for path in sorted(path for path in folder.glob("*.json") if not path.name.startswith(".")):
        try:
            record = {"name": path.stem, **json.loads(path.read_text(encoding="utf-8"))}
            if folder.name == "quality":
                check_quality(record)
            else:
                table = path.with_suffix(".md")
                if "columns" not in record and table.exists():
                    record = {**record, **markdown_tables(table.read_text(encoding="utf-8"))}
                record = with_columns({"title": path.stem, **record})
        except (ValueError, TypeError) as error:
            raise ValueError(f"{path}: {error}") from None
        pictures = sorted(folder.glob(f"{path.stem}*.svg")) + sorted(folder.glob(f"{path.stem}*.png"))
        records.append({**record, "pictures": [picture.name for picture in pictures]})
    return records


def check_quality(record: Mapping[str, Any]) -> None:
    """Raise a ValueError that names what is wrong unless ``record`` has the form in the module's docstring."""
    absent = [key for key in _QUALITY if key not in record]
    if absent:
        raise ValueError(f"a quality record must have {list(_QUALITY)}, {absent} are absent")
    wanted = len(record["seeds"])
    for row in record["rows"]:
        for metric in record["metrics"]:
            got = len(row["values"].get(metric, ()))
            if got != wanted:
                raise ValueError(f"row {row['name']!r} must have {wanted} values of {metric!r}, one a seed, got {got}")


def markdown_tables(text: str) -> dict[str, Any]:
    """Return the ``title``, the first table's ``columns`` and ``rows``, and the others, ``more``, of a Markdown text."""
    found: dict[str, Any] = {}
    tables: list[dict[str, Any]] = []
    heading, above = "", ""
    for line in map(str.strip, text.splitlines()):
        if line.startswith("# "):
            found["title"] = line[2:]
        elif line.startswith("#"):
            heading = line.lstrip("# ")
        elif line.startswith("|"):
            cells = [cell.strip() for cell in line.strip("|").split("|")]
            if not above.startswith("|"):
                tables.append({"title": heading, "columns": cells, "rows": []})
                heading = ""
            elif not set(line) <= set("|-: "):
                tables[-1]["rows"].append(cells)
        above = line
    if not any(table["rows"] for table in tables):
        raise ValueError("its Markdown file must hold a table with a row, got none")
    first, *more = tables
    return {**found, "columns": first["columns"], "rows": first["rows"], "more": more}


def with_columns(record: dict[str, Any]) -> dict[str, Any]:
    """Return a speed record whose rows are lists under ``columns``; raise a ValueError where that cannot be."""
    rows = record.get("rows")
    if not isinstance(rows, list) or not rows:
        raise ValueError(f"a speed record must have rows, a list that is not empty, got {rows!r}")
    if isinstance(rows[0], Mapping):
        columns = list(dict.fromkeys(key for row in rows for key in row))
        return {**record, "columns": columns, "rows": [[row.get(name) for name in columns] for row in rows]}
    for table in (record, *record.get("more", ())):
        for number, row in enumerate(table["rows"]):
            if len(row) != len(table.get("columns", [])):
                wanted = len(table.get("columns", []))
                raise ValueError(f"row {number} must have {wanted} cells, one a column, got {len(row)}")
    return record


def render(kind: str, record: Mapping[str, Any]) -> str:
    """Return a section: title, protocol, table, pictures, notes, and how to make it again."""
    title = _plain(record["title"])
    tables = quality_tables(record) if kind == "quality" else [speed_table(record)]
    pictures = [f".. image:: /../benchmarks/results/{kind}/{name}" for name in record.get("pictures", ())]
    label, heading = f".. _result-{kind}-{record['name']}:", f"{title}\n{'-' * len(title)}"
    more = [f"{_plain(other['title'])}\n\n{speed_table(other)}".strip() for other in record.get("more", ())]
    parts = [
        label,
        heading,
        record.get("protocol"),
        *tables,
        *more,
        *pictures,
        record.get("notes"),
        provenance(kind, record),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def quality_tables(record: Mapping[str, Any]) -> list[str]:
    """Return the rows as list-tables of a few figures each, which fit a page."""
    metrics = list(record["metrics"])
    parts = [metrics[at : at + _FIGURES_A_TABLE] for at in range(0, len(metrics), _FIGURES_A_TABLE)]
    return [quality_table(record, part, described=part is parts[0], timed=part is parts[-1]) for part in parts]


def quality_table(
    record: Mapping[str, Any], metrics: Sequence[str] | None = None, *, described: bool = True, timed: bool = True
) -> str:
    """Return the rows as a list-table: mean ± standard deviation over the seeds, the best mean of a ranking in bold."""
    rows = record["rows"]
    metrics = [name for name in metrics or record["metrics"] if name in record["metrics"]]
    best = {
        name: max((_mean(row["values"][name]) for row in rows if not row.get("reference")), default=math.nan)
        for name in _RANKING.keys() & set(metrics)
    }
    timed = timed and any(row.get("seconds") for row in rows)
    header = ["row", *(_heading(name, record.get("k", "k")) for name in metrics), *(["seconds"] if timed else [])]
    lines = []
    for row in rows:
        name = f"**{_plain(row['name'])}**"
        cells = [f"{name} — {_plain(row['description'])}" if described and row.get("description") else name]
        for metric in metrics:
            values = row["values"][metric]
            cells.append(_spread(values, bold=not row.get("reference") and _mean(values) == best.get(metric)))
        seconds = _mean(row.get("seconds") or [])
        lines.append([*cells, *([f"{seconds:,.0f}" if seconds > -math.inf else _NONE] if timed else [])])
    return list_table(header, lines)


def summary_table(records: Sequence[Mapping[str, Any]]) -> str:
    """Return a row a method of `SUMMARY`: its figure beside a baseline's, and who is ahead."""
    rows = []
    for key, (method, name, *_) in SUMMARY.items():
        found = compared(key, records)
        if found is None:
            rows.append([method, "not measured yet", "", "", ""])
            continue
        title = next(_plain(record["title"]) for record in records if record["name"] == name)
        rows.append([method, found.verdict, found.figure, found.baseline, f":ref:`{title} <result-quality-{name}>`"])
    return list_table(["method", "verdict", "figure", "baseline", "protocol and all rows"], rows)


def compared(key: str, records: Sequence[Mapping[str, Any]]) -> Compared | None:
    """Return an entry of `SUMMARY` as it was measured, None where it was not."""
    _, name, metric, model, baseline = SUMMARY[key]
    sign, metric = (-1, metric[:-1]) if metric.endswith("-") else (1, metric)
    other, _, row = baseline.rpartition(": ") if baseline.startswith("recommender_peers") else (name, "", baseline)
    mine, theirs = (_values(records, *place, metric) for place in ((name, model), (other, row)))
    pairs = [(a, b) for a, b in zip(mine, theirs) if a is not None and b is not None]
    if not pairs:
        return None
    ahead = [sign * (a - b) > 0 for a, b in pairs]
    word = "ahead" if all(ahead) else "behind" if not any(ahead) else "level"
    k = next(record.get("k", "k") for record in records if record["name"] == name)
    own, best = (statistics.fmean(column) for column in zip(*pairs))
    seeds = f"{len(pairs)} seed{'s' * (len(pairs) > 1)}"
    return Compared(f"{word}, {seeds}", f"{_heading(metric, k)} {own:.4f}", f"{best:.4f} {_plain(row)}")


def _values(records: Sequence[Mapping[str, Any]], name: str, row: str, metric: str) -> Sequence[float | None]:
    rows = [one for record in records if record["name"] == name for one in record["rows"] if one["name"] == row]
    return rows[0]["values"].get(metric, []) if rows else []


def speed_table(record: Mapping[str, Any]) -> str:
    """Return the rows as a list-table."""
    header = [_plain(str(name).replace("_", " ")) for name in record["columns"]]
    return list_table(header, [[_cell(x) for x in row] for row in record["rows"]])


def list_table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return a ``list-table`` with one header row, in the style of results."""
    lines = [".. list-table::", "   :header-rows: 1", "   :class: results", ""]
    for row in [header, *rows]:
        lines += [f"   {'* -' if at == 0 else '  -'} {cell}".rstrip() for at, cell in enumerate(row)]
    return "\n".join(lines)


def provenance(kind: str, record: Mapping[str, Any]) -> str:
    """Return the command, and in small print what else the figures depend on."""
    facts = []
    if "date" in record:
        facts.append(f"measured {record['date']}")
    if "seeds" in record:
        seeds = ", ".join(str(seed) for seed in record["seeds"])
        facts.append(f"seeds {seeds}, mean ± standard deviation" if len(record["seeds"]) > 1 else f"one seed, {seeds}")
    for key in ("data", "settings", "machine", "versions"):
        about = record.get(key)
        if about:
            facts.append(", ".join(f"{k} {v}" for k, v in about.items()) if isinstance(about, Mapping) else str(about))
    command = record.get("command") or f"python -m benchmarks {kind} {record['name']}"
    lines = "\n".join(f"   {line}" for line in str(command).splitlines())
    text = _plain("; ".join(facts))
    small = f"\n\n.. rst-class:: provenance\n\n{text[0].upper()}{text[1:]}." if facts else ""
    return f".. code-block:: bash\n\n{lines}{small}"


def _heading(metric: str, k: object) -> str:
    """Return the name of a metric in words, so that a narrow column can break it."""
    name = _RANKING.get(metric, _WORDS.get(metric))
    return _plain(metric.replace("_", " ")) if name is None else name.format(k=k)


def _mean(values: Sequence[float | None]) -> float:
    known = [value for value in values if value is not None]
    return statistics.fmean(known) if known else -math.inf


def _spread(values: Sequence[float | None], *, bold: bool) -> str:
    known = [value for value in values if value is not None]
    if not known:
        return _NONE
    mean = f"{statistics.fmean(known):.4f}"
    text = f"**{mean}**" if bold else mean
    text = f"{text} ± {statistics.stdev(known):.4f}" if len(known) > 1 else text
    return text if len(known) == len(values) else f"{text} ({len(known)} of {len(values)} seeds)"


def _cell(value: Any) -> str:
    if value is None:
        return _NONE
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, float):
        return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}"
    if isinstance(value, str) and re.fullmatch(r"\d\.\d+e\+\d+", value):
        return f"{float(value):,.0f}"
    return _plain(value)


def _plain(text: Any) -> str:
    """Return text that reStructuredText shows as it is."""
    return "".join(f"\\{c}" if c in "\\*`_|@" else c for c in str(text)).replace("\n", " ")
