"""Options of the command whose values are a choice."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import typer


def one_of(text: str, choices: Iterable[str], *names: str) -> Any:  # Any: what typer says of itself
    """Return an option whose choices are shown and completed.

    What takes the value refuses any other, in a sentence, as it does in Python.

    Parameters
    ----------
    text : str
        Its help.
    choices : iterable of str
        What may be given.
    *names : str
        The option as it is written, ``--from``. Default: made of the parameter.
    """
    words = list(choices)
    return typer.Option(*names, help=text, metavar=f"[{'|'.join(words)}]", autocompletion=lambda: words)
