"""Base class of the models of short codes: it holds the quantiser, repairs it, sets the optimiser and returns codes."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from graphvid._random import seeded
from graphvid.losses import assignment_entropy, codeword_diversity
from graphvid.models.one_process import OneProcessModule
from graphvid.models.quantizers.config import QuantizationConfig
from graphvid.nn import ProductQuantizer, Quantized
from graphvid.sampling import ShuffledBatches

WEIGHT_STREAM, VIEW_STREAM, RESEED_STREAM = 1, 2, 3  # streams of config.seed
_SAMPLE = 64  # items for each codeword, to initialise and repair codebooks
_CHUNK = 8192  # items encoded at once


class ItemBatch(NamedTuple):
    """Rows of a batch of training items.

    Parameters
    ----------
    item : Tensor, shape (batch,), int64
    """

    item: Tensor


class Quantization(OneProcessModule, ABC):
    """Learns an encoder and codebooks, so that an index stores items in a few bytes and searches them by vectors.

    A subclass encodes training rows and defines the loss of their vectors and reconstructions. `prepare_codes` sets the
    initial codebooks.

    Parameters
    ----------
    num_items : int
        Training items.
    config : QuantizationConfig
        Options.

    Attributes
    ----------
    quantizer : ProductQuantizer
    use : Tensor, shape (num_codebooks, num_codewords), int64
        Items of this epoch that used each codeword.
    moved : Tensor, scalar
        Codewords that the last repair moved.
    """

    use: Tensor
    moved: Tensor

    def __init__(self, num_items: int, config: QuantizationConfig) -> None:
        super().__init__()
        self.num_items, self._options = num_items, config
        with seeded(config.seed, WEIGHT_STREAM, 1):
            self.quantizer = build_quantizer(config)
        self.register_buffer("use", torch.zeros(config.num_codebooks, config.num_codewords, dtype=torch.int64))
        self.register_buffer("moved", torch.zeros(()))

    @abstractmethod
    def _encode_rows(self, rows: Tensor) -> Tensor:
        """Return the vectors of training rows, unchanged, in the current mode of the model, (num_rows, dim)."""

    @abstractmethod
    def _loss(self, rows: Tensor) -> Tensor:
        """Return the loss of a batch of training rows, and log its parts."""

    @property
    def steps_per_epoch(self) -> int:
        """Batches an epoch."""
        return -(-self.num_items // self._options.batch_size)

    def prepare_codes(self) -> None:
        """Start the codebooks at the k-means of the untrained encoder's vectors, unless they start at random.

        Raises
        ------
        ValueError
            There are fewer items than codewords.
        """
        config = self._options
        if config.start == "random":
            return
        if self.num_items < config.num_codewords:
            raise ValueError(
                f"num_codewords must be at most the {self.num_items} items with start={config.start!r}, got "
                f"{config.num_codewords}; start at random, or take fewer"
            )
        self.quantizer.start_from(
            self._sample(0), method="lloyd" if config.start == "kmeans" else "faiss", seed=config.seed % 2**31
        )

    @torch.no_grad()
    def _sample(self, number: int) -> Tensor:
        """Return the vectors of a sample of training items."""
        config = self._options
        rng = np.random.default_rng((config.seed, RESEED_STREAM, number))
        rows = torch.from_numpy(rng.permutation(self.num_items)[: _SAMPLE * config.num_codewords]).to(self.device)
        training = self.training
        self.eval()
        found = torch.cat([self._encode_rows(part) for part in torch.split(rows, _CHUNK)])
        self.train(training)
        return found

    def train_dataloader(self) -> ShuffledBatches[ItemBatch]:
        """Return the batches of all epochs."""
        config = self._options
        items = ItemBatch(torch.arange(self.num_items))
        return ShuffledBatches(items, config.batch_size, config.num_epochs, config.seed)

    def training_step(self, batch: ItemBatch, batch_idx: int) -> Tensor:
        """Repair the codewords if a repair is due, and compute the loss of a batch."""
        config, step = self._options, self.global_step
        epoch, within = divmod(step, self.steps_per_epoch)
        if not within:
            if config.reseed_every and epoch and not epoch % config.reseed_every and epoch <= 0.8 * config.num_epochs:
                moved = self.quantizer.reseed(self._sample(epoch), self.use, seed=(config.seed + epoch) % 2**31)
                self.moved.fill_(moved)
            self.use.zero_()
        with seeded(config.seed, VIEW_STREAM, step):
            loss = self._loss(batch.item)
        self.log("loss", loss.detach(), prog_bar=True)
        self.log("codewords_moved", self.moved)
        return loss

    def regularize(self, *quantized: Quantized) -> Tensor:
        """Return the weighted entropy and diversity terms of the quantised views of a batch, and count their codes."""
        config = self._options
        with torch.no_grad():
            for one in quantized:
                kept = one.log_weights > -torch.inf
                if self.quantizer.top_n is None:
                    kept = torch.zeros_like(kept).scatter_(-1, one.codes[..., None], True)
                self.use += kept.sum(dim=0)
        entropy = torch.stack([assignment_entropy(one.log_weights) for one in quantized]).mean()
        diversity = codeword_diversity(self.quantizer.codebooks, kind=config.diversity)
        self.log("entropy", entropy.detach())
        self.log("diversity", diversity.detach())
        return config.entropy_weight * entropy + config.diversity_weight * diversity

    def configure_optimizers(self) -> Any:  # Any: Lightning's form of an optimiser and its schedule
        """Return Adam or gradient descent, with a rate that rises over the warm-up and falls along a cosine."""
        config = self._options
        codebooks = [p for p in self.quantizer.parameters() if p.requires_grad]
        known = {id(parameter) for parameter in self.quantizer.parameters()}
        others = [parameter for parameter in self.parameters() if id(parameter) not in known]
        groups = [{"params": others, "weight_decay": config.weight_decay}]
        if codebooks:
            groups.append({"params": codebooks, "weight_decay": 0.0})
        if config.optimizer == "adam":
            optimizer: torch.optim.Optimizer = torch.optim.AdamW(groups, lr=config.learning_rate)
        else:
            optimizer = torch.optim.SGD(groups, lr=config.learning_rate, momentum=0.9)
        total, warm = (n * self.steps_per_epoch for n in (config.num_epochs, config.warmup_epochs))

        def factor(step: int) -> float:
            if step < warm:
                return (step + 1) / (warm + 1)
            return 0.5 * (1 + math.cos(math.pi * (step - warm) / max(1, total - warm)))

        schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, factor)
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": schedule, "interval": "step"}}

    def optimizer_step(self, *args: Any, **kwargs: Any) -> None:  # Any: Lightning's
        """Take a step of the optimiser, and then `_after_step`, so that the next checkpoint holds both."""
        super().optimizer_step(*args, **kwargs)
        if self._options.train_codebooks:
            self.quantizer.rescale()
        self._after_step()

    def _after_step(self) -> None:
        """Update state after a step; does nothing here, a subclass may override it."""

    def to_codes(self, vectors: NDArray[np.floating] | Tensor) -> NDArray[np.unsignedinteger[Any]]:
        """Return the codes of encoded items, one byte a codebook up to 256 codewords, else two.

        Parameters
        ----------
        vectors : array of shape (num_items, dim)
            Result of ``embed``.

        Returns
        -------
        ndarray of uint8 or uint16, shape (num_items, num_codebooks)
        """
        return codes_of(self.quantizer, torch.as_tensor(vectors, dtype=torch.float32, device=self.device))

    def codebooks(self) -> NDArray[np.float32]:
        """Return the codebooks, (num_codebooks, num_codewords, dim // num_codebooks)."""
        return self.quantizer.codebooks.detach().cpu().numpy().copy()


def build_quantizer(config: QuantizationConfig) -> ProductQuantizer:
    """Return the quantiser that the options describe."""
    return ProductQuantizer(
        config.dim,
        config.num_codebooks,
        config.num_codewords,
        sharpness=config.sharpness,
        top_n=config.top_n,
        estimator=config.estimator,
        unit=config.unit,
        train_codebooks=config.train_codebooks,
    )


def codes_of(quantizer: ProductQuantizer, vectors: Tensor) -> NDArray[np.unsignedinteger[Any]]:
    """Return the codes of vectors, uint8 up to 256 codewords, else uint16, (num_items, num_codebooks)."""
    small = np.uint8 if quantizer.num_codewords <= 256 else np.uint16
    return quantizer.encode(vectors).cpu().numpy().astype(small)


@torch.no_grad()
def embed_in_chunks(model: nn.Module, num_items: int, encode: Callable[[slice], Tensor]) -> NDArray[np.float32]:
    """Return what ``encode`` gives for slices of items, one after the other, with ``model`` in evaluation mode."""
    training = model.training
    model.eval()
    found = [encode(slice(start, start + _CHUNK)).cpu().numpy() for start in range(0, max(num_items, 1), _CHUNK)]
    model.train(training)
    return np.concatenate(found)
