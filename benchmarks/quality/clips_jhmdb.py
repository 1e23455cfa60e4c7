"""Actions from drawn poses without labels: ``python -m benchmarks quality clips_jhmdb``."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.spatial.distance import cdist
from torch import nn

from benchmarks._table import MeasuredRow, Table
from benchmarks._training import fit
from graphvid._random import seeded
from graphvid.clustering import affinity_clustering
from graphvid.data import JHMDBPose, PixelStore, PoseClips, PoseSplit, draw_poses
from graphvid.models.clips import (
    ClipConfig,
    ClipContrast,
    DSMConfig,
    MoCoConfig,
    MotionContrastConfig,
    ViewMaker,
    build_clip_encoder,
    embed_videos,
)
from graphvid.nn import ClipEncoder
from graphvid.optim import schedules
from graphvid.tasks.clips.figures import cosines

Floats = NDArray[np.float32]
Vectors = Callable[[PoseSplit, int], tuple[Floats, Floats]]  # from a split and a seed: of clips to train and to test
Likeness = Callable[[Floats, Floats], Floats]
NUM_FRAMES, STEPS = 16, 200
NEIGHBORS, LEVEL = 5, 2  # of the graph of clips that is clustered
_VIEWS: Mapping[str, Any] = {  # drawn joints have no light, and where a joint is says what a person does
    "stride": 2,
    "num_epochs": 29,  # of 7 batches
    "brightness": 0.0,
    "contrast": 0.0,
    "crop_shift": 2,
    "pooling": "2x2x2",
    "learning_rate": 1e-3,
}
METRICS = ("accuracy", "split_1", "split_2", "split_3")
METHODS: Mapping[str, tuple[ClipConfig, str]] = {
    "MoCo": (MoCoConfig(**_VIEWS), "Two crops of a clip."),
    "MoCo, warp": (MoCoConfig(warp=0.3, **_VIEWS), "The query warped by up to 0.3."),
    "DSM": (DSMConfig(warp=0.3, **_VIEWS), "Smooth warp of up to 0.3, shuffled frames pushed."),
    "differences and shuffles": (MotionContrastConfig(**_VIEWS), "The library's own."),
}


def resample(pose: Floats) -> Floats:
    """Return the joints at 16 moments, evenly spaced from the first frame to the last."""
    place = np.linspace(0, len(pose) - 1, NUM_FRAMES)
    low = np.minimum(place.astype(int), len(pose) - 2)
    share = (place - low)[:, None, None]
    found: Floats = ((1 - share) * pose[low] + share * pose[low + 1]).astype(np.float32)
    return found


def resampled(centered: bool, split: PoseSplit, seed: int) -> tuple[Floats, Floats]:
    """Give the joints at 16 moments of each clip, as they are or less their mean."""

    def of_clip(pose: Floats) -> Floats:
        return resample(pose - pose.mean((0, 1)) if centered else pose).ravel()

    train, test = (np.stack([of_clip(pose) for pose in part.poses]) for part in (split.train, split.test))
    return train, test


def learnt(config: ClipConfig, steps: int, split: PoseSplit, seed: int) -> tuple[Floats, Floats]:
    """Train an encoder on drawn clips without labels, and give its vectors."""
    train, test = drawn(split)
    model = ClipContrast(train, replace(config, seed=seed))
    if steps:
        fit(model, max_steps=steps)
    return vectors(model.encoder, model.config, train, test)


def supervised(config: ClipConfig, split: PoseSplit, seed: int) -> tuple[Floats, Floats]:
    """Train the same encoder on the labels, with the same views, and give its vectors."""
    return of_labels(config, split, split.train.label, seed)


def clustered(config: ClipConfig, split: PoseSplit, seed: int) -> tuple[Floats, Floats]:
    """Train the encoder on the clusters of its vectors before training as if they were labels, and give its vectors."""
    from sklearn.neighbors import kneighbors_graph

    untrained, _ = learnt(config, 0, split, seed)
    rows = untrained - untrained.mean(axis=0)
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    graph = kneighbors_graph(rows, NEIGHBORS, mode="distance")
    graph.data = 1 - graph.data**2 / 2  # cosines of rows of length 1
    tree = affinity_clustering(graph.maximum(graph.T), num_levels=LEVEL)
    return of_labels(config, split, tree.labels[LEVEL].astype(np.int64), seed)


def of_labels(config: ClipConfig, split: PoseSplit, labels: NDArray[np.int64], seed: int) -> tuple[Floats, Floats]:
    """Train the encoder to tell the labels of the training clips, and give its vectors."""
    train, test = drawn(split)
    config = replace(config, seed=seed)
    label = torch.from_numpy(labels)
    encoder, make = build_clip_encoder(train.frame_shape[2], config), ViewMaker(train, config)
    with seeded(seed, 9):
        classes = nn.Linear(encoder.num_features, int(label.max()) + 1)
    parameters = [*encoder.parameters(), *classes.parameters()]
    optimizer = torch.optim.Adam(parameters, config.learning_rate, weight_decay=config.weight_decay)
    generator = torch.Generator().manual_seed(seed)
    for step in range(STEPS):
        optimizer.param_groups[0]["lr"] = config.learning_rate * schedules.cosine(step, num_steps=STEPS)
        rows = torch.randperm(len(label), generator=generator)[: config.batch_size]
        clips = make(rows, generator, torch.device("cpu")).clips[0]
        loss = nn.functional.cross_entropy(classes(encoder(clips).features), label[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return vectors(encoder, config, train, test)


def drawn(split: PoseSplit) -> tuple[PixelStore, PixelStore]:
    """Draw the joints at 16 moments as clips of 24 x 24 pixels with 15 channels."""
    train, test = (draw_poses([resample(pose) for pose in part.poses]) for part in (split.train, split.test))
    return train, test


def vectors(encoder: ClipEncoder, config: ClipConfig, *parts: PixelStore) -> tuple[Floats, Floats]:
    """Give the vectors of clips."""
    train, test = (embed_videos(encoder, part, config) for part in parts)
    return train, test


def judge(of_split: Vectors, likeness: Likeness, seed: int, data_dir: str | None) -> dict[str, Any]:
    """Judge vectors on the official splits."""
    return judge_splits(of_split, likeness, seed, JHMDBPose(data_dir).splits)


def judge_splits(of_split: Vectors, likeness: Likeness, seed: int, splits: Sequence[PoseSplit]) -> dict[str, Any]:
    """Give the share of test clips whose nearest training clip has their label, and of training clips, each left out."""
    of_test, of_train = [], []
    for split in splits:
        train, test = of_split(split, seed)
        label = split.train.label
        of_test.append(float((label[likeness(test, train).argmax(axis=1)] == split.test.label).mean()))
        others = likeness(train, train)
        np.fill_diagonal(others, -np.inf)
        of_train.append(float((label[others.argmax(axis=1)] == label).mean()))
    by_split = {f"split_{number}": share for number, share in enumerate(of_test, 1)}
    return {"accuracy": float(np.mean(of_test)), **by_split, "training_clips": of_train}


def centered_cosines(queries: Floats, train: Floats) -> Floats:
    """Give cosines about the training mean."""
    return cosines(queries, train, center=train.mean(axis=0))


def closeness(queries: Floats, train: Floats) -> Floats:
    """Give the distances, negative."""
    return -cdist(queries, train)


def _rows() -> list[MeasuredRow]:
    plain = MoCoConfig(**_VIEWS)
    with_light = replace(plain, brightness=0.2, contrast=0.4)  # the defaults

    def row(name: str, of_split: Vectors, about: str, *, reference: bool = False, **made_by: Any) -> MeasuredRow:
        measure = partial(judge, of_split, centered_cosines if made_by else closeness)
        return MeasuredRow(name, measure, about, made_by, reference=reference, seeded=bool(made_by))

    trained = [
        row(name, partial(learnt, config, STEPS), about, config=config, steps=STEPS)
        for name, (config, about) in METHODS.items()
    ]
    return [
        row("raw poses", partial(resampled, False), "Joints at 16 moments; nearest by distance."),
        row("centred poses", partial(resampled, True), "The same less their mean."),
        row("random weights", partial(learnt, plain, 0), "The encoder untrained.", config=plain, steps=0),
        *trained,
        row(
            "clusters as labels",
            partial(clustered, plain),
            "Affinity clusters of the vectors before training, learned as if they were labels.",
            config=plain,
            clusters={"neighbors": NEIGHBORS, "level": LEVEL},
        ),
        row(
            "supervised",
            partial(supervised, plain),
            "The same encoder with labels.",
            reference=True,
            config=plain,
            labels=True,
        ),
        row(
            "supervised, light changed",
            partial(supervised, with_light),
            "With the default changes of brightness and contrast.",
            reference=True,
            config=with_light,
            labels=True,
        ),
    ]


def _toy(seed: int, data_dir: str | None) -> dict[str, Any]:
    rng = np.random.default_rng(seed)
    clips = [PoseClips(list(rng.normal(0, 0.1, (n, 16, 3, 2)).cumsum(1)), np.arange(n) % 2) for n in (8, 4)]
    config = MoCoConfig(batch_size=8, queue_size=8, num_epochs=1, width=1)
    return judge_splits(partial(learnt, config, 1), centered_cosines, seed, [PoseSplit(*clips)] * 3)


TABLE = Table(
    name="clips_jhmdb",
    title="Actions from drawn poses, without labels",
    protocol="609 JHMDB clips of 14 actions in three official splits, each resampled to 16 moments. Joints are drawn as 15 "
    "channels of 24 x 24 pixels, centred; an encoder learns from the training clips without labels, 200 steps of 64 clips of 8 "
    "frames. A test clip has the label of its nearest training clip (cosine about the training mean). Vectors are means of the "
    "map over two halves of time, height and width. Learning rate, warp, crop and the level of the clusters were chosen on "
    "the training clips, each left out. The other columns are the splits.",
    metrics=METRICS,
    rows=_rows(),
    data=lambda data_dir: {
        "name": JHMDBPose.name,
        "clips": [len(split.train.label) for split in JHMDBPose(data_dir).splits],
    },
    smallest=[MeasuredRow("random walks", _toy)],
)


def main(arguments: list[str]) -> None:
    """Run the table."""
    TABLE.main(arguments)
