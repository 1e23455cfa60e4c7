"""Tables of speed: written as JSON with the machine and the versions, and as markdown."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

from benchmarks import _measure

RESULTS = Path(__file__).resolve().parents[1] / "results" / "speed"


def machine() -> dict[str, str | float]:
    """Return what the figures depend on besides the code."""
    return {**_measure.machine(), **_measure.versions("torch", "dgl", "numba", "numpy")}


def write(
    name: str,
    title: str,
    rows: Sequence[Mapping[str, str | float]],
    *,
    write: bool = True,
    command: str | None = None,
    **settings: str | float,
) -> str:
    """Write ``results/speed/<name>.json`` and ``.md``, unless told not to; return the markdown.

    ``command`` is what makes them again, by default the benchmark of that name.
    """
    command = command or f"python -m benchmarks speed {name}"
    about = machine()
    columns = list(rows[0])
    lines = [f"# {title}", "", "| " + " | ".join(columns) + " |", "|" + "---|" * len(columns)]
    lines += ["| " + " | ".join(_cell(row[c]) for c in columns) + " |" for row in rows]
    described = {**settings, **about}
    lines += ["", f"`{command}`. " + ", ".join(f"{k} {v}" for k, v in described.items()) + "."]
    text = "\n".join(lines) + "\n"
    if not write:
        return text
    RESULTS.mkdir(parents=True, exist_ok=True)
    (RESULTS / f"{name}.md").write_text(text)
    record = {"title": title, "command": command, "settings": settings, "machine": about, "rows": list(rows)}
    (RESULTS / f"{name}.json").write_text(json.dumps(record, indent=1) + "\n")
    return text


def _cell(value: str | float) -> str:
    if isinstance(value, str):
        return value
    return f"{value:,}" if isinstance(value, int) else f"{value:,.3g}"
