"""Answers of a recommender's run, from its stored vectors and pairs."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from graphvid._checks import check_integer
from graphvid._files import atomic_path, read_npz
from graphvid.data import Features, Interactions, InteractionSplits
from graphvid.metrics import dot_product_scorer, top_items
from graphvid.models import TwoTowerConfig
from graphvid.models.recommenders import embed_items
from graphvid.runs import Json, RunDirectory, VectorRun, read_tensors, rows_of

from .figures import MONITORED_K, score_vectors

WEIGHTS, _PAIRS = "model.safetensors", "pairs.npz"
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
    """A run of the task recommendation: it ranks items for users, and repeats its evaluation."""

    def evaluate(self, *, progress: bool = True) -> Json:
        """Rank all items for the stored test pairs by the vectors of the run.

        Parameters
        ----------
        progress : bool, default True
            Show a bar over the users.

        Returns
        -------
        dict
            One entry, with the figures at 20 as in ``metrics.json`` under ``"methods"``.

        Raises
        ------
        FileNotFoundError
            The run is unfinished.
        ValueError
            There are no test pairs, or a file is damaged.
        """
        users, items = (self.vectors(of).modalities["embedding"] for of in ("user", "item"))
        pairs = read_npz(self.directory.require(self.directory.path / _PAIRS), ("test_indptr", "test_items"))
        if not len(pairs["test_items"]):
            raise ValueError(
                f"{self.directory.path} holds a run that was trained on all pairs, so nothing can be judged"
            )
        parts = {
            name: Interactions(pairs[f"{name}_indptr"], pairs[f"{name}_items"], len(items))
            for name in _SPLITS
            if f"{name}_items" in pairs
        }
        splits = InteractionSplits("", parts["train"], parts["test"], parts.get("validation"), overlap="keep")
        found = score_vectors(users, items, splits, progress=progress)
        return {self.config["title"]: {"k": MONITORED_K, **found}}

    def recommend(self, user_id: Any, *, top_k: int = 10, keep_test: bool = False) -> pd.DataFrame:
        """Return the items that the model ranks first for a user, without the user's known items.

        Parameters
        ----------
        user_id : hashable, or list of hashable
            Id of the user, or a list of ids; their text form is accepted too.
        top_k : int, default 10
            Number of items, at least 1; at most all candidates.
        keep_test : bool, default False
            Leave the held-out test pairs among the candidates, as an evaluation does. The user has taken them, so they are
            no recommendation.

        Returns
        -------
        DataFrame
            Columns ``item_id`` and ``score``, largest first, ties by position. For a list, a column ``user_id`` before them,
            in the order of the list.

        Raises
        ------
        FileNotFoundError
            The run is unfinished.
        KeyError
            The run has no such user.
        ValueError
            ``top_k`` is below 1, or a file is damaged.
        """
        check_integer("top_k", top_k, 1)
        users, items = self.vectors("user"), self.vectors("item")
        top_k = min(top_k, items.num_videos)
        asked = user_id if isinstance(user_id, list) else [user_id]
        rows = rows_of(users.ids, asked, "user_id", f"users of {self.directory.path}")
        pairs = read_npz(self.directory.require(self.directory.path / _PAIRS), ("train_indptr", "train_items"))
        splits = [
            (pairs[f"{name}_indptr"], pairs[f"{name}_items"])
            for name in (("train", "validation") if keep_test else _SPLITS)
            if f"{name}_items" in pairs
        ]
        known = [
            np.unique(np.concatenate([taken[slice(*indptr[row : row + 2])] for indptr, taken in splits]))
            for row in rows
        ]
        taken = np.array([len(items_of) for items_of in known], dtype=np.int64)
        barred = (np.append(0, np.cumsum(taken)), np.concatenate([np.empty(0, np.int64), *known]).astype(np.int64))
        scorer = dot_product_scorer(users.modalities["embedding"][rows], items.modalities["embedding"])
        widths = np.minimum(top_k, len(items.ids) - taken)
        found = np.zeros((len(rows), top_k), dtype=np.int64)
        scores = np.zeros((len(rows), top_k), dtype=np.float32)
        for width in np.unique(widths[widths > 0]).tolist():  # one, except for users with nearly all items
            some = np.flatnonzero(widths == width)
            best = top_items(scorer, some, width, exclude=barred)
            found[some, :width], scores[some, :width] = best.items.numpy(), best.scores.numpy()
        there = np.arange(top_k) < widths[:, None]
        table = pd.DataFrame({"item_id": items.ids.take(found[there]), "score": scores[there]})
        if isinstance(user_id, list):
            table.insert(0, "user_id", users.ids.take(np.repeat(rows, widths)))
        return table


class TwoTowerRun(RecommendationRun):
    """A run of two towers, which embeds items from their features."""

    def embed(self, features: Features) -> Features:
        """Embed items from their features, also items outside the run.

        Parameters
        ----------
        features : Features
            With the modalities of the run.

        Returns
        -------
        Features
            The same ids with the one modality ``"embedding"``; its product with a user's vector is the score.

        Raises
        ------
        FileNotFoundError
            The run is unfinished.
        ValueError
            The run knows items only by their ids, the modalities differ, or its weights are damaged.
        """
        options, dims = self.options, self.config["data"].get("dims")
        assert isinstance(options, TwoTowerConfig)
        weights, _ = read_tensors(self.directory.require(self.directory.path / WEIGHTS))
        if dims is not None and features.dims != dims:
            raise ValueError(f"features must have the modalities {dims}, got {features.dims}")
        tables = {name: features.modalities[name] for name in dims or features.modalities}
        return Features(features.ids, {"embedding": embed_items(weights, tables, options)})
