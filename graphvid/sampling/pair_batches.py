"""Pairs of videos in batches, in random order or so that the pairs of a batch share their videos."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Literal, get_args

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import Tensor

from graphvid._integers import check_integer, node_ids
from graphvid.sampling._pair_kernels import _local_order

PairOrder = Literal["random", "local"]


def local_pair_order(query: ArrayLike, candidate: ArrayLike, batch_size: int, *, seed: int = 0) -> NDArray[np.int64]:
    """Return the pairs in an order in which each slice of ``batch_size`` has few distinct videos.

    A batch grows over the graph of pairs: from a random video, it is always the video with the fewest neighbours
    outside that takes them in, and each of them brings all its pairs into the batch.

    Parameters
    ----------
    query, candidate : array_like of int, shape (num_pairs,)
        Ends of the pairs, >= 0.
    batch_size : int
        At least 1.
    seed : int, default 0
        Of the starts and of ties.

    Returns
    -------
    ndarray of int64, shape (num_pairs,)
        Full batches in random order, then the last, which may be smaller.

    Notes
    -----
    O(num_pairs * batch_size * degree) time at worst, O(num_pairs) memory.

    References
    ----------
    Zhang et al., "Graph Edge Partitioning via Neighborhood Heuristic", KDD 2017, algorithm 1.

    Examples
    --------
    >>> order = local_pair_order([0, 5, 1, 6, 0, 5], [1, 6, 2, 7, 2, 7], 3)  # two triangles
    >>> sorted(order[:3].tolist()) in ([0, 2, 4], [1, 3, 5])
    True
    """
    check_integer("batch_size", batch_size, 1)
    check_integer("seed", seed, 0)
    ends = [node_ids(name, x, 2**31, "(num_pairs,)") for name, x in (("query", query), ("candidate", candidate))]
    if len(ends[0]) != len(ends[1]):
        raise ValueError(f"query and candidate must have equal lengths, got {len(ends[0])} and {len(ends[1])}")
    num_pairs = len(ends[0])
    rng = np.random.default_rng(seed)
    nodes, both = np.unique(np.concatenate(ends), return_inverse=True)
    other = np.concatenate([both[num_pairs:], both[:num_pairs]])
    shuffled = rng.permutation(len(both))
    slots = shuffled[np.argsort(both[shuffled], kind="stable")]  # by node, the pairs of each in random order
    indptr = np.concatenate([[0], np.cumsum(np.bincount(both, minlength=len(nodes)))])
    order = np.empty(num_pairs, dtype=np.int64)
    _local_order(indptr, other[slots], slots % max(num_pairs, 1), rng.permutation(len(nodes)), order, batch_size)
    full = num_pairs // batch_size * batch_size
    batches = rng.permutation(order[:full].reshape(-1, batch_size), axis=0)
    return np.concatenate([batches.ravel(), order[full:]])


class PairBatches:
    """Give pairs in batches, epoch by epoch, from a step on: a function of seed and step.

    Parameters
    ----------
    query, candidate : array_like of int, shape (num_pairs,)
        Ends of the pairs; one pair at least.
    batch_size, num_epochs : int
        At least 1. The last batch of an epoch may be smaller.
    seed : int
        Of the orders.
    order : {"random", "local"}, default "random"
        ``"local"`` is that of `local_pair_order`, another every epoch: a video is encoded for several pairs at once.

    Attributes
    ----------
    step : int
        Number of the next batch.

    Raises
    ------
    ValueError
        No pair, a number out of its range, another order.

    Examples
    --------
    >>> batches = PairBatches([0, 1, 2], [1, 2, 0], batch_size=2, num_epochs=2, seed=0)
    >>> [len(batch) for batch in batches], batches.step
    ([2, 1, 2, 1], 4)
    """

    def __init__(
        self, query: ArrayLike, candidate: ArrayLike, *, batch_size: int, num_epochs: int, seed: int,
        order: PairOrder = "random",
    ) -> None:  # fmt: skip
        for name, value, least in (("batch_size", batch_size, 1), ("num_epochs", num_epochs, 1), ("seed", seed, 0)):
            check_integer(name, value, least)
        if order not in get_args(PairOrder):
            raise ValueError(f"order must be one of {list(get_args(PairOrder))}, got {order!r}")
        self.query, self.candidate = np.asarray(query), np.asarray(candidate)
        if not len(self.query):
            raise ValueError("query must hold at least one pair, got none")
        self.batch_size, self.seed, self.order = batch_size, seed, order
        self.per_epoch = -(-len(self.query) // batch_size)
        self.num_steps = num_epochs * self.per_epoch
        self.step = 0

    def __len__(self) -> int:
        return self.num_steps

    def __iter__(self) -> Iterator[Tensor]:
        if self.step >= self.num_steps:  # an empty loader would let Lightning count epochs for ever
            raise RuntimeError(f"all {self.num_steps} steps are done; set num_epochs higher, or step back")
        for epoch in range(self.step // self.per_epoch, self.num_steps // self.per_epoch):
            order = torch.from_numpy(self._epoch(epoch))
            for i in range(self.step % self.per_epoch, self.per_epoch):
                self.step += 1
                yield order[i * self.batch_size : (i + 1) * self.batch_size]

    def state_dict(self) -> dict[str, Any]:
        """Give the number of the next batch."""
        return {"step": self.step}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from the step of a `state_dict`."""
        self.step = int(state["step"])

    def _epoch(self, epoch: int) -> NDArray[np.int64]:
        key = np.random.SeedSequence((self.seed, epoch))
        if self.order == "random":
            return np.random.default_rng(key).permutation(len(self.query))
        seed = int(key.generate_state(1)[0])
        return local_pair_order(self.query, self.candidate, self.batch_size, seed=seed)
