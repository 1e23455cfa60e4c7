"""Which leaks would explain SimpleX's published figures on Electronics: ``python -m benchmarks quality electronics_trials``.

Each row changes the recipe in one or two ways that its publication leaves open; some let test or validation pairs into the
training. None is an option of the library.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from benchmarks.quality._recommenders import Row, Task
from benchmarks.quality._recommenders import main as run
from benchmarks.quality.recommenders_electronics import PUBLISHED
from graphvid.data import AmazonElectronics, Interactions, InteractionSplits
from graphvid.models import Embeddings, Recommender, RecommenderConfig, SimpleXConfig
from graphvid.models.candidates import DrawnItems
from graphvid.nn import UserHistory
from graphvid.ops import Adjacency, NeighborTable
from graphvid.runs import LoadedInteractions, make_recommender
from graphvid.sampling import ItemNegativeSampler

_PADDED_LENGTH = 500  # to which the published runs cut and pad histories


@dataclass(frozen=True)
class Trial:
    """A change of the recipe: what histories, training and the drawing of negatives know."""

    pairs: AmazonElectronics
    keep_edge: bool = False
    count_padding: bool = False
    train_on_validation: bool = False
    validation_in_histories: bool = False
    avoid: tuple[str, ...] = ()

    def __call__(self, data: LoadedInteractions, config: RecommenderConfig) -> tuple[Recommender, LoadedInteractions]:
        """Return the model, and the data by which it is judged."""
        if self.train_on_validation:
            train = self._union(data, "validation")
            data = replace(data, splits=InteractionSplits(data.splits.name, train, data.splits.test))
        model = make_recommender("simplex", data, config)
        if self.avoid:
            assert isinstance(model.candidates, DrawnItems)
            model.candidates.sampler = ItemNegativeSampler(
                self._union(data, *self.avoid), config.num_negatives, reject=True, shared=False, seed=config.seed
            )
        if self.keep_edge:
            _keep_edge(model)
        if self.count_padding:
            _count_padding(model)
        if self.validation_in_histories:
            _read_at_test(model, self._union(data, "validation"))
        return model, data

    def _union(self, data: LoadedInteractions, *others: str) -> Interactions:
        """Return the training pairs of ``data`` and the published splits of these names."""
        train = data.splits.train
        parts = [train, *(getattr(self.pairs, name) for name in others)]
        users, items = (np.concatenate([getattr(part, name) for part in parts]) for name in ("users", "items"))
        return Interactions.from_pairs(
            users, items, num_users=train.num_users, num_items=train.num_items, duplicates="drop"
        )


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


def rows(pairs: AmazonElectronics) -> list[Row]:
    """Give all rows, in the order of the table."""
    published = SimpleXConfig.preset("electronics")
    separate = replace(published, share_history_embedding=False)
    everything = "validation", "test"
    trials = {
        "as specified": Trial(pairs),
        "separate history table": Trial(pairs),
        "the edge stays in its history": Trial(pairs, keep_edge=True),
        "padding counts in the mean": Trial(pairs, count_padding=True),
        "validation pairs in histories at the test": Trial(pairs, validation_in_histories=True),
        "trained on validation pairs too": Trial(pairs, train_on_validation=True),
        "trained on validation pairs too, padding counts in the mean": Trial(
            pairs, train_on_validation=True, count_padding=True
        ),
        "negatives avoid validation pairs": Trial(pairs, avoid=("validation",)),
        "negatives avoid validation and test pairs": Trial(pairs, avoid=everything),
        "trained on validation pairs too, negatives avoid test pairs": Trial(
            pairs, train_on_validation=True, avoid=everything
        ),
        "the same, separate history table": Trial(pairs, train_on_validation=True, avoid=everything),
        "separate history table, negatives avoid validation and test pairs": Trial(pairs, avoid=everything),
        "separate history table, trained on validation pairs too": Trial(pairs, train_on_validation=True),
    }
    return [
        Row(
            f"{name}, published protocol", "SimpleX with the published options.", "simplex",
            separate if "separate" in name else published, "test", trial,
        )
        for name, trial in trials.items()
    ]  # fmt: skip


def main(arguments: list[str]) -> None:
    """Run the table."""
    parser = argparse.ArgumentParser(add_help=False)
    parser.add_argument("--data-dir")
    pairs = AmazonElectronics(parser.parse_known_args(arguments)[0].data_dir)
    protocol = "As recommenders_electronics; epochs are judged by the test pairs in all rows, as in the published run."
    notes = "Published: Recall@20 .1457, NDCG@20 .0842; after one epoch .1026 / .0586, loss .3575."
    title = "What the published run on Electronics may have done"
    task = Task("electronics_trials", title, "amazon-electronics", rows(pairs), protocol, notes, PUBLISHED)
    run(task, arguments)
