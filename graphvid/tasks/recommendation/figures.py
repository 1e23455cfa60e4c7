"""Figures of recommenders, from a ranking of all items for every user."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from graphvid.data import Interactions, InteractionSplits
from graphvid.metrics import dot_product_scorer, rank_items, ranking_scores, recall
from graphvid.models import Recommender
from graphvid.runs import Verdict, judge

from .source import LoadedInteractions, known_pairs

CUT_OFFS = (10, 20, 50)
MONITORED_K = 20


def judge_recommender(data: LoadedInteractions) -> Callable[[Recommender], dict[str, float]]:
    """Return the function that computes a model's Recall and NDCG at 20 on the selection pairs of ``data``."""

    def figures(model: Recommender) -> dict[str, float]:
        found = score_recommender(model, data.selection, data.splits.train, (MONITORED_K,))[str(MONITORED_K)]
        return {"recall": found["recall"], "ndcg": found["ndcg"]}

    return figures


def score_recommender(
    model: Recommender, relevant: Interactions, exclude: Interactions, cut_offs: tuple[int, ...] = CUT_OFFS
) -> dict[str, dict[str, float]]:
    """Rank all items for every user and return the figures at each cut-off.

    Parameters
    ----------
    model : Recommender
        The model; its vectors are computed once.
    relevant, exclude : Interactions
        Pairs to find, and pairs that are no candidates.
    cut_offs : tuple of int
        Lengths of the list that counts.
    """
    scorer = dot_product_scorer(*(x.cpu() for x in model.embed()))
    return _figures(_ranks(scorer, relevant, exclude), relevant, cut_offs)


def score_vectors(
    users: NDArray[np.float32], items: NDArray[np.float32], splits: InteractionSplits, *, progress: bool
) -> dict[str, float]:
    """Return the figures at 20 of the test pairs by vectors whose products are the scores."""
    scorer = dot_product_scorer(users, items)
    ranks = _ranks(scorer, splits.test, known_pairs(splits), progress=progress)
    return _figures(ranks, splits.test, (MONITORED_K,))[str(MONITORED_K)]


def score_test(model: Recommender, data: LoadedInteractions) -> tuple[dict[str, Any], Verdict]:
    """Rank all items for the test pairs, without those of training and validation, by the model and by popularity.

    Returns
    -------
    dict
        Figures by method, ``"model"`` and ``"popularity"``, and cut-off.
    Verdict
        The comparison of the model with popularity, by Recall at 20 of each user.
    """
    counts = torch.from_numpy(data.splits.train.item_counts).float()

    def popularity(users: Tensor) -> Tensor:
        return counts.expand(len(users), -1)

    test, known = data.splits.test, data.known
    scorers = {"model": dot_product_scorer(*(x.cpu() for x in model.embed())), "popularity": popularity}
    ranks = {name: _ranks(scorer, test, known) for name, scorer in scorers.items()}
    by_user = {name: recall(found, test.indptr, k=MONITORED_K).numpy() for name, found in ranks.items()}
    figures = {name: _figures(found, test, CUT_OFFS) for name, found in ranks.items()}
    return figures, judge(f"Recall@{MONITORED_K}", "model", by_user)


def _ranks(
    scorer: Any, relevant: Interactions, exclude: Interactions, *, progress: bool = False
) -> Tensor:  # Any: an ItemScorer
    # Pairs in both exist only if the source allows them.
    wanted, barred = (relevant.indptr, relevant.items), (exclude.indptr, exclude.items)
    return rank_items(scorer, wanted, exclude=barred, overlap="keep", progress=progress)


def _figures(ranks: Tensor, relevant: Interactions, cut_offs: tuple[int, ...]) -> dict[str, dict[str, float]]:
    found = {}
    for k in cut_offs:
        scores = ranking_scores(ranks, relevant.indptr, k=k)
        found[str(k)] = {name: value for name, value in scores._asdict().items() if name != "k"}
    return found
