"""Answers of a run of the task clips: vectors of new videos, similar videos, and a second evaluation."""

from __future__ import annotations

import os
from typing import Any

from graphvid.data import ClipSource, Features, PixelStore
from graphvid.models.clips import ClipConfig, build_clip_encoder, embed_videos
from graphvid.nn import ClipEncoder
from graphvid.runs import VectorRun

from .figures import Hits, Json, encoder_of_refs, judge_videos, judge_world
from .source import LoadedClips, open_videos

ENCODER, STRIPS = "encoder.safetensors", "strips.npz"


class ClipsRun(VectorRun):
    """A run of the task clips: it embeds videos, finds similar videos of the run, and repeats its evaluation."""

    def model(self) -> ClipEncoder:
        """Return the trained encoder, in evaluation mode.

        Raises
        ------
        FileNotFoundError
            The run is unfinished.
        ValueError
            Its weights are truncated, corrupt or of another model.
        """
        encoder = build_clip_encoder(self.config["data"]["frame_shape"][2], self._config())
        self.load_weights(encoder, ENCODER)
        return encoder

    def embed(self, videos: ClipSource) -> Features:
        """Embed videos, also videos outside the run.

        Parameters
        ----------
        videos : ClipSource
            With frames of the size and channels of the run.

        Returns
        -------
        Features
            Their ids with the one modality ``"embedding"``: the mean over ``num_clips`` clips of each video, evenly spaced
            from its first frame to its last; see `graphvid.models.clips.clip_refs`.

        Raises
        ------
        ValueError
            Frames of another shape, or a video shorter than a clip; names it.
        """
        if isinstance(videos, Features):
            raise TypeError(
                "videos must be a ClipSource, such as a PixelStore, got Features: a run on clips reads pixels"
            )
        shape = tuple(self.config["data"]["frame_shape"])
        if tuple(videos.frame_shape) != shape:
            raise ValueError(
                f"videos must have frames of (height, width, channels) {shape}, got {tuple(videos.frame_shape)}"
            )
        return Features(videos.ids, {"embedding": embed_videos(self.model(), videos, self._config())})

    def read_inputs(self, path: str | os.PathLike[str]) -> PixelStore:
        """Read the input of `embed`: a folder of videos, scaled to the size of the run, or of decoded pixels."""
        height, width, channels = self.config["data"]["frame_shape"]
        return open_videos(os.fspath(path), (height, width), channels=channels, progress=False)

    def evaluate(self, *, progress: bool = True) -> dict[str, Any]:  # Any: JSON values
        """Read the source again, and evaluate the saved encoder on it.

        Parameters
        ----------
        progress : bool, default True
            Show a bar while videos are decoded.

        Returns
        -------
        dict
            One entry, as in ``metrics.json`` under ``"quality"``.

        Raises
        ------
        FileNotFoundError, ValueError
            As those of `graphvid.runs.Run.read_source`, and an unfinished run.
        """
        encoder, data = self.model(), self.read_source(progress=progress)
        return {self.config["title"]: judge_encoder(encoder, data, self._config())[0]}

    def _config(self) -> ClipConfig:
        options = self.options
        assert isinstance(options, ClipConfig)
        return options


def judge_encoder(encoder: ClipEncoder, data: LoadedClips, config: ClipConfig) -> tuple[Json, Hits]:
    """Evaluate an encoder on the generated world or on other videos; return the figures and the hits of the first figure."""
    if data.world is not None:
        return judge_world(encoder, data.world, config)
    return judge_videos(encoder_of_refs(encoder), data.source, config, data.labels)
