"""ALS and BPR of the library ``implicit``, in the environment of ``requirements-recommenders.txt``."""

from __future__ import annotations

import importlib
import os
import time
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from benchmarks.peers._recommender_task import Answer, Pairs

PACKAGES = ("implicit",)
IMPORTS = ("implicit.cpu.als", "implicit.cpu.bpr")


def als(train: Pairs, seed: int, epochs: Sequence[int], **options: Any) -> Iterator[Answer]:
    """Factorise by alternating least squares, all missing pairs being weak negatives; an epoch solves both sides."""
    kind = importlib.import_module("implicit.cpu.als").AlternatingLeastSquares
    yield from _fit(kind, train, seed, epochs, options)


def bpr(train: Pairs, seed: int, epochs: Sequence[int], **options: Any) -> Iterator[Answer]:
    """Factorise by BPR: a step of gradient descent for each drawn pair, with one item drawn by popularity as negative.

    A model has a bias for every item, one more column.
    """
    kind = importlib.import_module("implicit.cpu.bpr").BayesianPersonalizedRanking
    # With two threads, rows are written without locks and results differ from run to run.
    yield from _fit(kind, train, seed, epochs, {**options, "num_threads": 1})


def bpr_speed(train: Pairs, seed: int, dim: int, epochs: int, **options: Any) -> Iterator[Answer]:
    """Time epochs of `bpr`, the fastest of ``epochs`` after one more."""
    kind = importlib.import_module("implicit.cpu.bpr").BayesianPersonalizedRanking
    model = kind(factors=dim, iterations=1, num_threads=_threads(), random_state=seed)
    rows = train.to_sparse()
    model.fit(rows, show_progress=False)
    seconds = []
    for _ in range(epochs):
        start = time.perf_counter()
        model.fit(rows, show_progress=False)
        seconds.append(time.perf_counter() - start)
    yield Answer({"epoch": min(seconds), "part": 1.0})


def _fit(kind: Any, train: Pairs, seed: int, epochs: Sequence[int], options: dict[str, Any]) -> Iterator[Answer]:
    """Give the model after so many epochs; `fit` goes on from the factors there are."""
    options = {"num_threads": _threads(), **options}
    model = kind(random_state=np.random.default_rng(seed), iterations=0, **options)
    rows = train.to_sparse()
    done = 0
    for epoch in epochs:
        model.iterations = epoch - done
        model.fit(rows, show_progress=False)
        done = epoch
        yield Answer({"epochs": epoch}, users=np.array(model.user_factors), items=np.array(model.item_factors))


def _threads() -> int:
    return int(os.environ.get("OMP_NUM_THREADS", "1"))
