"""Baselines of the next place: recommenders of user-place pairs without time."""

from __future__ import annotations

import logging
import warnings

import numpy as np
import torch
from lightning import Trainer
from numpy.typing import NDArray
from torch import Tensor

from graphvid.data import Interactions
from graphvid.graphs import user_item_graph
from graphvid.metrics import target_scores
from graphvid.models import MatrixFactorization, MFConfig, Recommender, SimpleX, SimpleXConfig
from graphvid.models.poi import KnownPlaces
from graphvid.models.recommenders import BPR, PerEdge
from graphvid.runs import ReloadOnPlateau
from graphvid.sampling import CheckInChains, Requests

from .figures import MONITORED, Asked, Scorer, rank_targets

PAIR_MODELS = {"mf": "BPR matrix factorisation", "simplex": "SimpleX"}


def train_pair_model(
    name: str, chains: CheckInChains, places: KnownPlaces, rows: NDArray[np.int64], chosen_by: Asked, *, seed: int
) -> Scorer:
    """Train BPR matrix factorisation or SimpleX on the distinct pairs of users and places, and return its scorer.

    The scorer has the weights of the epoch with the best Recall@10 of validation.

    Parameters
    ----------
    name : {"mf", "simplex"}
        The model.
    rows : ndarray of int64
        Training check-ins.
    chosen_by : Asked
        Validation check-ins.
    seed : int
        Seed of the training.
    """
    pairs = Interactions.from_pairs(
        chains.user[rows],
        places.number[chains.poi[rows]],
        num_users=chains.num_users,
        num_items=places.num_places,
        duplicates="drop",
    )
    graph = user_item_graph(pairs)
    model: Recommender
    if name == "mf":
        model = MatrixFactorization(
            graph,
            MFConfig(
                loss=BPR(),
                similarity="dot",
                negatives=PerEdge(num_negatives=1),
                init_std=0.1,
                dropout=0.0,
                learning_rate=1e-3,
                batch_size=512,
                num_epochs=40,
                l2=1e-5,
                seed=seed,
            ),
        )
    else:
        model = SimpleX(graph, SimpleXConfig(learning_rate=1e-3, batch_size=512, num_epochs=40, seed=seed))

    def found(model: Recommender) -> dict[str, float]:
        ranks = rank_targets(_scorer(model), chosen_by, places.num_places)
        return {"recall": target_scores(ranks[torch.isfinite(ranks)], k=MONITORED).recall}

    logging.getLogger("lightning.pytorch").setLevel(logging.WARNING)
    plateau = ReloadOnPlateau(found, "recall", 3)
    trainer = Trainer(
        max_steps=len(model.train_dataloader()),
        max_epochs=1,
        devices=1,
        accelerator="cpu",
        callbacks=[plateau],
        logger=False,
        enable_checkpointing=False,
        enable_model_summary=False,
        enable_progress_bar=False,
    )
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=".*does not have many workers.*")
        warnings.filterwarnings("ignore", message=".*LeafSpec.*is deprecated", category=FutureWarning)
        trainer.fit(model)
    return _scorer(model)


def _scorer(model: Recommender) -> Scorer:
    model.before_judging()
    users, items = (x.detach().cpu() for x in model.embed())

    def score(requests: Requests) -> Tensor:
        return users[torch.from_numpy(requests.user)] @ items.t()

    return score
