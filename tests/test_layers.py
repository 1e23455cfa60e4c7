"""Who may import whom."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

import graphvid

PACKAGE = Path(graphvid.__file__).parent
PARTS = ("data", "graphs", "clustering", "sampling", "ops", "nn", "losses", "optim", "metrics", "retrieval")
ENGINES = ("sql", "duckdb", "spark")
BARRED = {
    **dict.fromkeys(PARTS, (*ENGINES, "models", "runs", "tasks", "cli")),
    "sql": ("duckdb", "spark", "graphs", "models", "runs", "tasks", "cli"),
    "duckdb": ("spark", "graphs", "models", "runs", "tasks", "cli"),
    "spark": ("duckdb", "graphs", "models", "runs", "tasks", "cli"),
    "models": ("runs", "tasks", "cli"),
    "runs": ("models", "tasks", "cli"),
    "tasks": ("cli",),
}


def imported(path: Path) -> set[str]:
    """Give the rooms that a file imports, also inside functions."""
    rooms = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        if isinstance(node, ast.ImportFrom) and node.level == 0:
            names = [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
        rooms |= {name.split(".")[1] for name in names if name.startswith("graphvid.")}
    return rooms


@pytest.mark.parametrize("room", list(BARRED))
def test_imports_go_down_the_sentence(room) -> None:
    found = {
        f"{path.relative_to(PACKAGE)} imports graphvid.{other}"
        for path in (PACKAGE / room).rglob("*.py")
        for other in imported(path) & set(BARRED[room])
    }
    assert not found
