"""Clusters of videos with the same scenery, computed from their static layers."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn.functional import interpolate

from graphvid.clustering import affinity_clustering
from graphvid.data.clips import ClipRef, ClipSource, read_clips
from graphvid.models.clips.config import ClipConfig
from graphvid.models.clips.network import check_videos
from graphvid.nn import clip_tensor, static_layer

_CHUNK, _SIDE, _NEIGHBORS, _LEVELS = 256, 16, 10, 4
_LEAST_MEMBERS = 32


def scene_clusters(source: ClipSource, config: ClipConfig) -> NDArray[np.int64]:
    """Return the cluster of the scenery of every video.

    The static layer of a video is the median over time of its middle clip, scaled to 16 x 16 pixels. Its description is the
    magnitudes of its Fourier transform without their mean, which do not change when the camera moves. Each video gets edges
    to the 10 videos with the nearest descriptions by cosine, and affinity clustering runs on this graph. The result is the
    finest level at which half of the videos are in clusters of at least 32.

    Parameters
    ----------
    source : ClipSource
    config : ClipConfig
        Its ``clip_length`` and ``stride``.

    Returns
    -------
    ndarray of int64, shape (num_videos,)

    Raises
    ------
    ImportError
        scikit-learn, of the extra ``video``, is not installed.
    ValueError
        A video is shorter than a clip; names it.

    Notes
    -----
    Compares all pairs of videos: O(num_videos ** 2) time, O(num_videos) memory.
    """
    try:
        from sklearn.neighbors import kneighbors_graph
    except ImportError as error:
        raise ImportError('scene_clusters needs scikit-learn: pip install "graphvid[video]"') from error
    check_videos(source, config)
    looks = _looks(source, config)
    graph = kneighbors_graph(looks, min(_NEIGHBORS, len(looks) - 1), mode="distance")
    graph.data = 1 - graph.data**2 / 2  # cosines of rows of length 1
    tree = affinity_clustering(graph.maximum(graph.T), num_levels=_LEVELS)
    for level in range(1, tree.num_levels + 1):
        labels = tree.labels[level].astype(np.int64)
        if np.median(np.bincount(labels)[labels]) >= _LEAST_MEMBERS:
            break
    return labels


def _looks(source: ClipSource, config: ClipConfig) -> NDArray[np.float32]:
    """Return a description of each video's static layer, rows of length 1."""
    spare = source.num_frames - (config.clip_length - 1) * config.stride - 1
    refs = [ClipRef(v, int(s) // 2, config.stride, config.clip_length) for v, s in enumerate(spare)]
    found = []
    for i in range(0, len(refs), _CHUNK):
        layer = static_layer(clip_tensor(read_clips(source, refs[i : i + _CHUNK]), torch.device("cpu")))
        small = interpolate(layer, size=(_SIDE, _SIDE), mode="area")
        magnitude = torch.fft.rfft2(small).abs()
        magnitude[:, :, 0, 0] = 0
        found.append(torch.nn.functional.normalize(magnitude.flatten(1), dim=1).numpy())
    return np.concatenate(found)
