"""The sessions of a run: when each began, by which command, and how long it took."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timezone

from graphvid._files import read_json, write_json

from .directory import Json, RunDirectory


@contextmanager
def session(run: RunDirectory, command: str | None) -> Iterator[None]:
    """Write into ``sessions.json`` when the block begins, and how long it took; a killed process leaves that open.

    Parameters
    ----------
    run : RunDirectory
        Claimed by this process.
    command : str, optional
        What was typed, where it was typed.
    """
    earlier = read_json(run.sessions)["sessions"] if run.sessions.exists() else []
    begun = time.time()
    entry: Json = {
        "started": datetime.fromtimestamp(begun, timezone.utc).isoformat(timespec="seconds"),
        "command": command,
    }
    write_json(run.sessions, {"sessions": [*earlier, {**entry, "seconds": None}]})
    try:
        yield
    finally:
        write_json(run.sessions, {"sessions": [*earlier, {**entry, "seconds": round(time.time() - begun, 1)}]})


def describe_sessions(run: RunDirectory) -> str:
    """Say in a sentence or two when a run was made, in what time and by which command; nothing of a run that is older."""
    if not run.sessions.exists():
        return ""
    sessions = read_json(run.sessions)["sessions"]
    first = sessions[0]
    text = f"Started {datetime.fromisoformat(first['started']):%Y-%m-%d %H:%M} UTC, "
    seconds = [one["seconds"] for one in sessions]
    if len(sessions) == 1 and seconds[0] is not None:
        text += f"took {_duration(seconds[0])}."
    else:
        killed = ", less those that were killed" if None in seconds else ""
        text += f"{len(sessions)} sessions, {_duration(sum(one or 0 for one in seconds))} together{killed}."
    return f"{text} Command: `{first['command']}`" if first["command"] else f"{text} Started from Python."


def _duration(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {rest} s" if minutes else f"{rest} s"
