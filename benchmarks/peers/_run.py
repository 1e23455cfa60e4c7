"""Run peers on the tasks of several seeds, each in a process of its own, and write one table.

Answers are kept in a hidden folder beside the results, one a row and seed, so that a killed run goes on where it was;
an answer to another task, or with other options, is found out and made again; one of older code is not, see ``--fresh``.
Figures are computed from the answers.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import re
import shlex
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd
from tqdm import tqdm

from benchmarks.peers import _environment
from benchmarks.peers._contract import SkipTask, write_task
from benchmarks.peers._report import Scored, check_oracle, make_record, markdown
from benchmarks.peers._rows import FramePeerRow, rows
from benchmarks.peers._scorer import figures, read_answer
from benchmarks.peers._task import TaskWithTruth
from graphvid._files import atomic_path, write_json

RESULTS = Path(__file__).parents[1] / "results" / "quality"
_KEY = "key.json"


class Contest(NamedTuple):
    """Contest that peers are compared on.

    Parameters
    ----------
    name, title, protocol : str
        Of the table; ``protocol`` is reStructuredText.
    make : callable
        Returns the task of a seed, and its perfect answer, or None where nobody knows it.
    """

    name: str
    title: str
    protocol: str
    make: Callable[[int], tuple[TaskWithTruth, pd.DataFrame | None]]


def main(contest: Contest, command: str, arguments: list[str]) -> None:
    """Run the command line of a contest."""
    settings = _parser(contest, command).parse_args(arguments)
    table_rows = rows(settings)
    wanted = [row for row in table_rows if not settings.rows or any(text in row.name for text in settings.rows)]
    work = RESULTS / f".{contest.name}"
    if settings.fresh and work.exists():
        shutil.rmtree(work)
    work.mkdir(parents=True, exist_ok=True)
    (work / ".gitignore").write_text("*\n", encoding="utf-8")
    progress = tqdm(total=len(wanted) * len(settings.seeds), unit="run")
    truths: list[pd.DataFrame] = []
    scored: dict[str, list[Scored]] = {row.name: [] for row in table_rows}
    oracle: list[Scored] = []
    for seed in settings.seeds:
        (task, truth), known = contest.make(seed)
        folder = work / f"seed{seed}"
        _put_task(folder, task)
        truths.append(truth)
        for row in wanted:
            progress.set_description(f"{row.name}, seed {seed}")
            _answer(row, folder, seed, truth, task.clips.shape[1])
            progress.update()
        for row in table_rows:
            if _is_answered(row, folder, seed):
                scores, about = read_answer(_folder_of(row, folder), truth, task.clips.shape[1])
                scored[row.name].append(Scored(scores["score"].to_numpy(), figures(scores, truth), about))
        if known is not None:
            oracle.append(Scored(known["score"].to_numpy(), figures(known, truth), {}))
    progress.close()
    lines = [(row, scored[row.name]) for row in table_rows if len(scored[row.name]) == len(settings.seeds)]
    described = {"name": contest.name, "title": contest.title, "protocol": contest.protocol}
    made_by = f"{command} {shlex.join(arguments)}".rstrip()
    record = {**described, **make_record(made_by, settings.seeds, lines, oracle, truths)}
    check_oracle(record)
    write_json(RESULTS / f"{contest.name}.json", record)
    with atomic_path(RESULTS / f"{contest.name}.md") as path:
        path.write_text(markdown(record), encoding="utf-8")
    print(markdown(record))


def _parser(contest: Contest, command: str) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog=command, description=contest.title)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2, 3, 4])
    parser.add_argument("--rows", nargs="+", help="run only rows whose name contains one of these texts")
    parser.add_argument("--trials", type=int, default=4, help="points of the grid tried for each tuned peer and seed")
    parser.add_argument("--epochs", type=int, default=40, help="at most, of each training of a tuned peer")
    parser.add_argument("--patience", type=int, default=8, help="epochs without a better validation GAUC")
    parser.add_argument("--fresh", action="store_true", help="forget the answers there are")
    return parser


def _put_task(folder: Path, task: SkipTask) -> None:
    """Write the task; if the folder holds another one, forget that with its answers."""
    temporary = folder.with_name(f"{folder.name}.part")
    for stale in (temporary, *([] if (folder / "task").exists() else [folder])):
        if stale.exists():
            shutil.rmtree(stale)
    (temporary / "task").mkdir(parents=True)
    write_task(temporary / "task", task)
    if folder.exists() and _fingerprint(folder / "task") == _fingerprint(temporary / "task"):
        shutil.rmtree(temporary)
        return
    if folder.exists():
        shutil.rmtree(folder)
    temporary.rename(folder)


def _fingerprint(folder: Path) -> str:
    digest = hashlib.sha256()
    for path in sorted(folder.iterdir()):
        digest.update(path.name.encode() + path.read_bytes())
    return digest.hexdigest()


def _folder_of(row: FramePeerRow, folder: Path) -> Path:
    return folder / re.sub(r"[^a-z0-9]+", "-", row.name.lower()).strip("-")


def _key(row: FramePeerRow, seed: int) -> dict[str, Any]:
    return {"function": row.function, "options": dict(row.options), "seed": seed}


def _is_answered(row: FramePeerRow, folder: Path, seed: int) -> bool:
    path = _folder_of(row, folder) / _KEY
    return path.exists() and json.loads(path.read_text(encoding="utf-8")) == _key(row, seed)


def _answer(row: FramePeerRow, folder: Path, seed: int, truth: pd.DataFrame, num_clips: int) -> None:
    """Have the row answered, unless it is; only an answer that passes the scorer's checks is kept."""
    if _is_answered(row, folder, seed):
        return
    final = _folder_of(row, folder)
    temporary = final.with_name(f"{final.name}.part")
    for stale in (temporary, final):
        if stale.exists():
            shutil.rmtree(stale)
    temporary.mkdir()
    command = [
        str(_environment.python_of(row.environment)),
        "-m",
        "benchmarks.peers._peer",
        row.function,
        str(folder / "task"),
        str(temporary),
        str(seed),
        json.dumps(dict(row.options)),
    ]
    threads = dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS"), "1")
    done = subprocess.run(
        command, capture_output=True, text=True, check=False, cwd=_environment.REPOSITORY, env={**os.environ, **threads}
    )
    if done.returncode:
        raise RuntimeError(f"{row.name}, seed {seed}, failed: {(done.stderr or done.stdout)[-3000:]}")
    try:
        read_answer(temporary, truth, num_clips)
    except ValueError as error:
        raise ValueError(f"{row.name}, seed {seed}: {error}") from None
    (temporary / _KEY).write_text(json.dumps(_key(row, seed)), encoding="utf-8")
    temporary.rename(final)
