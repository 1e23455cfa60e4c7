"""A run of a recommender from pairs of users and items to a run directory: train, judge every epoch, rank the test pairs."""

from __future__ import annotations

import csv
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from graphvid._files import atomic_path, write_json
from graphvid.data import Interactions
from graphvid.graphs import user_item_graph
from graphvid.metrics import dot_product_scorer, rank_items, ranking_scores, top_items
from graphvid.models import (
    LightGCN,
    LightGCNConfig,
    MatrixFactorization,
    MFConfig,
    Recommender,
    RecommenderConfig,
    ReloadOnPlateau,
    SimpleX,
    SimpleXConfig,
    TwoTower,
    TwoTowerConfig,
)

from .checkpoint import write_tensors
from .directory import RunDirectory
from .interactions import InteractionSource, LoadedInteractions, load_interactions
from .recommender_report import report
from .training import fit, training_callbacks, versions

CUT_OFFS = (10, 20, 50)
_MONITORED_K = 20
_LOG_ROWS_PER_EPOCH = 20
_WEIGHTS, _EMBEDDINGS, _EPOCHS = "model.safetensors", "embeddings.npz", "epochs.csv"


@dataclass(frozen=True)
class _Method:
    title: str
    model: Callable[..., Recommender]
    config: type[RecommenderConfig]


RECOMMENDERS: Mapping[str, _Method] = {
    "mf": _Method("matrix factorisation", MatrixFactorization, MFConfig),
    "simplex": _Method("SimpleX", SimpleX, SimpleXConfig),
    "lightgcn": _Method("LightGCN", LightGCN, LightGCNConfig),
    "two-tower": _Method("two towers", TwoTower, TwoTowerConfig),
}


def train_recommender(
    method: str,
    source: InteractionSource,
    out: str | os.PathLike[str],
    config: RecommenderConfig | None = None,
    *,
    resume: bool = False,
    checkpoint_every: int | None = None,
    progress: bool = True,
) -> dict[str, Any]:
    """Train on the training pairs, keep the epoch that ranks the selection pairs best, and rank the test pairs.

    Parameters
    ----------
    method : {"mf", "simplex", "lightgcn", "two-tower"}
        The model.
    source : InteractionSource
        Where pairs come from, and what epochs are judged by.
    out : path-like
        The run directory: the files of `RunDirectory` and ``epochs.csv`` (one row an epoch), ``model.safetensors``
        (the weights of the best epoch), ``embeddings.npz`` (``user_ids``, ``user``, ``item_ids``, ``item``: vectors
        whose products are the scores).
    config : RecommenderConfig, optional
        Options, of the class that the method has; see `graphvid.models`.
    resume : bool, default False
        Continue the run in ``out``. A run killed at any moment ends, on the CPU, with the same weights bit for bit.
    checkpoint_every : int, optional
        Steps between checkpoints: what a killed run loses at most. Default: an epoch.
    progress : bool, default True
        Show progress bars.

    Returns
    -------
    dict
        The content of ``metrics.json``.

    Raises
    ------
    FileExistsError, ValueError
        If ``out`` holds another run; see `RunDirectory.open`. If the method is unknown, the options are of another
        model, or the pairs do not allow a training and an evaluation; ``out`` is then left as it was.
    """
    if method not in RECOMMENDERS:
        raise ValueError(f"method must be one of {sorted(RECOMMENDERS)}, got {method!r}")
    kind = RECOMMENDERS[method]
    config = config if config is not None else kind.config()
    if not isinstance(config, kind.config):
        raise ValueError(f"config must be a {kind.config.__name__} with method {method!r}, got {type(config).__name__}")
    if source.features is not None and method != "two-tower":
        raise ValueError(f"features are read by method 'two-tower' alone, got them with {method!r}")
    run = RunDirectory(out)
    data = load_interactions(source)
    description = {
        "method": kind.title, "name": method, "model": config.to_dict(), "data": data.fingerprint(),
        "source": source.to_dict(), "versions": versions(),
    }  # fmt: skip
    run.check(description, resume=resume)
    if run.metrics.exists():
        if not run.report.exists():
            report(run)
        return run.read_metrics()

    model = make_recommender(method, data, config)
    per_epoch = model.steps_per_epoch
    log_every = max(1, per_epoch // _LOG_ROWS_PER_EPOCH)
    log, checkpoint = training_callbacks(run, log_every, per_epoch if checkpoint_every is None else checkpoint_every)
    plateau = ReloadOnPlateau(
        judge_recommender(data), config.monitor, config.patience, lambda epochs: _write_epochs(run, epochs)
    )
    run.open(description, resume=resume)
    fit(model, len(model.train_dataloader()), [log, plateau, checkpoint], run, progress=progress)
    model.catch_up()
    write_tensors(run.path / _WEIGHTS, model.state_dict())
    _write_embeddings(run, data, model)
    metrics = {
        "methods": {kind.title: _score_test(model, data), "popularity": _score_popularity(data)},
        "selection": source.selection,
        "best_epoch": plateau.best_epoch,
        "epochs": plateau.epochs,
        "users_without_training": int((np.diff(data.splits.train.indptr) == 0).sum()),
        "items_without_training": int((data.splits.train.item_counts == 0).sum()),
        "test_pairs_of_unseen_items": int((data.splits.train.item_counts[data.splits.test.items] == 0).sum()),
    }
    write_json(run.metrics, metrics)
    report(run)
    return metrics


def make_recommender(method: str, data: LoadedInteractions, config: RecommenderConfig) -> Recommender:
    """Return the untrained model of a method for the training pairs of ``data``.

    Raises
    ------
    ValueError
        A content tower without features, or training pairs that the model refuses.
    """
    graph = user_item_graph(data.splits.train)
    if isinstance(config, TwoTowerConfig):
        if config.item_tower == "id":
            return TwoTower(graph, None, config)
        if data.features is None:
            raise ValueError("features must be given for a content tower, got none; or set item_tower=id")
        return TwoTower(graph, data.features.modalities, config)
    return RECOMMENDERS[method].model(graph, config)


def judge_recommender(data: LoadedInteractions) -> Callable[[Recommender], dict[str, float]]:
    """Return what ranks the selection pairs of ``data`` by a model's vectors: Recall and NDCG at 20."""

    def figures(model: Recommender) -> dict[str, float]:
        found = score_recommender(model, data.selection, data.splits.train, (_MONITORED_K,))[str(_MONITORED_K)]
        return {"recall": found["recall"], "ndcg": found["ndcg"]}

    return figures


def score_recommender(
    model: Recommender, relevant: Interactions, exclude: Interactions, cut_offs: tuple[int, ...] = CUT_OFFS
) -> dict[str, dict[str, float]]:
    """Rank all items for every user and give the figures at each cut-off.

    Parameters
    ----------
    model : Recommender
        Its vectors are made once.
    relevant, exclude : Interactions
        Pairs to find, and pairs that are no candidates.
    cut_offs : tuple of int
        Places that count.
    """
    return _scores(dot_product_scorer(*(x.cpu() for x in model.embed())), relevant, exclude, cut_offs)


def recommend(run_dir: str | os.PathLike[str], user_id: Any, *, top_k: int = 10) -> pd.DataFrame:
    """Give the items that a run ranks first for a user, without those of training and validation.

    Parameters
    ----------
    run_dir : path-like
        A finished run; its source is read again.
    user_id : hashable
        Id of the user; its text form is accepted too.
    top_k : int, default 10
        Number of items, at least 1; all candidates where there are fewer.

    Returns
    -------
    DataFrame
        Columns ``item_id`` and ``score``, largest first, ties by position.

    Raises
    ------
    FileNotFoundError
        If the run is absent or unfinished, or its source is gone.
    KeyError
        If the run has no such user.
    ValueError
        If it is a run of another method, its source has changed, or ``top_k`` is below 1.
    """
    if top_k < 1:
        raise ValueError(f"top_k must be at least 1, got {top_k}")
    run = RunDirectory(run_dir)
    config = run.read_config()
    if config["method"] not in {kind.title for kind in RECOMMENDERS.values()}:
        raise ValueError(f"{run.path} must hold a run of a recommender, got one of {config['method']}")
    vectors = np.load(run.require(run.path / _EMBEDDINGS), allow_pickle=False)
    data = load_interactions(InteractionSource(**config["source"]))
    if (found := data.fingerprint()) != config["data"]:
        raise ValueError(f"the source of {run.path} has changed: it was {config['data']}, now {found}")
    texts = data.user_ids.astype(str)
    if str(user_id) not in texts:
        raise KeyError(f"user_id must be one of the {len(texts)} users of {run.path}, got {user_id!r}")
    user = int(texts.get_indexer(pd.Index([str(user_id)]))[0])
    known = data.known
    barred = known.items[known.indptr[user] : known.indptr[user + 1]]
    count = min(top_k, len(data.item_ids) - len(barred))
    scorer = dot_product_scorer(vectors["user"], vectors["item"])
    best = top_items(scorer, torch.tensor([user]), count, exclude=(known.indptr, known.items))
    return pd.DataFrame({"item_id": data.item_ids.take(best.items[0].numpy()), "score": best.scores[0].numpy()})


def _score_test(model: Recommender, data: LoadedInteractions) -> dict[str, dict[str, float]]:
    return score_recommender(model, data.splits.test, data.known)


def _score_popularity(data: LoadedInteractions) -> dict[str, dict[str, float]]:
    counts = torch.from_numpy(data.splits.train.item_counts).float()

    def scorer(users: Tensor) -> Tensor:
        return counts.expand(len(users), -1)

    return _scores(scorer, data.splits.test, data.known, CUT_OFFS)


def _scores(
    scorer: Any, relevant: Interactions, exclude: Interactions, cut_offs: tuple[int, ...]
) -> dict[str, dict[str, float]]:  # Any: an ItemScorer
    ranks = rank_items(scorer, (relevant.indptr, relevant.items), exclude=(exclude.indptr, exclude.items))
    found = {}
    for k in cut_offs:
        scores = ranking_scores(ranks, relevant.indptr, k=k)
        found[str(k)] = {name: value for name, value in scores._asdict().items() if name != "k"}
    return found


def _write_epochs(run: RunDirectory, epochs: list[dict[str, float]]) -> None:
    path = run.path / _EPOCHS
    with atomic_path(path) as temporary, temporary.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, fieldnames=list(epochs[0]))
        writer.writeheader()
        writer.writerows(epochs)


def _write_embeddings(run: RunDirectory, data: LoadedInteractions, model: Recommender) -> None:
    users, items = (x.cpu().numpy() for x in model.embed())
    ids = {"user_ids": _storable(data.user_ids), "item_ids": _storable(data.item_ids)}
    with atomic_path(run.path / _EMBEDDINGS) as temporary:
        np.savez(temporary, user=users, item=items, **ids)


def _storable(ids: pd.Index) -> Any:  # Any: int64 or text
    return ids.to_numpy() if ids.dtype == np.int64 else ids.astype(str).to_numpy().astype(np.str_)
