"""A training step of MF-CCL at Gowalla's size: how time grows with negatives, and what updates of the tables cost.

``python -m benchmarks speed recommender_steps``. All forms start from the same weights and take the same edges in the
same order; their turns alternate, so that what else the machine does falls on all of them. The floor is the arithmetic
of the scores, three products of batch x negatives x dim, at the speed of a large matrix product in the same run.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable, Iterator
from dataclasses import replace

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import normalize

from benchmarks.speed import _results
from graphvid.data import Interactions
from graphvid.graphs import user_item_graph
from graphvid.models import EdgeBatch, MatrixFactorization, MFConfig, Recommender
from graphvid.models.recommenders import PerEdge, Shared
from graphvid.sampling import ShuffledBatches

NUM_USERS, NUM_ITEMS, NUM_EDGES = 29_858, 40_981, 810_128
Step = Callable[[EdgeBatch, int], None]


def main(arguments: list[str]) -> None:
    """Measure and write ``recommender_steps.json`` and ``.md``."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks speed recommender_steps", description=__doc__)
    parser.add_argument("--negatives", type=int, nargs="+", default=[100, 400, 800, 1600, 3200])
    parser.add_argument("--batch-size", type=int, default=256)
    parser.add_argument("--steps", type=int, default=15, help="timed steps of each form")
    parser.add_argument("--part", type=float, default=1.0, help="of Gowalla's users, items and edges")
    parser.add_argument("--no-write", action="store_true")
    options = parser.parse_args(arguments)
    sizes = (int(options.part * n) for n in (NUM_USERS, NUM_ITEMS, NUM_EDGES))
    graph = user_item_graph(popular_pairs(*sizes))
    rows: list[dict[str, str | float]] = []
    for count in options.negatives:
        base = MFConfig(negatives=Shared(num_negatives=count), batch_size=options.batch_size)
        drawn = replace(base, negatives=PerEdge(num_negatives=count))
        forms = {
            "shared, deferred Adam": model_step(MatrixFactorization(graph, base)),
            "shared, fused dense Adam": model_step(MatrixFactorization(graph, replace(base, optimizer="adam"))),
            "per edge by one product, deferred Adam": model_step(MatrixFactorization(graph, drawn)),
            "per edge by one product, fused dense Adam": model_step(
                MatrixFactorization(graph, replace(drawn, optimizer="adam"))
            ),
            "per edge by gathered vectors, plain dense Adam": _gathered_step(graph, drawn),
        }
        spent = alternate(forms, MatrixFactorization(graph, base).edges, base.batch_size, options.steps)
        floor = 6 * options.batch_size * count * base.dim / _flops_a_second()
        for name, seconds in spent.items():
            rows.append(
                {
                    "negatives": count,
                    "form": name,
                    "ms a step": 1e3 * seconds,
                    "times the fastest": seconds / min(spent.values()),
                    "floor ms": 1e3 * floor,
                    "s an epoch": seconds * NUM_EDGES * options.part / options.batch_size,
                }
            )
    title = f"A step of MF-CCL at Gowalla's size, batches of {options.batch_size}"
    print(_results.write("recommender_steps", title, rows, write=not options.no_write, part=options.part))


def popular_pairs(num_users: int, num_items: int, num_edges: int) -> Interactions:
    """Return random pairs, some items far more popular than others."""
    rng = np.random.default_rng(0)
    items = (num_items * rng.random(num_edges) ** 2).astype(np.int64)
    return Interactions.from_pairs(
        rng.integers(num_users, size=num_edges), items, num_users=num_users, num_items=num_items, duplicates="drop"
    )


def model_step(model: Recommender) -> Step:
    """Return a step of a model with the optimiser that it asks for."""
    optimizer = model.configure_optimizers()

    def step(batch: EdgeBatch, number: int) -> None:
        optimizer.zero_grad()
        model.candidates(model.vectors, batch.user, batch.item, number).backward()
        optimizer.step()

    return step


def _gathered_step(graph: object, config: MFConfig) -> Step:
    """Pick a vector for every negative of every row, as the authors' code does, and update all rows."""
    model = MatrixFactorization(graph, replace(config, optimizer="adam"))  # type: ignore[arg-type]
    optimizer = torch.optim.Adam(model.parameters(), lr=config.learning_rate)

    def step(batch: EdgeBatch, number: int) -> None:
        drawn = model.candidates.sampler.sample(batch.user, number).items  # type: ignore[union-attr, operator]
        optimizer.zero_grad()
        items = torch.cat([batch.item[:, None], drawn], dim=1)
        users = _unit(model.users.weight, batch.user)
        scores = (users[:, None] * _unit(model.items.weight, items)).sum(dim=2)
        model.candidates.loss(scores[:, 0], scores[:, 1:]).backward()
        optimizer.step()

    return step


def _unit(weight: nn.Parameter, rows: Tensor) -> Tensor:
    return normalize(nn.functional.embedding(rows, weight), dim=-1)


def alternate(
    forms: dict[str, Step], edges: EdgeBatch, batch_size: int, steps: int, warm_up: int = 3
) -> dict[str, float]:
    """Return the median seconds a step of every form, the first steps left out.

    The forms take turns in random order, so that none always follows one that has emptied the caches.
    """
    order = np.random.default_rng(0)
    batches: Iterator[EdgeBatch] = iter(ShuffledBatches(edges, batch_size, warm_up + steps, 0))
    spent: dict[str, list[float]] = {name: [] for name in forms}
    for number in range(warm_up + steps):
        batch = next(batches)
        for name in order.permutation(list(forms)).tolist():
            started = time.perf_counter()
            forms[name](batch, number)
            spent[name].append(time.perf_counter() - started)
    return {name: statistics.median(seconds[warm_up:]) for name, seconds in spent.items()}


def _flops_a_second(size: int = 2048, repeats: int = 3) -> float:
    left = torch.rand(size, size)
    found = []
    for _ in range(repeats + 1):
        started = time.perf_counter()
        left @ left
        found.append(time.perf_counter() - started)
    return 2 * size**3 / min(found)
