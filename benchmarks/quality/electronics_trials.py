"""Trials of leaks that would explain SimpleX's published Electronics: ``python -m benchmarks quality electronics_trials``.

Each row changes the recipe in one or two ways that its publication leaves open; some let test or validation pairs into the
training. None is an option of the library.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from functools import partial
from typing import Any

import numpy as np
import torch
from torch import Tensor

from benchmarks._table import RESULTS, MeasuredRow, Table
from benchmarks.quality._recommenders import METRICS, SYNTHETIC, K, curves_figure, fingerprint, trained
from benchmarks.quality.recommenders_electronics import PUBLISHED, SOURCE, WHOLE
from graphvid.data import Interactions, InteractionSplits
from graphvid.models import Embeddings, Recommender, SimpleXConfig
from graphvid.models.recommenders import DrawnItems, PerEdge
from graphvid.nn import UserHistory
from graphvid.ops import Adjacency, NeighborTable
from graphvid.sampling import ItemNegativeSampler
from graphvid.tasks.recommendation import InteractionSource, LoadedInteractions, load_interactions, make_recommender

_PADDED_LENGTH = 500  # to which the published runs cut and pad histories


@dataclass(frozen=True)
class Trial:
    """A change of the recipe: what histories, training and the drawing of negatives know."""

    keep_edge: bool = False
    count_padding: bool = False
    train_on_validation: bool = False
    validation_in_histories: bool = False
    avoid: tuple[str, ...] = ()

    def __call__(self, data: LoadedInteractions, config: SimpleXConfig) -> tuple[Recommender, LoadedInteractions]:
        """Return the model for data with all three splits, and the data by which it is judged: no validation pairs."""
        train = _union(data.splits, "validation") if self.train_on_validation else data.splits.train
        judged = replace(data, splits=InteractionSplits(data.splits.name, train, data.splits.test))
        model = make_recommender("simplex", judged, config)
        if self.avoid:
            assert isinstance(model.candidates, DrawnItems)
            assert isinstance(config.negatives, PerEdge)
            model.candidates.sampler = ItemNegativeSampler(
                _union(data.splits, *self.avoid),
                config.negatives.num_negatives,
                reject=True,
                shared=False,
                seed=config.seed,
            )
        if self.keep_edge:
            _keep_edge(model)
        if self.count_padding:
            _count_padding(model)
        if self.validation_in_histories:
            _read_at_test(model, _union(data.splits, "validation"))
        return model, judged


@dataclass(frozen=True)
class Measure:
    """The training of a trial."""

    trial: Trial
    config: SimpleXConfig
    source: InteractionSource = SOURCE

    def __call__(self, seed: int, data_dir: str | None) -> dict[str, Any]:
        """Return the figures of the test pairs."""
        data = load_interactions(replace(self.source, data_dir=data_dir))
        return trained(*self.trial(data, replace(self.config, seed=seed)))


def _union(splits: InteractionSplits, *others: str) -> Interactions:
    """Return the training pairs and the splits of these names."""
    parts = [splits.train, *(getattr(splits, name) for name in others)]
    users, items = (np.concatenate([getattr(part, name) for part in parts]) for name in ("users", "items"))
    sizes = {"num_users": splits.train.num_users, "num_items": splits.train.num_items}
    return Interactions.from_pairs(users, items, **sizes, duplicates="drop")


def _keep_edge(model: Recommender) -> None:
    encode = model.encode

    def whole(users: Tensor, items: Tensor, left_out: Tensor | None = None) -> tuple[Tensor, Tensor]:
        return encode(users, items)

    model.encode = whole  # type: ignore[method-assign]


def _count_padding(model: Recommender) -> None:
    history = model.history
    assert isinstance(history, UserHistory)
    mean = history.forward

    def padded(histories: Adjacency, items: Tensor, users: Tensor | None = None) -> Tensor:
        share = histories.degrees() / _PADDED_LENGTH
        return mean(histories, items, users) * share[:, None]  # V is linear

    history.forward = padded  # type: ignore[method-assign]


def _read_at_test(model: Recommender, known: Interactions) -> None:
    embed, of_training = model.embed, model.histories
    of_all = NeighborTable(torch.from_numpy(known.indptr), torch.from_numpy(known.items))

    def with_all() -> Embeddings:
        model.histories = of_all
        try:
            return embed()
        finally:
            model.histories = of_training

    model.embed = with_all  # type: ignore[method-assign]


def rows() -> list[MeasuredRow]:
    """Give all rows, in the order of the table."""
    published = SimpleXConfig.preset("electronics")
    separate = replace(published, share_history_embedding=False)
    everything = "validation", "test"
    trials = {
        "as specified": Trial(),
        "separate history table": Trial(),
        "the edge stays in its history": Trial(keep_edge=True),
        "padding counts in the mean": Trial(count_padding=True),
        "validation pairs in histories at the test": Trial(validation_in_histories=True),
        "trained on validation pairs too": Trial(train_on_validation=True),
        "trained on validation pairs too, padding counts in the mean": Trial(
            train_on_validation=True, count_padding=True
        ),
        "negatives avoid validation pairs": Trial(avoid=("validation",)),
        "negatives avoid validation and test pairs": Trial(avoid=everything),
        "trained on validation pairs too, negatives avoid test pairs": Trial(
            train_on_validation=True, avoid=everything
        ),
        "the same, separate history table": Trial(train_on_validation=True, avoid=everything),
        "separate history table, negatives avoid validation and test pairs": Trial(avoid=everything),
        "separate history table, trained on validation pairs too": Trial(train_on_validation=True),
    }
    made = []
    for name, trial in trials.items():
        config = separate if "separate" in name else published
        made.append(
            MeasuredRow(
                f"{name}, published protocol",
                Measure(trial, config),
                "SimpleX with the published options.",
                {"trial": asdict(trial), **config.to_dict()},
            )
        )
    return made


TABLE = Table(
    name="electronics_trials",
    title="What the published run on Electronics may have done",
    protocol="As recommenders_electronics; epochs are judged by the test pairs in all rows, as in the published run.",
    notes="Published: Recall@20 .1457, NDCG@20 .0842; after one epoch .1026 / .0586, loss .3575.",
    metrics=METRICS,
    k=K,
    rows=rows(),
    data=partial(fingerprint, WHOLE),
    smallest=[
        MeasuredRow(
            "trained on validation pairs too",
            Measure(
                Trial(train_on_validation=True),
                SimpleXConfig(dim=4, num_epochs=1, batch_size=2048),
                SYNTHETIC,
            ),
        )
    ],
)


def main(arguments: list[str]) -> None:
    """Run the table."""
    curves_figure(TABLE.main(arguments), PUBLISHED, RESULTS / "electronics_trials_curves.png")
