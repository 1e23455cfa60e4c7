"""The edges and views of a configuration: the pairs that a method pulls and pushes, and the changes of each view."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

import torch
from torch import Tensor

from graphvid.data.clips import ClipRef, ClipSource, read_clips
from graphvid.graphs import EdgeRecipe, EdgeRule
from graphvid.models.clips.config import ClipConfig
from graphvid.nn import (
    CropJitter,
    FrameEdit,
    FrameShuffle,
    OtherSegment,
    Reverse,
    SegmentShuffle,
    SmoothWarp,
    SquareTransform,
    StaticLayerSwap,
    StaticMix,
    clip_tensor,
    order_similarity,
    sample_starts,
)

QUERY, KEY, NEGATIVE = 0, 1, 2  # views


def edge_recipe(config: ClipConfig) -> EdgeRecipe:
    """Return the edges between the views of a configuration: 0 the query, 1 the key, 2 the own negative, if any.

    Examples
    --------
    >>> from graphvid.models.clips import BEReleasedConfig
    >>> [(rule.type, rule.views) for rule in edge_recipe(BEReleasedConfig()).rules]
    [('static_mixed', (0, 1)), ('other_segment', (0, 2)), ('other_video', None)]
    """
    mixed = config.static_mix > 0 or config.static_swap
    rules = [EdgeRule("scene_broken" if config.warp else "static_mixed" if mixed else "same_clip", (QUERY, KEY))]
    if config.negative != "none":
        kind = "other_segment" if config.negative == "other_segment" else "motion_broken"
        rules.append(EdgeRule(kind, (QUERY, NEGATIVE), config.negative_weight))
    if config.group != "none":
        rules.append(EdgeRule("transform", (QUERY, KEY)))
    if config.push == "reversed":
        rules.append(EdgeRule("other_video", (QUERY, NEGATIVE), among="reversed"))
    else:
        rules.append(EdgeRule("other_video", among=config.push))
    return EdgeRecipe(rules, both_ways=config.both_ways)


class ViewBatch(NamedTuple):
    """Views of a batch of videos.

    Parameters
    ----------
    clips : list of Tensor, each of shape (batch, C, T, H, W)
        By view.
    start : Tensor of int64, shape (num_views, batch)
        First frame of each view.
    edge_data : dict of str to dict of str to Tensor
        Random values by edge type.
    code : Tensor of int64, shape (batch,), optional
        The transform of the query.
    """

    clips: list[Tensor]
    start: Tensor
    edge_data: dict[str, dict[str, Tensor]]
    code: Tensor | None


@dataclass(frozen=True)
class ViewMaker:
    """Reads clips of videos and makes the views of a configuration.

    Parameters
    ----------
    source : ClipSource
    config : ClipConfig
    """

    source: ClipSource
    config: ClipConfig

    def __call__(self, video: Tensor, generator: torch.Generator, device: torch.device) -> ViewBatch:
        """Draw the views of a batch.

        Parameters
        ----------
        video : Tensor of int64, shape (batch,)
            Rows of the source.
        generator : torch.Generator
            Generator of the CPU.
        device : torch.device
            Device of the views.

        Notes
        -----
        A batch of one video, at the end of an epoch, has no other clip for an exchange and keeps its own static layer.
        """
        config, edge_data = self.config, dict[str, dict[str, Tensor]]()
        frames = torch.from_numpy(self.source.num_frames)[video]
        start = sample_starts(generator, frames, config.clip_length, config.stride)
        clean, starts = self._read(video, start, device), [start, start]
        jitter = CropJitter(config.crop_shift, config.contrast, config.brightness)

        def changed(clips: Tensor, transform: Any) -> tuple[Tensor, Any]:  # Any: a ClipTransform and its parameters
            params = transform.sample(generator, clips.shape)
            return transform(clips, params), params

        query, _ = changed(clean, jitter)
        key, _ = changed(clean, jitter)
        if config.warp:
            query, _ = changed(query, SmoothWarp(amplitude=config.warp))
        code = None
        if config.group != "none":
            query, drawn = changed(query, SquareTransform(config.group))
            code = drawn.code
            edge_data["transform"] = {"code": code}
        if config.static_swap and len(video) > 1:
            query, _ = changed(query, StaticLayerSwap())
        if config.static_mix and (config.mix_source == "self" or len(video) > 1):
            query, mix = changed(query, StaticMix(config.static_mix, source=config.mix_source))
            if not config.warp:
                edge_data["static_mixed"] = {"lam": mix.lam, "frame": mix.frame}
        clips = [query, key]
        if config.negative == "other_segment":
            pair = OtherSegment().sample(generator, start, frames, config.clip_length, config.stride)
            clips.append(changed(self._read(video, pair.start, device), jitter)[0])
            starts.append(pair.start)
        elif config.negative != "none":
            negative, order = changed(changed(clean, jitter)[0], self._reordering())
            edge_data["motion_broken"] = {"similarity": order_similarity(order.index)}
            clips.append(negative)
            starts.append(start)
        return ViewBatch(clips, torch.stack(starts), edge_data, code)

    def _reordering(self) -> Any:  # Any: a ClipTransform
        kinds: dict[str, Callable[[], Any]] = {
            "shuffle": FrameShuffle,
            "edits": FrameEdit,
            "segments": lambda: SegmentShuffle(-(-(self.config.clip_length + 1) // 2)),
            "reverse": Reverse,
        }
        return kinds[self.config.negative]()

    def _read(self, video: Tensor, start: Tensor, device: torch.device) -> Tensor:
        refs = [
            ClipRef(v, s, self.config.stride, self.config.clip_length) for v, s in zip(video.tolist(), start.tolist())
        ]
        return clip_tensor(read_clips(self.source, refs), device)
