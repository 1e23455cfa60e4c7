"""An encoder of the feature vectors of a video as one unit vector, with a tower for each modality or one for all."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import reduce
from itertools import pairwise
from typing import Literal, get_args

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from graphvid._checks import check_choice, check_mapping, check_number, check_seed, check_tensor
from graphvid._random import seeded
from graphvid.ops import Adjacency

from ._shapes import check_width
from .feature_rows import FeatureRows, concatenated, num_columns, standardized_linear
from .standardize import Standardize

Fusion = Literal["late_product", "early_concat"]


class VideoEncoder(nn.Module):
    r"""Encode videos as unit vectors from one feature vector per modality.

    With ``fusion="late_product"`` every modality :math:`x_m` has its own tower, and the outputs are multiplied element by
    element, :math:`f(x) = \operatorname{normalize}(\prod_m T_m(x_m))`; with ``"early_concat"`` one tower reads the
    concatenation, :math:`f(x) = \operatorname{normalize}(T([x_1, x_2, \dots]))`. A tower standardises its input, then
    alternates linear layers with ReLU, with nothing after the last linear layer.

    Parameters
    ----------
    dims : mapping of str to int
        Columns of every modality, such as ``{"visual": 1500, "audio": 128}``. With one modality the two fusions agree.
    fusion : {"late_product", "early_concat"}, default "late_product"
        Fusion of the modalities; the default is the paper's.
    hidden : sequence of int, default (4000,)
        Widths of the hidden layers; the default is the paper's, and large for fewer than about 10,000 videos.
    dim : int, default 256
        Columns of the embedding; the paper's.
    dropout : float, default 0.0
        Share of hidden units dropped in training, in [0, 1). The paper has no dropout; on small data about 0.3 helps more than
        any other setting.
    input_dropout : float, default 0.0
        Share of standardised input columns dropped in training, in [0, 1); of sparse rows, share of the stored values.
    seed : int, default 0
        Seed of the initial weights (PyTorch's default initialisation).

    Raises
    ------
    ValueError
        No modality, an unknown fusion, a width below 1 or a dropout outside [0, 1).

    Notes
    -----
    The forward pass costs :math:`O(\sum_l d_l d_{l+1})` multiplications a video. Initial weights depend only on ``seed``.

    References
    ----------
    Lee et al., "Large Scale Video Representation Learning via Relational Graph Clustering", CVPR 2020: two towers
    of fully connected layers 4000 -> 256, their element-wise product, L2 normalisation. ReLU between the layers is an
    assumption: the paper does not name the non-linearity.

    Examples
    --------
    >>> encoder = VideoEncoder({"visual": 8, "audio": 4}, hidden=(16,), dim=2)
    >>> vectors = encoder({"visual": torch.ones(3, 8), "audio": torch.ones(3, 4)})
    >>> vectors.shape, bool(torch.allclose(vectors.norm(dim=1), torch.ones(3)))
    (torch.Size([3, 2]), True)
    """

    def __init__(
        self,
        dims: Mapping[str, int],
        *,
        fusion: Fusion = "late_product",
        hidden: Sequence[int] = (4000,),
        dim: int = 256,
        dropout: float = 0.0,
        input_dropout: float = 0.0,
        seed: int = 0,
    ) -> None:
        super().__init__()
        check_mapping("dims", dims)
        if not dims:
            raise ValueError("dims must name at least one modality, got none")
        check_choice("fusion", fusion, get_args(Fusion))
        if not isinstance(hidden, Sequence):
            raise TypeError(f"hidden must be a sequence of widths, got {type(hidden).__name__}")
        widths = {f"dims[{name!r}]": size for name, size in dims.items()}
        for name, width in (widths | {f"hidden[{i}]": size for i, size in enumerate(hidden)} | {"dim": dim}).items():
            check_width(name, width)
        for name, value in (("dropout", dropout), ("input_dropout", input_dropout)):
            if check_number(name, value, "in [0, 1)", least=0, most=1) == 1:
                raise ValueError(f"{name} must be in [0, 1), got {value}")
        check_seed(seed)
        self.dims = dict(dims)
        self.fusion = fusion
        self.input_dropout = input_dropout
        self.standardize = nn.ModuleDict({name: Standardize(size) for name, size in self.dims.items()})
        inputs = self.dims if fusion == "late_product" else {"all": sum(self.dims.values())}
        with seeded(seed):
            self.towers = nn.ModuleDict(
                {name: _tower([size, *hidden, dim], dropout, input_dropout) for name, size in inputs.items()}
            )

    def forward(self, features: Mapping[str, FeatureRows]) -> Tensor:
        """Encode a batch.

        Parameters
        ----------
        features : mapping of str to Tensor or Adjacency
            One float tensor of shape ``(batch, dims[name])`` for every modality; others are an error. Sparse rows are an
            `graphvid.ops.Adjacency` from ``dims[name]`` columns to ``batch`` rows with the values as weights: they enter the
            first layer as a sparse product, see `graphvid.nn.standardized_linear`.

        Returns
        -------
        Tensor
            Unit rows, shape ``(batch, dim)``.

        Raises
        ------
        KeyError
            The modalities are not those of ``dims``.
        ValueError
            A modality has another number of columns.
        """
        check_mapping("features", features)
        if set(features) != set(self.dims):
            raise KeyError(f"features must have the modalities {sorted(self.dims)}, got {sorted(features)}")
        for name, size in self.dims.items():
            x = features[name]
            if not isinstance(x, Adjacency):
                check_tensor(f"features[{name!r}]", x, floating=True)
            if (isinstance(x, Tensor) and not x.dim()) or num_columns(x) != size:
                got = "a number" if isinstance(x, Tensor) and not x.dim() else num_columns(x)
                raise ValueError(f"features[{name!r}] must have {size} columns, got {got}")
        together = [list(self.dims)] if self.fusion == "early_concat" else [[name] for name in self.dims]
        towers = [
            self._tower_output(tower, {name: features[name] for name in names})
            for tower, names in zip(self.towers.values(), together, strict=True)
        ]
        return F.normalize(reduce(torch.mul, towers), dim=-1)

    def _tower_output(self, tower: nn.Module, features: Mapping[str, FeatureRows]) -> Tensor:
        """Return the output of a tower for the concatenation of some standardised modalities."""
        assert isinstance(tower, nn.Sequential)
        dense = {name: self.standardize[name](x) for name, x in features.items() if isinstance(x, Tensor)}
        if len(dense) == len(features):
            output: Tensor = tower(concatenated(list(dense.values())))
            return output
        first = next(at for at, layer in enumerate(tower) if isinstance(layer, nn.Linear))
        layer = tower[first]
        assert isinstance(layer, nn.Linear)
        sizes = [self.dims[name] for name in features]
        # the gradient of a split is a copy
        weights = (layer.weight,) if len(sizes) == 1 else torch.split(layer.weight, sizes, dim=1)
        dropout = self.input_dropout if self.training else 0.0
        parts = [
            F.linear(tower[:first](dense[name]), weight)
            if isinstance(x, Tensor)
            else self._sparse_product(name, x, weight, dropout)
            for (name, x), weight in zip(features.items(), weights, strict=True)
        ]
        output = tower[first + 1 :](sum(parts[1:], parts[0]) + layer.bias)
        return output

    def _sparse_product(self, name: str, x: Adjacency, weight: Tensor, dropout: float) -> Tensor:
        statistics = self.standardize[name]
        assert isinstance(statistics, Standardize)
        return standardized_linear(x, statistics.mean, statistics.scale, weight, dropout=dropout)


def _tower(widths: Sequence[int], dropout: float, input_dropout: float) -> nn.Sequential:
    layers: list[nn.Module] = [nn.Dropout(input_dropout)] if input_dropout else []
    for i, (size_in, size_out) in enumerate(pairwise(widths)):
        if i:
            layers += [nn.ReLU(), nn.Dropout(dropout)] if dropout else [nn.ReLU()]
        layers.append(nn.Linear(size_in, size_out))
    return nn.Sequential(*layers)
