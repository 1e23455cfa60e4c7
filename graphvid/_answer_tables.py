"""Tables that answer a command: printed, as JSON or as a file."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import typer

from graphvid._files import atomic_path, check_output


def check_out(out: Path | None, as_json: bool, inputs: Sequence[Path | None]) -> None:
    """Raise for ``out`` together with ``as_json``, or an ``out`` that is no .csv or Parquet file or one of the inputs."""
    if out is not None:
        if as_json:
            raise ValueError("json is a form of what is printed; it must not be given with out")
        _check_table(out, inputs)


def _check_table(out: Path, inputs: Sequence[Path | None]) -> None:
    """Raise unless ``out`` ends in .csv or .parquet, can be written, and is none of the inputs."""
    if out.suffix not in (".csv", ".parquet"):
        raise ValueError(f"out must end in .csv or .parquet, got {out.name!r}")
    check_output(out, inputs)


def _write_table(table: Any, out: Path) -> None:  # a data frame; pandas is imported late
    with atomic_path(out) as temporary:
        write = table.to_csv if out.suffix == ".csv" else table.to_parquet
        write(temporary, index=False)


def flatten(figures: Mapping[str, Any]) -> dict[str, Any]:
    """Return the single figures of a method without lists; figures of a group get names such as ``gauc.value``."""
    flat: dict[str, Any] = {}
    for name, value in figures.items():
        if isinstance(value, Mapping):
            flat |= {f"{name}.{inner}": one for inner, one in flatten(value).items()}
        elif value is not None and not isinstance(value, list):
            flat[name] = value
    return flat


def give(table: Any, out: Path | None, as_json: bool) -> None:  # a data frame; pandas is imported late
    """Write a table to ``out``; without ``out`` print it, as text or as JSON."""
    if out is not None:
        _write_table(table, out)
        typer.echo(f"{len(table):,} rows in {out}")
    elif as_json:
        rows = table.astype(object).where(table.notna(), None).to_dict("records")
        typer.echo(json.dumps(rows, ensure_ascii=False))
    else:
        typer.echo(table.to_string(index=False, float_format="%.4f"))
