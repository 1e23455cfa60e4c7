"""The contract of all methods: `check_task` trains one, kills it, damages it, and asks for what must not be given."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from graphvid._record import Record
from graphvid.cli import main
from graphvid.runs import Run, RunDirectory
from graphvid.runs.callbacks import TrainingLog
from graphvid.tasks import load_run, train
from tests.compare_runs import compare

ALWAYS = {"config.json", "metrics.json", "report.html", "sessions.json"}
TRAINED = {"checkpoint.safetensors", "training_log.csv"}


class Killed(BaseException):
    """Stands for the end of the process: nothing catches it."""


@dataclass(frozen=True)
class Case:
    """A method with what the contract needs to know of it.

    Parameters
    ----------
    method : str
        The word of the command.
    source, config : Record
        Small ones: a training of a second or two.
    files : set of str
        What the run adds to the files of every run.
    ask : callable
        Asks a finished run for all that it answers.
    read : set of str
        Which files the answers read: a damaged one must be named.
    other_source : Record
        The same with other data.
    refused : sequence of pairs of Record and Record
        Sources and options that do not allow a training.
    kills : sequence of int
        Batches of one process, over all parts, after which it ends; none for a method without gradient steps.
    """

    method: str
    source: Record
    config: Record
    files: set[str]
    ask: Callable[[Run], Any]
    read: set[str]
    other_source: Record
    refused: Sequence[tuple[Record, Record]] = ()
    kills: Sequence[int] = (1, 5, 4)

    def train(self, out: Path, **options: Any) -> dict[str, Any]:
        """Train it, with a checkpoint every third step."""
        every = {"checkpoint_every": 3, "log_every": 2}
        source, config = options.pop("source", self.source), options.pop("config", self.config)
        return train(self.method, source, out, config, **{**every, "progress": False, **options})


def check_task(case: Case, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Hold a method to the contract, in an empty folder."""
    whole = folder / "whole"
    metrics = case.train(whole)
    assert metrics == RunDirectory(whole).read_metrics()
    own = {path.name for path in whole.iterdir()}
    assert own == ALWAYS | (TRAINED if case.kills else set()) | case.files
    case.ask(load_run(whole))
    _check_fed_back(case, folder, monkeypatch)

    _check_kills(case, folder, monkeypatch)
    _check_finished(case, folder, monkeypatch)
    _check_refusals(case, folder)
    _check_damage(case, folder, monkeypatch)


def _check_fed_back(case: Case, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Give the run's config.json to the command, which must ask for the same training."""
    asked: list[Any] = []

    def train(task: Any, method: str, source: Record, out: Path, config: Record, **_: Any) -> None:
        asked.extend([method, source, config])
        raise KeyboardInterrupt

    words = ["graphvid", "train", case.method, "--config", str(folder / "whole" / "config.json")]
    with monkeypatch.context() as patch:
        patch.setattr("graphvid.runs.train", train)
        patch.setattr("sys.argv", [*words, "--out", str(folder / "fed")])
        with pytest.raises(SystemExit):
            main()
    assert asked == [case.method, case.source, case.config]


def _same(whole: Path, other: Path) -> None:
    lines = compare(whole, other)
    assert all(line.startswith("equal") for line in lines), lines


def _kill_at(monkeypatch: pytest.MonkeyPatch, batch: int) -> None:
    """End the process after a number of batches, before the log and the checkpoint of the last one."""
    end, count = TrainingLog.on_train_batch_end, 0

    def on_train_batch_end(self: TrainingLog, *arguments: Any) -> None:
        nonlocal count
        count += 1
        if count == batch:
            raise Killed
        end(self, *arguments)

    monkeypatch.setattr(TrainingLog, "on_train_batch_end", on_train_batch_end)


def _check_kills(case: Case, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole, out = folder / "whole", folder / "killed"
    for batch in case.kills:  # in one folder: interruptions add up
        with monkeypatch.context() as patch:
            _kill_at(patch, batch)
            with pytest.raises(Killed):
                case.train(out, resume=True)
        with pytest.raises(FileNotFoundError, match=r"unfinished run without metrics\.json; finish it with --resume"):
            _ = load_run(out).metrics
    for name in ("write_json", "write_report"):  # trained, but not judged; judged, but not reported
        with monkeypatch.context() as patch:
            patch.setattr(f"graphvid.runs.engine.{name}", _killed)
            with pytest.raises(Killed):
                case.train(out, resume=True)
    case.train(out, resume=True)
    _same(whole, out)
    assert {path.name for path in out.iterdir()} == {path.name for path in whole.iterdir()}

    shutil.rmtree(out)
    shutil.copytree(whole, out)
    for name in (case.files - {path.name for path in out.iterdir() if path.is_dir()}) | ALWAYS - {
        "config.json",
        "sessions.json",
    }:
        (out / name).unlink()
    case.train(out, resume=True)
    _same(whole, out)
    assert _report_of(out) == _report_of(whole)


def _report_of(run: Path) -> str:
    """Give the report without when and how the run was made."""
    text, made = re.subn(r'<p class="lead made">.*?</p>', "", (run / "report.html").read_text(encoding="utf-8"))
    assert made == 1
    return text


def _killed(*_: Any, **__: Any) -> None:
    raise Killed


def _check_finished(case: Case, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = folder / "whole"
    before = {path.name: path.stat().st_mtime_ns for path in whole.iterdir()}
    with monkeypatch.context() as patch:
        patch.setattr("graphvid.runs.engine.fit", _killed)
        assert case.train(whole, resume=True) == RunDirectory(whole).read_metrics()
    assert before == {path.name: path.stat().st_mtime_ns for path in whole.iterdir()}


def _check_refusals(case: Case, folder: Path) -> None:
    whole, out = folder / "whole", folder / "refused"
    with pytest.raises(FileExistsError, match="already holds a run; resume it"):
        case.train(whole)
    changed = replace(case.config, seed=case.config.seed + 1)  # type: ignore[attr-defined] # every method has a seed
    with pytest.raises(ValueError, match=r"another configuration: model\.seed was \d+, now \d+"):
        case.train(whole, resume=True, config=changed)
    with pytest.raises(ValueError, match=r"another configuration: .*data\.crc32 was"):
        case.train(whole, resume=True, source=case.other_source)
    for name in ("checkpoint_every", "log_every"):
        with pytest.raises(ValueError, match=f"{name} must be an integer >= 1, got 0"):
            case.train(out, **{name: 0})
    for source, config in case.refused:
        with pytest.raises((ValueError, TypeError, FileNotFoundError)):
            case.train(out, source=source, config=config)
    assert not out.exists()
    out.mkdir()
    (out / ".pre-commit-config.yaml").write_text("mine")
    with pytest.raises(FileExistsError, match="holds files but no run"):
        case.train(out, resume=True)
    assert (out / ".pre-commit-config.yaml").read_text() == "mine"
    shutil.rmtree(out)


def _check_damage(case: Case, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def everything(path: Path) -> None:
        run = load_run(path)
        _ = run.metrics, run.options, run.source
        case.ask(run)

    whole, out = folder / "whole", folder / "damaged"
    for name in sorted({"config.json", "metrics.json"} | case.read):
        content = (whole / name).read_bytes()
        flipped = bytearray(content)
        for place in range(len(content) // 4, 3 * len(content) // 4):  # more than a field that nobody reads
            flipped[place] ^= 64
        broken = {"truncated": content[: len(content) // 2], "empty": b"", "flipped": bytes(flipped)}
        for damage in broken if name.endswith((".npz", ".safetensors")) else ("truncated", "empty"):
            shutil.rmtree(out, ignore_errors=True)
            shutil.copytree(whole, out)
            (out / name).write_bytes(broken[damage])
            with pytest.raises(ValueError, match=re.escape(name)):
                everything(out)
        (out / name).unlink()
        with pytest.raises(FileNotFoundError, match=r"without|no run"):
            everything(out)
    shutil.rmtree(out, ignore_errors=True)
    if case.kills:
        with monkeypatch.context() as patch:
            _kill_at(patch, max(case.kills))
            with pytest.raises(Killed):
                case.train(out)
        checkpoint = max(out.rglob("checkpoint.safetensors"), key=lambda path: path.stat().st_mtime_ns)
        checkpoint.write_bytes(checkpoint.read_bytes()[:-100])
        with pytest.raises(ValueError, match=r"checkpoint\.safetensors .*corrupt .*delete the file to train"):
            case.train(out, resume=True)
