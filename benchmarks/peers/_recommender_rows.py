"""The rows of the tables of recommenders, and what is tried for each of them."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from benchmarks.peers import _simple_recommenders as simple

ENVIRONMENT = "recommenders"
_IMPLICIT, _RECBOLE = (f"benchmarks.peers._recommender_{name}" for name in ("implicit", "recbole"))


@dataclass(frozen=True)
class RecommenderPeerRow:
    """A line of a table.

    Parameters
    ----------
    name, description : str
        As shown.
    fit : callable or str
        ``fit(train, **options)`` gives a scorer here, or ``"module:function"`` gives models in a process and environment
        of its own, see `benchmarks.peers._recommender_task`.
    grid : mapping
        Values of each option; all combinations are tried.
    epochs : tuple of int
        When the models of a training are looked at; empty for a method here, which has no epochs and no seed.
    most_items : int, optional
        Only for data of so many items.
    """

    name: str
    description: str
    fit: Callable[..., simple.Scorer] | str
    grid: Mapping[str, Sequence[Any]] = field(default_factory=dict)
    epochs: tuple[int, ...] = ()
    most_items: int | None = None

    @property
    def points(self) -> list[dict[str, Any]]:
        """All combinations of the grid."""
        return [dict(zip(self.grid, values)) for values in itertools.product(*self.grid.values())]

    @property
    def seeded(self) -> bool:
        """Whether results depend on the seed."""
        return any(self.epochs)


def rows() -> list[RecommenderPeerRow]:
    """Return all rows, in the order of the table."""
    return [*_here(), *_implicit(), *_recbole()]


def _here() -> list[RecommenderPeerRow]:
    return [
        RecommenderPeerRow("popularity", "Number of users of the item.", simple.popularity),
        RecommenderPeerRow(
            "item-kNN",
            "Cosine of items by their users, nearest items only, shrunk; SciPy.",
            simple.item_knn,
            {"num_neighbors": (50, 100, 200), "shrinkage": (0.0, 10.0, 30.0, 100.0)},
        ),
        RecommenderPeerRow(
            "RP3beta",
            "Walks of three steps, less to popular items; SciPy.",
            simple.rp3beta,
            {"num_neighbors": (50, 200), "alpha": (0.6, 1.0), "beta": (0.0, 0.2, 0.4)},
        ),
        RecommenderPeerRow(
            "EASE",
            "Closed-form item-item weights; NumPy.",
            simple.ease,
            {"l2": (10.0, 30.0, 100.0, 300.0, 1000.0, 3000.0)},
            most_items=simple.MOST_DENSE,
        ),
        RecommenderPeerRow(
            "GF-CF",
            "Low-pass filters of the graph, no training; SciPy.",
            simple.gf_cf,
            {"num_factors": (64, 256), "weight": (0.1, 0.3, 1.0)},
        ),
    ]


def _implicit() -> list[RecommenderPeerRow]:
    return [
        RecommenderPeerRow(
            "implicit ALS",
            "Weighted least squares over all pairs.",
            f"{_IMPLICIT}:als",
            {"factors": (64, 128), "regularization": (10.0, 30.0), "alpha": (1.0, 5.0, 20.0)},
            (10, 20),
        ),
        RecommenderPeerRow(
            "implicit BPR",
            "Pairwise logistic loss, one pair at a time, with item biases.",
            f"{_IMPLICIT}:bpr",
            {"factors": (64,), "learning_rate": (0.05,), "regularization": (0.01, 0.03, 0.1)},
            (20, 40, 80, 160),
        ),
    ]


def _recbole() -> list[RecommenderPeerRow]:
    shared: dict[str, Sequence[Any]] = {"embedding_size": (64,), "train_batch_size": (1024,)}
    one = ({"distribution": "uniform", "sample_num": 1, "alpha": 1.0, "dynamic": False, "candidate_num": 0},)
    many = ({**one[0], "sample_num": 64},)
    function = f"{_RECBOLE}:fit"
    return [
        RecommenderPeerRow(
            "RecBole BPR",
            "Matrix factorisation, pairwise logistic loss, one negative.",
            function,
            {
                "model": ("BPR",),
                **shared,
                "train_neg_sample_args": one,
                "learning_rate": (1e-3, 3e-3),
                "weight_decay": (1e-5, 1e-4),
            },
            (5, 10, 20, 40, 80),
        ),
        RecommenderPeerRow(
            "RecBole LightGCN",
            "Three hops of propagation, pairwise logistic loss, one negative.",
            function,
            {
                "model": ("LightGCN",),
                **shared,
                "train_neg_sample_args": one,
                "n_layers": (3,),
                "learning_rate": (1e-3, 5e-3),
                "reg_weight": (1e-4,),
            },
            (10, 20, 40, 80),
        ),
        RecommenderPeerRow(
            "RecBole SimpleX",
            "Mean of 50 items of the history, cosine contrastive loss, 64 negatives.",
            function,
            {
                "model": ("SimpleX",),
                "embedding_size": (64,),
                "train_batch_size": (1024 * 64,),
                "train_neg_sample_args": many,
                "aggregator": ("mean",),
                "history_len": (50,),
                "gamma": (0.5,),
                "margin": (0.5, 0.8),
                "negative_weight": (10,),
                "learning_rate": (1e-3,),
                "reg_weight": (1e-6,),
            },
            (5, 10, 20, 40),
            most_items=simple.MOST_DENSE,
        ),
        RecommenderPeerRow(
            "RecBole EASE",
            "The library's EASE, which is slower than NumPy's and equal, so on small data only.",
            function,
            {"model": ("EASE",), "reg_weight": (10.0, 30.0, 100.0, 300.0, 1000.0, 3000.0)},
            (0,),
            most_items=2_000,
        ),
    ]
