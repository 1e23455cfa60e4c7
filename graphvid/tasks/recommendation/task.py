"""The task recommendation: train on pairs, choose the epoch by the selection pairs, and rank the test pairs."""

from __future__ import annotations

import csv
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from typing import ClassVar

import numpy as np

from graphvid._files import atomic_path
from graphvid.graphs import user_item_graph
from graphvid.models import (
    LightGCN,
    LightGCNConfig,
    MatrixFactorization,
    MFConfig,
    Recommender,
    RecommenderConfig,
    SimpleX,
    SimpleXConfig,
    TwoTower,
    TwoTowerConfig,
)
from graphvid.runs import (
    Json,
    Method,
    Parts,
    ReloadOnPlateau,
    Report,
    RunDirectory,
    Task,
    Training,
    write_tensors,
    write_vectors,
)

from .answers import WEIGHTS, RecommendationRun, TwoTowerRun, write_pairs
from .figures import judge_recommender, score_test
from .report import report
from .source import InteractionSource, LoadedInteractions, load_interactions

_LOG_ROWS_PER_EPOCH = 20
_EPOCHS = "epochs.csv"


def of_ids(model: Callable[..., Recommender], data: LoadedInteractions, config: RecommenderConfig) -> Recommender:
    """Build a model that knows users and items only by their ids."""
    return model(user_item_graph(data.splits.train), config)


def _of_features(data: LoadedInteractions, config: TwoTowerConfig) -> TwoTower:
    graph = user_item_graph(data.splits.train)
    if config.item_tower == "id":
        return TwoTower(graph, None, config)
    if data.features is None:
        raise ValueError("features must be given for a content tower, got none; or set item_tower=id")
    return TwoTower(graph, data.features.modalities, config)


class Recommendation(Task[InteractionSource, LoadedInteractions]):
    """Task of recommendation: rank the items for each user.

    A run adds the files ``epochs.csv`` (one row for each epoch), ``model.safetensors`` (the weights of the best epoch),
    ``embeddings.npz`` (``user_ids``, ``user``, ``item_ids``, ``item``: vectors whose products are the scores) and
    ``pairs.npz`` (the pairs of all splits).
    """

    source = InteractionSource
    methods: ClassVar[Mapping[str, Method]] = {
        "mf": Method("matrix factorisation", MFConfig, partial(of_ids, MatrixFactorization)),
        "simplex": Method("SimpleX", SimpleXConfig, partial(of_ids, SimpleX)),
        "lightgcn": Method("LightGCN", LightGCNConfig, partial(of_ids, LightGCN)),
        "two-tower": Method("two towers", TwoTowerConfig, _of_features, TwoTowerRun),
    }
    answers = RecommendationRun

    def check(self, source: InteractionSource, method: str, config: RecommenderConfig) -> None:
        """Raise for features that the model would not read."""
        if source.features is not None and method != "two-tower":
            raise ValueError(f"features are read by method 'two-tower' alone, got them with {method!r}")

    def load(self, source: InteractionSource, *, progress: bool) -> LoadedInteractions:
        """Read the pairs and split them."""
        return load_interactions(source)

    def prepare(
        self, run: RunDirectory, method: str, data: LoadedInteractions, config: RecommenderConfig, *, progress: bool
    ) -> Training:
        """Build the model and the evaluation of its epochs."""
        model = make_recommender(method, data, config)
        plateau = ReloadOnPlateau(
            judge_recommender(data),
            config.monitor,
            config.patience,
            partial(_write_epochs, run),
            plateau=config.plateau,
        )

        def finish(parts: Parts) -> Json:
            model.before_judging()
            write_tensors(run.path / WEIGHTS, model.state_dict())
            users, items = (x.cpu().numpy() for x in model.embed())
            write_vectors(run, user=(data.user_ids, users), item=(data.item_ids, items))
            write_pairs(run, data.splits)
            if plateau.epochs:
                _write_epochs(run, plateau.epochs)
            counts, title = data.splits.train.item_counts, self.methods[method].title
            scores, verdict = score_test(model, data) if data.splits.test.num_interactions else ({}, None)
            return {
                "verdict": None if verdict is None else replace(verdict, model=title).to_dict(),
                "methods": {title if name == "model" else name: found for name, found in scores.items()},
                "selection": ("test" if data.splits.validation is None else "validation") if data.judged else "none",
                "best_epoch": plateau.best_epoch,
                "epochs": plateau.epochs,
                "users_without_training": int((np.diff(data.splits.train.indptr) == 0).sum()),
                "items_without_training": int((counts == 0).sum()),
                "test_pairs_of_unseen_items": int((counts[data.splits.test.items] == 0).sum()),
            }

        return Training(
            finish,
            model,
            callbacks=[plateau] if data.judged else [],
            log_every=max(1, model.steps_per_epoch // _LOG_ROWS_PER_EPOCH),
            checkpoint_every=model.steps_per_epoch,
        )

    def report(self, run: RunDirectory) -> Report:
        """Describe a finished run."""
        return report(run)


def make_recommender(method: str, data: LoadedInteractions, config: RecommenderConfig) -> Recommender:
    """Return the untrained model of a method for the training pairs of ``data``.

    Raises
    ------
    ValueError
        An unknown method, a content tower without features, or training pairs for which the model raises.
    """
    if method not in Recommendation.methods:
        raise ValueError(f"method must be one of {sorted(Recommendation.methods)}, got {method!r}")
    build = Recommendation.methods[method].build
    assert build is not None
    model: Recommender = build(data, config)
    return model


def _write_epochs(run: RunDirectory, epochs: list[dict[str, float]]) -> None:
    path = run.path / _EPOCHS
    with atomic_path(path) as temporary, temporary.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, fieldnames=list(epochs[0]))
        writer.writeheader()
        writer.writerows(epochs)
