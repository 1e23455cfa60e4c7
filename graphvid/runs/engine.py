"""The engine of runs: it trains a method of a task on a source and writes all results into a run directory."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from graphvid._files import write_json
from graphvid._record import Record

from .callbacks import Checkpoint, TrainingLog, check_every
from .directory import Json, RunDirectory
from .examples import examples
from .report import Report, write_report
from .run import Data
from .sessions import session
from .task import Part, Task
from .training import Device, check_device, fit, versions


def train(
    task: Task[Any, Any],
    method: str,
    source: Record,
    out: str | os.PathLike[str],
    config: Record | None = None,
    *,
    resume: bool = False,
    log_every: int | None = None,
    checkpoint_every: int | None = None,
    progress: bool = True,
    device: Device = "auto",
    command: str | None = None,
) -> Json:
    """Train a method of a task, write the files for its answers, compare it with its baselines, and write the report.

    Parameters
    ----------
    task : Task
        The task, such as ``graphvid.tasks.task_of("simplex")``.
    method : str
        One of ``task.methods``.
    source : Record
        The source of the data, of the class ``task.source``.
    out : path-like
        The run directory; see `RunDirectory`, and the task for the files that it adds.
    config : Record, optional
        Options of the method, of its class of options. Default: its first preset.
    resume : bool, default False
        Continue the run in ``out``. On the CPU, a run that was killed at any moment then ends with the same files, bit for
        bit.
    log_every, checkpoint_every : int, optional
        Steps that one row of the training log averages, and steps between checkpoints; a killed run loses at most these.
        Default: the values of the task.
    progress : bool, default True
        Show progress bars, on the standard error.
    device : {"auto", "cpu", "cuda"}, default "auto"
        Device of the training; ``"auto"`` takes a GPU if PyTorch finds one. The steps after training, and a resumed run, may
        use another device.
    command : str, optional
        The command line, for the report.

    Returns
    -------
    dict
        The content of ``metrics.json``.

    Raises
    ------
    FileExistsError, ValueError
        ``out`` holds another run, see `RunDirectory.check`; the method is unknown, the options are of another method, there
        is no such device, or data and options do not allow a training and an evaluation. ``out`` then does not change.
    """
    if method not in task.methods:
        raise ValueError(f"method must be one of {sorted(task.methods)}, got {method!r}")
    kind = task.methods[method].config
    config = config if config is not None else kind.preset(next(iter(kind.presets)))
    for name, value, wanted in (("source", source, task.source), ("config", config, kind)):
        if not isinstance(value, wanted):
            raise TypeError(f"{name} must be a {wanted.__name__} with method {method!r}, got {type(value).__name__}")
    for name, every in (("log_every", log_every), ("checkpoint_every", checkpoint_every)):
        if every is not None:
            check_every(name, every)
    check_device(device)
    task.check(source, method, config)
    run = RunDirectory(out)
    run.check_folder(resume=resume)
    data = task.load(source, progress=progress)
    steps = {"log_every": log_every, "checkpoint_every": checkpoint_every}
    how: dict[str, Any] = {"every": steps, "progress": progress, "device": device, "command": command}
    return _train(task, Part(method, source, config), data, run, resume=resume, **how)


def _train(
    task: Task[Any, Any],
    asked: Part,
    data: Data,
    run: RunDirectory,
    *,
    resume: bool,
    every: Mapping[str, int | None],
    progress: bool,
    device: Device,
    command: str | None,
) -> Json:
    parts = task.parts(asked.source, data, asked.method, asked.config)
    description = {
        "title": task.methods[asked.method].title,
        "method": asked.method,
        "model": asked.config.to_dict(),
        "parts": {name: {"method": part.method, "model": part.config.to_dict()} for name, part in parts.items()},
        "data": data.fingerprint(),
        "source": asked.source.to_dict(),
        "versions": versions(),
    }
    run.check(description, resume=resume)
    if run.metrics.exists():
        run.remove_temporaries()
        if not run.report.exists():
            write_report(run, make_report(task, run))
        return run.read_metrics()

    training = task.prepare(run, asked.method, data, asked.config, progress=progress)
    how: dict[str, Any] = {"every": every, "progress": progress, "device": device, "command": command}
    with run.open(description, resume=resume):
        with session(run, command):
            finished = {}
            for name, part in parts.items():
                finished[name] = RunDirectory(Path(run.path) / name)
                _train(task, part, data, finished[name], resume=True, **how)
            training.begin(finished)
            model = training.model if training.settle is None else training.settle(finished)
            if model is not None:
                log = TrainingLog(run.training_log, every["log_every"] or training.log_every)
                checkpoint = Checkpoint(run.checkpoint, every["checkpoint_every"] or training.checkpoint_every)
                fit(model, [log, *training.callbacks, checkpoint], run, progress=progress, device=device)
            metrics = training.finish(finished)
            write_json(run.metrics, metrics)
        write_report(run, make_report(task, run))  # after the end of the session, so that equal files give equal pages
    return metrics


def make_report(task: Task[Any, Any], run: RunDirectory) -> Report:
    """Return the task's report of a run, with examples after the first section."""
    found = task.report(run)
    return replace(found, sections=[*found.sections[:1], *examples(run), *found.sections[1:]])
