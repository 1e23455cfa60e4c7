"""The coder of a finished run: encoder and codebooks of a trained model, which encode any items."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from graphvid.models.quantizers.base import build_quantizer, codes_of, embed_in_chunks
from graphvid.models.quantizers.config import ContrastiveQuantizationConfig, PyramidQuantizationConfig
from graphvid.models.quantizers.contrastive import CodeEncoder, ContrastiveQuantization
from graphvid.models.quantizers.item_features import Tables, as_tensors
from graphvid.models.quantizers.pyramid import PyramidHybridPoolingQuantization, StandardizeLevels, build_pooling
from graphvid.nn import ProductQuantizer, PyramidHybridPooling


class PyramidEncoder(nn.Module):
    """Encode items whose modalities are levels, by a pooling of the levels.

    Parameters
    ----------
    names : sequence of str
        Modalities in the order of the levels.
    backbone : Module
        From levels to levels.
    pooling : PyramidHybridPooling
    """

    def __init__(self, names: list[str], backbone: nn.Module, pooling: PyramidHybridPooling) -> None:
        super().__init__()
        self.names, self.backbone, self.pooling = names, backbone, pooling

    def forward(self, features: Mapping[str, Tensor]) -> Tensor:
        """Encode ``(batch, dims[name])`` by modality to ``(batch, dim)``."""
        pooled: Tensor = self.pooling(self.backbone([features[name] for name in self.names]))
        return pooled


class Coder(nn.Module):
    """An encoder of features and a quantiser of its vectors.

    Parameters
    ----------
    dims : mapping of str to int
        Columns of every modality.
    encoder : Module
        From features by modality to vectors.
    quantizer : ProductQuantizer
    """

    def __init__(self, dims: Mapping[str, int], encoder: nn.Module, quantizer: ProductQuantizer) -> None:
        super().__init__()
        self.dims, self.encoder, self.quantizer = dict(dims), encoder, quantizer

    def embed(self, features: Tables) -> NDArray[np.float32]:
        """Return the vectors of items, seen in training or not: the queries of an asymmetric search.

        Parameters
        ----------
        features : mapping of str to array, shape (num_items, dim)

        Returns
        -------
        ndarray of float32, shape (num_items, dim)

        Raises
        ------
        KeyError, ValueError
            Modalities, shapes or values differ from those of the training.
        """
        if set(features) != set(self.dims):
            raise KeyError(f"features must have the modalities {sorted(self.dims)}, got {sorted(features)}")
        tensors = as_tensors(features)
        for name, size in self.dims.items():
            if tensors[name].shape[1:] != (size,):
                raise ValueError(f"features[{name!r}] must have {size} columns, got {tuple(tensors[name].shape)}")
        number = len(next(iter(tensors.values())))
        return embed_in_chunks(
            self, number, lambda rows: cast(Tensor, self.encoder({name: x[rows] for name, x in tensors.items()}))
        )

    def encode(self, vectors: NDArray[np.floating]) -> NDArray[np.unsignedinteger[Any]]:
        """Return the codes of embedded items, uint8 up to 256 codewords, else uint16, (num_items, num_codebooks)."""
        return codes_of(self.quantizer, torch.as_tensor(vectors, dtype=torch.float32))


def build_coder(dims: Mapping[str, int], config: ContrastiveQuantizationConfig | PyramidQuantizationConfig) -> Coder:
    """Return the untrained coder of ``config`` for modalities with ``dims`` columns; load weights into it."""
    widths = list(dims.values())
    encoder: nn.Module
    if isinstance(config, ContrastiveQuantizationConfig):
        encoder = CodeEncoder(dims, config.dim, config.hidden)
    else:
        encoder = PyramidEncoder(list(dims), StandardizeLevels(widths), build_pooling(widths, config))
    return Coder(dims, encoder, build_quantizer(config))


def coder_of(model: ContrastiveQuantization | PyramidHybridPoolingQuantization, dims: Mapping[str, int]) -> Coder:
    """Move a trained model to the CPU and return its coder, which shares the model's weights."""
    model.cpu()
    if isinstance(model, ContrastiveQuantization):
        return Coder(dims, model.encoder, model.quantizer)
    return Coder(dims, PyramidEncoder(list(dims), model.backbone, model.pooling), model.quantizer)
