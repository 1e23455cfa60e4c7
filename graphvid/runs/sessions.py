"""The sessions of a run: start, command and duration of each."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timezone

from graphvid._files import read_json, write_json

from .directory import Json, RunDirectory


@contextmanager
def session(run: RunDirectory, command: str | None) -> Iterator[None]:
    """Write the start of the block into ``sessions.json``, and at its end the duration, which a killed process leaves out.

    Parameters
    ----------
    run : RunDirectory
        Claimed by this process.
    command : str, optional
        The command line, if there was one.
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
    """Return one or two sentences on time, duration and command of a run; an empty text for a run without sessions."""
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
