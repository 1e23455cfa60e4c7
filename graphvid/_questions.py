"""Questions to a run, parsed from the words of a command: ids, or a file of ids, and the options of an answer."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from pathlib import Path
from typing import Any


def asked_ids(
    argument: str, one: str | None, option: str, many: Path | None, column: str, further: list[str]
) -> tuple[str | list[str], list[str]]:
    """Return the id or ids that a question is about, and the words of its further options."""
    from graphvid.data import read_id_list

    if many is not None:  # then no word is an id: the first word is an option too
        ids = read_id_list(many, column)
        if not ids:
            raise ValueError(f"{many} must hold an id, got none")
        return ids, further if one is None else [one, *further]
    if one is None:
        raise ValueError(f"exactly one of {argument} and --{option} must be given, got neither")
    return one, further


def further_options(answer: Callable[..., Any], arguments: list[str]) -> dict[str, Any]:
    """Return the options of an answer that the command lacks, such as ``--at TIME``, converted to their types."""
    from pydantic import TypeAdapter

    common = ("top_k",)
    known = {
        name.rstrip("_").replace("_", "-"): parameter
        for name, parameter in inspect.signature(answer, eval_str=True).parameters.items()
        if parameter.kind is inspect.Parameter.KEYWORD_ONLY and name not in common
    }
    words, values = list(arguments), {}
    while words:
        name, equals, value = words.pop(0).partition("=")
        if name.removeprefix("--") not in known or not name.startswith("--"):
            raise ValueError(f"options must be among {[f'--{one}' for one in known]} for this run, got {name!r}")
        parameter = known[name.removeprefix("--")]
        if parameter.annotation is bool and not equals:
            values[parameter.name] = True
            continue
        if not equals and not words:
            raise ValueError(f"{name} must have a value, got none")
        text = value if equals else words.pop(0)
        try:
            values[parameter.name] = TypeAdapter(parameter.annotation).validate_python(text)
        except ValueError:
            accepted = getattr(parameter.annotation, "__name__", parameter.annotation)
            raise ValueError(f"{name} must be a {accepted}, got {text!r}") from None
    return values
