"""Tables of quality: rows, seeds, and the JSON that the documentation shows. **A trained row is a run.**

A benchmark is a module of ``benchmarks/quality`` with a `Table` and a ``main``. A row names a method, where its data comes
from and its options; it is trained as a run of its task (`graphvid.runs.train`) and its figures are read from the run's
``metrics.json``. Nothing here trains, judges or times in a way of its own. A whole benchmark::

    \"\"\"SimpleX on the synthetic world: ``python -m benchmarks quality simplex_synthetic``.\"\"\"

    from benchmarks._table import MeasuredRow, Table, TrainedRow
    from graphvid.models import SimpleXConfig
    from graphvid.tasks.recommendation import InteractionSource

    def at_20(metrics):  # the content of metrics.json
        return next(iter(metrics["methods"].values()))["20"]

    SOURCE = InteractionSource(dataset="synthetic")
    TABLE = Table(
        name="simplex_synthetic",  # of this module, and of results/quality/simplex_synthetic.json
        title="SimpleX on the synthetic world",
        protocol="All videos are ranked for every test user. Epochs are judged by the validation pairs.",  # RST
        metrics=("recall", "ndcg"),  # columns; `figures` and `measure` give at least these
        k=20,  # of Recall@k in the header
        figures=at_20,
        rows=[
            TrainedRow("SimpleX", "simplex", SOURCE, SimpleXConfig(), "The defaults."),
            # The same run again, another part of its metrics.json: nothing is trained twice.
            TrainedRow("popularity", "simplex", SOURCE, SimpleXConfig(), "The most watched videos.",
                       figures=lambda metrics: metrics["methods"]["popularity"]["20"]),
            # Figures that no run has, by seed and --data-dir. `reference` keeps an oracle out of the bold print.
            MeasuredRow("published", lambda seed, data_dir: {"recall": 0.1872, "ndcg": None}, "Of the paper.", reference=True),
        ],
        smallest=[TrainedRow("SimpleX", "simplex", SOURCE, SimpleXConfig(dim=4, num_epochs=1, batch_size=2048))],
    )

    def main(arguments):
        TABLE.main(arguments)

Seeds: a field ``seed`` of the options and of the source is set to the seed of the run, a field ``data_dir`` of the source
to ``--data-dir``. ``keep=("best_epoch",)`` copies entries of ``metrics.json`` into the row, one a seed.

The commands: ``python -m benchmarks quality NAME [--seeds 0 1 2] [--rows TEXT ...] [--data-dir DIR] [--threads N]``.
``--smallest`` trains the rows of the smoke test, ``tests/benchmarks/test_smallest.py``, which finds them by itself.
Runs lie in ``build/benchmarks/NAME``: a killed command goes on, and a finished run is not trained again. Figures that are
in the JSON from earlier commands stay, by row and seed, as long as the row's method, options and source are the same; rows
that have changed, and rows that the module no longer has, leave the table, and the log says so. If the data has changed,
the command refuses until ``--fresh`` says that all old figures and runs go.

A row in the JSON::

    {"name", "description", "method", "source", "config", "values": {metric: [one number or null a seed]},
     "seconds", "cpu_seconds", "data" and what `keep` names: [one entry or null a seed], "date", "versions"}

Seconds are those of training, judging and writing together, and null where a run was killed and taken up again, or is that
of a row above.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import logging
import shlex
import shutil
import statistics
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from datetime import date
from pathlib import Path
from typing import Any, TypeAlias

from tqdm import tqdm

from benchmarks._measure import machine, measured, versions
from graphvid._files import write_json

Json: TypeAlias = dict[str, Any]  # Any: nested JSON values
Figures: TypeAlias = Callable[[Json], Mapping[str, float | None]]

REPOSITORY = Path(__file__).resolve().parents[1]
RESULTS = REPOSITORY / "benchmarks" / "results" / "quality"
WORK = REPOSITORY / "build" / "benchmarks"

_log = logging.getLogger("benchmarks")


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
        JSON values that say what is measured: other values make it another row, which is measured again.
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


Row: TypeAlias = TrainedRow | MeasuredRow


@dataclass(frozen=True)
class Table:
    """Rows, and the text around them; see the example of this module.

    Parameters
    ----------
    name, title, protocol, notes : str
        Name of the module; heading; reStructuredText above and below the table.
    metrics : sequence of str
        Columns. Of a ranking: ``"ndcg"``, ``"recall"``, ``"map"``, ``"mrr"``, ``"hit"``.
    rows : sequence of TrainedRow and MeasuredRow
        In the order of the table.
    figures : callable
        Gives the columns from the content of a run's ``metrics.json``; for rows that have no such function of their own.
    k : int, optional
        Cut-off in the header.
    keep : sequence of str
        Further entries of ``metrics.json`` that are kept, one a seed.
    data : callable, optional
        Takes ``--data-dir`` and gives the fingerprint of the data of the whole table, as JSON. Default: that of the first
        trained row's source; without one, nothing.
    smallest : sequence of rows
        What ``--smallest`` trains instead: seconds in all, no files needed.
    """

    name: str
    title: str
    protocol: str
    metrics: Sequence[str]
    rows: Sequence[Row]
    figures: Figures | None = None
    notes: str = ""
    k: int | None = None
    keep: Sequence[str] = ()
    data: Callable[[str | None], Json] | None = None
    smallest: Sequence[Row] = ()

    def main(self, arguments: Sequence[str]) -> Json:
        """Run the command line: make what is missing, write the JSON, print the table. Returns the record."""
        options = self._parser().parse_args(arguments)
        logging.basicConfig(format="%(message)s")
        if options.threads is not None:
            import torch

            torch.set_num_threads(options.threads)
        options.seeds = options.seeds or ([0] if options.smallest else [0, 1, 2])
        path, work, rows = RESULTS / f"{self.name}.json", WORK / self.name, self.rows
        if options.smallest:
            path, work, rows = work / "smallest.json", work / "smallest", self.smallest
        wanted = _chosen(rows, options.rows)
        data = self._fingerprint(rows, options.data_dir)
        if options.fresh and work.exists():
            shutil.rmtree(work)
        earlier = {} if options.fresh else _earlier(path, data)
        made: dict[str, dict[int, Json]] = {}
        for seed, row in tqdm([(seed, row) for seed in options.seeds for row in wanted], unit="row"):
            tqdm.write(f"{row.name}, seed {seed}")
            made.setdefault(row.name, {})[seed] = self._entry(row, rows, seed, work, options)
        record = self._record(rows, made, earlier, data)
        path.parent.mkdir(parents=True, exist_ok=True)
        write_json(path, record)
        print(markdown(record))
        return record

    def _parser(self) -> argparse.ArgumentParser:
        parser = argparse.ArgumentParser(prog=f"python -m benchmarks quality {self.name}", description=self.title)
        parser.add_argument("--seeds", type=int, nargs="+", help="default: 0 1 2")
        parser.add_argument("--rows", nargs="+", help="only rows whose name contains one of these texts")
        parser.add_argument("--data-dir", help="folder of the data sets; default: GRAPHVID_DATA")
        parser.add_argument("--threads", type=int, help="threads of PyTorch; default: as many as it takes")
        parser.add_argument("--fresh", action="store_true", help="forget all figures and runs of this table")
        parser.add_argument("--smallest", action="store_true", help="rows of a smoke test; no results are written")
        return parser

    def _fingerprint(self, rows: Sequence[Row], data_dir: str | None) -> Json:
        """Return that of the data which stands for the whole table."""
        found: Json = {}
        trained = next((row for row in rows if isinstance(row, TrainedRow)), None)
        if self.data is not None and rows is self.rows:
            found = self.data(data_dir)
        elif trained is not None:
            source = _with(trained.source, seed=0, data_dir=data_dir)
            found = _task_of(trained.method).load(source, progress=False).fingerprint()
        made: Json = json.loads(json.dumps(found))
        return made

    def _entry(self, row: Row, rows: Sequence[Row], seed: int, work: Path, options: argparse.Namespace) -> Json:
        """Return the values of a row and seed, and what is kept beside them."""
        if isinstance(row, MeasuredRow):
            found = _measure(row, seed if row.seeded else options.seeds[0], options.data_dir, work)
            values, more = found, {name: value for name, value in found.items() if name not in self.metrics}
        else:
            folder = work / f"{row.method}-{_digest(_about(row))}" / f"seed-{seed}"
            source = _with(row.source, seed=seed, data_dir=options.data_dir)
            metrics, more = _train(row.method, source, folder, _with(_config_of(row), seed=seed))
            figures = row.figures or self.figures
            if figures is None:
                raise ValueError(f"row {row.name!r} or its table must have figures, got none")
            values = figures(metrics)
            more |= {name: metrics[name] for name in self.keep}
            if row is not next(other for other in rows if _about(other) == _about(row)):
                more |= {"seconds": None, "cpu_seconds": None}
        absent = [metric for metric in self.metrics if metric not in values]
        if absent:
            raise ValueError(f"the figures of row {row.name!r} must have {list(self.metrics)}, {absent} are absent")
        return {"values": {metric: values[metric] for metric in self.metrics}, **more}

    def _record(self, rows: Sequence[Row], made: Mapping[str, Mapping[int, Json]], earlier: Json, data: Json) -> Json:
        """Merge what this command made into the table of earlier ones."""
        old = _unchanged(rows, earlier)
        entries = {
            row.name: {**_entries(old.get(row.name), earlier, self.metrics), **made.get(row.name, {})} for row in rows
        }
        seeds = sorted({seed for of_row in entries.values() for seed in of_row})
        new = {"date": date.today().isoformat(), "versions": versions()}
        lines = []
        for row in rows:
            if of_row := entries[row.name]:
                when = new if row.name in made else {name: old[row.name][name] for name in new}
                lines.append({**_line(row, [of_row.get(seed) for seed in seeds], self.metrics), **when})
        only = [] if len(lines) == len(rows) else ["--rows", *(line["name"] for line in lines)]
        return {
            "name": self.name,
            "title": self.title,
            "protocol": self.protocol,
            "notes": self.notes,
            # Makes all of the table, also what was kept from earlier commands.
            "command": f"python -m benchmarks quality {self.name} " + shlex.join(["--seeds", *map(str, seeds), *only]),
            **new,
            "machine": {**machine(), "threads": _threads()},
            "data": data,
            **({} if self.k is None else {"k": self.k}),
            "seeds": seeds,
            "metrics": list(self.metrics),
            "rows": lines,
        }


def markdown(record: Mapping[str, Any]) -> str:
    """Return the figures of a record as a Markdown table: mean ± standard deviation over the seeds, median seconds."""
    metrics = record["metrics"]
    lines = [f"| row | {' | '.join(metrics)} | seconds |", "|---" * (len(metrics) + 2) + "|"]
    for row in record["rows"]:
        seconds = [value for value in row.get("seconds") or [] if value is not None]
        cells = [row["name"], *(spread(row["values"][metric]) for metric in metrics)]
        lines.append(f"| {' | '.join(cells)} | {f'{statistics.median(seconds):,.0f}' if seconds else '–'} |")
    return "\n".join(lines)


def spread(values: Sequence[float | None]) -> str:
    """Return mean ± standard deviation of the values there are, or a dash."""
    known = [value for value in values if value is not None]
    if not known:
        return "–"
    deviation = f" ± {statistics.stdev(known):.4f}" if len(known) > 1 else ""
    return f"{statistics.mean(known):.4f}{deviation}"


def _chosen(rows: Sequence[Row], texts: Sequence[str] | None) -> list[Row]:
    names = [row.name for row in rows]
    if len(set(names)) < len(names):
        raise ValueError(f"every row must have a name of its own, got {names}")
    chosen = [row for row in rows if texts is None or any(text in row.name for text in texts)]
    if not chosen:
        raise ValueError(f"--rows must have a text that is in one of {names}, got {texts}")
    return chosen


def _train(method: str, source: Any, folder: Path, config: Any) -> tuple[Json, Json]:  # Any: Records of the task
    """Return the ``metrics.json`` of the run in ``folder``, which is trained where it is not finished, and its cost."""
    from graphvid.runs import train

    cost_file = folder.parent / f"{folder.name}.cost.json"
    is_new = not folder.exists()
    task, progress = _task_of(method), sys.stderr.isatty()
    metrics, cost = measured(train, task, method, source, folder, config, resume=True, progress=progress)
    if is_new:
        write_json(cost_file, {"seconds": round(cost.seconds, 1), "cpu_seconds": round(cost.cpu_seconds, 1)})
    spent = _read(cost_file) if cost_file.exists() else {"seconds": None, "cpu_seconds": None}  # killed, and taken up
    return metrics, {**spent, "data": _read(folder / "config.json")["data"]}


def _measure(row: MeasuredRow, seed: int, data_dir: str | None, work: Path) -> Json:
    file = work / f"measured-{_digest([row.name, _about(row)])}" / f"seed-{seed}.json"
    if not file.exists():
        found, cost = measured(row.measure, seed, data_dir)
        file.parent.mkdir(parents=True, exist_ok=True)
        spent = {"seconds": round(cost.seconds, 1), "cpu_seconds": round(cost.cpu_seconds, 1)}
        write_json(file, {**spent, **found})
    return _read(file)


def _task_of(method: str) -> Any:  # Any: a Task
    from graphvid.tasks import task_of

    return task_of(method)


def _config_of(row: TrainedRow) -> Any:  # Any: a Record
    if row.config is not None:
        return row.config
    kind = _task_of(row.method).methods[row.method].config
    return kind.preset(next(iter(kind.presets)))


def _with(record: Any, **values: Any) -> Any:  # Any: a Record and values of its fields
    """Return the record with these values where it has such fields; None changes nothing."""
    known = {entry.name for entry in fields(record)}
    return replace(record, **{name: value for name, value in values.items() if name in known and value is not None})


def _about(row: Row) -> Json:
    """Return what makes a row's figures besides data and seed: where it is another, they are another row's."""
    without = {"seed", "data_dir"}
    if isinstance(row, MeasuredRow):
        return {"config": json.loads(json.dumps({k: v for k, v in row.config.items() if k not in without}))}
    source = row.source.to_dict()
    for name in type(row.source).files:
        if source.get(name) is not None:
            source[name] = Path(source[name]).name  # where it lies is nobody's business
    made = {
        "method": row.method,
        "source": {name: value for name, value in source.items() if name not in without},
        "config": {name: value for name, value in _config_of(row).to_dict().items() if name not in without},
    }
    return json.loads(json.dumps(made))


def _digest(value: Any) -> str:  # Any: JSON
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()[:10]


def _earlier(path: Path, data: Json) -> Json:
    """Return the record of earlier commands, with a date and versions in every row; empty if there is none."""
    if not path.exists():
        return {}
    record = _read(path)
    if record["data"] != data:
        raise ValueError(f"{path} was made from other data, {record['data']}, now {data}; use --fresh")
    when = {name: record[name] for name in ("date", "versions")}
    return {**record, "rows": [{**when, **line} for line in record["rows"]]}


def _unchanged(rows: Sequence[Row], earlier: Json) -> dict[str, Json]:
    """Return the lines of rows that are still made in the same way; the others are named in the log."""
    about = {row.name: _about(row) for row in rows}
    old = {line["name"]: line for line in earlier.get("rows", ())}
    same = {
        name: line
        for name, line in old.items()
        if name in about and {key: line.get(key) for key in about[name]} == about[name]
    }
    if gone := sorted(old.keys() - same.keys()):
        _log.warning("figures of rows that have changed, or are no rows any more, leave the table: %s", gone)
    return same


def _entries(line: Json | None, record: Json, metrics: Sequence[str]) -> dict[int, Json]:
    """Return the entries of a line by seed, where there is one; the inverse of `_line`."""
    if line is None:
        return {}
    entries = {}
    for at, seed in enumerate(record["seeds"]):
        values = {metric: line["values"][metric][at] for metric in metrics if metric in line["values"]}
        more = {name: value[at] for name, value in line.items() if isinstance(value, list)}
        if any(value is not None for value in (*values.values(), *more.values())):
            entries[seed] = {"values": {**dict.fromkeys(metrics), **values}, **more}
    return entries


def _line(row: Row, entries: Sequence[Json | None], metrics: Sequence[str]) -> Json:
    more = dict.fromkeys(name for entry in entries if entry for name in entry if name != "values")
    return {
        "name": row.name,
        "description": row.description,
        **({"reference": True} if row.reference else {}),
        **_about(row),
        "values": {metric: [entry["values"][metric] if entry else None for entry in entries] for metric in metrics},
        **{name: [entry.get(name) if entry else None for entry in entries] for name in more},
    }


def _read(path: Path) -> Json:
    found: Json = json.loads(path.read_text(encoding="utf-8"))
    return found


def _threads() -> int:
    import torch

    return torch.get_num_threads()
