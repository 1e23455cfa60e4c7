"""Imports between rooms and files: their direction, no circles, no private names."""

from __future__ import annotations

import ast
import graphlib
import importlib.util
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


def modules() -> dict[str, Path]:
    """Give the files of the package by the names that imports use."""
    named = {}
    for path in PACKAGE.rglob("*.py"):
        parts = ("graphvid", *path.relative_to(PACKAGE).with_suffix("").parts)
        named[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return named


def test_no_private_name_crosses_rooms() -> None:
    crossing = set()
    for path in modules().values():
        inside = path.relative_to(PACKAGE).parts
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom) and node.level == 0 and str(node.module).startswith("graphvid."):
                _, room, *names = [*str(node.module).split("."), *(alias.name for alias in node.names)]
                if room != inside[0] and not room.startswith("_") and any(name.startswith("_") for name in names):
                    crossing.add(f"{'/'.join(inside)} imports {node.module}: {names}")
    assert not crossing


def test_files_import_each_other_without_circles() -> None:
    """Count the imports inside functions and those for types alone too."""
    named, imports = modules(), {}
    for name, path in named.items():
        package = name if path.name == "__init__.py" else name.rpartition(".")[0]
        found = imports[name] = set()
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom):
                source = importlib.util.resolve_name("." * node.level + (node.module or ""), package)
                inner = {f"{source}.{alias.name}" for alias in node.names}
                found |= (inner & set(named)) or ({source} & set(named))
            elif isinstance(node, ast.Import):
                found |= {alias.name for alias in node.names} & set(named)
    order = list(graphlib.TopologicalSorter(imports).static_order())  # raises CycleError with the files of a circle
    assert set(order) == set(named)
