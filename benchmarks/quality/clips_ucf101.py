"""A hundred real action clips: ``python -m benchmarks quality clips_ucf101``; needs PyAV, the extra ``video``."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import lru_cache, partial
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import binomtest

from benchmarks._table import MeasuredRow, Table
from benchmarks._training import fit
from graphvid.data import PixelStore, UCF101Clips
from graphvid.models.clips import (
    ClipConfig,
    ClipContrast,
    DSMConfig,
    MoCoConfig,
    MotionContrastConfig,
    build_clip_encoder,
    clip_refs,
)
from graphvid.tasks.clips.figures import EncodeRefs, color_histograms, cosines, encoder_of_refs, judge_videos

METRICS = ("thirds", "same_class")
SIZE, STEPS = (30, 40), 400
_SHAPE: Mapping[str, Any] = {"batch_size": 50, "num_epochs": STEPS // 2, "queue_size": 500}
PLAIN = MoCoConfig(**_SHAPE)
METHODS: Mapping[str, tuple[ClipConfig, str]] = {
    "MoCo": (PLAIN, "Two crops of a clip."),
    "MoCo on differences": (MoCoConfig(inputs="differences", **_SHAPE), "The same on frame differences."),
    "DSM": (DSMConfig(**_SHAPE), "Smooth warp, shuffled frames pushed."),
    "differences and shuffles": (MotionContrastConfig(**_SHAPE), "The library's own."),
    "frames beside differences": (
        MotionContrastConfig(inputs="both", static_swap=True, **_SHAPE),
        "The library's own, seeing both.",
    ),
}
Ints = NDArray[np.int64]
Encoder = Callable[[PixelStore, int], EncodeRefs]  # from videos and a seed


@lru_cache(maxsize=1)
def decoded(data_dir: str | None) -> PixelStore:
    """Give all frames of the clips, 30 x 40 pixels."""
    videos = UCF101Clips(data_dir).videos(SIZE)
    return PixelStore.from_videos({v: videos.clip(i, 0, int(videos.num_frames[i])) for i, v in enumerate(videos.ids)})


def judge(encoder: Encoder, config: ClipConfig, seed: int, data_dir: str | None) -> dict[str, Any]:
    """Judge vectors of the hundred clips."""
    source, data = decoded(data_dir), UCF101Clips(data_dir)
    rows = data.ids.get_indexer(source.ids)
    return judge_clips(encoder, config, seed, source, data.label[rows], data.group[rows])


def judge_clips(
    encoder: Encoder, config: ClipConfig, seed: int, source: PixelStore, label: Ints, group: Ints
) -> dict[str, Any]:
    """Give the share of first thirds that find their last third, and of clips whose nearest of other groups has their class."""
    encode = encoder(source, seed)
    thirds = judge_videos(encode, source, config, None)[0]
    refs = [ref for v, frames in enumerate(source.num_frames) for ref in clip_refs(v, int(frames), config)]
    vectors = encode(source, refs).reshape(len(source.ids), config.num_clips, -1).mean(axis=1)
    similar = cosines(vectors, vectors, center=vectors.mean(axis=0))
    same_class, same_group = label[:, None] == label, group[:, None] == group
    similar[same_class & same_group] = -np.inf
    queries = np.flatnonzero((same_class & ~same_group).any(axis=1))
    hits = int((label[similar[queries].argmax(axis=1)] == label[queries]).sum())
    interval = binomtest(hits, len(queries)).proportion_ci(method="wilson")
    return {
        "thirds": thirds["thirds"],
        "same_class": 100 * hits / len(queries),
        "num_thirds": thirds["num_thirds"],
        "hits": hits,
        "queries": len(queries),
        "interval": [100 * interval.low, 100 * interval.high],
    }


def histograms(source: PixelStore, seed: int) -> EncodeRefs:
    """Give histograms of colours."""
    return color_histograms


def learnt(config: ClipConfig, steps: int, source: PixelStore, seed: int) -> EncodeRefs:
    """Train an encoder on the clips themselves, without labels."""
    config = replace(config, seed=seed)
    if not steps:
        return encoder_of_refs(build_clip_encoder(source.frame_shape[2], config))
    model = ClipContrast(source, config)
    fit(model, max_steps=steps)
    return encoder_of_refs(model.encoder)


def _rows() -> list[MeasuredRow]:
    def row(name: str, encoder: Encoder, clips: ClipConfig, about: str, **made_by: Any) -> MeasuredRow:
        return MeasuredRow(name, partial(judge, encoder, clips), about, made_by, seeded=bool(made_by))

    trained = [
        row(name, partial(learnt, config, STEPS), config, about, config=config, steps=STEPS)
        for name, (config, about) in METHODS.items()
    ]
    return [
        row("colour histogram", histograms, PLAIN, "Square roots of the shares of 512 colours."),
        row("random weights", partial(learnt, PLAIN, 0), PLAIN, "Untrained.", config=PLAIN, steps=0),
        *trained,
    ]


def _toy(seed: int, data_dir: str | None) -> dict[str, Any]:
    rng = np.random.default_rng(seed)
    clips = PixelStore.from_videos({v: rng.integers(0, 256, (24, 16, 16, 3), dtype=np.uint8) for v in range(8)})
    config = MoCoConfig(batch_size=8, queue_size=8, num_epochs=1, width=1)
    return judge_clips(partial(learnt, config, 1), config, seed, clips, np.arange(8) % 2, np.arange(8) // 2)


TABLE = Table(
    name="clips_ucf101",
    title="A hundred real clips",
    protocol="UCF101 clips of 62 classes at 30 x 40 pixels, trained on and judged, without labels: 400 steps of 50 clips of 8 "
    "frames. Percent. ``thirds``: the first third of a clip finds its last third among all last thirds. ``same_class``: the "
    "nearest clip of another group (another source video) has the same class, over the clips whose class has one.",
    metrics=METRICS,
    rows=_rows(),
    data=lambda data_dir: {"name": UCF101Clips.name, "clips": len(UCF101Clips(data_dir).ids)},
    smallest=[MeasuredRow("noise", _toy)],
)


def main(arguments: list[str]) -> None:
    """Run the table."""
    TABLE.main(arguments)
