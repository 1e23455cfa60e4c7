"""Temporary files of writers: names for new ones, and removal of those that killed processes left."""

from __future__ import annotations

import os
import re
import secrets
import shutil
from pathlib import Path

_TEMPORARY = re.compile(r"\..*\.graphvid-[0-9a-f]{8}\.tmp(\.[^.]*)?", re.DOTALL)


def temporary_beside(path: str | os.PathLike[str]) -> Path:
    """Return a new name with the folder and suffix of ``path`` that `is_temporary` recognises; creates no file."""
    path = Path(path)
    return path.with_name(f".{path.stem[:100]}.graphvid-{secrets.token_hex(4)}.tmp{path.suffix}")


def is_temporary(path: str | os.PathLike[str]) -> bool:
    """Return whether a name is one of `temporary_beside`: ``.NAME.graphvid-1a2b3c4d.tmp.SUFFIX``.

    Examples
    --------
    >>> is_temporary(temporary_beside("run/split.npz")), is_temporary(".pre-commit-config.yaml")
    (True, False)
    """
    return _TEMPORARY.fullmatch(Path(path).name) is not None


def remove_temporaries(folder: str | os.PathLike[str]) -> list[str]:
    """Delete the temporary files that killed processes left in a folder; return their names.

    No other process may be writing into the folder.
    """
    found = [entry for entry in Path(folder).iterdir() if is_temporary(entry)]
    for entry in found:
        if entry.is_dir() and not entry.is_symlink():
            shutil.rmtree(entry)
        else:
            entry.unlink(missing_ok=True)
    return sorted(entry.name for entry in found)
