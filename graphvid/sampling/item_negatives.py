"""A sampler of items as negatives of users, on request without the users' known items."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, get_args

import numpy as np
import torch
from torch import Tensor

from graphvid._checks import check_choice, check_count, check_ids, check_mapping, check_seed, check_tensor
from graphvid.sampling import _item_kernels
from graphvid.sampling._stream import stream_key

if TYPE_CHECKING:
    from graphvid.data import Interactions

Distribution = Literal["uniform", "popularity"]
OnShortfall = Literal["raise", "any"]


class ItemNegatives(NamedTuple):
    """Items drawn as negatives, with their log-probabilities.

    Parameters
    ----------
    items : Tensor, shape (batch, num_negatives) or, shared by the batch, (num_negatives,), int64
        Drawn with replacement.
    log_q : Tensor, float32, of the shape of ``items``
        Log-probability that one draw of the row gives the item, in nats; with ``reject`` conditional on unknown items. It
        may be a view of fewer numbers, so do not write to it.
    """

    items: Tensor
    log_q: Tensor


class ItemNegativeSampler:
    """Draw items for the users of a batch, independently and with replacement.

    Parameters
    ----------
    train : Interactions
        Training pairs; they define known items and popularity.
    num_negatives : int
        Draws for each row, or for the batch if ``shared``; >= 1.
    distribution : {"uniform", "popularity"}, default "uniform"
        All items with equal probability, also those without a user; or in proportion to the number of training users, which
        excludes items without one.
    reject : bool, default False
        Never draw a training item of the row's user: the distribution conditional on the other items.
    shared : bool, default False
        One set of draws for all rows of the batch, so that scores are one matrix product. Not with ``reject``, because an
        item that one user knows is a negative of another; mask with `graphvid.losses.known_positive_mask`.
    on_shortfall : {"raise", "any"}, default "raise"
        With ``reject``, for users who know every item that can be drawn: an error when the sampler is made, or draws from all
        items for them (counted).
    seed : int, default 0
        Key of the random stream, in [0, 2**64).

    Attributes
    ----------
    step : int
        Number of the next draw.
    num_shortfalls : int
        Users for whom ``on_shortfall="any"`` draws from all items.

    Raises
    ------
    ValueError
        An argument is unknown or out of range, ``shared`` comes with ``reject``, there is no item that can be drawn, the
        popularities sum to 2**32 or more, or a user knows every item that can be drawn.

    Notes
    -----
    A draw is a hash of (seed, step, row, number in the row), so a batch does not depend on earlier batches, threads or
    workers. It runs on the CPU, in one thread.

    Exclusion is exact and needs no second draw: binary search in the known items of the user finds the r-th remaining item,
    O(log degree) time a draw. ``"popularity"`` draws training pairs uniformly and takes their items. All computation is in
    integers, so that no rounding favours an item. Memory: up to 20 bytes a user; for
    ``"popularity"`` also 4 bytes an item and a pair, and, with ``reject``, 16 more a pair.

    Examples
    --------
    >>> from graphvid.data import Interactions
    >>> train = Interactions.from_pairs([0, 0, 1], [0, 2, 3], num_items=4)
    >>> sampler = ItemNegativeSampler(train, num_negatives=6, reject=True)
    >>> negatives = sampler.sample(torch.tensor([1, 0]))
    >>> [sorted(set(row)) for row in negatives.items.tolist()], negatives.log_q.exp()[:, 0]
    ([[0, 1, 2], [1, 3]], tensor([0.3333, 0.5000]))
    """

    def __init__(
        self,
        train: Interactions,
        num_negatives: int,
        *,
        distribution: Distribution = "uniform",
        reject: bool = False,
        shared: bool = False,
        on_shortfall: OnShortfall = "raise",
        seed: int = 0,
    ) -> None:
        check_choice("distribution", distribution, get_args(Distribution))
        check_choice("on_shortfall", on_shortfall, get_args(OnShortfall))
        if not (hasattr(train, "items") and hasattr(train, "item_counts")):
            raise TypeError(f"train must be an Interactions, got {type(train).__name__}")
        if shared and reject:
            raise ValueError("shared=True needs reject=False: what one user knows is a negative of another")
        self.num_negatives = check_count("num_negatives", num_negatives, 1, 2**31 - 1)
        self.seed, self.step = check_seed(seed), 0
        self.distribution: Distribution = distribution
        self.shared = bool(shared)
        self._items, self._num_items = train.items, train.num_items
        weight = np.ones(train.num_items, np.int64) if distribution == "uniform" else train.item_counts
        total = int(weight.sum())
        if not 0 < total < 2**32:
            kind = "items" if distribution == "uniform" else "interactions"
            raise ValueError(f"train must have from 1 to 2**32 - 1 {kind} to draw from, got {total}")
        bounds = train.indptr if reject else np.zeros_like(train.indptr)
        known = np.diff(bounds)
        if distribution == "popularity":
            self._owner = np.repeat(np.arange(train.num_items, dtype=np.int32), weight)
            items = train.items[: bounds[-1]]
            self._seen = np.concatenate([np.zeros(1, np.int64), np.cumsum(weight[items])])
            before = np.cumsum(weight) - weight
            self._free_before = before[items] - self._seen[:-1] + np.repeat(self._seen[bounds[:-1]], known)
            known = np.diff(self._seen[bounds])
        free = total - known
        self._lo, self._hi = bounds[:-1], np.where(free > 0, bounds[1:], bounds[:-1])
        full = np.flatnonzero(free == 0)
        if full.size and on_shortfall == "raise":
            raise ValueError(
                f"train must leave each user an item to draw with reject=True unless on_shortfall='any', user {full[0]} "
                f"and {full.size - 1} others know all of them"
            )
        self.num_shortfalls = int(full.size)
        self._log_total = math.log(total)
        self._log_free = torch.from_numpy(np.log(np.where(free > 0, free, total))).float()
        log_weight = np.log(weight, out=np.full(len(weight), -np.inf), where=weight > 0)
        self._log_weight = torch.from_numpy(log_weight).float() if distribution == "popularity" else None

    def sample(self, users: Tensor, step: int | None = None) -> ItemNegatives:
        """Draw for a batch.

        Parameters
        ----------
        users : Tensor, shape (batch,), integer
            User of each row, in ``[0, train.num_users)``, on the CPU. Rows draw independently, also rows of the same user.
            With ``shared`` the draws do not depend on the users.
        step : int, optional
            Number of the draw, >= 0: the result depends only on seed, step and batch, and the attribute `step` does not
            change. Default: the attribute `step`, which then increases by one.

        Returns
        -------
        ItemNegatives

        Raises
        ------
        ValueError
            A shape, device, id or step is out of range.
        TypeError
            Users are not integers.
        """
        users = self._check_users(users)
        number = self.step if step is None else check_count("step", step, 0)
        rows = np.zeros(1, np.int64) if self.shared else users.numpy()
        lo, hi = (rows, rows) if self.shared else (self._lo[rows], self._hi[rows])
        out = np.empty((len(rows), self.num_negatives), np.int64)
        key = np.uint64(stream_key(self.seed, number))
        if self.distribution == "uniform":
            _item_kernels._draw_uniform(key, self._num_items, self._items, lo, hi, out)
        else:
            _item_kernels._draw_popular(key, self._owner, self._free_before, self._seen, lo, hi, out)
        if step is None:
            self.step += 1
        items = torch.from_numpy(out)
        log_free = torch.full((1,), self._log_total) if self.shared else self._log_free[users]
        log_q = self._log_q(items, log_free[:, None])
        return ItemNegatives(items[0], log_q[0]) if self.shared else ItemNegatives(items, log_q)

    def positive_log_q(self, users: Tensor, items: Tensor) -> Tensor:
        """Return, for the positives of a batch, the numbers that correspond to `ItemNegatives.log_q`.

        With ``reject`` the sampler never draws a known positive. Its number is then that of a negative of the same
        popularity, so that a softmax over the row has the same shift in all columns.

        Parameters
        ----------
        users, items : Tensor, shape (batch,), integer
            User and positive of each row, on the CPU.

        Returns
        -------
        Tensor, shape (batch,), float32
            In nats.

        Raises
        ------
        ValueError
            A shape, device or id is out of range, or with ``"popularity"`` an item has no user.
        TypeError
            Ids are not integers.
        """
        users = self._check_users(users)
        check_tensor("items", items)
        if items.shape != users.shape:
            raise ValueError(f"items must have shape {tuple(users.shape)} like users, got {tuple(items.shape)}")
        check_ids("items", items, self._num_items)
        log_q = self._log_q(items.long(), self._log_free[users])
        if not torch.isfinite(log_q).all():
            item = int(items[~torch.isfinite(log_q)][0])
            raise ValueError(f"items must have a user in train for distribution='popularity', item {item} has none")
        return log_q

    def state_dict(self) -> dict[str, Any]:  # Any: a JSON object
        """Return the state for a resumed run: the step, and seed, number and distribution for a check."""
        return {
            "step": self.step,
            "seed": self.seed,
            "num_negatives": self.num_negatives,
            "distribution": self.distribution,
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Continue from ``state``.

        Raises
        ------
        ValueError
            An entry is missing, ``step`` is no integer >= 0, or ``state`` comes from another kind of sampler.
        """
        own = self.state_dict()
        check_mapping("state", state)
        if set(state) != set(own):
            raise ValueError(f"state must have the entries {sorted(own)}, got {sorted(state)}")
        for name in ("seed", "num_negatives", "distribution"):
            if state[name] != own[name]:
                raise ValueError(f"state must come from a sampler with {name}={own[name]!r}, got {state[name]!r}")
        self.step = check_count("state['step']", state["step"], 0)

    def _check_users(self, users: Tensor) -> Tensor:
        """Return ``users`` as int64."""
        check_tensor("users", users)
        if users.dim() != 1 or users.device.type != "cpu":
            raise ValueError(f"users must be 1-D on the CPU, got shape {tuple(users.shape)} on {users.device}")
        check_ids("users", users, len(self._lo))
        return users.long()

    def _log_q(self, items: Tensor, log_free: Tensor) -> Tensor:
        """Return the logarithm of each item's share of the weight of all items that the row can draw."""
        return -log_free.expand(items.shape) if self._log_weight is None else self._log_weight[items] - log_free
