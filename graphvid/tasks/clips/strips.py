"""Strips of frames: some videos and those nearest to them, kept with a run so that people can look."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from graphvid.data import ClipSource
from graphvid.runs import storable
from graphvid.runs.figures import to_svg

from .figures import cosines

_QUERIES, _NEAREST, _FRAMES = 5, 3, 6


def nearest_strips(source: ClipSource, vectors: NDArray[np.float32]) -> dict[str, NDArray[Any]]:
    """Give frames of evenly chosen videos and of the nearest to each, by centred cosine.

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
    """Draw one query and its nearest as rows of frames, as SVG."""
    rows, number, height, width, channels = frames.shape
    figure = Figure(figsize=(6.4, 0.3 + rows * (6.4 / number) * height / width * 0.78), layout="constrained")
    for row in range(rows):
        axes = figure.add_subplot(rows, 1, row + 1)
        strip = np.concatenate(list(frames[row]), axis=1)
        if channels == 1:
            axes.imshow(strip[..., 0], cmap="gray", vmin=0, vmax=255, interpolation="nearest")
        else:
            axes.imshow(strip[..., :3], interpolation="nearest")
        axes.set_xticks([])
        axes.set_yticks([])
        name = str(ids[row]) if row == 0 else f"{ids[row]}\n{similarity[row]:.2f}"
        axes.set_ylabel(name, rotation=0, ha="right", va="center", fontsize=8)
    return to_svg(figure)


def _strip(source: ClipSource, video: int) -> NDArray[np.uint8]:
    last = int(source.num_frames[video]) - 1
    return np.concatenate([source.clip(video, int(t), 1) for t in np.rint(np.linspace(0, last, _FRAMES))])
