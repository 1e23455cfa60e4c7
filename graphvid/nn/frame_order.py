"""Transforms that change the order of the frames of a clip: they keep the scene and break the motion."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from graphvid._checks import check_count, check_ids, check_number
from graphvid.nn.clip_layout import check_clips
from graphvid.nn.clip_transforms import check_shape


class FrameOrder(NamedTuple):
    """An order of frames for each clip.

    Parameters
    ----------
    index : Tensor of int64, shape (B, T)
        Frame ``index[i, t]`` of clip i comes at place t.
    """

    index: Tensor  # type: ignore[assignment] # in the place of tuple.index, which nobody needs here


def order_similarity(index: Tensor) -> Tensor:
    """Return the share of neighbouring places with consecutive frames: ``index[t + 1] == index[t] + 1``.

    Parameters
    ----------
    index : Tensor of int, shape (..., T)
        T at least 2.

    Returns
    -------
    Tensor of float32, shape (...)
        1 for the original order, 0 for the reversed one.

    Raises
    ------
    TypeError
        No integers.
    ValueError
        One frame.

    Examples
    --------
    >>> order_similarity(torch.tensor([[0, 1, 2, 3, 4], [0, 1, 2, 4, 3]])).tolist()
    [1.0, 0.5]
    """
    check_ids("index", index, None)
    if not index.dim() or index.shape[-1] < 2:
        raise ValueError(f"index must have at least 2 frames in its last axis, got shape {tuple(index.shape)}")
    return (index.diff(dim=-1) == 1).float().mean(-1)


class FrameReordering(ABC):
    """Base class of transforms that gather frames by a drawn index, such as `FrameEdit`."""

    @abstractmethod
    def sample(self, generator: torch.Generator, shape: Sequence[int]) -> FrameOrder:
        """Draw an order of frames for each clip."""

    def __call__(self, clips: Tensor, params: FrameOrder) -> Tensor:
        """Return the clips with their frames in the drawn order.

        Raises
        ------
        ValueError
            An index of another shape or outside the clip.
        """
        check_clips("clips", clips)
        check_ids("params.index", params.index, clips.shape[2])
        if params.index.shape != (clips.shape[0], clips.shape[2]):
            wanted = (clips.shape[0], clips.shape[2])
            raise ValueError(f"params.index must have shape {wanted}, got {tuple(params.index.shape)}")
        clip = torch.arange(len(clips), device=clips.device)[:, None]
        return clips.transpose(1, 2)[clip, params.index.to(clips.device, torch.int64)].transpose(1, 2)  # whole frames


class FrameEdit(FrameReordering):
    """Insert and swap a few frames, as the edits of DSM; the result is an index that is gathered once.

    A round makes ``max(1, floor(T / 10))`` edits. With equal probability an edit is an insertion (a copy of frame j before
    position i; the last frame drops out) or a swap of i and j. There are at least ``num_rounds`` rounds, and more until the
    order is different enough.

    Parameters
    ----------
    num_rounds : int, default 2
        1 to 100. The released code makes ``num_aug // 4 + 1``: 2, in its sister repository 3.
    max_similarity : float, default 0.5
        Largest `order_similarity` of the result, in [0, 1); equal is enough.

    Raises
    ------
    ValueError
        A number out of its range; clips of one frame.

    Notes
    -----
    Each clip has its own order; the released code draws one for the batch, and its swap and insertion write into overlapping
    views.
    """

    def __init__(self, num_rounds: int = 2, max_similarity: float = 0.5) -> None:
        self.num_rounds = check_count("num_rounds", num_rounds, 1, 100)
        self.max_similarity = _check_similarity(max_similarity)

    def sample(self, generator: torch.Generator, shape: Sequence[int]) -> FrameOrder:
        """Draw the edits of every clip."""
        count, frames = _count_and_frames(shape)
        orders = [list(range(frames)) for _ in range(count)]
        open_rows, turn = list(range(count)), 0
        while open_rows:
            drawn = torch.randint(frames, (len(open_rows), max(1, frames // 10), 2), generator=generator).tolist()
            swaps = torch.randint(2, (len(open_rows), max(1, frames // 10)), generator=generator).tolist()
            for row, places, kinds in zip(open_rows, drawn, swaps):
                for (i, j), swap in zip(places, kinds):
                    order = orders[row]
                    if swap:
                        order[i], order[j] = order[j], order[i]
                    else:
                        orders[row] = [*order[:i], order[j], *order[i:-1]]
            turn += 1
            if turn >= self.num_rounds:
                similar = order_similarity(torch.tensor([orders[row] for row in open_rows])) > self.max_similarity
                open_rows = [row for row, again in zip(open_rows, similar.tolist()) if again]
        return FrameOrder(torch.tensor(orders))


class FrameShuffle(FrameReordering):
    """A random order of all frames, drawn again until it is different enough from the original.

    Parameters
    ----------
    max_similarity : float, default 0.5
        Largest `order_similarity`, in [0, 1); equal is enough.

    Raises
    ------
    ValueError
        A number out of its range; clips of one frame.
    """

    def __init__(self, max_similarity: float = 0.5) -> None:
        self.max_similarity = _check_similarity(max_similarity)

    def sample(self, generator: torch.Generator, shape: Sequence[int]) -> FrameOrder:
        """Draw the orders."""
        count, frames = _count_and_frames(shape)

        def draw(rows: int) -> Tensor:
            return torch.rand(rows, frames, generator=generator).argsort(1)

        return FrameOrder(_draw_until_different(draw, count, self.max_similarity))


class SegmentShuffle(FrameReordering):
    """Cut the clip into segments of nearly equal length and put them into another order.

    Parameters
    ----------
    num_segments : int
        At least 2, and at most the frames. n segments break n - 1 pairs of neighbours at most, so that a low
        ``max_similarity`` needs many.
    max_similarity : float, default 0.5
        Largest `order_similarity`, in [0, 1); equal is enough.

    Raises
    ------
    ValueError
        A number out of its range; clips with fewer frames than segments; segments too few for ``max_similarity``.
    """

    def __init__(self, num_segments: int, max_similarity: float = 0.5) -> None:
        self.num_segments = check_count("num_segments", num_segments, 2)
        self.max_similarity = _check_similarity(max_similarity)

    def sample(self, generator: torch.Generator, shape: Sequence[int]) -> FrameOrder:
        """Draw the orders of segments."""
        count, frames = _count_and_frames(shape)
        if self.num_segments > frames:
            raise ValueError(f"num_segments must be at most the {frames} frames, got {self.num_segments}")
        if frames - self.num_segments > self.max_similarity * (frames - 1):
            raise ValueError(
                f"num_segments must be larger: {self.num_segments} segments of {frames} frames keep an order similarity "
                f"of {(frames - self.num_segments) / (frames - 1):.2f}, above max_similarity {self.max_similarity}"
            )
        place = torch.arange(frames) * self.num_segments // frames  # the segment of every frame

        def draw(rows: int) -> Tensor:
            rank = torch.rand(rows, self.num_segments, generator=generator).argsort(1)
            return rank[:, place].argsort(dim=1, stable=True)

        return FrameOrder(_draw_until_different(draw, count, self.max_similarity))


class Reverse(FrameReordering):
    """Reverse the frames; nothing is random.

    Raises
    ------
    ValueError
        Clips of one frame.
    """

    def sample(self, generator: torch.Generator, shape: Sequence[int]) -> FrameOrder:
        """Return the reversed order for every clip."""
        count, frames = _count_and_frames(shape)
        return FrameOrder(torch.arange(frames - 1, -1, -1).expand(count, frames))


def _check_similarity(value: float) -> float:
    if check_number("max_similarity", value, "in [0, 1)", least=0, most=1) == 1:
        raise ValueError("max_similarity must be in [0, 1), got 1: the frames as they were are no negative")
    return float(value)


def _count_and_frames(shape: Sequence[int]) -> tuple[int, int]:
    count, _, frames, _, _ = check_shape(shape)
    if frames < 2:
        raise ValueError(f"clips must have at least 2 frames to be put into another order, got {frames}")
    return count, frames


def _draw_until_different(draw: Callable[[int], Tensor], count: int, max_similarity: float) -> Tensor:
    """Return ``count`` orders; orders too similar to the original are drawn again."""
    index = draw(count)
    while (again := (order_similarity(index) > max_similarity).nonzero().flatten()).numel():
        index[again] = draw(len(again))
    return index
