"""Groups of videos by duration; each has its own hazards."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import Tensor, nn


class DurationBuckets(nn.Module):
    """Buckets between the quantiles of the durations of training views.

    Parameters
    ----------
    video : ndarray of int64, shape (num_views,)
        Video of each training view.
    duration : ndarray of float64, shape (num_views,)
        Duration of each training view, in seconds.
    num_videos, num_buckets : int
    """

    duration: Tensor
    boundaries: Tensor

    def __init__(
        self, video: NDArray[np.int64], duration: NDArray[np.float64], num_videos: int, num_buckets: int
    ) -> None:
        super().__init__()
        of_video = np.full(num_videos, np.nan)
        of_video[video] = duration
        bounds = np.quantile(duration, np.arange(1, num_buckets) / num_buckets)
        self.register_buffer("duration", torch.from_numpy(of_video), persistent=False)
        self.register_buffer("boundaries", torch.from_numpy(bounds), persistent=False)

    def forward(self, video: Tensor) -> Tensor:
        """Return the bucket of videos of the training log, int64."""
        return torch.bucketize(self.duration[video], self.boundaries, right=True)

    def of_views(self, video: NDArray[np.int64], durations: ArrayLike | None, *, known: bool) -> Tensor:
        """Return the bucket of views to predict, on the CPU.

        Parameters
        ----------
        video : ndarray of int64, shape (num_views,)
        durations : array_like of float, shape (num_views,), optional
            Seconds. Default: those of the training log.
        known : bool
            Whether the videos are those of the training log.

        Raises
        ------
        ValueError
            Durations of another shape; with more than one bucket, a missing duration, or one that is not finite and > 0.
        """
        seconds = self.duration.cpu().numpy()[video] if known else np.full(len(video), np.nan)
        if durations is not None:
            seconds = np.asarray(durations, dtype=np.float64)
            if seconds.shape != video.shape:
                raise ValueError(f"durations must have shape {video.shape}, got {seconds.shape}")
        if not len(self.boundaries):
            return torch.zeros(len(video), dtype=torch.int64)
        unknown = ~(np.isfinite(seconds) & (seconds > 0))
        if unknown.any():
            raise ValueError(
                f"durations must be finite and > 0 for views of videos that are not in the training log, got "
                f"{None if durations is None else seconds[unknown][0]} for view {unknown.argmax()} ({unknown.sum()} such)"
            )
        return torch.bucketize(torch.from_numpy(seconds), self.boundaries.cpu(), right=True)
