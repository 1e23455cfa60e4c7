"""Rows, seeds and merging: a toy task stands in for training, and counts how often it is asked."""

from __future__ import annotations

import importlib.util
import json
from copy import deepcopy
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from types import SimpleNamespace
from typing import ClassVar

import pytest

from benchmarks import _table
from benchmarks._record import markdown
from benchmarks._table import MeasuredRow, Table, TrainedRow
from graphvid._record import Record, record
from graphvid.models import TwoTowerConfig
from graphvid.models.recommenders import CrossBatch
from graphvid.tasks.recommendation import InteractionSource

REPOSITORY = Path(__file__).parents[2]


@record
class _Source(Record):
    files: ClassVar = ("log",)
    log: str = "/somewhere/log.csv"
    data_dir: str | None = None
    size: int = 30
    seed: int = 0


@record
class _Config(Record):
    presets: ClassVar = {"default": {}}
    rate: float = 0.5
    seed: int = 0


@record
class _Options(Record):
    dim: int = 2
    rate: float = 0.5
    seed: int = 0


class _Data(SimpleNamespace):
    def fingerprint(self) -> dict[str, object]:
        return {"name": "toy", "size": self.size}


class _Runs:
    """Stand-in for `graphvid.runs.train`, as far as a table sees it: a folder, its files, and nothing done twice."""

    def __init__(self) -> None:
        self.trained: list[tuple[float, int]] = []
        self.task = SimpleNamespace(
            methods={"toy": SimpleNamespace(config=_Config)},
            load=lambda source, *, progress: _Data(size=source.size),
        )

    def train(self, task, method, source, out, config=None, *, resume=False, progress=True) -> dict:
        assert (task, method, resume) == (self.task, "toy", True)
        out = Path(out)
        if (out / "metrics.json").exists():
            return json.loads((out / "metrics.json").read_text())
        out.mkdir(parents=True, exist_ok=True)
        self.trained.append((config.rate, config.seed))
        (out / "config.json").write_text(json.dumps({"data": {"size": source.size, "seed": source.seed}}))
        metrics = {"toy": config.rate + config.seed / 10, "popularity": source.size / 100, "best_epoch": 7}
        (out / "metrics.json").write_text(json.dumps(metrics))
        return metrics


@pytest.fixture
def runs(monkeypatch, tmp_path) -> _Runs:
    runs = _Runs()
    monkeypatch.setattr(_table, "RESULTS", tmp_path / "results")
    monkeypatch.setattr(_table, "WORK", tmp_path / "work")
    monkeypatch.setattr("graphvid.tasks.task_of", lambda method: runs.task)
    monkeypatch.setattr("graphvid.runs.train", runs.train)
    return runs


def _toy(**options) -> Table:
    rows = [
        TrainedRow("slow", "toy", _Source(), _Config(rate=0.1), "Little by little."),
        TrainedRow("fast", "toy", _Source()),
        TrainedRow("popularity", "toy", _Source(), figures=lambda metrics: {"ndcg": metrics["popularity"]}),
    ]
    table = Table(
        name="toys",
        title="Toys",
        protocol="All of them.",
        metrics=["ndcg"],
        rows=rows,
        k=20,
        keep=["best_epoch"],
        figures=lambda metrics: {"ndcg": metrics["toy"]},
        smallest=[TrainedRow("tiny", "toy", _Source(size=2))],
    )
    return replace(table, **options)


def _values(record: dict) -> dict[str, list]:
    return {row["name"]: row["values"]["ndcg"] for row in record["rows"]}


def test_a_trained_row_is_a_run_and_two_rows_may_read_the_same(runs, tmp_path, capsys) -> None:
    record = _toy().main(["--seeds", "0", "2"])
    assert _values(record) == {"slow": [0.1, pytest.approx(0.3)], "fast": [0.5, 0.7], "popularity": [0.3, 0.3]}
    assert runs.trained == [(0.1, 0), (0.5, 0), (0.1, 2), (0.5, 2)]
    assert record == json.loads((tmp_path / "results" / "toys.json").read_text())
    assert record["command"] == "python -m benchmarks quality toys --seeds 0 2"
    assert record["data"] == {"name": "toy", "size": 30}
    slow = record["rows"][0]
    assert (slow["description"], slow["method"], slow["config"]) == ("Little by little.", "toy", {"rate": 0.1})
    assert slow["source"] == {"log": "log.csv", "size": 30}
    assert slow["data"] == [{"size": 30, "seed": 0}, {"size": 30, "seed": 2}]
    assert slow["best_epoch"] == [7, 7]
    assert all(seconds >= 0 for name in ("seconds", "cpu_seconds") for seconds in slow[name])
    assert record["rows"][2]["seconds"] == [None, None]  # the run is that of the row above
    out = capsys.readouterr().out
    assert "| fast | 0.6000 ± 0.1414 | 0 |" in out
    assert "| popularity | 0.3000 ± 0.0000 | – |" in out


def test_a_finished_run_is_not_trained_again_and_keeps_its_seconds(runs, tmp_path) -> None:
    first = _toy().main(["--seeds", "0"])
    (tmp_path / "results" / "toys.json").unlink()
    again = _toy().main(["--seeds", "0"])
    assert len(runs.trained) == 2
    assert first["rows"] == again["rows"]


def test_a_run_that_was_killed_has_no_seconds(runs, tmp_path) -> None:
    _toy().main(["--seeds", "0", "--rows", "slow"])
    (folder,) = (tmp_path / "work" / "toys").glob("toy-*")
    (folder / "seed-0" / "metrics.json").unlink()
    (folder / "seed-0.cost.json").unlink()
    (row,) = _toy().main(["--seeds", "0", "--rows", "slow"])["rows"]
    assert (row["seconds"], row["cpu_seconds"], row["values"]["ndcg"]) == ([None], [None], [0.1])


def test_later_commands_add_rows_and_seeds(runs, tmp_path) -> None:
    _toy().main(["--seeds", "0", "--rows", "slow"])
    record = _toy().main(["--seeds", "1", "--rows", "slow", "popularity"])
    assert record["seeds"] == [0, 1]
    assert _values(record) == {"slow": [0.1, 0.2], "popularity": [None, 0.3]}
    assert record["rows"][1]["seconds"][0] is None
    assert record["command"] == "python -m benchmarks quality toys --seeds 0 1 --rows slow popularity"
    # Neither the order of commands nor folders that are gone matter.
    for path in sorted((tmp_path / "work").rglob("*"), reverse=True):
        path.rmdir() if path.is_dir() else path.unlink()
    again = _toy().main(["--seeds", "0", "--rows", "popularity"])
    assert _values(again) == {"slow": [0.1, 0.2], "popularity": [0.3, 0.3]}
    assert len(runs.trained) == 4  # slow twice, and the run that popularity is read from twice


def test_a_line_keeps_its_date_and_versions_until_it_is_measured_again(runs, tmp_path) -> None:
    path = tmp_path / "results" / "toys.json"
    path.parent.mkdir()
    path.write_text(json.dumps({**_toy().main(["--seeds", "0"]), "date": "2020-01-01", "versions": {"torch": "1.0"}}))
    lines = json.loads(path.read_text())
    for line in lines["rows"]:
        del line["date"], line["versions"]  # as tables were before lines had them
    path.write_text(json.dumps(lines))
    slow, fast, _ = _toy().main(["--seeds", "0", "--rows", "fast"])["rows"]
    assert (slow["date"], slow["versions"]) == ("2020-01-01", {"torch": "1.0"})
    assert fast["date"] > "2020-01-01"


def test_a_row_that_has_changed_or_is_gone_leaves_the_table(runs, caplog) -> None:
    table = _toy()
    table.main(["--seeds", "0"])
    slower = replace(table.rows[0], config=_Config(rate=0.05))
    record = replace(table, rows=[slower, table.rows[2]]).main(["--seeds", "0", "--rows", "popularity"])
    assert list(_values(record)) == ["popularity"]
    assert "['fast', 'slow']" in caplog.text
    record = replace(table, rows=[slower, table.rows[2]]).main(["--seeds", "0"])
    assert _values(record) == {"slow": [0.05], "popularity": [0.3]}


def test_a_line_stays_whose_source_has_an_option_more_now(runs, tmp_path) -> None:
    """It stood at its default then: of two rows that lack it, the one that is at another value now leaves the table."""
    table = _toy()
    table = replace(table, rows=[table.rows[0], TrainedRow("fast", "toy", _Source(size=31))])
    table.main(["--seeds", "0"])
    path = tmp_path / "results" / "toys.json"
    record = json.loads(path.read_text())
    for line in record["rows"]:
        del line["source"]["size"]
    path.write_text(json.dumps(record))
    table.main(["--seeds", "0", "--rows", "slow"])
    assert list(_values(json.loads(path.read_text()))) == ["slow"]


def test_a_line_stays_whose_inner_record_has_an_option_more_now() -> None:
    row = TrainedRow(
        "towers", "two-tower", InteractionSource(dataset="synthetic"), TwoTowerConfig(negatives=CrossBatch())
    )
    line = deepcopy(row.about)
    del line["config"]["negatives"]["max_drift"], line["config"]["loss"]["log_q_scale"]
    assert row.about_line(line) == row.about
    line["config"]["negatives"]["gone"] = 1
    assert row.about_line(line) != row.about


def test_other_data_is_refused_until_all_figures_go(runs) -> None:
    _toy().main(["--seeds", "0", "--rows", "slow"])
    larger = _toy(rows=[replace(row, source=_Source(size=40)) for row in _toy().rows])
    with pytest.raises(ValueError, match=r"toys\.json was made from other data, .*30.*, now .*40.*; use --fresh"):
        larger.main(["--seeds", "0"])
    assert _values(larger.main(["--seeds", "1", "--rows", "popularity", "--fresh"])) == {"popularity": [0.4]}
    larger.main(["--seeds", "1", "--rows", "popularity", "--fresh"])
    assert len(runs.trained) == 3  # trained again


def test_the_smallest_form_touches_no_results(runs, tmp_path) -> None:
    record = _toy().main(["--smallest"])
    assert _values(record) == {"tiny": [0.5]}
    assert not (tmp_path / "results").exists()


def test_a_measured_row_is_measured_once_a_seed_or_once(runs) -> None:
    asked = []

    def measure(seed: int, data_dir: str | None) -> dict:
        asked.append(seed)
        return {"ndcg": seed / 10, "kind": "toy"}

    rows = [
        MeasuredRow("each", measure, config={"a": 1}),
        MeasuredRow("once", measure, seeded=False),
        MeasuredRow("truth", lambda seed, data_dir: {"ndcg": 1.0}, reference=True),
    ]
    for _ in range(2):
        record = _toy(rows=rows).main(["--seeds", "3", "4"])
    assert asked == [3, 3, 4]
    assert _values(record) == {"each": [0.3, 0.4], "once": [0.3, 0.3], "truth": [1.0, 1.0]}
    assert record["rows"][0]["kind"] == ["toy", "toy"]
    assert [row.get("reference") for row in record["rows"]] == [None, None, True]
    assert record["data"] == {}
    changed = [MeasuredRow("each", measure, config={"a": 2})]
    _toy(rows=changed).main(["--seeds", "3"])
    assert asked == [3, 3, 4, 3]


def test_a_line_of_a_measured_row_stays_whose_options_are_one_more_now(runs, tmp_path) -> None:
    """As that of a trained row, where the options are a Record."""

    def row(name: str, rate: float) -> MeasuredRow:
        config = {"model": _Options(dim=4, rate=rate), "world": {"size": 3}}
        return MeasuredRow(name, lambda seed, data_dir: {"ndcg": 0.1}, config=config)

    table = _toy(rows=[row("slow", 0.5), row("fast", 0.9)])
    record = table.main(["--seeds", "0"])
    assert record["rows"][0]["config"] == {"model": {"dim": 4, "rate": 0.5}, "world": {"size": 3}}
    for line in record["rows"]:
        del line["config"]["model"]["rate"]
    (tmp_path / "results" / "toys.json").write_text(json.dumps(record))
    assert list(_values(table.main(["--seeds", "0", "--rows", "slow"]))) == ["slow"]


def test_notes_may_be_made_of_what_the_rows_gave(runs, tmp_path) -> None:
    """Also of what is too much for the JSON; of rows of earlier commands there is what the JSON has."""
    asked = []

    def notes(found, earlier) -> str:
        asked.append((found, earlier))
        return f"- {len(found)} rows."

    rows = [
        MeasuredRow(name, lambda seed, data_dir: {"ndcg": 0.5, "kind": "toy", "by_user": [1, 2]})
        for name in ("one", "two")
    ]
    table = _toy(rows=rows, notes=notes, aside=["by_user"])
    first = table.main(["--seeds", "0", "--rows", "one"])
    assert first["notes"] == "- 1 rows."
    assert (first["rows"][0]["kind"], "by_user" in first["rows"][0]) == (["toy"], False)
    table.main(["--seeds", "1", "--rows", "two"])
    (before, nothing), (found, earlier) = asked
    assert before["one"][0]["by_user"] == [1, 2]
    assert (nothing, earlier) == ("", "- 1 rows.")
    assert found["one"][0]["values"] == {"ndcg": 0.5}
    assert "by_user" not in found["one"][0]
    assert (found["one"][1], found["two"][0]) == (None, None)
    assert found["two"][1]["by_user"] == [1, 2]


def test_the_folder_of_the_data_sets_reaches_the_source(runs, monkeypatch) -> None:
    seen = []
    monkeypatch.setattr(
        "graphvid.runs.train", lambda *args, **options: seen.append(args[2]) or runs.train(*args, **options)
    )
    _toy().main(["--seeds", "5", "--rows", "fast", "--data-dir", "/data"])
    assert seen == [_Source(data_dir="/data", seed=5)]


@pytest.mark.parametrize(
    ("change", "arguments", "message"),
    [
        ({"rows": [TrainedRow("a", "toy", _Source())] * 2}, [], "every row must have a name of its own"),
        ({}, ["--rows", "quick"], r"--rows must have a text that is in one of \['slow', 'fast', 'popularity'\]"),
        ({"metrics": ["ndcg", "map"]}, [], r"figures of row 'slow' must have \['ndcg', 'map'\], \['map'\] are absent"),
    ],
)
def test_what_cannot_be(runs, change, arguments, message) -> None:
    with pytest.raises(ValueError, match=message):
        _toy(**change).main(["--seeds", "0", *arguments])


def test_the_documentation_shows_the_record(runs) -> None:
    spec = importlib.util.spec_from_file_location("results_rst", REPOSITORY / "docs" / "_ext" / "results_rst.py")
    results = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(results)
    _toy().main(["--seeds", "0", "--rows", "slow"])
    record = _toy().main(["--seeds", "0", "1", "--rows", "fast"])
    results.check_quality(record)
    text = results.render("quality", record)
    assert "**slow** — Little by little.\n     - 0.1000 (1 of 2 seeds)" in text
    assert "**0.5500** ± 0.0707" in text
    assert "NDCG\\@20" in text


def test_markdown_of_nothing_measured() -> None:
    record = {"metrics": ["a"], "rows": [{"name": "none", "values": {"a": [None]}, "seconds": [None]}]}
    assert markdown(record).splitlines()[-1] == "| none | – | – |"


def test_a_table_says_no_folder_of_the_machine():
    """Neither of the source nor of the options; the name of a file tells rows apart."""

    @dataclass(frozen=True)
    class Pretrained(_Config):
        weights: str = "/somewhere/small"

        def to_dict(self) -> dict[str, object]:
            return asdict(self)

    small, large = (
        TrainedRow("row", "toy", _Source(), Pretrained(weights=f"/somewhere/{x}")) for x in ("small", "large")
    )
    assert "/somewhere" not in json.dumps(small.about)
    assert small.about != large.about
