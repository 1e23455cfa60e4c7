"""Environments of peers whose libraries graphvid does not depend on, made on first use."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

FOLDER = Path(__file__).parent
REPOSITORY = FOLDER.parents[1]


def python_of(name: str | None) -> Path:
    """Return the interpreter of an environment: this one for None, else one with ``requirements-NAME.txt`` installed.

    It lies in ``benchmarks/peers/.venv-NAME``, and is made again when the requirements, or the ``constraints.txt`` that
    they may name, have changed.

    Raises
    ------
    RuntimeError
        The packages could not be installed; with the end of what pip said.
    """
    if name is None:
        return Path(sys.executable)
    requirements = FOLDER / f"requirements-{name}.txt"
    constraints = REPOSITORY / "constraints.txt"
    wanted = requirements.read_text(encoding="utf-8") + constraints.read_text(encoding="utf-8")
    folder = FOLDER / f".venv-{name}"
    marker = folder / "installed.txt"
    python = folder / "bin" / "python"
    if marker.exists() and marker.read_text(encoding="utf-8") == wanted:
        return python
    if folder.exists():
        shutil.rmtree(folder)
    for command in (
        [sys.executable, "-m", "venv", str(folder)],
        [str(python), "-m", "pip", "install", "-q", "-r", str(requirements)],
    ):
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            raise RuntimeError(f"{' '.join(command)} failed: {(done.stderr or done.stdout)[-2000:]}")
    marker.write_text(wanted, encoding="utf-8")
    return python
