"""Rows of a table of quality: runs of tasks and other measurements, made once and kept in a folder."""

from __future__ import annotations

import hashlib
import json
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any, TypeAlias

from benchmarks._measure import Cost, measured
from graphvid import runs, tasks
from graphvid._files import write_json
from graphvid._record import Record

Json: TypeAlias = dict[str, Any]  # Any: nested JSON values
Figures: TypeAlias = Callable[[Json], Mapping[str, float | None]]

_NOBODYS = {"seed", "data_dir"}  # they make no other row


@dataclass(frozen=True)
class TrainedRow:
    """A run of a task for every seed.

    Parameters
    ----------
    name : str
        First column; no other row has it.
    method : str
        As in ``graphvid train METHOD``; it names the task too.
    source : Record
        Of the class that the task reads.
    config : Record, optional
        Options of the method. Default: its first preset.
    description : str
        Plain text beside the name.
    figures : callable, optional
        Gives the columns from the content of ``metrics.json``. Default: that of the table.
    reference : bool
        An oracle or a published figure: shown, and never set in bold.
    """

    name: str
    method: str
    source: Any  # Any: a Record of the task
    config: Any = None
    description: str = ""
    figures: Figures | None = None
    reference: bool = False

    @property
    def about(self) -> Json:
        """Record of what makes the figures besides data and seed: where it is another, they are another row's."""
        source, config = (_without_folders(record.to_dict()) for record in (self.source, self._options()))
        return as_json({"method": self.method, "source": _own(source), "config": _own(config)})

    def about_line(self, line: Json) -> Json:
        """Return what made a line of an earlier command: options that came later stood at their defaults."""
        records = {"source": self.source, "config": self._options()}
        found = {
            name: _completed(records[name], line.get(name, {})) if name in records else line.get(name)
            for name in self.about
        }
        return as_json(found)

    def folder(self, work: Path, seed: int) -> Path:
        """Return the folder of the run of a seed among those of a table."""
        return work / f"{self.method}-{_digest(self.about)}" / f"seed-{seed}"

    def train(self, work: Path, seed: int, data_dir: str | None) -> tuple[Json, Json]:
        """Return the run's ``metrics.json``, and its cost and data; it is trained where it is not finished."""
        folder = self.folder(work, seed)
        cost_file, is_new = folder.parent / f"{folder.name}.cost.json", not folder.exists()
        task, source = tasks.task_of(self.method), with_values(self.source, seed=seed, data_dir=data_dir)
        config, progress = with_values(self._options(), seed=seed), sys.stderr.isatty()
        metrics, cost = measured(runs.train, task, self.method, source, folder, config, resume=True, progress=progress)
        if is_new:
            write_json(cost_file, _seconds(cost))
        spent = read_json(cost_file) if cost_file.exists() else dict.fromkeys(_seconds(cost))  # killed, and taken up
        return metrics, {**spent, "data": read_json(folder / "config.json")["data"]}

    def _options(self) -> Any:  # Any: a Record
        if self.config is not None:
            return self.config
        kind = tasks.task_of(self.method).methods[self.method].config
        return kind.preset(next(iter(kind.presets)))


@dataclass(frozen=True)
class MeasuredRow:
    """Figures that no run has: a baseline, an oracle, a peer.

    Parameters
    ----------
    name : str
        First column; no other row has it.
    measure : callable
        Takes a seed and ``--data-dir``, and gives the columns; what else it gives is kept beside them.
    description : str
        Plain text beside the name.
    config : mapping
        JSON values and Records that say what is measured: others make it another row, which is measured again.
    reference : bool
        As in `TrainedRow`.
    seeded : bool
        Whether it depends on the seed. If not, it is measured once and stands for all seeds.
    """

    name: str
    measure: Callable[[int, str | None], Mapping[str, Any]]
    description: str = ""
    config: Mapping[str, Any] = field(default_factory=dict)
    reference: bool = False
    seeded: bool = True

    @property
    def about(self) -> Json:
        """As that of `TrainedRow`."""
        config = {name: _own(x.to_dict()) if isinstance(x, Record) else x for name, x in _own(self.config).items()}
        return as_json({"config": config})

    def about_line(self, line: Json) -> Json:
        """As that of `TrainedRow`."""
        config = line.get("config", {})
        records = {name: x for name, x in self.config.items() if isinstance(x, Record) and name in config}
        return as_json({"config": config | {name: _completed(x, config[name]) for name, x in records.items()}})

    def figures_of(self, work: Path, seed: int, data_dir: str | None) -> Json:
        """Return what ``measure`` gives and its cost; it is called where its file is not there."""
        file = work / f"measured-{_digest([self.name, self.about])}" / f"seed-{seed}.json"
        if not file.exists():
            found, cost = measured(self.measure, seed, data_dir)
            file.parent.mkdir(parents=True, exist_ok=True)
            write_json(file, {**_seconds(cost), **found})
        return read_json(file)


Row: TypeAlias = TrainedRow | MeasuredRow


def with_values(record: Any, **values: Any) -> Any:  # Any: a Record and values of its fields
    """Return the record with these values where it has such fields; None changes nothing."""
    known = {entry.name for entry in fields(record)}
    return replace(record, **{name: value for name, value in values.items() if name in known and value is not None})


def read_json(path: Path) -> Json:
    """Return the content of a JSON file."""
    found: Json = json.loads(path.read_text(encoding="utf-8"))
    return found


def as_json(values: Json) -> Json:
    """Return values as they are read from JSON."""
    made: Json = json.loads(json.dumps(values))
    return made


def _completed(record: Any, stored: Json) -> Json:  # Any: a Record
    """Return stored options of such a record, with the defaults of those that came later, also in records inside it."""
    try:
        return _own(_without_folders(type(record).from_dict(stored).to_dict()))
    except (KeyError, TypeError, ValueError):  # no options of this record: another row
        return stored


def _without_folders(values: Mapping[str, Any]) -> Json:
    """Return the values with the names of files alone: where they lie is nobody's business."""
    return {
        name: Path(value).name if isinstance(value, str) and Path(value).is_absolute() else value
        for name, value in values.items()
    }


def _own(values: Mapping[str, Any]) -> Json:
    return {name: value for name, value in values.items() if name not in _NOBODYS}


def _digest(value: Any) -> str:  # Any: JSON
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()[:10]


def _seconds(cost: Cost) -> Json:
    return {"seconds": round(cost.seconds, 1), "cpu_seconds": round(cost.cpu_seconds, 1)}
