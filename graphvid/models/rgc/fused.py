"""A learnt vector with the features themselves beside it: a short way for what the features already know."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as F

from graphvid._random import seeded
from graphvid.data import Standardizer
from graphvid.nn import Standardize, VideoEncoder

Raw = Literal["none", "raw", "standardised", "idf"]

_DIRECTIONS_STREAM = 2  # of config.seed, beside that of dropout
_ROWS = 16_384  # that the directions are fitted on: bounds time and memory, and more rows hardly turn them
_OVERSAMPLING, _ITERATIONS = 10, 3
_LEAST_IDF = 1e-6  # of a column that all videos have, which tells nothing


class RawPath(nn.Module):
    r"""Give the features as unit rows: scaled, and projected to their leading directions.

    .. math::

       r(x) = \operatorname{normalize}(h(x) V), \qquad h(x) = \operatorname{normalize}\bigl((x - \mu) / \sigma\bigr)

    The columns of :math:`V` are the leading right singular vectors of :math:`h` over training videos (latent semantic
    analysis); without :math:`V` the features are kept whole. A video without features gives 0.

    Parameters
    ----------
    dims : mapping of str to int
        Columns of every modality; they are read side by side.
    dim : int or None
        Columns of :math:`V`, at most as many as the features have; None keeps the features whole.

    Notes
    -----
    :math:`\mu`, :math:`\sigma` and :math:`V` are buffers: saved and moved with the weights, and changed by no optimiser. `fit`
    sets them.

    Examples
    --------
    >>> features = {"look": np.array([[2.0, 0.0], [0.0, 0.0], [1.0, 1.0]], dtype=np.float32)}
    >>> whole = RawPath({"look": 2}, None).fit("raw", features, seed=0)
    >>> whole({"look": torch.tensor([[3.0, 4.0], [0.0, 0.0]])})
    tensor([[0.6000, 0.8000],
            [0.0000, 0.0000]])
    """

    directions: Tensor

    def __init__(self, dims: Mapping[str, int], dim: int | None) -> None:
        super().__init__()
        columns = sum(dims.values())
        if dim is not None and dim > columns:
            raise ValueError(f"raw_dim must be at most {columns}, the columns of the features, got {dim}")
        self.dims = dict(dims)
        self.whole = dim is None
        self.scale = Standardize(columns)
        self.register_buffer("directions", torch.zeros(columns, 0 if dim is None else dim))

    def forward(self, features: Mapping[str, Tensor]) -> Tensor:
        """Give unit rows, shape ``(batch, dim)``."""
        return F.normalize(self.project(features), dim=-1)

    def project(self, features: Mapping[str, Tensor]) -> Tensor:
        """Give the rows before they are scaled to unit length: the first columns are the projection to fewer of them."""
        rows = self.scale(torch.cat([features[name] for name in self.dims], dim=-1))
        return rows if self.whole else F.normalize(rows, dim=-1) @ self.directions

    def fit(self, kind: Raw, features: Mapping[str, NDArray[np.float32]], *, seed: int) -> RawPath:
        r"""Set shift, scale and directions from training videos.

        Parameters
        ----------
        kind : {"raw", "standardised", "idf"}
            ``"raw"``: as they are. ``"standardised"``: by mean and deviation. ``"idf"``: each column times
            :math:`\log\bigl((1 + n) / (1 + n_c)\bigr)`, where :math:`n_c` of :math:`n` videos have it, for counts and words.
        features : mapping of str to ndarray of float32
            Of the training videos.
        seed : int
            Of the drawn rows and of the randomised decomposition.

        Raises
        ------
        ValueError
            ``"idf"`` with negative features.

        Notes
        -----
        The directions come from ``torch.svd_lowrank`` over at most 16,384 rows. Where the rows span fewer directions than
        asked for, the last are 0.

        References
        ----------
        Halko, Martinsson and Tropp, "Finding structure with randomness", SIAM Review 2011.
        """
        columns = np.concatenate([features[name] for name in self.dims], axis=1)
        mean, scale = _shift_and_scale(kind, columns)
        self.scale.set(torch.from_numpy(mean), torch.from_numpy(scale))
        if self.whole:
            return self
        dim = self.directions.shape[1]
        if len(columns) > _ROWS:
            drawn = np.random.default_rng([seed, _DIRECTIONS_STREAM]).permutation(len(columns))[:_ROWS]
            columns = columns[np.sort(drawn)]
        with seeded(seed, _DIRECTIONS_STREAM), torch.no_grad():
            rows = F.normalize(self.scale(torch.from_numpy(columns)), dim=-1)
            rank = min(dim + _OVERSAMPLING, *rows.shape)
            found = torch.svd_lowrank(rows, q=rank, niter=_ITERATIONS)[2][:, :dim]
        self.directions.zero_()
        self.directions[:, : found.shape[1]] = found
        return self


class FusedEncoder(nn.Module):
    r"""Put the learnt vector and the features side by side, so that their cosines add up.

    .. math::

       f(x) = \operatorname{normalize}\bigl[\sqrt{1 - w}\, g(x),\; \sqrt{w}\, r(x)\bigr]

    The cosine of two videos is :math:`1 - w` times that of the learnt vectors plus :math:`w` times that of the features. A
    video without features has the learnt vector alone.

    Parameters
    ----------
    encoder : VideoEncoder
        :math:`g`.
    raw : RawPath
        :math:`r`, of the same modalities.
    weight : float
        :math:`w` in [0, 1]. 0 leaves out the features and 1 the learnt vector, columns included.
    """

    def __init__(self, encoder: VideoEncoder, raw: RawPath, *, weight: float) -> None:
        super().__init__()
        self.encoder, self.raw, self.weight = encoder, raw, weight
        self.dims = encoder.dims

    def forward(self, features: Mapping[str, Tensor]) -> Tensor:
        """Encode a batch; see `graphvid.nn.VideoEncoder`."""
        if self.weight in (0, 1):
            only: Tensor = self.raw(features) if self.weight else self.encoder(features)
            return only
        parts = math.sqrt(1 - self.weight) * self.encoder(features), math.sqrt(self.weight) * self.raw(features)
        return F.normalize(torch.cat(parts, dim=-1), dim=-1)


def _shift_and_scale(kind: Raw, columns: NDArray[np.float32]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    mean, scale = np.zeros(columns.shape[1], np.float32), np.ones(columns.shape[1], np.float32)
    if kind == "standardised":
        fitted = Standardizer.fit(columns, np.arange(len(columns)))
        return fitted.mean.astype(np.float32), fitted.scale.astype(np.float32)
    if kind == "idf":
        if (columns < 0).any():
            raise ValueError(f"features must be >= 0 with raw 'idf', got {columns.min()}")
        weight = np.log((1 + len(columns)) / (1 + (columns > 0).sum(axis=0)))
        scale = (1 / np.maximum(weight, _LEAST_IDF)).astype(np.float32)
    return mean, scale
