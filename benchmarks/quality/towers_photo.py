"""Two towers on Amazon Photo, which product is bought beside which: ``python -m benchmarks quality towers_photo``.

A product is a user, by a vector of its own, of the products that it is bought with, by their words.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from benchmarks._table import MeasuredRow, Table
from benchmarks.quality._recommenders import METRICS, SYNTHETIC, K, trained
from graphvid.data import AmazonCoPurchase, Interactions, InteractionSplits
from graphvid.models import TwoTowerConfig
from graphvid.models.recommenders import CrossBatch, InBatch
from graphvid.tasks.recommendation import LoadedInteractions, load_interactions, make_recommender

BATCH = 128
EPOCH = 1489  # steps of a batch


@dataclass(frozen=True)
class Measure:
    """A training on pairs that are no source of the task."""

    config: TwoTowerConfig
    load: Callable[[str | None], LoadedInteractions]

    def __call__(self, seed: int, data_dir: str | None) -> dict[str, Any]:
        """Return the figures of the test pairs."""
        data = self.load(data_dir)
        return trained(make_recommender("two-tower", data, replace(self.config, seed=seed)), data)


def rows() -> list[MeasuredRow]:
    """Give all rows, in the order of the table."""
    base = TwoTowerConfig(negatives=InBatch(mask_known="known"), batch_size=BATCH, num_epochs=8)
    memory = CrossBatch(memory_size=3 * BATCH, mask_known="known", warmup_steps=EPOCH, fill_during_warmup=True)
    models = {
        f"in-batch, {BATCH}": base,
        f"in-batch, {BATCH}, 9 epochs": replace(base, num_epochs=9),  # the time of 8 with a memory of 3 batches
        f"in-batch, {4 * BATCH}": replace(base, batch_size=4 * BATCH),
        f"cross-batch, {BATCH} + {3 * BATCH}": replace(base, negatives=memory),
        **{
            f"cross-batch split, {BATCH} + {times * BATCH}": replace(
                base, negatives=replace(memory, memory_size=times * BATCH, items_learn_from="batch")
            )
            for times in (3, 15)
        },
    }
    return [
        MeasuredRow(f"content: {name}", Measure(model, load), "Bags of words.", {"model": model})
        for name, model in models.items()
    ]


def load(data_dir: str | None) -> LoadedInteractions:
    """Give four fifths of the edges to training, and a tenth each to validation and test, in both directions."""
    photo = AmazonCoPurchase("photo", data_dir)
    order = np.random.default_rng(0).permutation(photo.num_edges)
    bounds = [int(share * photo.num_edges) for share in (0.8, 0.9)]
    splits = []
    for part in np.split(order, bounds):
        src, dst = photo.src[part], photo.dst[part]
        pairs = np.concatenate([src, dst]), np.concatenate([dst, src])
        splits.append(Interactions.from_pairs(*pairs, num_users=photo.num_nodes, num_items=photo.num_nodes))
    train, validation, test = splits
    ids = photo.features.ids
    return LoadedInteractions(InteractionSplits("photo", train, test, validation), ids, ids, photo.features)


TABLE = Table(
    name="towers_photo",
    title="Two towers on Amazon Photo",
    protocol="7,650 products and 119,081 pairs bought together, four fifths of them for training, a tenth each for "
    "validation and test. All products are ranked for every product of the test, those of training and validation left "
    "out. Epochs, 8 but where a row says otherwise, are judged by the validation pairs. Softmax with temperature 0.1 and "
    "the correction for how often a product is a candidate; known pairs are masked. ``B + M``: B rows a step and M further "
    "negatives. A memory is filled during the first epoch and used from the second on. Split: items learn from the batch "
    "alone.",
    metrics=METRICS,
    k=K,
    rows=rows(),
    data=lambda data_dir: dict(load(data_dir).fingerprint()),
    smallest=[
        MeasuredRow(
            "in-batch",
            Measure(
                TwoTowerConfig(negatives="in_batch", dim=4, num_epochs=1, batch_size=2048),
                lambda data_dir: load_interactions(SYNTHETIC),
            ),
        )
    ],
)


def main(arguments: list[str]) -> None:
    """Run the table."""
    TABLE.main(arguments)
