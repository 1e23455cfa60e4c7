"""Train a row's model on some pairs, in this process or in one of its own, and rank others with it."""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import Tensor

from benchmarks.peers import _environment
from benchmarks.peers._recommender_rows import ENVIRONMENT, RecommenderPeerRow
from benchmarks.peers._recommender_task import ABOUT, Answer, Pairs, read_answers, write_pairs
from benchmarks.peers._simple_recommenders import Scorer
from graphvid.data import Interactions
from graphvid.metrics import dot_product_scorer, rank_items, ranking_scores

K = 20


class Trial(NamedTuple):
    """A trained model.

    Parameters
    ----------
    found : dict
        What the model says of itself, such as its number of epochs.
    versions : dict
        Of the packages it was made with, where they are not those of this process.
    seconds : float
        Time to train it, files, imports and ranking left out.
    score : callable
        As `rank_items` takes it.
    """

    found: dict[str, Any]
    versions: dict[str, str]
    seconds: float
    score: Scorer


def trials(
    row: RecommenderPeerRow, train: Interactions, seed: int, options: Mapping[str, Any], epochs: Sequence[int]
) -> Iterator[Trial]:
    """Train with some options; give the model, or the models after so many epochs."""
    if not isinstance(row.fit, str):
        start = time.perf_counter()
        score = row.fit(train, **options)
        yield Trial({}, {}, round(time.perf_counter() - start, 3), score)
        return
    with tempfile.TemporaryDirectory() as folder:
        for answer, about in run_peer(
            row.fit, ENVIRONMENT, train, seed, {**options, "epochs": list(epochs)}, Path(folder)
        ):
            found = dict(answer.found)
            yield Trial(found, about["versions"], found.pop("seconds"), scorer(answer))


def run_peer(
    function: str, environment: str | None, train: Interactions, seed: int, options: Mapping[str, Any], folder: Path
) -> Iterator[tuple[Answer, dict[str, Any]]]:
    """Give the answers of ``function`` in a process of its own, with what was measured; ``folder`` is empty.

    Raises
    ------
    RuntimeError
        The process failed; with the end of what it said.
    """
    task, out = folder / "task", folder / "out"
    for part in (task, out):
        part.mkdir()
    write_pairs(task, Pairs(train.indptr, train.items, train.num_items))
    command = [
        str(_environment.python_of(environment)),
        "-m",
        "benchmarks.peers._recommender_peer",
        function,
        str(task),
        str(out),
        str(seed),
        json.dumps(dict(options)),
    ]
    threads = {f"{name}_NUM_THREADS": str(torch.get_num_threads()) for name in ("OMP", "MKL", "NUMBA")}
    done = subprocess.run(
        command,
        capture_output=True,
        text=True,
        check=False,
        cwd=_environment.REPOSITORY,
        env={**os.environ, "OPENBLAS_NUM_THREADS": "1", **threads},
    )
    if done.returncode:
        raise RuntimeError(f"{function}, seed {seed}, failed: {(done.stderr or done.stdout)[-3000:]}")
    about = json.loads((out / ABOUT).read_text(encoding="utf-8"))
    for answer in read_answers(out, train.num_users, train.num_items):
        yield answer, about


def scorer(answer: Answer) -> Scorer:
    """Return what gives the scores of an answer."""
    if answer.scores is None:
        assert answer.users is not None  # or there was nothing to score with
        assert answer.items is not None
        return dot_product_scorer(answer.users, answer.items)
    scores = torch.from_numpy(answer.scores)

    def score(users: Tensor) -> Tensor:
        return scores[users]

    return score


def figures(score: Scorer, relevant: Interactions, exclude: Interactions) -> dict[str, float]:
    """Return Recall and NDCG of a ranking of all items that are not excluded."""
    ranks = rank_items(score, (relevant.indptr, relevant.items), exclude=(exclude.indptr, exclude.items))
    found = ranking_scores(ranks, relevant.indptr, k=K)
    return {"recall": found.recall, "ndcg": found.ndcg}
