"""A training step of clips: what its views, its graph and its losses cost beside the 3D network.

``python -m benchmarks speed clip_steps``. The same step runs whole; with encoders that answer from memory, so that views, graph
and losses are left; and its views alone. Turns alternate.
"""

from __future__ import annotations

import argparse
import time
import warnings
from collections.abc import Callable

import torch
from torch import Tensor, nn

from benchmarks._measure import interleaved
from benchmarks.speed import _results
from graphvid.data import SyntheticMotion
from graphvid.models.clips import (
    ClipConfig,
    ClipContrast,
    DSMConfig,
    MoCoConfig,
    MotionContrastConfig,
    STCRConfig,
    VTDLConfig,
)
from graphvid.nn import ClipEncoding

METHODS: dict[str, ClipConfig] = {
    "MoCo": MoCoConfig(),
    "DSM": DSMConfig(),
    "VTDL": VTDLConfig(),
    "STCR": STCRConfig(),
    "motion-contrast": MotionContrastConfig(),
}


class Answered(nn.Module):
    """An encoder whose maps and vectors are there already; gradients end in them."""

    def __init__(self, encoder: nn.Module, clips: Tensor) -> None:
        super().__init__()
        found = encoder(clips)
        self.found = ClipEncoding(*(x.detach().requires_grad_() for x in found))

    def forward(self, clips: Tensor) -> ClipEncoding:
        """Return the stored encoding."""
        return self.found


def parts(config: ClipConfig, num_videos: int) -> dict[str, Callable[[], object]]:
    """Return the whole step, the step without encoders, and the views of the step."""
    world = SyntheticMotion(num_train=num_videos, num_matched=4, num_shifted=4, num_decorrelated=4)
    whole, rest = (ClipContrast(world.train.source, config) for _ in range(2))
    for _, filling in zip(range(-(-config.queue_size // config.batch_size)), whole.train_dataloader()):
        with torch.no_grad():  # the queue is full, as it is in all but the first steps
            for model in (whole, rest):
                model.training_step(filling, 0)
    batch = next(iter(whole.train_dataloader()))
    clips = whole.make_views(batch.video, torch.default_generator, torch.device("cpu")).clips[0]
    assert rest.pair is not None
    rest.pair.query, rest.pair.key = (Answered(encoder, clips) for encoder in (rest.pair.query, rest.pair.key))

    def step(model: ClipContrast) -> None:
        model.zero_grad()
        model.training_step(batch, 0).backward()

    return {
        "whole": lambda: step(whole),
        "rest": lambda: step(rest),
        "views": lambda: whole.make_views(batch.video, torch.default_generator, torch.device("cpu")),
    }


def main(arguments: list[str]) -> None:
    """Measure and write ``clip_steps.json`` and ``.md``."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks speed clip_steps", description=__doc__)
    parser.add_argument("--videos", type=int, default=1100, help="videos of the generated world; they fill the queue")
    parser.add_argument("--repeats", type=int, default=41)
    parser.add_argument("--no-write", action="store_true")
    options = parser.parse_args(arguments)
    warnings.simplefilter("ignore")  # Lightning's advice on a model without a trainer
    rows: list[dict[str, str | float]] = []
    for name, config in METHODS.items():
        seconds = interleaved(parts(config, options.videos), repeats=options.repeats, clock=time.process_time)
        step, views = seconds["whole"], seconds["views"]
        losses = max(seconds["rest"] - views, 0.0)
        rows.append(
            {
                "method": name,
                "CPU ms a step": 1e3 * step,
                "views, %": 100 * views / step,
                "graph and losses, ms": 1e3 * losses,
                "graph and losses, %": 100 * losses / step,
            }
        )
    title = f"A training step of {METHODS['MoCo'].batch_size} videos, clips of 8 frames of 24 x 24 pixels"
    threads = torch.get_num_threads()
    print(
        _results.write("clip_steps", title, rows, write=not options.no_write, threads=threads, repeats=options.repeats)
    )
