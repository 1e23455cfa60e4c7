"""Random segments of videos: the start of a clip, and the start of another clip of the same video."""

from __future__ import annotations

from typing import Literal, NamedTuple

import torch
from torch import Tensor

from graphvid._checks import check_choice, check_count, check_ids


class SegmentPair(NamedTuple):
    """Another segment of each video, relative to the first.

    Parameters
    ----------
    start : Tensor of int64, shape (B,)
        First raw frame of the other segment.
    gap : Tensor of int64, shape (B,)
        Distance of the two starts in raw frames; 0 if the video has no other segment.
    overlap : Tensor of float32, shape (B,)
        Raw frames that both cover, over the footprint ``length * stride``.
    """

    start: Tensor
    gap: Tensor
    overlap: Tensor


class OtherSegment:
    """Draw another segment of the same video, uniform over those at a sufficient distance.

    It does not transform pixels: read the other clip from the source at ``start``.

    Parameters
    ----------
    min_gap : int, optional
        Smallest distance of the starts in raw frames, >= 1. Default: half the footprint. A video that is too short for it
        gets its largest possible distance, which `SegmentPair.gap` shows.
    on_shortfall : {"raise", "skip"}, default "raise"
        Treatment of a video with a single possible start; "skip" gives the same start with gap 0; make no edge for it.

    Raises
    ------
    ValueError
        A gap below 1, another ``on_shortfall``; in `sample`, videos shorter than the clip, starts outside, a shortfall.

    Notes
    -----
    The released codes of BE, DSM and VTDL ask for 2 raw frames only, so that their segments nearly always overlap.

    Examples
    --------
    >>> pair = OtherSegment().sample(torch.Generator().manual_seed(0), torch.tensor([0]), torch.tensor([12]), length=8)
    >>> pair.start.tolist(), pair.gap.tolist(), pair.overlap.tolist()
    ([4], [4], [0.5])
    """

    def __init__(self, min_gap: int | None = None, *, on_shortfall: Literal["raise", "skip"] = "raise") -> None:
        self.min_gap = None if min_gap is None else check_count("min_gap", min_gap)
        check_choice("on_shortfall", on_shortfall, ("raise", "skip"))
        self.on_shortfall = on_shortfall

    def sample(
        self, generator: torch.Generator, start: Tensor, num_frames: Tensor, length: int, stride: int = 1
    ) -> SegmentPair:
        """Draw the other segments.

        Parameters
        ----------
        generator : torch.Generator
        start : Tensor of int64, shape (B,)
            First raw frame of the first segments.
        num_frames : Tensor of int64, shape (B,)
            Raw frames of their videos.
        length, stride : int
            Frames of both segments and the distance between them.
        """
        num_starts = count_starts(num_frames, length, stride)
        check_ids("start", start, None)
        if start.shape != num_starts.shape or bool(((start < 0) | (start >= num_starts)).any()):
            raise ValueError("start must have one value a video, with the segment inside its video")
        if self.on_shortfall == "raise" and bool((num_starts == 1).any()):
            row = int((num_starts == 1).nonzero()[0])
            raise ValueError(
                f"every video must have two possible segments, got {int(num_frames[row])} frames in row {row} for "
                f'length {length} and stride {stride}; on_shortfall="skip" leaves such videos without'
            )
        footprint = length * stride
        wanted = max(1, footprint // 2) if self.min_gap is None else self.min_gap
        least = torch.maximum(start, num_starts - 1 - start).clamp(max=wanted)
        before = (start - least + 1).clamp(min=0)
        after = (num_starts - start - least).clamp(min=0)
        pick = (torch.rand(len(start), generator=generator, dtype=torch.float64) * (before + after)).long()
        other = torch.where(pick < before, pick, start + least + pick - before)
        other = torch.where(least == 0, start, other)
        gap = (other - start).abs()
        return SegmentPair(other, gap, (footprint - gap).clamp(min=0) / footprint)


def sample_starts(generator: torch.Generator, num_frames: Tensor, length: int, stride: int = 1) -> Tensor:
    """Return a first raw frame for each video, uniform over the starts for which the clip fits.

    Parameters
    ----------
    generator : torch.Generator
    num_frames : Tensor of int64, shape (B,)
        Raw frames of the videos.
    length : int
        Frames of a clip, >= 1.
    stride : int, default 1
        Raw frames from one to the next, >= 1.

    Returns
    -------
    Tensor of int64, shape (B,)

    Raises
    ------
    ValueError
        Videos shorter than the clip; the message has their number.

    Examples
    --------
    >>> sample_starts(torch.Generator(), torch.tensor([8, 8]), 8).tolist()
    [0, 0]
    """
    num_starts = count_starts(num_frames, length, stride)
    return (torch.rand(len(num_starts), generator=generator, dtype=torch.float64) * num_starts).long()


def count_starts(num_frames: Tensor, length: int, stride: int = 1) -> Tensor:
    """Return the number of possible first frames of each video, shape (B,), each at least 1; raises as `sample_starts`."""
    check_ids("num_frames", num_frames, None)
    if num_frames.dim() != 1:
        raise ValueError(f"num_frames must have shape (B,), got {tuple(num_frames.shape)}")
    span = (check_count("length", length) - 1) * check_count("stride", stride) + 1
    starts = num_frames.to(torch.int64) - span + 1
    short = starts < 1
    if bool(short.any()):
        row = int(short.nonzero()[0])
        raise ValueError(
            f"every video must have the {span} frames of a clip of length {length} and stride {stride}, got "
            f"{int(num_frames[row])} in row {row} ({int(short.sum())} such videos)"
        )
    return starts
