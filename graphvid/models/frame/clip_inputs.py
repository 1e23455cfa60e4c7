"""Inputs of the clips of a `FRAME`: standardised features, and learned features and vectors of ids."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn.functional import pad
from tqdm import tqdm

from graphvid.data import ClipFeatures
from graphvid.models.frame.config import FRAMEConfig
from graphvid.nn import Standardize

_CHUNK_VALUES = 2**22  # of features, held at once where many videos are visited


class ClipInputs(nn.Module):
    """Inputs of the clips of videos: stored features, learned features, vectors of ids.

    Parameters
    ----------
    clips : ClipFeatures
        Features of all videos, read on demand.
    seen : ndarray of int64
        Distinct videos of the training log; their clips give the mean and deviation of the columns.
    config : FRAMEConfig
    progress : bool
        Show a bar while the features are read.

    Attributes
    ----------
    learnt : Parameter, shape (num_videos, num_clips, learned columns), or None
        Learned columns of every clip: its features, which start at their values, then the vector of its id.
    """

    def __init__(self, clips: ClipFeatures, seen: NDArray[np.int64], config: FRAMEConfig, progress: bool) -> None:
        super().__init__()
        self.clips, self.trainable = clips, config.trainable_features
        self.id_dim = 0 if config.id_embedding == "none" else config.dim
        self.standardize = Standardize(clips.dim)
        if config.standardize:
            self.standardize.set(*self._moments(seen, progress))
        parts = []
        if self.trainable:
            parts.append(self._features(clips, torch.arange(clips.num_videos)))
        if self.id_dim:
            parts.append(0.1 * torch.randn(clips.num_videos, clips.num_clips, self.id_dim))
        self.learnt = nn.Parameter(torch.cat(parts, dim=-1)) if parts else None

    def forward(self, videos: Tensor) -> Tensor:
        """Return the inputs of all clips of some videos, (num_videos, num_clips, in_dim)."""
        parts = [] if self.trainable else [self._features(self.clips, videos)]
        if self.learnt is not None:
            parts.append(self.learnt.index_select(0, videos))
        return torch.cat(parts, dim=-1)

    def of_new(self, clips: ClipFeatures, videos: Tensor) -> Tensor:
        """Return the inputs of videos that are not in the log, with zeros for the vectors of ids."""
        return pad(self._features(clips, videos), (0, self.id_dim))

    def chunks(self, videos: NDArray[np.int64], name: str, progress: bool) -> Iterator[NDArray[np.int64]]:
        """Yield ``videos`` in parts; the features of a part fit into memory."""
        size = max(1, _CHUNK_VALUES // (self.clips.num_clips * self.clips.dim))
        for start in tqdm(range(0, len(videos), size), desc=name, unit="chunk", disable=not progress):
            yield videos[start : start + size]

    def _features(self, clips: ClipFeatures, videos: Tensor) -> Tensor:
        stored = torch.from_numpy(clips.take(videos.cpu().numpy()))
        features: Tensor = self.standardize(stored.to(videos.device))
        return features

    def _moments(self, seen: NDArray[np.int64], progress: bool) -> tuple[Tensor, Tensor]:
        """Return mean and deviation of every column, 1 for a constant one, from sums in float64."""
        count, total, squares = 0, np.zeros(self.clips.dim), np.zeros(self.clips.dim)
        first = self.clips.take(seen[:1])[0, 0].astype(
            np.float64
        )  # sums of differences keep their digits with a large mean
        for videos in self.chunks(seen, "features", progress):
            values = self.clips.take(videos).reshape(-1, self.clips.dim) - first
            count += len(values)
            total += values.sum(axis=0)
            squares += np.square(values).sum(axis=0)
        mean = total / count
        scale = np.sqrt(np.maximum(squares / count - np.square(mean), 0.0))
        scale = np.where(scale > 1e-12 * np.abs(first), scale, 1.0)
        return torch.from_numpy(mean + first).float(), torch.from_numpy(scale).float()
