"""Options of the command whose values are a choice."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import typer


def one_of(text: str, choices: Iterable[str], *names: str) -> Any:  # Any: typer's own annotation
    """Return an option whose help lists the choices and whose value the shell completes.

    The option accepts any text: the function that takes the value refuses other values, as in Python.

    Parameters
    ----------
    text : str
        Its help.
    choices : iterable of str
        Values that the user may give.
    *names : str
        The option's spelling, such as ``--from``. Default: made from the parameter's name.
    """
    words = list(choices)
    return typer.Option(*names, help=text, metavar=f"[{'|'.join(words)}]", autocompletion=lambda: words)
