"""Construction of encoders of videos from options, and embedding of any number of videos with an encoder."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray

from graphvid.nn import VideoEncoder

from .config import RGCConfig
from .fused import FusedEncoder
from .inputs import Tables, rows_on, tables_of
from .raw_path import RawPath
from .skip import SkipEncoder

Encoder: TypeAlias = VideoEncoder | SkipEncoder | FusedEncoder

_CHUNK_VALUES = 1 << 22  # values of features that are encoded at once


def build_encoder(dims: Mapping[str, int], config: RGCConfig) -> Encoder:
    """Return the encoder of ``config``, with initial weights, for modalities with ``dims`` columns."""
    encoder = make_network(dims, config)
    if config.raw == "none":
        return encoder
    return FusedEncoder(encoder, RawPath(dims, config.raw_dim), weight=config.raw_weight)


def make_network(dims: Mapping[str, int], config: RGCConfig) -> VideoEncoder | SkipEncoder:
    """Return the trainable part of the encoder of ``config``, with initial weights."""
    network = VideoEncoder(
        dims,
        fusion=config.fusion,
        hidden=config.hidden,
        dim=config.dim,
        dropout=config.dropout,
        input_dropout=config.input_dropout,
        seed=config.seed,
    )
    if config.skip == "none":
        return network
    return SkipEncoder(network, RawPath(dims, config.dim, trained=True), dropout=config.input_dropout)


def embed(encoder: Encoder, features: Tables, *, chunk_size: int | None = None) -> NDArray[np.float32]:
    """Embed videos from their features, seen in training or not.

    Parameters
    ----------
    encoder : VideoEncoder, SkipEncoder or FusedEncoder
        A trained encoder.
    features : Features, or mapping of str to table
        One table of shape ``(num_videos, dim)`` for every modality of the encoder; see `RelationalGraphClustering`.
    chunk_size : int, optional
        Videos encoded at once, at least 1; it bounds the memory, and changes the result only by rounding. Default: videos
        with 2**22 values of features in total, at most 8,192.

    Returns
    -------
    ndarray of float32, shape (num_videos, dim of the encoder)
        Unit rows.

    Raises
    ------
    KeyError
        The modalities are not those of the encoder.
    ValueError
        A modality has another number of columns or of rows, or ``chunk_size`` is below 1.
    """
    if chunk_size is not None and chunk_size < 1:
        raise ValueError(f"chunk_size must be at least 1, got {chunk_size}")
    tables = tables_of(features)
    if chunk_size is None:
        chunk_size = min(8192, max(1, _CHUNK_VALUES // sum(encoder.dims.values())))
    rows = {name: x.shape[0] for name, x in tables.items()}
    if len(set(rows.values())) > 1:
        raise ValueError(f"features must have one row a video in every modality, got {rows}")
    num_videos = max(rows.values(), default=0)
    device = next(encoder.parameters()).device
    vectors: NDArray[np.float32] | None = None
    training = encoder.training
    encoder.eval()
    with torch.no_grad():
        for start in range(0, max(num_videos, 1), chunk_size):  # without videos, one empty chunk
            part = slice(start, start + chunk_size)
            encoded = encoder({name: rows_on(x[part], device) for name, x in tables.items()}).cpu().numpy()
            if vectors is None:
                vectors = np.empty((num_videos, encoded.shape[1]), np.float32)
            vectors[part] = encoded
    encoder.train(training)
    assert vectors is not None
    return vectors
