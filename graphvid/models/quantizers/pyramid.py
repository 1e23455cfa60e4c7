"""The model of codes from labels or links, for items with features at several levels of detail."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn.functional import cross_entropy, dropout, normalize

from graphvid._random import seeded
from graphvid.losses import NeighborSoftmaxLoss
from graphvid.models.quantizers.base import WEIGHT_STREAM, Quantization, embed_in_chunks
from graphvid.models.quantizers.config import PyramidQuantizationConfig
from graphvid.models.quantizers.item_features import columns_of
from graphvid.nn import CosineClassifier, PyramidHybridPooling, Standardize
from graphvid.nn.pyramid_pooling import Level
from graphvid.ops import NeighborTable
from graphvid.ops.neighbors import expand_ranges

# Any below: an array, a tensor, or a pair of them with the starts of the sets.


class PyramidHybridPoolingQuantization(Quantization):
    r"""Pyramid hybrid pooling quantisation (PHPQ-style): codes of items from labels, or from links between them.

    Levels of detail are pooled by mean and maximum and joined (`graphvid.nn.PyramidHybridPooling`); the result x is
    quantised to :math:`\hat x` with attention to few codewords. With labels, the loss is

    .. math:: CE(x) + CE(\hat x) + \beta \lVert \bar x - \hat x \rVert^2 + \lambda L_{ent} + \gamma L_{div}

    where CE is the cross entropy of cosines to the same class prototypes and :math:`\bar x` has parts of unit length. With
    a graph instead of labels, CE is `graphvid.losses.NeighborSoftmaxLoss`, which separates linked items from others.

    Parameters
    ----------
    levels : sequence of array or (array, array)
        Levels of the training items: vectors (num_items, dim), maps (num_items, dim, ...), or the rows of all sets
        (num_rows, dim) with their starts (num_items + 1,). See `graphvid.nn.time_levels` for frames.
    config : PyramidQuantizationConfig
        Options.
    labels : array of int, shape (num_items,), optional
        Classes 0 to num_classes - 1, two at least.
    graph : NeighborTable, optional
        Symmetric links between the items, instead of labels.
    backbone : Module, optional
        Network from the levels of a batch to the list of levels to pool, trained with the rest: the stages of an image
        network. Default: the levels are pooled unchanged.

    Raises
    ------
    TypeError
        The options are of another class.
    ValueError
        No level, levels of different numbers of items, values that are not finite, labels of one class, fewer items than
        codewords; both or none of labels and graph, or a graph of other items or without a link.

    Notes
    -----
    Only the abstracts of the papers were available, so this is a reconstruction; all reports call it "PHPQ-style".

    References
    ----------
    Zeng, Wang, Chen, Dai and Xia, Pyramid Hybrid Pooling Quantization for Efficient Fine-Grained Image Retrieval, 2021;
    Pattern Recognition Letters 178, 2024.

    Examples
    --------
    >>> levels = [torch.randn(64, 3, 4, 4), torch.randn(64, 3, 2, 2)]
    >>> config = PyramidQuantizationConfig(num_codebooks=2, num_codewords=16, dim=8, num_epochs=1)
    >>> model = PyramidHybridPoolingQuantization(levels, config, labels=np.arange(64) % 4)
    >>> model.to_codes(model.embed(levels)).shape
    (64, 2)
    """

    def __init__(
        self,
        levels: Sequence[Any],
        config: PyramidQuantizationConfig,
        *,
        labels: NDArray[np.integer[Any]] | Tensor | None = None,
        graph: NeighborTable | None = None,
        backbone: nn.Module | None = None,
    ) -> None:
        if not isinstance(config, PyramidQuantizationConfig):
            raise TypeError(f"config must be a PyramidQuantizationConfig, got {type(config).__name__}")
        tensors = as_levels(levels)
        super().__init__(num_sets(tensors[0]), config)
        self.config, self.levels = config, tensors
        if (labels is None) == (graph is None):
            raise ValueError("exactly one of labels and graph must be given")
        if config.norm == "batch" and self.num_items % config.batch_size == 1:
            raise ValueError(
                f"batch_size must not leave a batch of one of the {self.num_items} items with norm 'batch', got "
                f"{config.batch_size}"
            )
        self.graph = None if graph is None else self._check_graph(graph)
        self.labels = None if labels is None else self._check_labels(torch.as_tensor(labels))
        self.backbone = nn.Identity() if backbone is None else backbone
        training = self.backbone.training
        with torch.no_grad():
            shown = self.backbone.eval()([take(level, torch.arange(1)) for level in tensors])
        self.backbone.train(training)
        dims = [(level[0] if isinstance(level, tuple) else level).shape[1] for level in shown]
        with seeded(config.seed, WEIGHT_STREAM, 0):
            self.pooling = build_pooling(dims, config)
            self.classifier: nn.Module | None = None
            if self.labels is not None:
                self.classifier = CosineClassifier(
                    config.dim, int(self.labels.max()) + 1, scale=config.scale, margin=config.margin
                )
        self.neighbor_loss = NeighborSoftmaxLoss(config.temperature)
        self.prepare_codes()

    def _check_labels(self, labels: Tensor) -> Tensor:
        if labels.shape != (self.num_items,) or labels.is_floating_point():
            raise ValueError(
                f"labels must be {self.num_items} integers, one an item, got {labels.dtype} of shape {tuple(labels.shape)}"
            )
        distinct = torch.unique(labels)
        if int(distinct[0]) < 0 or len(distinct) < 2:
            raise ValueError(f"labels must be of two classes at least, from 0 on, got {distinct[:5].tolist()}")
        return labels.long()

    def _check_graph(self, graph: NeighborTable) -> NeighborTable:
        if graph.num_nodes != self.num_items or not len(graph.indices):
            raise ValueError(
                f"graph must link the {self.num_items} items, got {graph.num_nodes} items and {len(graph.indices)} links"
            )
        return graph

    def _encode_rows(self, rows: Tensor) -> Tensor:
        return self._pool(self.levels, rows.cpu())

    def _pool(self, levels: Sequence[Level], rows: Tensor) -> Tensor:
        pooled: Tensor = self.pooling(self.backbone([to_device(take(level, rows), self.device) for level in levels]))
        return pooled

    def _loss(self, rows: Tensor) -> Tensor:
        config = self.config
        x = self._encode_rows(rows)
        x = dropout(x, config.dropout, self.training) if config.dropout else x
        quantized = self.quantizer(x)
        total = self.regularize(quantized)
        for name, vectors in (("vectors", x), ("codes", quantized.vectors)):
            loss = self._supervise(vectors, rows)
            self.log(f"loss_of_{name}", loss.detach())
            total = total + loss
        wanted, found = self.quantizer.split(x).flatten(1), quantized.vectors
        wanted = wanted.detach() if config.detach == "features" else wanted
        found = found.detach() if config.detach == "codewords" else found
        error = (wanted - found).square().sum(dim=1).mean()
        self.log("quantization_error", error.detach())
        weighted: Tensor = total + config.consistency_weight * error
        return weighted

    def _supervise(self, vectors: Tensor, rows: Tensor) -> Tensor:
        if self.classifier is not None and self.labels is not None:
            labels = self.labels.to(rows.device)[rows]
            return cross_entropy(self.classifier(vectors, labels), labels)
        assert self.graph is not None
        unit = normalize(vectors, dim=1, eps=1e-12)
        loss: Tensor = self.neighbor_loss(unit, rows, self.graph.to(rows.device))
        return loss

    def embed(self, levels: Sequence[Any]) -> NDArray[np.float32]:
        """Return the vectors of items, seen in training or not: the queries of an asymmetric search.

        Parameters
        ----------
        levels : sequence
            The levels of the training, for any items.

        Returns
        -------
        ndarray of float32, shape (num_items, dim)
            Rows are not of unit length.

        Raises
        ------
        ValueError
            Levels differ from those of the training.
        """
        tensors = as_levels(levels)
        number = num_sets(tensors[0])
        return embed_in_chunks(self, number, lambda rows: self._pool(tensors, torch.arange(number)[rows]))


class StandardizeLevels(nn.Module):
    """A backbone for levels that are vectors: it standardises each by the training items and changes nothing else.

    Parameters
    ----------
    dims : sequence of int
        Columns of the levels.
    """

    def __init__(self, dims: Sequence[int]) -> None:
        super().__init__()
        self.layers = nn.ModuleList(Standardize(dim) for dim in dims)

    def fit(self, levels: Sequence[Tensor]) -> StandardizeLevels:
        """Store the means and deviations of the training items' levels, each of shape (num_items, dim)."""
        for layer, level in zip(self.layers, levels, strict=True):
            found = columns_of(level)
            layer.set(found.mean, found.scale)  # type: ignore[operator] # a Standardize
        return self

    def forward(self, levels: Sequence[Tensor]) -> list[Tensor]:
        """Return the standardised levels."""
        return [layer(level) for layer, level in zip(self.layers, levels, strict=True)]


def build_pooling(dims: Sequence[int], config: PyramidQuantizationConfig) -> PyramidHybridPooling:
    """Return the pooling of the options for levels with ``dims`` columns."""
    return PyramidHybridPooling(
        dims,
        config.dim,
        config.hybrid,
        level_aligned=config.level_aligned,
        num_codebooks=config.num_codebooks,
        norm=config.norm,
        hidden=config.hidden,
    )


def as_levels(levels: Sequence[Any]) -> list[Level]:
    """Return levels as float32 tensors; raise unless they are finite and have the same number of items."""
    if not len(levels):
        raise ValueError("levels must have one level at least, got none")
    found: list[Level] = []
    for number, level in enumerate(levels):
        pair = isinstance(level, tuple)
        x = torch.as_tensor(level[0] if pair else level, dtype=torch.float32)
        if x.dim() < 2 or not x.shape[1]:
            raise ValueError(f"levels[{number}] must have shape (num_items, dim, *positions), got {tuple(x.shape)}")
        if not bool(torch.isfinite(x).all()):
            raise ValueError(f"levels[{number}] must be finite, got NaN or infinity")
        found.append((x, torch.as_tensor(level[1]).long()) if pair else x)
    sizes = [num_sets(level) for level in found]
    if len(set(sizes)) > 1 or not sizes[0]:
        raise ValueError(f"levels must be of the same items, one at least, got {sizes} of them")
    return found


def num_sets(level: Level) -> int:
    """Return the number of items of a level."""
    return len(level[1]) - 1 if isinstance(level, tuple) else len(level)


def take(level: Level, rows: Tensor) -> Level:
    """Return some items of a level."""
    if not isinstance(level, tuple):
        return level[rows]
    x, indptr = level
    counts = indptr.diff()[rows]
    slots, _ = expand_ranges(indptr[rows], counts)
    return x[slots], torch.cat([counts.new_zeros(1), counts.cumsum(0)])


def to_device(level: Level, device: torch.device) -> Level:
    """Return a level on a device."""
    return (level[0].to(device), level[1].to(device)) if isinstance(level, tuple) else level.to(device)
