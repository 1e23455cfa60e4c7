"""``.. results:: quality``: all records of that folder of ``benchmarks/results``; ``quality/NAME``: one table."""

from __future__ import annotations

import re
from pathlib import Path
from typing import ClassVar

import results_rst
from docutils import nodes
from sphinx.util.docutils import SphinxDirective

_RESULTS = Path(__file__).parents[2] / "benchmarks" / "results"
_NUMBER = re.compile(r"[-\d.,]+( ± [\d.]+)?|–|")
_NONE = "Not measured yet; ``{}`` makes this table."


class Results(SphinxDirective):
    """Show measurements as they were recorded; nothing is copied into the pages by hand.

    With a name, ``:metrics: ndcg map`` shows these columns only.
    """

    required_arguments = 1
    option_spec: ClassVar = {"metrics": str.split}

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


def setup(app):
    app.add_directive("results", Results)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
