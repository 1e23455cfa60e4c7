"""Figures of single runs on disk, so that a killed benchmark goes on."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Protocol

from graphvid._files import write_json


class Options(Protocol):
    """The configuration of a model."""

    def to_dict(self) -> dict[str, Any]: ...


class Stored(Protocol):
    """A row whose figures are kept: by its name and its configuration."""

    @property
    def name(self) -> str: ...

    @property
    def model(self) -> Options | None: ...


class Runs:
    """Figures of single runs on disk, by row, configuration and seed, so that a killed benchmark goes on.

    Several commands may fill the same file: a run is added to what is there when it ends.
    """

    def __init__(self, path: Path, data: dict[str, Any], *, fresh: bool) -> None:
        self.path = path
        self.content: dict[str, Any] = {"data": data, "runs": {}}
        if fresh:
            path.unlink(missing_ok=True)
        self._read()

    def get(self, row: Stored, seed: int) -> dict[str, Any] | None:
        found: dict[str, Any] | None = self.content["runs"].get(self._key(row, seed))
        return found

    def put(self, row: Stored, seed: int, figures: dict[str, Any]) -> None:
        self._read()
        self.content["runs"][self._key(row, seed)] = figures
        write_json(self.path, self.content)

    def _read(self) -> None:
        if not self.path.exists():
            return
        found = json.loads(self.path.read_text())
        if found["data"] != self.content["data"]:
            raise ValueError(
                f"{self.path} was made from other data, {found['data']}, now {self.content['data']}; use --fresh"
            )
        self.content = found

    @staticmethod
    def _key(row: Stored, seed: int) -> str:
        return json.dumps([row.name, None if row.model is None else row.model.to_dict(), seed])
