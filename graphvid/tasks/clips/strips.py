"""Strips of frames of some videos and their nearest videos, stored with a run for the report."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from graphvid.data import ClipSource
from graphvid.runs import storable
from graphvid.runs.figures import to_svg

from .figures import cosines

_QUERIES, _NEAREST, _FRAMES = 4, 3, 6


def nearest_strips(source: ClipSource, vectors: NDArray[np.float32]) -> dict[str, NDArray[Any]]:
    """Return frames of evenly chosen videos and of the nearest to each, by centred cosine.

    Returns
    -------
    dict
        ``frames``, uint8 (num_queries, 1 + num_nearest, 6, height, width, channels), the query first; ``ids`` and
        ``similarity`` (num_queries, 1 + num_nearest).
    """
    count = len(source.ids)
    queries = np.unique(np.linspace(0, count - 1, _QUERIES).astype(int))
    similar = cosines(vectors[queries], vectors, center=vectors.mean(axis=0))
    similar[np.arange(len(queries)), queries] = np.inf
    order = np.argsort(-similar, axis=1, kind="stable")[:, : 1 + min(_NEAREST, count - 1)]
    frames = np.stack([[_strip(source, int(v)) for v in row] for row in order])
    similarity = np.minimum(np.take_along_axis(similar, order, axis=1), 1.0).astype(np.float32)
    return {"frames": frames, "ids": storable(source.ids)[order], "similarity": similarity}


def draw_strips(frames: NDArray[np.uint8], ids: NDArray[Any], similarity: NDArray[np.float32]) -> str:
    """Draw one query and its nearest videos as rows of frames, as SVG."""
    rows, number, height, width, channels = frames.shape
    gap = max(1, height // 12)
    picture = np.full((rows * (height + gap) - gap, number * width, channels), 255, np.uint8)
    for row, strip in enumerate(frames):
        picture[row * (height + gap) : row * (height + gap) + height] = np.concatenate(list(strip), axis=1)
    names = [str(ids[0]), *(f"{name}  {cosine:.2f}" for name, cosine in zip(ids[1:], similarity[1:]))]
    left, wide = 0.2 + 0.065 * max(map(len, names)), 5.0  # inches: a letter of the labels is at most 0.065 wide
    tall = wide * picture.shape[0] / picture.shape[1]
    figure = Figure(figsize=(left + wide, tall))
    axes = figure.add_axes((left / (left + wide), 0.0, wide / (left + wide), 1.0))
    shown = picture[..., 0] if channels < 3 else picture[..., :3]
    axes.imshow(shown, cmap="gray", vmin=0, vmax=255, interpolation="nearest", aspect="auto")
    axes.set_yticks([row * (height + gap) + height / 2 for row in range(rows)], names, fontsize=8)
    axes.tick_params(length=0)
    axes.set_xticks([])
    axes.spines[:].set_visible(False)
    return to_svg(figure)


def _strip(source: ClipSource, video: int) -> NDArray[np.uint8]:
    last = int(source.num_frames[video]) - 1
    return np.concatenate([source.clip(video, int(t), 1) for t in np.rint(np.linspace(0, last, _FRAMES))])
