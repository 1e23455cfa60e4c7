"""Parser of the names of the columns of a log from words of the command."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from graphvid.data.watch_log_tables import COLUMNS


def column_names(words: Iterable[str], known: Collection[str] = COLUMNS) -> dict[str, str]:
    """Return names in the file by names in graphvid, from words such as ``user_id=userId``."""
    names: dict[str, str] = {}
    for word in words:
        name, equals, in_file = word.partition("=")
        if not equals or not in_file or name not in known:
            raise ValueError(f"columns must be NAME=NAME_IN_THE_FILE with a name among {list(known)}, got {word!r}")
        if name in names:
            raise ValueError(f"columns must name {name} once, got it as {names[name]!r} and {in_file!r}")
        names[name] = in_file
    return names
