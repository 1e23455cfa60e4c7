"""A training step of two towers at the size of two data sets: what a memory of negatives costs beside larger batches.

``python -m benchmarks speed tower_steps``. The features are random numbers, as their values do not change the time.
Turns of the forms alternate; the steps in which memories fill are not counted.
"""

from __future__ import annotations

import argparse
from dataclasses import replace

import numpy as np

from benchmarks.speed import _results
from benchmarks.speed.recommender_steps import Step, alternate, model_step, popular_pairs
from graphvid.graphs import user_item_graph
from graphvid.models import EdgeBatch, TwoTower, TwoTowerConfig
from graphvid.models.recommenders import CrossBatch, InBatch, Mixed

SIZES = {  # users, items, edges, columns of the features
    "TikTok": (9_308, 6_710, 59_541, 256),
    "Amazon Photo": (7_650, 7_650, 190_530, 745),
}
TIMES = (1, 3, 15, 63)  # sizes of the memory, in batches


def main(arguments: list[str]) -> None:
    """Measure and write ``tower_steps.json`` and ``.md``."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks speed tower_steps", description=__doc__)
    parser.add_argument("--batch-size", type=int, default=128)
    parser.add_argument("--steps", type=int, default=100, help="timed steps of each form")
    parser.add_argument("--part", type=float, default=1.0, help="of users, items and edges")
    parser.add_argument("--no-write", action="store_true")
    options = parser.parse_args(arguments)
    rows: list[dict[str, str | float]] = []
    for data, size in SIZES.items():
        spent = _seconds(size, options.part, options.batch_size, options.steps)
        rows += [
            {
                "size of": data,
                "negatives": name,
                "ms a step": 1e3 * seconds,
                "times in-batch": seconds / next(iter(spent.values()))[0],
                "edges a second": round(batch_size / seconds),
            }
            for name, (seconds, batch_size) in spent.items()
        ]
    title = "A step of content towers: rows a step and further negatives"
    print(_results.write("tower_steps", title, rows, write=not options.no_write, part=options.part))


def _seconds(size: tuple[int, int, int, int], part: float, batch: int, steps: int) -> dict[str, tuple[float, int]]:
    """Return the seconds a step and the rows of it for every form."""
    *counts, columns = size
    users, items, edges = (int(part * n) for n in counts)
    graph = user_item_graph(popular_pairs(users, items, edges))
    features = {"frame": np.random.default_rng(0).normal(size=(graph.num_nodes("item"), columns))}
    base = TwoTowerConfig(negatives=InBatch(mask_known="known"), batch_size=batch)
    memories = {times: CrossBatch(memory_size=times * batch, mask_known="known") for times in TIMES}
    configs = {
        f"in-batch, {batch}": base,
        **{
            f"cross-batch, {batch} + {times * batch}": replace(base, negatives=memory)
            for times, memory in memories.items()
        },
        **{
            f"cross-batch split, {batch} + {times * batch}": replace(
                base, negatives=replace(memories[times], items_learn_from="batch")
            )
            for times in (3, 15)
        },
        **{
            f"mixed, {batch} + {times * batch}": replace(
                base, negatives=Mixed(num_negatives=times * batch, mask_known="known")
            )
            for times in (1, 3)
        },
        **{f"in-batch, {times * batch}": replace(base, batch_size=times * batch) for times in (4, 16)},
    }
    models = {name: TwoTower(graph, features, config) for name, config in configs.items()}
    forms = {name: _of_size(model_step(model), model.config.batch_size) for name, model in models.items()}
    edges_of_all = next(iter(models.values())).edges
    spent = alternate(forms, edges_of_all, 16 * batch, steps, warm_up=max(TIMES) + 2)
    return {name: (seconds, configs[name].batch_size) for name, seconds in spent.items()}


def _of_size(step: Step, batch_size: int) -> Step:
    return lambda batch, number: step(EdgeBatch(batch.user[:batch_size], batch.item[:batch_size]), number)
