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
import logging
import shlex
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TypeAlias

import torch
from tqdm import tqdm

from benchmarks._measure import machine, versions
from benchmarks._record import earlier_record, entries_of, line_of, markdown, unchanged
from benchmarks._rows import Figures, Json, MeasuredRow, Row, TrainedRow, as_json, with_values
from graphvid import tasks
from graphvid._files import write_json

__all__ = ["RESULTS", "WORK", "Json", "MeasuredRow", "Row", "Table", "TrainedRow"]

Notes: TypeAlias = Callable[[Mapping[str, Sequence[Json | None]], str], str]
REPOSITORY = Path(__file__).resolve().parents[1]
RESULTS = REPOSITORY / "benchmarks" / "results" / "quality"
WORK = REPOSITORY / "build" / "benchmarks"


@dataclass(frozen=True)
class Table:
    """Rows, and the text around them; see the example of this module.

    Parameters
    ----------
    name, title, protocol : str
        Name of the module; heading; reStructuredText above the table.
    metrics : sequence of str
        Columns. Of a ranking: ``"ndcg"``, ``"recall"``, ``"map"``, ``"mrr"``, ``"hit"``.
    rows : sequence of TrainedRow and MeasuredRow
        In the order of the table.
    figures : callable
        Gives the columns from the content of a run's ``metrics.json``; for rows that have no such function of their own.
    notes : str or callable
        reStructuredText below the table. A function takes what each row gave, by name, one entry or None a seed,
        ``{"values": {metric: number}, what else is kept}``, and the notes of earlier commands.
    k : int, optional
        Cut-off in the header.
    keep : sequence of str
        Further entries of ``metrics.json`` that are kept, one a seed.
    aside : sequence of str
        What measured rows give for ``notes`` alone: the JSON has it not, so rows of earlier commands lack it.
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
    notes: str | Notes = ""
    k: int | None = None
    keep: Sequence[str] = ()
    aside: Sequence[str] = ()
    data: Callable[[str | None], Json] | None = None
    smallest: Sequence[Row] = ()

    def main(self, arguments: Sequence[str]) -> Json:
        """Run the command line: make what is missing, write the JSON, print the table. Returns the record."""
        options = self._parser().parse_args(arguments)
        logging.basicConfig(format="%(message)s")
        if options.threads is not None:
            torch.set_num_threads(options.threads)
        options.seeds = options.seeds or ([0] if options.smallest else [0, 1, 2])
        path, work, rows = RESULTS / f"{self.name}.json", WORK / self.name, self.rows
        if options.smallest:
            path, work, rows = work / "smallest.json", work / "smallest", self.smallest
        wanted = _chosen(rows, options.rows)
        data = self._fingerprint(rows, options.data_dir)
        if options.fresh and work.exists():
            shutil.rmtree(work)
        earlier = {} if options.fresh else earlier_record(path, data)
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
            source = with_values(trained.source, seed=0, data_dir=data_dir)
            found = tasks.task_of(trained.method).load(source, progress=False).fingerprint()
        return as_json(found)

    def _entry(self, row: Row, rows: Sequence[Row], seed: int, work: Path, options: argparse.Namespace) -> Json:
        """Return the values of a row and seed, and what is kept beside them."""
        if isinstance(row, MeasuredRow):
            values = row.figures_of(work, seed if row.seeded else options.seeds[0], options.data_dir)
            more = {name: value for name, value in values.items() if name not in self.metrics}
        else:
            metrics, more = row.train(work, seed, options.data_dir)
            figures = row.figures or self.figures
            if figures is None:
                raise ValueError(f"row {row.name!r} or its table must have figures, got none")
            values = figures(metrics)
            more |= {name: metrics[name] for name in self.keep}
            if row is not next(other for other in rows if other.about == row.about):
                more |= {"seconds": None, "cpu_seconds": None}
        absent = [metric for metric in self.metrics if metric not in values]
        if absent:
            raise ValueError(f"the figures of row {row.name!r} must have {list(self.metrics)}, {absent} are absent")
        return {"values": {metric: values[metric] for metric in self.metrics}, **more}

    def _record(self, rows: Sequence[Row], made: Mapping[str, Mapping[int, Json]], earlier: Json, data: Json) -> Json:
        """Merge what this command made into the table of earlier ones."""
        old = unchanged(rows, earlier)
        entries = {name: entries_of(line, earlier["seeds"], self.metrics) for name, line in old.items()}
        for name, of_row in made.items():
            entries[name] = {**entries.get(name, {}), **of_row}
        seeds = sorted({seed for of_row in entries.values() for seed in of_row})
        found = {row.name: [entries[row.name].get(seed) for seed in seeds] for row in rows if entries.get(row.name)}
        new = {"date": date.today().isoformat(), "versions": versions()}
        lines = []
        for row in rows:
            if row.name in found:
                when = new if row.name in made else {name: old[row.name][name] for name in new}
                lines.append({**line_of(row, found[row.name], self.metrics, self.aside), **when})
        only = [] if len(lines) == len(rows) else ["--rows", *(line["name"] for line in lines)]
        return {
            "name": self.name,
            "title": self.title,
            "protocol": self.protocol,
            "notes": self.notes if isinstance(self.notes, str) else self.notes(found, earlier.get("notes", "")),
            # Makes all of the table, also what was kept from earlier commands.
            "command": f"python -m benchmarks quality {self.name} " + shlex.join(["--seeds", *map(str, seeds), *only]),
            **new,
            "machine": {**machine(), "threads": torch.get_num_threads()},
            "data": data,
            **({} if self.k is None else {"k": self.k}),
            "seeds": seeds,
            "metrics": list(self.metrics),
            "rows": lines,
        }


def _chosen(rows: Sequence[Row], texts: Sequence[str] | None) -> list[Row]:
    names = [row.name for row in rows]
    if len(set(names)) < len(names):
        raise ValueError(f"every row must have a name of its own, got {names}")
    chosen = [row for row in rows if texts is None or any(text in row.name for text in texts)]
    if not chosen:
        raise ValueError(f"--rows must have a text that is in one of {names}, got {texts}")
    return chosen
