"""The figures of recommenders: all items ranked for every user."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from graphvid.data import Interactions
from graphvid.metrics import dot_product_scorer, rank_items, ranking_scores
from graphvid.models import Recommender

from .source import LoadedInteractions

CUT_OFFS = (10, 20, 50)
_MONITORED_K = 20


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


def score_test(model: Recommender, data: LoadedInteractions) -> dict[str, dict[str, float]]:
    """Rank all items for the test pairs, without those of training and validation."""
    return score_recommender(model, data.splits.test, data.known)


def score_popularity(data: LoadedInteractions) -> dict[str, dict[str, float]]:
    """Rank all items by how many took them in training."""
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
