"""Answers of a run of the task co-watch: vectors of new videos, neighbours, and a second evaluation."""

from __future__ import annotations

import os
from typing import Any

import numpy as np

from graphvid._files import read_npz
from graphvid.data import Features, load_features
from graphvid.graphs import NodeSplit
from graphvid.models import RGCConfig, build_encoder, embed
from graphvid.models.rgc import Encoder
from graphvid.runs import VectorRun

from .figures import compare

ENCODER, SPLIT = "encoder.safetensors", "split.npz"


class CoWatchRun(VectorRun):
    """A run of the task co-watch: it embeds videos, finds neighbours, and repeats its evaluation."""

    def model(self) -> Encoder:
        """Return the trained encoder, in evaluation mode.

        Raises
        ------
        FileNotFoundError
            The run is unfinished.
        ValueError
            Its weights are truncated, corrupt or of another model.
        """
        tuning = self._tuning()
        options = RGCConfig.from_dict(tuning["options"] if tuning else self.config["model"])
        encoder = build_encoder(self.config["data"]["dims"], options)
        self.load_weights(encoder, ENCODER)
        return encoder

    def read_inputs(self, path: str | os.PathLike[str]) -> Features:
        """Read features with the columns of the run from a file; the rows of a ``.npy`` are read on demand."""
        return load_features(os.fspath(path), mmap=True, num_columns=self.config["data"]["dims"].get("features"))

    def embed(self, features: Features) -> Features:
        """Embed videos from their features, also videos outside the run.

        Parameters
        ----------
        features : Features
            With the modalities of the run.

        Returns
        -------
        Features
            The same ids with the one modality ``"embedding"``, unit rows.
        """
        return Features(features.ids, {"embedding": embed(self.model(), features)})

    def evaluate(self, *, progress: bool = True) -> dict[str, Any]:  # Any: JSON values
        """Read the source again, embed its videos with the saved encoder, and evaluate the test videos.

        Parameters
        ----------
        progress : bool, default True
            Show a bar while the source is read.

        Returns
        -------
        dict
            One entry for each method, as in ``metrics.json`` under ``"cold_start"``.

        Raises
        ------
        FileNotFoundError, ValueError
            As those of `graphvid.runs.Run.read_source`, and an unfinished run.
        """
        encoder, videos = self.model(), self.read_source(progress=progress)
        stored = read_npz(self.directory.require(self.directory.path / SPLIT), ("train", "test"))
        split = NodeSplit(stored["train"].astype(np.int64), stored["test"].astype(np.int64))
        embedding = embed(encoder, videos.features)
        projection = embedding.shape[1] if self._tuning() else None
        seed = RGCConfig.from_dict(self.config["model"]).seed
        scores, _ = compare(videos, split, embedding, projection=projection, seed=seed, progress=progress)
        return scores

    def _tuning(self) -> dict[str, Any] | None:
        found: dict[str, Any] | None = self.metrics.get("tuning")
        return found
