"""Files between the harness and a recommender, which both environments can read, by NumPy and SciPy.

A task is a folder with ``pairs.npz``: ``indptr``, ``items`` and ``num_items`` of the training pairs. A peer sees no others.
An answer is a folder with ``answers.json``, versions, peak memory and what each model was found with, and for the model
of number n ``n.npz``: ``users`` and ``items``, whose products are the scores, or all ``scores``, (num_users, num_items).
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

PAIRS, ABOUT = "pairs.npz", "answers.json"


class Pairs(NamedTuple):
    """Training pairs: user u has ``items[indptr[u] : indptr[u + 1]]``."""

    indptr: NDArray[np.int64]
    items: NDArray[np.int64]
    num_items: int

    @property
    def num_users(self) -> int:
        """Number of users, those without an item included."""
        return len(self.indptr) - 1

    @property
    def users(self) -> NDArray[np.int64]:
        """User of every pair."""
        return np.repeat(np.arange(self.num_users), np.diff(self.indptr))

    def to_sparse(self) -> sparse.csr_matrix:
        """Return the matrix of users and items with float32 ones."""
        ones = np.ones(len(self.items), dtype=np.float32)
        return sparse.csr_matrix((ones, self.items, self.indptr), shape=(self.num_users, self.num_items))


class Answer(NamedTuple):
    """A model: its vectors, or its scores, or neither, where only ``found`` was asked for.

    A user or item without a training pair may have zeros.
    """

    found: Mapping[str, Any]
    users: NDArray[np.float32] | None = None
    items: NDArray[np.float32] | None = None
    scores: NDArray[np.float32] | None = None

    @property
    def arrays(self) -> dict[str, NDArray[np.float32]]:
        """Arrays that are there, by name."""
        arrays = {"users": self.users, "items": self.items, "scores": self.scores}
        return {name: array for name, array in arrays.items() if array is not None}


def write_pairs(folder: Path, pairs: Pairs) -> None:
    """Write a task into an empty folder."""
    np.savez(folder / PAIRS, indptr=pairs.indptr, items=pairs.items, num_items=pairs.num_items)


def read_pairs(folder: Path) -> Pairs:
    """Read a task."""
    with np.load(folder / PAIRS) as stored:
        return Pairs(stored["indptr"], stored["items"], int(stored["num_items"]))


def write_about(folder: Path, found: list[dict[str, Any]], measured: Mapping[str, Any]) -> None:
    """Write what goes with the models, in their order."""
    (folder / ABOUT).write_text(json.dumps({**measured, "models": found}, indent=1), encoding="utf-8")


def read_answers(folder: Path, num_users: int, num_items: int) -> Iterator[Answer]:
    """Give the models of a folder one by one.

    Raises
    ------
    ValueError
        Arrays of another shape, type or kind than agreed, or a value that is not finite.
    """
    for number, found in enumerate(json.loads((folder / ABOUT).read_text(encoding="utf-8"))["models"]):
        path = folder / f"{number}.npz"
        answer = Answer(found)
        if path.exists():
            with np.load(path) as stored:
                answer = Answer(found, **stored)
        _check(path.name, answer, num_users, num_items)
        yield answer


def _check(name: str, answer: Answer, num_users: int, num_items: int) -> None:
    arrays = answer.arrays
    if sorted(arrays) not in ([], ["items", "users"], ["scores"]):
        raise ValueError(f"{name} must hold users and items, or scores, got {sorted(arrays)}")
    dim = arrays["users"].shape[-1] if "users" in arrays else 0
    shapes = {"users": (num_users, dim), "items": (num_items, dim), "scores": (num_users, num_items)}
    for kind, array in arrays.items():
        if array.dtype != np.float32 or array.shape != shapes[kind]:
            raise ValueError(f"{name}: {kind} must be float32 {shapes[kind]}, got {array.dtype} {array.shape}")
        if not np.isfinite(array).all():
            raise ValueError(f"{name}: {kind} must be finite, got {array[~np.isfinite(array)][0]}")
