"""``.. results:: speed``: all records of that folder of ``benchmarks/results``; ``quality/NAME``: one table.

Every record of quality has a page of its own, ``results/quality/NAME``, which is written when the documentation is built;
``.. results-summary::`` has a row a method.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import ClassVar

import results_rst
from docutils import nodes
from docutils.parsers.rst import directives
from sphinx.util.docutils import SphinxDirective, SphinxRole

_RESULTS = Path(__file__).parents[2] / "benchmarks" / "results"
_PAGES = Path(__file__).parents[1] / "results" / "quality"
_NUMBER = re.compile(r"[-\d.,]+( ± [\d.]+)?|–|")
_NONE = "Not measured yet; ``{}`` makes this table."


class Results(SphinxDirective):
    """Show measurements as they were recorded; nothing is copied into the pages by hand.

    With a name, ``:metrics: ndcg map`` shows these columns only, and ``:whole:`` the record with its protocol.
    """

    required_arguments = 1
    option_spec: ClassVar = {"metrics": str.split, "whole": directives.flag}

    def run(self) -> list[nodes.Node]:
        kind, _, name = self.arguments[0].partition("/")
        if kind not in ("quality", "speed"):
            raise self.error(f"results must be 'quality' or 'speed', or one with '/NAME', got {self.arguments[0]!r}")
        folder = _RESULTS / kind
        self.env.note_dependency(str(folder))
        for path in folder.glob("*.json"):
            self.env.note_dependency(str(path))
        try:
            records = results_rst.read_records(folder)
        except ValueError as error:
            raise self.error(str(error)) from None
        if not name:
            text = "\n".join(results_rst.render(kind, record) for record in records)
            text = text or _NONE.format(f"python -m benchmarks {kind}")
            return _align(self.parse_text_to_nodes(text, allow_section_headings=True))
        if "whole" in self.options:
            text = "\n".join(results_rst.render(kind, record) for record in records if record["name"] == name)
            return _align(self.parse_text_to_nodes(text, allow_section_headings=True))
        return _align(self.parse_text_to_nodes(self._one(kind, name, records)))

    def _one(self, kind: str, name: str, records: list) -> str:
        for record in records:
            if record["name"] == name:
                if kind == "quality":
                    table = results_rst.quality_table(record, self.options.get("metrics"))
                else:
                    table = results_rst.speed_table(record)
                return f"{table}\n\n:ref:`Protocol, versions and command <result-{kind}-{name}>`"
        return _NONE.format(f"python -m benchmarks {kind} {name}")


def _align(parsed: list[nodes.Node]) -> list[nodes.Node]:
    """Give the class "number" to the cells of all columns that hold numbers only."""
    for group in (found for node in parsed for found in node.findall(nodes.tgroup)):
        rows = [row.children for row in group.findall(nodes.row)]
        for column in zip(*rows, strict=True):
            if all(_NUMBER.fullmatch(cell.astext()) for cell in column[1:]):
                for cell in column:
                    cell["classes"].append("number")
    return parsed


class ResultsSummary(SphinxDirective):
    """Show one figure of each method beside a baseline's."""

    def run(self) -> list[nodes.Node]:
        folder = _RESULTS / "quality"
        for path in folder.glob("*.json"):
            self.env.note_dependency(str(path))
        return self.parse_text_to_nodes(results_rst.summary_table(results_rst.read_records(folder)))


class Figure(SphinxRole):
    """``:figure:`rgc```: the figure of an entry of the summary, and who is ahead."""

    def run(self) -> tuple[list[nodes.Node], list[nodes.system_message]]:
        found = results_rst.compared(self.text, results_rst.read_records(_RESULTS / "quality"))
        text = "not measured yet" if found is None else f"{found.figure}, beside {found.baseline} ({found.verdict})"
        return [nodes.Text(text.replace("\\", ""))], []


def write_pages(app) -> None:
    """Write a page for every record of quality, and remove those of records that are gone."""
    _PAGES.mkdir(exist_ok=True)
    pages = {}
    for record in results_rst.read_records(_RESULTS / "quality"):
        title = f"Quality: {record['title']}"
        pages[f"{record['name']}.rst"] = (
            f"{title}\n{'=' * len(title)}\n\n:doc:`All tables </results/quality>`\n\n"
            f".. results:: quality/{record['name']}\n   :whole:\n"
        )
    for path in _PAGES.glob("*.rst"):
        if path.name not in pages:
            path.unlink()
    for name, text in pages.items():
        if not (_PAGES / name).exists() or (_PAGES / name).read_text(encoding="utf-8") != text:
            (_PAGES / name).write_text(text, encoding="utf-8")


def setup(app):
    app.connect("builder-inited", write_pages)
    app.add_directive("results-summary", ResultsSummary)
    app.add_role("figure", Figure())
    app.add_directive("results", Results)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
