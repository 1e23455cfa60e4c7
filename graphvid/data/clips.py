"""Clips of videos as uint8 pixels: the reference to a clip, the protocol of sources of videos, and checks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, Protocol

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from graphvid._checks import check_integer


class ClipRef(NamedTuple):
    """A segment of a video: ``length`` frames from ``start`` on, ``stride`` raw frames apart.

    Parameters
    ----------
    video : int
        Row of the video in its source.
    start : int
        First raw frame, >= 0.
    stride : int, default 1
        Raw frames from one frame of the clip to the next, >= 1.
    length : int, default 16
        Frames of the clip, >= 1.

    Examples
    --------
    >>> ref = ClipRef(video=0, start=10, stride=4, length=16)
    >>> ref.end, ref.footprint
    (71, 64)
    """

    video: int
    start: int
    stride: int = 1
    length: int = 16

    @property
    def end(self) -> int:
        """The raw frame after the last frame of the clip; a video needs at least this many frames."""
        return self.start + (self.length - 1) * self.stride + 1

    @property
    def footprint(self) -> int:
        """Raw frames that the clip covers, ``length * stride``: the unit of overlaps and gaps."""
        return self.length * self.stride


class ClipSource(Protocol):
    """Videos of one frame size, read clip by clip.

    The order of the axes in the whole library: a source gives **uint8 (T, H, W, C)**, layers take **float32
    (B, C, T, H, W)** in [0, 1]; `graphvid.nn.clip_tensor` converts.
    """

    @property
    def ids(self) -> pd.Index:
        """Distinct id of every video, shape (num_videos,)."""

    @property
    def num_frames(self) -> NDArray[np.int64]:
        """Raw frames of every video, shape (num_videos,), each at least 1."""

    @property
    def frame_shape(self) -> tuple[int, int, int]:
        """Height, width and channels of every frame."""

    def clip(self, video: int, start: int, length: int, stride: int = 1) -> NDArray[np.uint8]:
        """Return the frames ``start, start + stride, ...`` of a video.

        Parameters
        ----------
        video : int
            Row in [0, num_videos).
        start : int
            First raw frame, >= 0.
        length : int
            Frames of the clip, >= 1.
        stride : int, default 1
            Raw frames from one to the next, >= 1.

        Returns
        -------
        ndarray of uint8, shape (length, height, width, channels)
            A copy that the caller may change.

        Raises
        ------
        ValueError
            A clip that reaches beyond the end of its video: a source repeats or fills nothing.
        """


def check_clip(source: ClipSource, video: int, start: int, length: int, stride: int = 1) -> None:
    """Raise unless the clip lies in a video of ``source``.

    Raises
    ------
    ValueError
        Values that are not integers, an absent video, a length or stride below 1, a clip that begins before or reaches
        beyond its video; names the video's id.
    """
    check_integer("video", video, 0, len(source.ids) - 1)
    check_integer("start", start, 0)
    check_integer("length", length, 1)
    check_integer("stride", stride, 1)
    end, frames = ClipRef(video, start, stride, length).end, int(source.num_frames[video])
    if end > frames:
        raise ValueError(
            f"the clip must lie in its video, got frames {start} to {end - 1} (length {length}, stride {stride}) of "
            f"{source.ids[video]!r}, which has {frames}"
        )


def read_clips(source: ClipSource, refs: Sequence[ClipRef]) -> NDArray[np.uint8]:
    """Return clips of one length, stacked.

    Parameters
    ----------
    source : ClipSource
    refs : sequence of ClipRef
        At least one, all of the same ``length``.

    Returns
    -------
    ndarray of uint8, shape (num_clips, length, height, width, channels)

    Raises
    ------
    ValueError
        No clip, clips of several lengths, and as ``source.clip`` raises.

    Examples
    --------
    >>> from graphvid.data import PixelStore
    >>> source = PixelStore.from_videos({"a": np.arange(4, dtype=np.uint8).reshape(4, 1, 1, 1)})
    >>> read_clips(source, [ClipRef(0, 0, 1, 2), ClipRef(0, 1, 2, 2)]).squeeze().tolist()
    [[0, 1], [1, 3]]
    """
    lengths = {ref.length for ref in refs}
    if len(lengths) != 1:
        raise ValueError(f"refs must hold clips of one length, got the lengths {sorted(lengths)}")
    return np.stack([source.clip(ref.video, ref.start, ref.length, ref.stride) for ref in refs])
