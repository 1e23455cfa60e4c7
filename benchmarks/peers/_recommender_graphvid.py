"""graphvid's models under the clock, beside the libraries."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

from benchmarks.peers._recommender_task import Answer, Pairs

PACKAGES = ("graphvid", "torch", "dgl", "lightning")
IMPORTS = ("graphvid.models", "lightning")
_WARM_UP = 5


def speed(
    train: Pairs, seed: int, model: str, dim: int, batch_size: int, num_negatives: int, steps: int, **options: Any
) -> Iterator[Answer]:
    """Time at most ``steps`` steps of Lightning's training loop, after a few more; the rest of an epoch is inferred."""
    from lightning import Callback, LightningModule, Trainer

    from benchmarks._training import fit
    from graphvid._record import merge
    from graphvid.data import Interactions
    from graphvid.graphs import user_item_graph
    from graphvid.models import MatrixFactorization, MFConfig, Recommender, RecommenderConfig, SimpleX, SimpleXConfig

    graph = user_item_graph(Interactions(train.indptr, train.items, train.num_items))
    kind: type[RecommenderConfig] = MFConfig if model == "mf" else SimpleXConfig
    base = kind.preset("bpr" if model == "mf" else "default").to_dict()
    sizes = {"dim": dim, "batch_size": batch_size, "num_epochs": 1_000, "seed": seed}
    config = kind.from_dict(merge(base, {**sizes, **options, "negatives.num_negatives": num_negatives}))
    network: Recommender = (MatrixFactorization if model == "mf" else SimpleX)(graph, config)  # type: ignore[arg-type]
    timed = max(steps // network.steps_per_epoch, 1) * min(steps, network.steps_per_epoch)
    clock = {}

    class Clock(Callback):
        def on_train_batch_start(self, trainer: Trainer, module: LightningModule, batch: Any, number: int) -> None:
            if number == _WARM_UP:
                clock["start"] = time.perf_counter()

    fit(network, Clock(), max_steps=_WARM_UP + timed)
    network.before_judging()
    per_step = (time.perf_counter() - clock["start"]) / timed
    yield Answer({"epoch": per_step * network.steps_per_epoch, "part": timed / network.steps_per_epoch})
