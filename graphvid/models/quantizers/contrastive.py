"""The model of codes without labels: it learns encoder and codebooks by the contrast of two views of an item."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn.functional import kl_div, log_softmax, normalize, softmax

from graphvid._faiss import import_faiss
from graphvid._random import seeded
from graphvid.losses import CodeMemory, DebiasedContrastiveLoss
from graphvid.models.quantizers.base import WEIGHT_STREAM, Quantization, embed_in_chunks
from graphvid.models.quantizers.config import ContrastiveQuantizationConfig
from graphvid.models.quantizers.drift import DriftProbe
from graphvid.models.quantizers.item_features import (
    Tables,
    Transform,
    as_tensors,
    columns_of,
    mean_frames,
    nearest_items,
    view,
    walk,
)
from graphvid.nn import Quantized, Standardize
from graphvid.ops import NeighborTable


class CodeEncoder(nn.Module):
    """Map the features of items, all modalities concatenated, to the vectors that are quantised.

    Standardises every column; then one linear layer, or two with batch normalisation and ReLU between.

    Parameters
    ----------
    dims : mapping of str to int
        Columns of every modality.
    dim : int
        Columns of the vectors.
    hidden : int
        Units of the hidden layer; 0 for none.
    """

    def __init__(self, dims: Mapping[str, int], dim: int, hidden: int) -> None:
        super().__init__()
        self.dims = dict(dims)
        width = sum(dims.values())
        self.standardize = nn.ModuleDict({name: Standardize(size) for name, size in self.dims.items()})
        layers: list[nn.Module] = [nn.Linear(width, hidden or dim)]
        if hidden:
            layers += [nn.BatchNorm1d(hidden), nn.ReLU(), nn.Linear(hidden, dim)]
        self.layers = nn.Sequential(*layers)

    def forward(self, features: Mapping[str, Tensor]) -> Tensor:
        """Encode a batch of ``(batch, dims[name])`` by modality to ``(batch, dim)``.

        Raises
        ------
        KeyError, ValueError
            Modalities or numbers of columns differ from ``dims``.
        """
        if set(features) != set(self.dims):
            raise KeyError(f"features must have the modalities {sorted(self.dims)}, got {sorted(features)}")
        for name, size in self.dims.items():
            if features[name].shape[-1] != size:
                raise ValueError(f"features[{name!r}] must have {size} columns, got {features[name].shape[-1]}")
        encoded: Tensor = self.layers(self.columns(features))
        return encoded

    def columns(self, features: Mapping[str, Tensor]) -> Tensor:
        """Standardise a batch of ``(batch, dims[name])`` by modality and concatenate all columns."""
        return torch.cat([self.standardize[name](features[name]) for name in self.dims], dim=-1)


class ContrastiveQuantization(Quantization):
    r"""Contrastive quantisation with a code memory (MeCoQ): codes of items from their features, without labels.

    .. math:: L = L_{con} + \lambda L_{ent} + \gamma L_{div}

    :math:`L_{con}` is the debiased contrastive loss between the reconstructions of two views of an item. Its negatives are
    the other items of the batch and the codes of a memory. :math:`\lambda, \gamma` = ``entropy_weight``,
    ``diversity_weight``. Views come from the features (fewer columns, modalities or frames, noise), from ``transform``, and
    from the graph: both views walk a few links from the item.

    Parameters
    ----------
    features : mapping of str to array, shape (num_items, dim) or (num_items, num_frames, dim)
        Training items by modality.
    config : ContrastiveQuantizationConfig
        Options.
    graph : NeighborTable, optional
        Links between items, on which views walk. Default: links to the ``config.num_neighbors`` nearest items by the cosine
        of their standardised features.
    transform : callable, optional
        First change of a view: takes the features of a batch by modality and returns others; runs with PyTorch's generator
        seeded for the step.

    Raises
    ------
    TypeError
        The options are of another class.
    ValueError
        Features of a wrong form, fewer items than codewords, or a graph with another number of items.

    Notes
    -----
    Deviations from the published method and its code: training changes the codebooks (the released code never does), and
    repairs move unused codewords; views are of features instead of pictures; views walk on a graph; an item is not a
    negative of itself; an optional loss distils the order of the features. By default reconstructions have the hard value
    and the soft gradient; the released code trains on the soft ones.

    References
    ----------
    Wang, Zeng, Chen, Dai and Xia, Contrastive Quantization with Code Memory for Unsupervised Image Retrieval, AAAI 2022.

    Examples
    --------
    >>> features = {"look": torch.randn(64, 8)}
    >>> config = ContrastiveQuantizationConfig(num_codebooks=2, num_codewords=16, dim=8, num_epochs=1)
    >>> model = ContrastiveQuantization(features, config)
    >>> model.to_codes(model.embed(features)).shape
    (64, 2)
    """

    def __init__(
        self,
        features: Tables,
        config: ContrastiveQuantizationConfig,
        *,
        graph: NeighborTable | None = None,
        transform: Transform | None = None,
    ) -> None:
        if not isinstance(config, ContrastiveQuantizationConfig):
            raise TypeError(f"config must be a ContrastiveQuantizationConfig, got {type(config).__name__}")
        tensors = as_tensors(features)
        super().__init__(len(next(iter(tensors.values()))), config)
        self.config, self.features, self.transform = config, tensors, transform
        if graph is not None and graph.num_nodes != self.num_items:
            raise ValueError(f"graph must have the {self.num_items} items of features, got {graph.num_nodes}")
        with seeded(config.seed, WEIGHT_STREAM, 0):
            self.encoder = CodeEncoder({name: x.shape[-1] for name, x in tensors.items()}, config.dim, config.hidden)
        pooled = mean_frames(tensors)
        self.means, self.deviations = {}, {}
        for name, x in pooled.items():
            found = columns_of(x)
            even = found.deviation.square().mean().sqrt().expand_as(found.scale)
            scale = found.scale if config.standardize else even
            self.encoder.standardize[name].set(found.mean, scale)  # type: ignore[operator] # a Standardize
            self.means[name], self.deviations[name] = found.mean, found.deviation
        self.log_scale = nn.Parameter(torch.zeros(()), requires_grad=bool(config.distill_weight and not config.unit))
        if config.rotation:
            self._rotate(self.encoder.columns(pooled))
        if graph is None and config.num_neighbors and config.walk_length:
            graph = nearest_items(self.encoder.columns(pooled), config.num_neighbors)
        self.graph = graph
        self.loss = DebiasedContrastiveLoss(
            config.temperature, prior=config.prior, debias=config.debias, normalize_memory=config.normalize_memory
        )
        self.memory = CodeMemory(
            config.memory_size,
            config.num_codebooks,
            config.num_codewords,
            num_kept=config.memory_kept,
            warmup_steps=config.memory_from * self.steps_per_epoch,
        )
        every = max(1, config.memory_size // (2 * config.batch_size))
        self.probe = DriftProbe(self.num_items, config, every) if config.memory_size else None
        self._pushed: tuple[Tensor, Tensor] | None = None
        self.prepare_codes()

    @torch.no_grad()
    def _rotate(self, x: Tensor) -> None:
        """Start the linear layer at the rotation of OPQ, and the scale of distances at that of the unit features."""
        if x.shape[1] != self.config.dim:
            raise ValueError(
                f"dim must be the {x.shape[1]} columns of the features with rotation, got {self.config.dim}"
            )
        if len(x) < 256:
            raise ValueError(f"rotation needs 256 items at least, got {len(x)}")
        faiss = import_faiss()
        matrix = faiss.OPQMatrix(self.config.dim, self.config.num_codebooks)
        matrix.train(x.numpy())
        turned = faiss.vector_to_array(matrix.A).reshape(self.config.dim, self.config.dim)
        layer = self.encoder.layers[0]
        assert isinstance(layer, nn.Linear)
        layer.weight.copy_(torch.from_numpy(turned))
        layer.bias.zero_()
        spread = x.square().sum(dim=1).mean()
        raw = normalize(torch.cat(list(mean_frames(self.features).values()), dim=1), dim=1, eps=1e-12)
        self.log_scale.copy_(((raw - raw.mean(dim=0)).square().sum(dim=1).mean() / spread).log())

    def _rows(self, rows: Tensor) -> dict[str, Tensor]:
        at = rows.to(next(iter(self.features.values())).device)
        return {name: x[at].to(self.device) for name, x in self.features.items()}

    def _encode_rows(self, rows: Tensor) -> Tensor:
        encoded: Tensor = self.encoder(mean_frames(self._rows(rows)))
        return encoded

    def _loss(self, rows: Tensor) -> Tensor:
        config = self.config
        if self.probe is not None:
            for name, value in self.probe.observe(self.global_step, self._encode_rows, self.quantizer, self).items():
                self.log(name, value)
        ends = rows.repeat(2)
        if self.graph is not None and config.walk_length:
            ends = walk(self.graph, ends.cpu(), config.walk_length).to(rows.device)
        means, deviations = ({n: x.to(self.device) for n, x in t.items()} for t in (self.means, self.deviations))
        encoded = self.encoder(view(self._rows(ends), means, deviations, config, self.transform))
        both = self.quantizer(encoded)
        first, second = (Quantized(*parts) for parts in zip(*(x.chunk(2) for x in both), strict=True))
        total = self.regularize(first, second)
        if config.contrast_weight:
            total = total + config.contrast_weight * self._contrast(rows, first.vectors, second.vectors)
        if config.distill_weight:
            total = total + config.distill_weight * self._distill(rows)
        self._pushed = rows.repeat(2), both.log_weights.detach().exp()
        return total

    def _contrast(self, rows: Tensor, first: Tensor, second: Tensor) -> Tensor:
        books = self.quantizer.codebooks
        negatives = self.memory.rebuild(books if self.config.memory_grad else books.detach())
        anchors = self.loss.per_anchor(first, second, rows, negatives, self.memory.read().ids)
        loss = anchors.losses.mean()
        self.log("contrastive", loss.detach())
        self.log("clamped_share", anchors.clamped.float().mean())
        return loss

    def _distill(self, rows: Tensor) -> Tensor:
        """Return the divergence of the batch's scores (vectors with reconstructions) from the cosines of the features."""
        config = self.config
        features = mean_frames(self._rows(rows))
        raw = normalize(torch.cat([features[name] for name in self.encoder.dims], dim=1), dim=1, eps=1e-12)
        encoded = self.encoder(features)
        coded = self.quantizer(encoded).vectors
        own = torch.eye(len(rows), dtype=torch.bool, device=rows.device)
        wanted = softmax((raw @ raw.T / config.distill_temperature).masked_fill(own, -1e4), dim=1)
        if config.unit:
            scores = normalize(encoded, dim=1, eps=1e-12) @ normalize(coded, dim=1, eps=1e-12).T
        else:  # an index also ranks by distance
            products = encoded @ coded.T - coded.square().sum(dim=1) / 2 - encoded.square().sum(dim=1, keepdim=True) / 2
            scores = self.log_scale.exp() * products
        found = log_softmax((scores / config.distill_temperature).masked_fill(own, -1e4), dim=1)
        loss = kl_div(found, wanted, reduction="batchmean")
        self.log("distillation", loss.detach())
        return loss

    def _after_step(self) -> None:
        """Push the soft codes of both views, after the step of the optimiser."""
        if self._pushed is not None and self.config.memory_size:
            self.memory.push(*self._pushed)
        self._pushed = None

    def embed(self, features: Tables) -> NDArray[np.float32]:
        """Return the vectors of items, seen in training or not: the queries of an asymmetric search.

        Parameters
        ----------
        features : mapping of str to array
            The modalities of the training, for any items.

        Returns
        -------
        ndarray of float32, shape (num_items, dim)
            Rows are not of unit length.

        Raises
        ------
        KeyError, ValueError
            Modalities, shapes or values differ from those of the training.
        """
        tensors = as_tensors(features)
        number = len(next(iter(tensors.values())))

        def encode(rows: slice) -> Tensor:
            part = {name: x[rows].to(self.device) for name, x in tensors.items()}
            encoded: Tensor = self.encoder(mean_frames(part))
            return encoded

        return embed_in_chunks(self, number, encode)
