"""BPR, LightGCN, SimpleX and EASE of RecBole, in the environment of ``requirements-recommenders.txt``.

The library reads a file of training pairs, numbers users and items on its own, samples, and runs its epochs; splitting,
validation and ranking, which it would do too, are the harness's.
"""

from __future__ import annotations

import importlib
import itertools
import os
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from benchmarks.peers._recommender_task import Answer, Pairs

PACKAGES = ("recbole", "torch")
IMPORTS = ("recbole.model.general_recommender", "recbole.trainer")
_USER, _ITEM = "user_id", "item_id"
_SCORED = 512  # users at a time


class _Session(NamedTuple):
    """A model of the library with what it needs; ids of the library start at 1."""

    trainer: Any
    batches: Any
    users: NDArray[np.int64]  # of the task, by the library's order
    items: NDArray[np.int64]


def fit(train: Pairs, seed: int, model: str, epochs: Sequence[int], **options: Any) -> Iterator[Answer]:
    """Train a model and give it after so many epochs; 0 is a model that is found when it is made, such as EASE."""
    with tempfile.TemporaryDirectory() as folder:
        session = _open(Path(folder), train, seed, {"model": model, **options})
        done = 0
        for epoch in epochs:
            for number in range(done, epoch):
                session.trainer._train_epoch(session.batches, number)
            done = epoch
            vectors = _vectors(session, train)
            if vectors is not None:
                yield Answer({"epochs": epoch}, users=vectors[0], items=vectors[1])
            else:
                yield Answer({"epochs": epoch}, scores=_scores(session, train))


def speed(
    train: Pairs, seed: int, model: str, dim: int, batch_size: int, num_negatives: int, steps: int, **options: Any
) -> Iterator[Answer]:
    """Time at most ``steps`` steps of the library's training loop, after a few more; the rest of an epoch is inferred."""
    more = {
        "embedding_size": dim,
        "train_batch_size": batch_size * num_negatives,  # the library counts a pair once for each negative
        "train_neg_sample_args": _negatives(num_negatives),
    }
    with tempfile.TemporaryDirectory() as folder:
        session = _open(Path(folder), train, seed, {"model": model, **more, **options})
        whole = len(session.batches)
        session.trainer._train_epoch(itertools.islice(session.batches, 5), 0)
        part = min(steps, whole)
        start = time.perf_counter()
        session.trainer._train_epoch(itertools.islice(session.batches, part), 0)
        yield Answer({"epoch": (time.perf_counter() - start) * whole / part, "part": part / whole})


def _negatives(count: int) -> dict[str, Any]:
    return {"distribution": "uniform", "sample_num": count, "alpha": 1.0, "dynamic": False, "candidate_num": 0}


def _open(folder: Path, train: Pairs, seed: int, options: dict[str, Any]) -> _Session:
    """Return a new model and its batches. The library writes logs into the working directory, so that is moved."""
    data, tools = (importlib.import_module(name) for name in ("recbole.data.utils", "recbole.utils"))
    os.chdir(folder)
    (folder / "task").mkdir()
    lines = [f"{_USER}:token\t{_ITEM}:token\n", *(f"{u}\t{i}\n" for u, i in zip(train.users, train.items))]
    (folder / "task" / "task.inter").write_text("".join(lines), encoding="utf-8")
    settings = {
        "data_path": str(folder),
        "load_col": {"inter": [_USER, _ITEM]},
        "eval_args": {"split": {"RS": [1.0, 0.0, 0.0]}, "group_by": None, "order": "RO", "mode": "full"},
        "checkpoint_dir": str(folder / "saved"),
        "use_gpu": False,
        "seed": seed,
        "reproducibility": True,
        "show_progress": False,
        "state": "ERROR",
        **options,
    }
    config = importlib.import_module("recbole.config").Config(dataset="task", config_dict=settings)
    tools.init_seed(seed, True)
    dataset = data.create_dataset(config)
    built = dataset.build()
    sampler = data.create_samplers(config, dataset, built)[0]
    batches = data.get_dataloader(config, "train")(config, built[0], sampler, shuffle=True)
    model = tools.get_model(config["model"])(config, batches.dataset)
    trainer = tools.get_trainer(config["MODEL_TYPE"], config["model"])(config, model)
    ids = [dataset.id2token(name, np.arange(1, dataset.num(name))).astype(np.int64) for name in (_USER, _ITEM)]
    return _Session(trainer, batches, *ids)


def _vectors(session: _Session, train: Pairs) -> tuple[NDArray[np.float32], NDArray[np.float32]] | None:
    """Return the vectors of a model whose scores are their products."""
    import torch

    model = session.trainer.model
    with torch.no_grad():
        if type(model).__name__ == "BPR":
            found = (model.user_embedding.weight, model.item_embedding.weight)
        elif type(model).__name__ == "LightGCN":
            found = model.forward()
        else:
            return None
    users, items = (
        _placed(found_ids, table.detach()[1:].numpy(), size)
        for found_ids, table, size in zip((session.users, session.items), found, (train.num_users, train.num_items))
    )
    return users, items


def _scores(session: _Session, train: Pairs) -> NDArray[np.float32]:
    """Return all scores, by the library's own method, in eval mode."""
    import torch

    interaction = importlib.import_module("recbole.data.interaction").Interaction
    model = session.trainer.model
    model.eval()
    rows = []
    with torch.no_grad():
        for some in torch.split(torch.arange(1, len(session.users) + 1), _SCORED):
            found = model.full_sort_predict(interaction({_USER: some})).reshape(len(some), -1)
            rows.append(_placed(session.items, found[:, 1:].T.numpy(), train.num_items).T)
    model.train()
    return _placed(session.users, np.concatenate(rows), train.num_users)


def _placed(ids: NDArray[np.int64], rows: NDArray[np.float32], size: int) -> NDArray[np.float32]:
    """Return a table with the rows at their ids, zero elsewhere."""
    table = np.zeros((size, rows.shape[1]), dtype=np.float32)
    table[ids] = rows
    return table
