"""An epoch of model 1 at the contest's size: batches of pairs in random order, and grown over the graph of pairs.

``python -m benchmarks speed pair_order``. The pairs are those of the generated contest (2,400 videos, 10,000 pairs), the
frames 32 of 1,536 random numbers, as their values do not change the time. Every step of an epoch costs by its number of
distinct videos; steps of both orders alternate, and their mean is multiplied by the steps of an epoch.
"""

from __future__ import annotations

import argparse
import statistics
import time
from dataclasses import replace
from typing import Any

import numpy as np
import torch

from benchmarks.speed import _results
from graphvid.data import FrameStore, SyntheticVideoPairs, TagVocabulary, TitleTokenizer, VideoRecords
from graphvid.models import TwinTower, TwinTowerConfig, VideoInputs
from graphvid.models.towers import build_text_encoder

FRAMES, COLUMNS = 32, 1536


def main(arguments: list[str]) -> None:
    """Measure and write ``pair_order.json`` and ``.md``."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks speed pair_order", description=__doc__)
    parser.add_argument("--batch-sizes", type=int, nargs="+", default=[64, 256])
    parser.add_argument("--steps", type=int, default=3, help="timed steps of each order and size")
    parser.add_argument("--no-write", action="store_true")
    options = parser.parse_args(arguments)
    rows: list[dict[str, str | float]] = []
    for batch_size in options.batch_sizes:
        spent = _steps(batch_size, options.steps)
        random = statistics.mean(spent["random"][0])
        for order, (seconds, videos, per_epoch) in spent.items():
            mean = statistics.mean(seconds)
            rows.append(
                {
                    "pairs a batch": batch_size,
                    "order": order,
                    "videos a batch": statistics.mean(videos),
                    "pairs of a video": 2 * batch_size / statistics.mean(videos),
                    "s a step": mean,
                    "minutes an epoch": mean * per_epoch / 60,
                    "times as fast": random / mean,
                }
            )
    title = "An epoch of model 1, 32 frames of 1,536 columns"
    print(_results.write("pair_order", title, rows, write=not options.no_write, steps=options.steps))


def _steps(batch_size: int, steps: int) -> dict[str, tuple[list[float], list[int], int]]:
    """Return seconds and distinct videos of some steps of each order, and the steps of an epoch."""
    world = SyntheticVideoPairs(num_pointwise=1, num_test_videos=2, num_test_pairs=1)
    videos, pairs = world.train.videos, world.train.pairs
    assert pairs is not None
    assert videos.title is not None
    assert videos.tag_id is not None
    # One video's frames for all: what is read from disk is not what differs.
    one = np.random.default_rng(0).normal(size=(FRAMES, COLUMNS)).astype(np.float16)
    shared = np.lib.stride_tricks.as_strided(one, (videos.num_videos, FRAMES, COLUMNS), (0, *one.strides))
    store = FrameStore(shared.reshape(-1, COLUMNS), FRAMES * np.arange(videos.num_videos + 1))
    records = VideoRecords(videos.ids, store, videos.title, tag_id=videos.tag_id)
    tokenizer, base = TitleTokenizer.of_words(videos.title), TwinTowerConfig(batch_size=batch_size)
    models = {}
    orders: dict[str, dict[str, Any]] = {  # Any: values of options
        "random": {},
        "patches of 8": {"pair_order": "local"},
        "one patch": {"pair_order": "local", "patch_size": batch_size},
    }
    for order, options in orders.items():
        config = replace(base, **options)
        inputs = VideoInputs(records, config, tokenizer, TagVocabulary.most_frequent(videos.tag_id))
        models[order] = TwinTower(inputs, config, pairs=pairs, text=build_text_encoder(config, tokenizer.num_pieces))
    batches = {order: iter(model.train_dataloader()) for order, model in models.items()}
    optimizers = {order: torch.optim.AdamW(model.parameters()) for order, model in models.items()}
    found: dict[str, tuple[list[float], list[int], int]] = {
        order: ([], [], model.steps_per_epoch) for order, model in models.items()
    }
    for number in range(steps + 1):
        for order, model in models.items():
            rows = next(batches[order]).row
            start = time.perf_counter()
            optimizers[order].zero_grad()
            model.losses(rows)["loss"].backward()
            optimizers[order].step()
            if number:  # the first warms up
                ends = np.concatenate([pairs.query[rows], pairs.candidate[rows]])
                found[order][0].append(time.perf_counter() - start)
                found[order][1].append(len(np.unique(ends)))
    return found
