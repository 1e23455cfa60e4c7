"""Drift of a memory, measured in training: the distance between its vectors and the items' current vectors."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import normalize

from graphvid.models.quantizers.config import ContrastiveQuantizationConfig
from graphvid.nn import ProductQuantizer

_ITEMS, _KEPT = 64, 4  # observed items, snapshots of them


class DriftProbe(nn.Module):
    r"""Compare the reconstructions of some items with their entries in a memory of features and in a memory of codes.

    .. math:: d(\Delta) = \frac{1}{n} \sum_i \lVert v_t(i) - \tilde v_{t - \Delta}(i) \rVert^2

    with unit reconstructions v. A memory of features holds :math:`\tilde v = v_{t - \Delta}`. A memory of codes gives the
    mixture of the codebooks of step t by the soft codes of step :math:`t - \Delta`.

    Parameters
    ----------
    num_items : int
        Training items; the probe observes 64 of them.
    config : ContrastiveQuantizationConfig
        Sizes of the codes, and the seed of the choice.
    every : int
        Steps between snapshots; the distances are for ages of 1 and 4 times this many steps.
    """

    items: Tensor
    codes: Tensor
    vectors: Tensor
    latest: Tensor

    def __init__(self, num_items: int, config: ContrastiveQuantizationConfig, every: int) -> None:
        super().__init__()
        self.every = every
        chosen = np.random.default_rng((config.seed, 4)).permutation(num_items)[:_ITEMS]
        self.register_buffer("items", torch.from_numpy(np.sort(chosen)))
        size = len(chosen)
        self.register_buffer("codes", torch.zeros(_KEPT, size, config.num_codebooks, config.num_codewords))
        self.register_buffer("vectors", torch.zeros(_KEPT, size, config.dim))
        self.register_buffer("latest", torch.zeros(2, 2))  # of codes and of features, by age

    @torch.no_grad()
    def observe(
        self, step: int, encode: Callable[[Tensor], Tensor], quantizer: ProductQuantizer, model: nn.Module
    ) -> dict[str, Tensor]:
        """Take a snapshot if the step is due, and return the latest distances by name.

        Parameters
        ----------
        step : int
            Steps done.
        encode : callable
            From training rows to vectors.
        quantizer : ProductQuantizer
        model : Module
            Module that is in evaluation mode during the call.
        """
        if step % self.every == 0:
            training = model.training
            model.eval()
            weights = quantizer(encode(self.items)).log_weights.exp()
            model.train(training)
            now = self._mix(weights, quantizer)
            for column, age in enumerate((1, _KEPT)):
                if step >= age * self.every:
                    old = self._mix(self.codes[-age], quantizer)
                    self.latest[0, column] = (now - old).square().sum(dim=1).mean()
                    self.latest[1, column] = (now - self.vectors[-age]).square().sum(dim=1).mean()
            self.codes = torch.cat([self.codes[1:], weights[None]])
            self.vectors = torch.cat([self.vectors[1:], now[None]])
        return {
            f"drift_{kind}_{age * self.every}": self.latest[row, column]
            for row, kind in enumerate(("codes", "features"))
            for column, age in enumerate((1, _KEPT))
        }

    def _mix(self, weights: Tensor, quantizer: ProductQuantizer) -> Tensor:
        return normalize(torch.einsum("nmk,mkd->nmd", weights, quantizer.codebooks).flatten(1), dim=1, eps=1e-12)
