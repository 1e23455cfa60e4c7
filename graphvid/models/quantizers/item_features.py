"""Features of training items as tensors, links between items, and random views for training."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.functional import normalize

from graphvid.models.quantizers.config import ContrastiveQuantizationConfig
from graphvid.nn.product_quantizer import largest
from graphvid.ops import NeighborTable

Transform = Callable[[dict[str, Tensor]], dict[str, Tensor]]
Tables = Mapping[str, NDArray[np.floating] | Tensor]
_SCORES = 1 << 24  # held at once


def as_tensors(features: Tables) -> dict[str, Tensor]:
    """Return features as float32 tensors by modality.

    Parameters
    ----------
    features : mapping of str to array of shape (num_items, dim) or (num_items, num_frames, dim)

    Raises
    ------
    ValueError
        No modality, another number of dimensions, different numbers of items, a value that is not finite.
    """
    if not features:
        raise ValueError("features must have at least one modality, got none")
    tensors = {name: torch.as_tensor(x, dtype=torch.float32) for name, x in features.items()}
    for name, x in tensors.items():
        if x.dim() not in (2, 3) or not x.shape[-1]:
            raise ValueError(
                f"features[{name!r}] must have shape (num_items, dim) or (num_items, num_frames, dim), got {tuple(x.shape)}"
            )
        if not bool(torch.isfinite(x).all()):
            raise ValueError(f"features[{name!r}] must be finite, got NaN or infinity")
    sizes = {name: len(x) for name, x in tensors.items()}
    if len(set(sizes.values())) > 1:
        raise ValueError(f"features must have one row an item in every modality, got {sizes}")
    return tensors


class Columns(NamedTuple):
    """Statistics of the columns of training items, computed in float64.

    Parameters
    ----------
    mean, deviation : Tensor, shape (dim,), float32
    scale : Tensor, shape (dim,), float32
        The deviation; 1 for a column that is constant up to rounding.
    """

    mean: Tensor
    deviation: Tensor
    scale: Tensor


def columns_of(x: Tensor) -> Columns:
    """Return the statistics of the columns of (num_items, dim)."""
    deviation, mean = torch.std_mean(x.double(), dim=0, correction=0)
    constant = deviation <= 1e-6 * x.abs().amax(dim=0)
    return Columns(mean.float(), deviation.float(), torch.where(constant, 1.0, deviation).float())


def mean_frames(features: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return the features with every modality that has frames replaced by its mean over frames."""
    return {name: x.mean(dim=1) if x.dim() == 3 else x for name, x in features.items()}


def nearest_items(vectors: Tensor, count: int) -> NeighborTable:
    """Link every item to the ``count`` others of largest cosine, ties to the lower item.

    Parameters
    ----------
    vectors : Tensor, shape (num_items, dim)
        One item at least. A zero vector has cosine 0 with all.
    count : int
        Links of each item; at most the number of other items.

    Returns
    -------
    NeighborTable
        Its lists ascend.

    Notes
    -----
    Exact: O(num_items ** 2 * dim) time, a chunk of rows at a time. With more than about 100,000 items pass a graph instead.
    """
    vectors = normalize(vectors, dim=1, eps=1e-12)
    number, count = len(vectors), min(count, len(vectors) - 1)
    found = []
    for part in torch.split(torch.arange(number), max(1, _SCORES // number)):
        scores = vectors[part] @ vectors.T
        scores[torch.arange(len(part)), part] = -torch.inf
        found.append(largest(scores, count).nonzero()[:, 1])
    return NeighborTable(torch.arange(number + 1) * count, torch.cat(found))


def walk(graph: NeighborTable, starts: Tensor, length: int) -> Tensor:
    """Return the ends of random walks, one from every start; a node without a neighbour stays where it is.

    Parameters
    ----------
    graph : NeighborTable
        Neighbours of every item.
    starts : Tensor of int64, shape (num_walks,)
    length : int
        Steps.
    """
    nodes = starts
    for _ in range(length):
        first = graph.indptr[nodes]
        degree = graph.indptr[nodes + 1] - first
        pick = (torch.rand(len(nodes), device=nodes.device) * degree).long().clamp(max=(degree - 1).clamp(min=0))
        moved = graph.indices[(first + pick).clamp(max=max(len(graph.indices) - 1, 0))] if len(graph.indices) else nodes
        nodes = torch.where(degree > 0, moved, nodes)
    return nodes


def view(
    features: Mapping[str, Tensor],
    means: Mapping[str, Tensor],
    deviations: Mapping[str, Tensor],
    config: ContrastiveQuantizationConfig,
    transform: Transform | None,
) -> dict[str, Tensor]:
    """Return a random view of a batch, drawn by PyTorch's generator: fewer frames, noise, columns or modalities at their mean.

    Parameters
    ----------
    features : mapping of str to Tensor
        Rows of the batch, by modality.
    means, deviations : mapping of str to Tensor
        Statistics of the columns over the training items.
    config : ContrastiveQuantizationConfig
        Strength of each change.
    transform : callable, optional
        First change, such as a random crop of pixels. It returns features of the same shapes, except for the number of
        frames.
    """
    rows = dict(features) if transform is None else transform(dict(features))
    size = len(next(iter(rows.values())))
    shown = torch.ones(size, len(rows), dtype=torch.bool)
    if config.modality_dropout and len(rows) > 1:
        shown = torch.rand(size, len(rows)) >= config.modality_dropout
        left = torch.randint(len(rows), (size,))
        shown[torch.arange(size), left] |= ~shown.any(dim=1)
    found = {}
    for k, (name, x) in enumerate(rows.items()):
        if x.dim() == 3:
            taken = max(1, round(config.frame_share * x.shape[1]))
            chosen = torch.rand(size, x.shape[1]).argsort(dim=1)[:, :taken].to(x.device)
            x = x.gather(1, chosen[..., None].expand(-1, -1, x.shape[2])).mean(dim=1)
        if config.noise:
            x = x + config.noise * deviations[name] * torch.randn_like(x)
        kept = shown[:, k : k + 1].to(x.device)
        if config.feature_dropout:
            kept = kept & (torch.rand_like(x) >= config.feature_dropout)
        found[name] = torch.where(kept, x, means[name])
    return found
