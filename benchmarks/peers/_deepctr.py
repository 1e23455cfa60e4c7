"""DeepFM, NFM, AutoInt, DIFM and AFN of DeepCTR-Torch; runs in the environment that `_environment.py` makes.

Four fields: user, video, duration bucket, and the mean of the video's clip vectors projected to the size of a field.
The library has no projected field: it hands dense columns to the deep part alone, and DIFM and AFN drop them. So the
clip field is declared as categories, one a video, and its two embedding tables (vector and first-order weight) are
replaced by linear maps of the fixed mean vectors. All else but two constants below is the library's: networks, sizes,
losses, `fit`.
"""

from __future__ import annotations

import contextlib
import importlib
import io
import sys
import types
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from benchmarks.peers._contract import Answer, SkipTask

GRID: dict[str, tuple[float, ...]] = {
    "learning_rate": (1e-4, 3e-4, 1e-3, 3e-3),
    "dim": (16, 32, 64),
    "dropout": (0.0, 0.2, 0.5),
    "l2": (0.0, 1e-6, 1e-5, 1e-4),
}
_BATCH = 256
_INIT_STD = 0.01  # with the library's 0.0001, AutoInt learned nothing in 25 epochs, and no other model learned more
_LOG_NEURONS = 64  # of AFN; the library's 256 take four times as long
_FIELDS = ("user", "video", "duration_bucket", "clips")


def deepctr(task: SkipTask, seed: int, model: str, trials: int, epochs: int, patience: int) -> Answer:
    """Tune a model on the validation GAUC, then train it on all rows with a label for the epochs that were best.

    Parameters
    ----------
    task : SkipTask
    seed : int
        Draws the trials (the same for every model) and starts every training.
    model : {"DeepFM", "NFM", "AutoInt", "DIFM", "AFN"}
    trials : int
        Points of `GRID`, see `draw_trials`.
    epochs, patience : int
        At most so many epochs, and so many without a better validation GAUC.
    """
    import torch

    torch.set_num_threads(1)
    results = []
    for options in draw_trials(trials, seed):
        network = _build(model, task, options, seed)
        value, best = _fit(network, task.train, task.valid, epochs, patience)
        results.append({**options, "gauc": round(value, 4), "epochs": best})
    chosen = max(results, key=lambda result: result["gauc"])
    network = _build(model, task, chosen, seed)
    _fit(network, task.known, None, int(chosen["epochs"]), patience)
    return Answer(
        score=_predict(network, task.test),
        num_parameters=sum(p.numel() for p in network.parameters() if p.requires_grad),
        about={"chosen": chosen, "trials": results},
        packages=("torch", "deepctr-torch"),
    )


def draw_trials(trials: int, seed: int) -> list[dict[str, float]]:
    """Return points of the grid: each value of each option about equally often, in an order of its own by the seed."""
    rng = np.random.default_rng(seed)
    columns = {}
    for name, values in GRID.items():
        rounds = [rng.permutation(len(values)) for _ in range(-(-trials // len(values)))]
        columns[name] = [values[at] for at in np.concatenate(rounds)[:trials]]
    return [dict(zip(columns, point)) for point in zip(*columns.values())]


def gauc(user: NDArray[np.int64], label: NDArray[np.int64], score: NDArray[np.float64]) -> float:
    """Return the AUC of each user, averaged with the user's rows as weights, without users of one label."""
    frame = pd.DataFrame({"user": user, "label": label, "score": score})
    frame["rank"] = frame.groupby("user")["score"].rank()
    groups = frame.groupby("user")
    rows, positive = groups.size(), groups["label"].sum().astype(np.int64)
    negative = rows - positive
    won = frame[frame["label"] == 1].groupby("user")["rank"].sum().reindex(rows.index, fill_value=0.0)
    both = (positive > 0) & (negative > 0)
    auc = (won - positive * (positive + 1) / 2)[both] / (positive * negative)[both]
    return float(np.average(auc, weights=rows[both]))


def _build(model: str, task: SkipTask, options: dict[str, Any], seed: int) -> Any:
    """Return a compiled model of the library whose clip field is a projection."""
    import torch

    # The library imports `requests` without declaring it, to ask for its newest version whenever it is imported.
    sys.modules.setdefault("requests", types.ModuleType("requests"))
    with contextlib.redirect_stdout(io.StringIO()):
        models = importlib.import_module("deepctr_torch.models")
        field = importlib.import_module("deepctr_torch.inputs").SparseFeat

    dim = int(options["dim"])
    sizes = (task.num_users, len(task.clips), task.num_duration_buckets, len(task.clips))
    if max(sizes) >= 2**24:
        raise ValueError(f"the library passes ids as float32, so at most 2^24 of a kind, got {max(sizes)}")
    columns = [field(name, size, embedding_dim=dim) for name, size in zip(_FIELDS, sizes)]
    arguments = {
        "l2_reg_embedding": options["l2"],
        "dnn_dropout": options["dropout"],
        "init_std": _INIT_STD,
        "seed": seed,
    }
    if model != "AutoInt":
        arguments["l2_reg_linear"] = options["l2"]
    if model == "NFM":
        arguments["bi_dropout"] = options["dropout"]
    if model == "AFN":
        arguments["ltl_hidden_size"] = _LOG_NEURONS
    network = getattr(models, model)(columns, columns, **arguments)
    pooled = torch.from_numpy(task.pooled)
    for tables, width in ((network.embedding_dict, dim), (network.linear_model.embedding_dict, 1)):
        table, projection = tables["clips"].weight, _projection(pooled, width)
        for parameters, _, _ in network.regularization_weight:
            parameters[:] = [projection.map.weight if weight is table else weight for weight in parameters]
        tables["clips"] = projection
    network.compile(torch.optim.Adam(network.parameters(), lr=options["learning_rate"]), "binary_crossentropy")
    return network


def _projection(vectors: Any, width: int) -> Any:
    """Return a module that looks ids up in fixed ``vectors`` and maps what it finds to ``width`` numbers."""
    import torch

    class Projection(torch.nn.Module):
        vectors: torch.Tensor

        def __init__(self) -> None:
            super().__init__()
            self.register_buffer("vectors", vectors)
            self.map = torch.nn.Linear(vectors.shape[1], width, bias=False)

        def forward(self, ids: torch.Tensor) -> Any:
            return self.map(self.vectors[ids])

    return Projection()


def _fit(
    network: Any, train: pd.DataFrame, valid: pd.DataFrame | None, epochs: int, patience: int
) -> tuple[float, int]:
    """Train by the library's ``fit``; return the best validation GAUC and the number of epochs until then."""
    callback = importlib.import_module("deepctr_torch.callbacks").Callback
    history: list[float] = []

    class Watch(callback):  # type: ignore[misc, valid-type]
        def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
            network.train()  # the library leaves it in evaluation, without dropout, after the first validation

        def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
            if valid is None:
                return
            history.append(gauc(valid["user"].to_numpy(), valid["label"].to_numpy(), _predict(network, valid)))
            network.stop_training = len(history) - int(np.argmax(history)) > patience

    label = train["label"].to_numpy(dtype=np.float32)
    with contextlib.redirect_stdout(io.StringIO()):
        network.fit(_inputs(train), label, batch_size=_BATCH, epochs=epochs, verbose=0, callbacks=[Watch()])
    return (max(history), int(np.argmax(history)) + 1) if history else (float("nan"), epochs)


def _predict(network: Any, rows: pd.DataFrame) -> NDArray[np.float64]:
    return np.asarray(network.predict(_inputs(rows), batch_size=4096), dtype=np.float64).ravel()


def _inputs(rows: pd.DataFrame) -> dict[str, NDArray[np.float32]]:
    return {field: rows["video" if field == "clips" else field].to_numpy(dtype=np.float32) for field in _FIELDS}
