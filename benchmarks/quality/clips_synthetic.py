"""Clips of moving digits, motion against scenery: ``python -m benchmarks quality clips_synthetic``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import torch
from torch import nn

from benchmarks._table import MeasuredRow, Table, TrainedRow
from graphvid._random import seeded
from graphvid.data import SyntheticMotion
from graphvid.models.clips import (
    BEConfig,
    BEReleasedConfig,
    ClipConfig,
    DSMConfig,
    MoCoConfig,
    MotionContrastConfig,
    SimCLRConfig,
    STCRConfig,
    TripletConfig,
    ViewMaker,
    VTDLConfig,
    build_clip_encoder,
)
from graphvid.optim import schedules
from graphvid.tasks.clips import ClipsSource
from graphvid.tasks.clips.figures import judge_world

SOURCE = ClipsSource(dataset="synthetic-motion")
STILL = replace(SOURCE, drift=0.0)
METRICS = (
    "matched",
    "shifted",
    "gap",
    "cheating",
    "motion",
    "background",
    "sign",
    "sign_of_maps",
    "nearest_motion",
    "nearest_background",
)
SMALLEST = [
    TrainedRow(
        "MoCo",
        "moco",
        ClipsSource(dataset="synthetic-motion", num_videos=32),
        MoCoConfig(num_epochs=1, batch_size=16, width=1, queue_size=16, num_clips=1),
    ),
]
SWAP = MoCoConfig(static_swap=True)
METHODS: Mapping[str, tuple[str, ClipConfig, str]] = {
    "MoCo": ("moco", MoCoConfig(), "Two crops of a clip."),
    "MoCo on differences": ("moco", MoCoConfig.preset("differences"), "The same on frame differences."),
    "differences and shuffles": ("motion-contrast", MotionContrastConfig(), "The library's own."),
    "SimCLR": ("simclr", SimCLRConfig(), "Against the batch, one encoder."),
    "triplets, semi-hard": ("triplet", TripletConfig(), "Margin 0.5."),
    "BE": ("be", BEConfig(), "A still frame of the clip mixed in, up to 0.3."),
    "BE as released": ("be-released", BEReleasedConfig(), "Another segment is pushed too."),
    "static mix from the batch, up to .5": (
        "be",
        replace(BEConfig.preset("batch"), static_mix=0.5),
        "Still frames of others.",
    ),
    "static mix from the batch, up to .9": ("be", BEConfig.preset("batch"), "Still frames of others."),
    "DSM": ("dsm", DSMConfig(), "Smooth warp, shuffled frames pushed."),
    "DSM, weight 8": ("dsm", DSMConfig(negative_weight=8.0), "The shuffled view counts 8 times."),
    "DSM, weight 64": ("dsm", DSMConfig(negative_weight=64.0), "The shuffled view counts 64 times."),
    "VTDL": ("vtdl", VTDLConfig(), "Another segment pushed."),
    "VTDL, weight 8": ("vtdl", VTDLConfig(negative_weight=8.0), "The other segment counts 8 times."),
    "VTDL, weight 64": ("vtdl", VTDLConfig(negative_weight=64.0), "The other segment counts 64 times."),
    "STCR": ("stcr", STCRConfig(), "Sixteen transforms of square and time."),
    "static-layer swap": ("moco", SWAP, "MoCo with exchanged static layers."),
    "static-layer swap, shuffles": ("moco", replace(SWAP, negative="shuffle"), "Shuffled frames pushed too."),
    "negatives of the same scenery": (
        "moco",
        MoCoConfig(scene_negatives=True),
        "MoCo against keys of the same cluster of static layers.",
    ),
    "swap, negatives of the same scenery": (
        "moco",
        replace(SWAP, scene_negatives=True),
        "With exchanged static layers too.",
    ),
    "differences, same scenery": (
        "moco",
        replace(MoCoConfig.preset("differences"), scene_negatives=True),
        "Differences, keys of the same cluster.",
    ),
    "differences, noise floor": (
        "moco",
        replace(MoCoConfig.preset("differences"), noise_floor=0.1),
        "Slow scenery becomes 0.",
    ),
    "differences, swaps and shuffles": (
        "motion-contrast",
        MotionContrastConfig(noise_floor=0.1, static_swap=True),
        "With a noise floor and exchanged static layers.",
    ),
    "frames beside differences": (
        "motion-contrast",
        MotionContrastConfig.preset("both"),
        "The library's own, seeing both.",
    ),
}


def figures(metrics: dict[str, Any]) -> Mapping[str, Any]:
    """Give the figures of the trained encoder."""
    return next(iter(metrics["quality"].values()))


def untrained(metrics: dict[str, Any]) -> Mapping[str, Any]:
    """Give the figures of the encoder without training."""
    return metrics["quality"]["random weights"]


def supervised(seed: int, data_dir: str | None) -> Mapping[str, Any]:
    """Train the same encoder on labels, where scenery and motion are independent: what it could learn at all."""
    config = MoCoConfig(seed=seed)
    world = SyntheticMotion(seed=seed)
    free = SyntheticMotion(seed=seed, rho=0.0).train
    encoder = build_clip_encoder(1, config)
    with seeded(seed, 9):
        classes = nn.Linear(4 * config.width, 4)
    optimizer = torch.optim.Adam(
        [*encoder.parameters(), *classes.parameters()], config.learning_rate, weight_decay=1e-5
    )
    motion, make = torch.from_numpy(free.motion), ViewMaker(free.source, config)
    generator = torch.Generator().manual_seed(seed)
    for step in range(400):
        for group in optimizer.param_groups:
            group["lr"] = config.learning_rate * schedules.cosine(step, num_steps=400)
        rows = torch.randperm(len(motion), generator=generator)[: config.batch_size]
        clips = make(rows, generator, torch.device("cpu")).clips[0]
        loss = nn.functional.cross_entropy(classes(encoder(clips).features), motion[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return judge_world(encoder.eval(), world, config)[0]


def _rows() -> list[TrainedRow | MeasuredRow]:
    rows: list[TrainedRow | MeasuredRow] = [
        TrainedRow("random weights", "moco", SOURCE, MoCoConfig(), "The encoder without training.", untrained)
    ]
    rows += [TrainedRow(name, method, SOURCE, config, about) for name, (method, config, about) in METHODS.items()]
    rows += [
        TrainedRow(f"{name}, still camera", method, STILL, config, "In a world whose scenery stands still.")
        for name, (method, config, _) in METHODS.items()
        if name in ("MoCo", "BE")
    ]
    about = "Trained on the labels of 1,600 videos whose scenery is independent."
    return [*rows, MeasuredRow("supervised, independent scenery", supervised, about, reference=True)]


TABLE = Table(
    name="clips_synthetic",
    title="Motion against scenery: moving digits over textures",
    protocol="1,600 videos of 16 frames, 24 x 24, whose texture is that of the motion's class with probability .95; 400 steps "
    "of 64 clips of 8 frames. Vectors are means of three clips, probes multinomial logistic regressions; see "
    "`graphvid.tasks.clips`. Percent; chance is 25 for motion and scenery, 50 for the sign of a motion. Every seed is a world "
    "of its own.",
    metrics=METRICS,
    rows=_rows(),
    figures=figures,
    smallest=SMALLEST,
)


def main(arguments: list[str]) -> None:
    """Run the table."""
    TABLE.main(arguments)
