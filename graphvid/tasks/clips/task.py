"""The task clips: learn an encoder of clips without labels, and evaluate whether it represents motion or scenery."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np

from graphvid._files import atomic_path
from graphvid.models.clips import RECIPES, ClipContrast, build_clip_encoder, embed_videos
from graphvid.runs import (
    Json,
    Method,
    Parts,
    Report,
    RunDirectory,
    Task,
    Training,
    judge,
    write_tensors,
    write_vectors,
)

from .answers import ENCODER, STRIPS, ClipsRun, judge_encoder
from .figures import color_histograms, judge_videos
from .report import report
from .source import ClipsSource, LoadedClips, load_clips
from .strips import nearest_strips

_TITLES = {
    "moco": "MoCo",
    "simclr": "SimCLR",
    "triplet": "semi-hard triplets",
    "be": "BE",
    "be-released": "BE as released",
    "dsm": "DSM",
    "vtdl": "VTDL",
    "stcr": "STCR",
    "motion-contrast": "differences and shuffles",
}


class Clips(Task[ClipsSource, LoadedClips]):
    """Vectors of videos from their clips, learned without labels.

    A run adds the files ``encoder.safetensors``, ``embeddings.npz`` (``ids`` and ``embedding``) and ``strips.npz`` (frames of
    some videos and of those nearest to them).
    """

    source = ClipsSource
    methods: ClassVar[Mapping[str, Method]] = {name: Method(_TITLES[name], kind) for name, kind in RECIPES.items()}
    answers = ClipsRun

    def load(self, source: ClipsSource, *, progress: bool) -> LoadedClips:
        """Read the source."""
        return load_clips(source, progress=progress)

    def prepare(self, run: RunDirectory, method: str, data: LoadedClips, config: Any, *, progress: bool) -> Training:
        """Build the model."""
        model = ClipContrast(data.source, config)

        def finish(parts: Parts) -> Json:
            encoder = model.encoder.cpu().eval()
            write_tensors(run.path / ENCODER, encoder.state_dict())
            vectors = embed_videos(encoder, data.source, config)
            write_vectors(run, embedding=(data.source.ids, vectors))
            with atomic_path(run.path / STRIPS) as temporary:
                np.savez(temporary, **nearest_strips(data.source, vectors))  # type: ignore[arg-type]
            untrained = build_clip_encoder(data.source.frame_shape[2], config).eval()
            title = self.methods[method].title
            judged = {
                title: judge_encoder(encoder, data, config),
                "random weights": judge_encoder(untrained, data, config),
            }
            if data.world is None:
                judged["colour histogram"] = judge_videos(color_histograms, data.source, config, data.labels)
            hits = {name: found for name, (_, found) in judged.items()}
            figure = "share of thirds found" if data.world is None else "share of motions read"
            verdict = judge(figure, title, hits).to_dict() if len(hits[title]) > 1 else None
            return {"quality": {name: figures for name, (figures, _) in judged.items()}, "verdict": verdict}

        epoch = model.steps_per_epoch
        return Training(finish, model, log_every=min(epoch, 25), checkpoint_every=min(max(epoch, 25), 200))

    def report(self, run: RunDirectory) -> Report:
        """Describe a finished run."""
        return report(run)
