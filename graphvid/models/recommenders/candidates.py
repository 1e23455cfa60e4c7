"""Negatives of a step and the loss of the scores: drawn items, the batch's own, a memory of earlier ones."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable

import torch
from torch import Tensor, nn

from graphvid.data import Interactions
from graphvid.losses import (
    BCELoss,
    BPRLoss,
    CosineContrastiveLoss,
    CrossBatchNegatives,
    SampledSoftmaxLoss,
    known_positive_mask,
    own_item_mask,
)
from graphvid.losses.sampled_softmax import ItemsLearnFrom
from graphvid.ops import NeighborTable
from graphvid.ops.distinct import distinct
from graphvid.sampling import ItemNegativeSampler

from .config import RecommenderConfig
from .item_drift import ItemDrift
from .losses import BCE, CCL, Softmax
from .negatives import CrossBatch, Mixed, PerEdge, Shared

_FEW = 100  # a vector picked costs about as much as this many scores of a product; measured
Encode = Callable[[Tensor, Tensor, Tensor | None], tuple[Tensor, Tensor]]


class Candidates(nn.Module, ABC):
    """Finds negatives for the edges of a batch and computes the loss of the scores."""

    def __init__(self, histories: NeighborTable, config: RecommenderConfig) -> None:
        super().__init__()
        self.histories, self.config, self.loss = histories, config, make_loss(config)

    @abstractmethod
    def forward(self, encode: Encode, users: Tensor, items: Tensor, step: int) -> Tensor:
        """Return the loss of a batch of edges.

        Parameters
        ----------
        encode : callable
            From users, distinct items and the item that each user's row is to predict to vectors of both.
        users, items : Tensor of int64, shape (batch,)
            Ends of the edges.
        step : int
            Number of the training step.
        """

    def forget(self) -> None:
        """Forget what depends on the weights of earlier steps; nothing, unless a subclass says otherwise."""

    def figures(self) -> dict[str, float]:
        """Return what is logged beside the loss, always under the same names; nothing, unless a subclass says otherwise."""
        return {}

    def _mask(self, users: Tensor, items: Tensor, candidates: Tensor) -> Tensor | None:
        """Say which candidates count for which row, (batch, num_candidates)."""
        if self.config.negatives.mask_known == "none":
            return None
        if self.config.negatives.mask_known == "own":
            return ~own_item_mask(items, candidates)
        return ~known_positive_mask(users, candidates, self.histories)  # the own item is one of them


class DrawnItems(Candidates):
    """Items drawn for the batch or for every row."""

    def __init__(self, histories: NeighborTable, num_items: int, config: RecommenderConfig) -> None:
        super().__init__(histories, config)
        self.num_items = num_items
        assert isinstance(config.negatives, Shared | PerEdge)
        self.sampler = item_sampler(histories, num_items, config.negatives, config.seed)

    def forward(self, encode: Encode, users: Tensor, items: Tensor, step: int) -> Tensor:
        """Draw, encode and score; see `Candidates`."""
        drawn = self.sampler.sample(users, step)
        wanted = torch.cat([items, drawn.items.flatten()])
        if len(wanted) < self.num_items:
            ids, place = distinct(wanted)
        else:  # most items are there: encoding all costs less than finding out which are
            ids, place = torch.arange(self.num_items, device=items.device), wanted
        of_users, of_items = encode(users, ids, items)
        num_rows = len(users)
        positive = (of_users * of_items[place[:num_rows]]).sum(dim=1)
        place = place[num_rows:]
        if drawn.items.dim() == 1 and isinstance(self.loss, CosineContrastiveLoss):
            mask = self._mask(users, items, drawn.items)
            return self.loss.of_shared(positive, of_users, of_items.index_select(0, place), mask=mask)
        if drawn.items.dim() == 1:
            negative = of_users @ of_items.index_select(0, place).T
        elif _FEW * drawn.items.shape[1] < len(ids):
            negative = torch.einsum("bd,bkd->bk", of_users, of_items[place.view_as(drawn.items)])
        else:  # all scores are one product, and picking some of them costs less than picking vectors
            negative = (of_users @ of_items.T).gather(1, place.view_as(drawn.items))
        mask = self._mask(users, items, drawn.items)
        if isinstance(self.config.loss, Softmax) and self.config.loss.log_q:
            assert isinstance(self.loss, SampledSoftmaxLoss)
            log_q = self.sampler.positive_log_q(users, items)
            return self.loss.forward(positive, negative, mask=mask, positive_log_q=log_q, negative_log_q=drawn.log_q)
        loss: Tensor = self.loss(positive, negative, mask=mask)
        return loss


class BatchItems(Candidates):
    """The items of the other rows, and perhaps uniform ones, or those of earlier batches."""

    unigram: Tensor

    def __init__(self, histories: NeighborTable, num_items: int, config: RecommenderConfig) -> None:
        super().__init__(histories, config)
        counts = torch.bincount(histories.indices, minlength=num_items).double()
        self.register_buffer("unigram", counts / counts.sum(), persistent=False)
        self.num_items = num_items
        self.uniform = None
        negatives = config.negatives
        if isinstance(negatives, Mixed):
            self.uniform = item_sampler(histories, num_items, negatives, config.seed)
        self.memory = self.drift = None
        self.items_learn_from: ItemsLearnFrom = "all"
        if isinstance(negatives, CrossBatch):
            self.items_learn_from = negatives.items_learn_from
            self.memory = CrossBatchNegatives(
                negatives.memory_size,
                config.dim,
                warmup_steps=negatives.warmup_steps,
                max_drift=negatives.max_drift,
                fill_during_warmup=negatives.fill_during_warmup,
            )
            if negatives.max_drift is not None:
                age = -(-negatives.memory_size // config.batch_size)
                self.drift = ItemDrift(torch.nonzero(counts).squeeze(1), config.dim, age, config.seed)

    def forget(self) -> None:
        """Empty the memory, and forget where items were."""
        if self.memory is not None:
            self.memory.clear()
        if self.drift is not None:
            self.drift.forget()

    def figures(self) -> dict[str, float]:
        """Return the last drift, NaN before the first, with ``max_drift``."""
        return {} if self.drift is None else {"drift": self.drift.relative}

    def forward(self, encode: Encode, users: Tensor, items: Tensor, step: int) -> Tensor:
        """Encode the batch, and score its items and the others; see `Candidates`."""
        self._watch_drift(encode, users)
        candidates = items
        share = 1.0
        if self.uniform is not None:
            candidates = torch.cat([items, self.uniform.sample(users, step).items])
            share = len(items) / len(candidates)
        ids, place = distinct(candidates)
        of_users, of_items = encode(users, ids, items)
        vectors = of_items[place]
        log_q = of_all = torch.log(share * self.unigram[candidates] + (1 - share) / self.num_items).float()
        memory = None
        if self.memory is not None:
            remembered = self.memory.read()
            memory = remembered.vectors
            candidates, of_all = torch.cat([candidates, remembered.ids]), torch.cat([log_q, remembered.log_q])
        assert isinstance(self.loss, SampledSoftmaxLoss)
        assert isinstance(self.config.loss, Softmax)
        loss = self.loss.of_batch(
            of_users,
            vectors,
            memory,
            mask=self._mask(users, items, candidates),
            log_q=of_all if self.config.loss.log_q else None,
            items_learn_from=self.items_learn_from,
        )
        if self.memory is not None and self.training:
            self.memory.push(items, vectors[: len(items)], log_q[: len(items)])
        return loss

    def _watch_drift(self, encode: Encode, users: Tensor) -> None:
        """Tell the memory how far items have moved, until that is little enough."""
        if self.drift is None or self.memory is None or self.memory.settled or not self.training:
            return
        moved = self.drift.measure(lambda sample: encode(users[:1], sample, None)[1])
        if moved is not None:
            self.memory.observe_drift(moved)


def make_candidates(histories: NeighborTable, num_items: int, config: RecommenderConfig) -> Candidates:
    """Return what ``config.negatives`` names."""
    kind = DrawnItems if isinstance(config.negatives, Shared | PerEdge) else BatchItems
    return kind(histories, num_items, config)


def make_loss(config: RecommenderConfig) -> nn.Module:
    """Return the loss that ``config.loss`` names."""
    loss = config.loss
    if isinstance(loss, CCL):
        return CosineContrastiveLoss(loss.margin, loss.negative_weight)
    if isinstance(loss, Softmax):
        return SampledSoftmaxLoss(loss.temperature, loss.log_q_scale)
    return BCELoss(negative_weight=loss.negative_weight) if isinstance(loss, BCE) else BPRLoss()


def item_sampler(
    histories: NeighborTable, num_items: int, negatives: Shared | PerEdge | Mixed, seed: int
) -> ItemNegativeSampler:
    """Return the sampler of the items that ``negatives`` asks for: for every row, or for the whole batch."""
    train = Interactions(histories.indptr.numpy(), histories.indices.numpy(), num_items)
    per_edge = negatives if isinstance(negatives, PerEdge) else None
    return ItemNegativeSampler(
        train,
        negatives.num_negatives,
        distribution="uniform" if isinstance(negatives, Mixed) else negatives.distribution,
        reject=per_edge is not None and per_edge.reject,
        shared=per_edge is None,
        on_shortfall="raise" if per_edge is None else per_edge.on_shortfall,
        seed=seed,
    )
