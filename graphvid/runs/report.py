"""The report of a run: one HTML file without external references, made only from the files of the run directory."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from importlib import resources
from typing import Any

import jinja2
from markupsafe import Markup, escape

from graphvid._files import atomic_path

from .directory import RunDirectory
from .sessions import describe_sessions


@dataclass(frozen=True)
class Table:
    """A table: column names, rows of cells, and the first cell of the row in bold."""

    columns: Sequence[str]
    rows: Sequence[Sequence[str]]
    best: str = ""


@dataclass(frozen=True)
class Plot:
    """A drawing with its caption."""

    svg: str
    caption: str


@dataclass(frozen=True)
class Section:
    """A heading with text, a table and plots; each may be absent."""

    title: str
    text: str = ""
    table: Table | None = None
    figures: Sequence[Plot] = field(default_factory=tuple)


@dataclass(frozen=True)
class Report:
    """Report of a run: a heading, the sentence below it, and sections in reading order."""

    title: str
    lead: str
    sections: Sequence[Section]

    def to_text(self) -> str:
        """Return the lead and the first table, as the command prints them."""
        lines = [self.lead]
        table = next((section.table for section in self.sections if section.table is not None), None)
        if table is not None:
            widths = [max(len(cell) for cell in column) for column in zip(table.columns, *table.rows, strict=True)]
            lines.append("")
            for row in (table.columns, *table.rows):
                first, *others = (
                    cell.ljust(w) if i == 0 else cell.rjust(w) for i, (cell, w) in enumerate(zip(row, widths))
                )
                lines.append("  ".join([first, *others]).rstrip())
        return "\n".join(lines)


def write_report(run: RunDirectory, report: Report) -> None:
    """Write ``report.html``: the report, the time and command of the run, and its configuration."""
    template = resources.files("graphvid.runs").joinpath("report.html.jinja").read_text(encoding="utf-8")
    environment = jinja2.Environment(autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True)
    environment.filters["commands"] = lambda text: Markup(re.sub("`([^`]+)`", r"<code>\1</code>", str(escape(text))))
    config = run.read_config()
    html = environment.from_string(template).render(
        title=report.title,
        lead=report.lead,
        sections=report.sections,
        made=describe_sessions(run),
        method=config["method"],
        config=json.dumps(config, indent=2),
    )
    with atomic_path(run.report) as temporary:
        temporary.write_text(html, encoding="utf-8")


def read_training_log(run: RunDirectory) -> dict[str, list[float]]:
    """Return the columns of ``training_log.csv``."""
    with run.require(run.training_log).open(newline="", encoding="utf-8") as file:
        rows: list[dict[str, Any]] = list(csv.DictReader(file))
    return {name: [float(row[name]) for row in rows] for name in rows[0]} if rows else {}
