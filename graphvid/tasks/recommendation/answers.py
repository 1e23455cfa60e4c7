"""Answers of a recommender's run, from the vectors and the known pairs that it keeps."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray

from graphvid._checks import check_integer
from graphvid._files import atomic_path, read_npz
from graphvid.data import InteractionSplits
from graphvid.metrics import dot_product_scorer, top_items
from graphvid.runs import RunDirectory, VectorRun, row_of

_PAIRS = "pairs.npz"
_SPLITS = ("train", "validation", "test")


def write_pairs(run: RunDirectory, splits: InteractionSplits) -> None:
    """Write the pairs of all splits: ``train_indptr``, ``train_items``, and so on."""
    arrays: dict[str, NDArray[np.integer]] = {}
    for name in _SPLITS:
        pairs = getattr(splits, name)
        if pairs is not None:
            arrays |= {f"{name}_indptr": pairs.indptr, f"{name}_items": pairs.items}
    with atomic_path(run.path / _PAIRS) as temporary:
        np.savez(temporary, **arrays)  # type: ignore[arg-type] # no split is called allow_pickle


class RecommendationRun(VectorRun):
    """A run of the task recommendation: it says what to show to a user."""

    def recommend(self, user_id: Any, *, top_k: int = 10, keep_test: bool = False) -> pd.DataFrame:
        """Give the items that the model ranks first for a user, without those that the user is known to have taken.

        Parameters
        ----------
        user_id : hashable
            Id of the user; its text form is accepted too.
        top_k : int, default 10
            Number of items, at least 1; all candidates where there are fewer.
        keep_test : bool, default False
            Leave the held-out test pairs among the candidates, as an evaluation does. The user has taken them, so they are
            no recommendation.

        Returns
        -------
        DataFrame
            Columns ``item_id`` and ``score``, largest first, ties by position.

        Raises
        ------
        FileNotFoundError
            If the run is unfinished.
        KeyError
            If the run has no such user.
        ValueError
            If ``top_k`` is below 1, or a file is damaged.
        """
        check_integer("top_k", top_k, 1)
        users, items = self.vectors("user"), self.vectors("item")
        user = row_of(users.ids, user_id, "user_id", f"users of {self.directory.path}")
        pairs = read_npz(self.directory.require(self.directory.path / _PAIRS), ("train_indptr", "train_items"))
        barred = [
            pairs[f"{name}_items"][slice(*pairs[f"{name}_indptr"][user : user + 2])]
            for name in (("train", "validation") if keep_test else _SPLITS)
            if f"{name}_items" in pairs
        ]
        known = np.unique(np.concatenate(barred)).astype(np.int64)
        scorer = dot_product_scorer(users.modalities["embedding"][[user]], items.modalities["embedding"])
        best = top_items(
            scorer,
            torch.tensor([0]),
            min(top_k, len(items.ids) - len(known)),
            exclude=(np.array([0, len(known)], dtype=np.int64), known),
        )
        return pd.DataFrame({"item_id": items.ids.take(best.items[0].numpy()), "score": best.scores[0].numpy()})
