"""The run directory: its files, a lock for one writing process, and a check of the configuration."""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from graphvid._files import read_json, write_json
from graphvid._temporaries import is_temporary, remove_temporaries

Json = dict[str, Any]  # Any: nested JSON values
FORMAT = 2  # format of config.json and of the file names of a run; reading a run of another format raises


class RunDirectory:
    """A run directory and the names of the files in it.

    ============================= ==================================================================================
    file                          content
    ============================= ==================================================================================
    ``config.json``               method, model and data of the run, written first; a resumed run must agree with it
    ``checkpoint.safetensors``    the trainer's state, replaced every few steps
    ``training_log.csv``          loss and statistics, one row for every few steps
    ``metrics.json``              the figures of the method and its baselines
    ``report.html``               all of it as plots and tables; written last
    ``sessions.json``             when the run was worked on, for how long, and by which command
    ============================= ==================================================================================

    Every file is written completely or not at all. The docstring of a task names the files that it adds.

    Parameters
    ----------
    path : path-like
        The folder.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = Path(path)
        self.config = self.path / "config.json"
        self.checkpoint = self.path / "checkpoint.safetensors"
        self.training_log = self.path / "training_log.csv"
        self.metrics = self.path / "metrics.json"
        self.report = self.path / "report.html"
        self.sessions = self.path / "sessions.json"
        self.lock = self.path / ".lock"

    @contextmanager
    def open(self, config: Mapping[str, Any], *, resume: bool) -> Iterator[RunDirectory]:
        """Claim the folder for a run with this ``config``, or continue the run that it holds, until the block ends.

        Parameters
        ----------
        config : mapping
            JSON values. The entries ``"versions"`` and ``"source"`` may differ when a run is resumed.
        resume : bool
            Continue an existing run. Without a run in the folder, a new one starts for both values.

        Raises
        ------
        FileExistsError
            The folder holds a run and ``resume`` is false, it holds other files, or another process is writing to it.
        ValueError
            The run in the folder has another configuration; names the entries that differ.
        """
        wanted = self.check(config, resume=resume)
        self.path.mkdir(parents=True, exist_ok=True)
        with self._locked():
            self.remove_temporaries()
            if not self.config.exists():
                write_json(self.config, wanted)
            yield self

    def check_folder(self, *, resume: bool) -> None:
        """Raise the errors of `open` that do not depend on the configuration, before a large source is read."""
        if self.lock.exists():
            with self.lock.open(encoding="utf-8") as file:
                _claim(file, self.path)  # for a moment
        if self.config.exists():
            if not resume:
                raise FileExistsError(f"{self.path} already holds a run; resume it (--resume) or choose another folder")
            self.read_config()
            return
        if self.path.exists():
            if not self.path.is_dir():
                raise FileExistsError(f"{self.path} must be a folder, got a file")
            others = sorted(
                entry.name for entry in self.path.iterdir() if entry != self.lock and not is_temporary(entry)
            )
            if others:
                raise FileExistsError(
                    f"{self.path} holds files but no run: {others[:5]}; choose an empty or a new folder"
                )

    def check(self, config: Mapping[str, Any], *, resume: bool) -> Json:
        """Raise the errors of `open`, without a change to the folder; ``config`` must have the stored form."""
        wanted: Json = {"format": FORMAT, **json.loads(json.dumps(config))}
        self.check_folder(resume=resume)
        if self.config.exists():
            differing = sorted(_differences(self.read_config(), wanted))
            if differing:
                raise ValueError(f"{self.path} holds a run with another configuration: {'; '.join(differing)}")
        return wanted

    def read_config(self) -> Json:
        """Return the configuration of the run.

        Raises
        ------
        FileNotFoundError
            The folder holds no run.
        ValueError
            The file is damaged, or the run is of another format.
        """
        return read_config(self.require(self.config))

    def read_metrics(self) -> Json:
        """Return the figures of the run.

        Raises
        ------
        FileNotFoundError
            The run is not finished.
        """
        self.require(self.metrics)
        return read_json(self.metrics)

    def require(self, file: Path) -> Path:
        """Return ``file`` if it exists.

        Raises
        ------
        FileNotFoundError
            It does not exist; the message distinguishes a missing run from an unfinished one.
        """
        if file.exists():
            return file
        if self.config.exists():
            raise FileNotFoundError(f"{self.path} holds an unfinished run without {file.name}; finish it with --resume")
        raise FileNotFoundError(f"{self.path} holds no run: there is no {self.config.name} in it")

    def remove_temporaries(self) -> None:
        """Delete the temporary files that a killed process left."""
        remove_temporaries(self.path)

    @contextmanager
    def _locked(self) -> Iterator[None]:
        """Hold the lock of the folder in the block; it ends at the latest with the process."""
        with self.lock.open("a+", encoding="utf-8") as file:
            _claim(file, self.path)
            if not self.lock.exists() or not os.path.samestat(os.fstat(file.fileno()), self.lock.stat()):
                raise FileExistsError(f"{self.path} was being written by another process until now; try again")
            file.truncate(0)
            file.write(f"{os.getpid()}\n")
            file.flush()
            try:
                yield
            finally:
                self.lock.unlink(missing_ok=True)


def read_config(path: str | os.PathLike[str]) -> Json:
    """Return the configuration of a run, for example to train another run with it.

    Parameters
    ----------
    path : path-like
        Its ``config.json``.

    Raises
    ------
    FileNotFoundError
        There is no such file.
    ValueError
        The file is damaged, or the run is of another format.
    """
    config = read_json(Path(path))
    found = config.get("format", 1)
    if found != FORMAT:
        raise ValueError(
            f"{path} holds a run of format {found}, and this version of graphvid reads format {FORMAT}; train it "
            "again, or use the version that made it"
        )
    absent = [name for name in ("title", "method", "model", "data", "source") if name not in config]
    if absent:
        raise ValueError(f"{path} must have the entries of a run, got none called {absent}")
    return config


def _claim(lock: IO[str], folder: Path) -> None:
    """Lock an open file, or raise a FileExistsError that names the process with the lock."""
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        lock.seek(0)
        raise FileExistsError(
            f"{folder} is being written by another process ({lock.read().strip() or 'unknown'}); wait for it, or choose "
            "another folder"
        ) from None


def _differences(found: Json, wanted: Json, prefix: str = "") -> list[str]:
    lines: list[str] = []
    for key in sorted(found.keys() | wanted.keys()):
        if not prefix and key in ("versions", "source"):  # "data" compares the data themselves
            continue
        a, b = found.get(key), wanted.get(key)
        if isinstance(a, dict) and isinstance(b, dict):
            lines += _differences(a, b, f"{prefix}{key}.")
        elif a != b:
            lines.append(f"{prefix}{key} was {a!r}, now {b!r}")
    return lines
