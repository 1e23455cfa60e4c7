"""A training step of two towers at TikTok's size: what a memory of negatives costs beside larger batches.

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

NUM_USERS, NUM_ITEMS, NUM_EDGES, COLUMNS = 9_308, 6_710, 59_541, 256
TIMES = (1, 3, 15, 63)  # sizes of the memory, in batches


def main(arguments: list[str]) -> None:
    """Measure and write ``tower_steps.json`` and ``.md``."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks speed tower_steps", description=__doc__)
    parser.add_argument("--batch-size", type=int, default=128)
    parser.add_argument("--steps", type=int, default=100, help="timed steps of each form")
    parser.add_argument("--part", type=float, default=1.0, help="of TikTok's users, items and edges")
    parser.add_argument("--no-write", action="store_true")
    options = parser.parse_args(arguments)
    sizes = (int(options.part * n) for n in (NUM_USERS, NUM_ITEMS, NUM_EDGES))
    graph = user_item_graph(popular_pairs(*sizes))
    features = {"frame": np.random.default_rng(0).normal(size=(graph.num_nodes("item"), COLUMNS))}
    batch, rows = options.batch_size, list[dict[str, str | float]]()
    base = TwoTowerConfig(negatives="in_batch", memory_size=0, batch_size=batch, mask_known="known")
    configs = {
        f"in-batch, {batch}": base,
        **{
            f"cross-batch, {batch} + {times * batch}": replace(base, negatives="cross_batch", memory_size=times * batch)
            for times in TIMES
        },
        f"cross-batch split, {batch} + {15 * batch}": replace(
            base, negatives="cross_batch", memory_size=15 * batch, items_learn_from="batch"
        ),
        f"mixed, {batch} + {batch}": replace(base, negatives="mixed", num_negatives=batch),
        f"mixed, {batch} + {3 * batch}": replace(base, negatives="mixed", num_negatives=3 * batch),
        f"in-batch, {4 * batch}": replace(base, batch_size=4 * batch),
        f"in-batch, {16 * batch}": replace(base, batch_size=16 * batch),
    }
    models = {name: TwoTower(graph, features, config) for name, config in configs.items()}
    forms = {name: _of_size(model_step(model), model.config.batch_size) for name, model in models.items()}
    edges = next(iter(models.values())).edges
    spent = alternate(forms, edges, 16 * batch, options.steps, warm_up=max(TIMES) + 2)
    for name, seconds in spent.items():
        config = configs[name]
        rows.append(
            {
                "negatives": name,
                "ms a step": 1e3 * seconds,
                "times in-batch": seconds / next(iter(spent.values())),
                "edges a second": round(config.batch_size / seconds),
            }
        )
    title = "A step of content towers, as on TikTok: rows a step and further negatives"
    print(_results.write("tower_steps", title, rows, write=not options.no_write, part=options.part, columns=COLUMNS))


def _of_size(step: Step, batch_size: int) -> Step:
    return lambda batch, number: step(EdgeBatch(batch.user[:batch_size], batch.item[:batch_size]), number)
