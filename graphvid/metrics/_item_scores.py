"""Checked lists of items of each user, and checked scores of all items for blocks of users."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple, TypeAlias

import torch
from torch import Tensor

from graphvid._checks import check_integer
from graphvid.metrics._inputs import ArrayOrTensor, check_indptr, integers, rows_of

ItemScorer: TypeAlias = Callable[[Tensor], Tensor]
ItemLists: TypeAlias = tuple[ArrayOrTensor, ArrayOrTensor]

_TASKS = 4  # of a thread in each block, so that threads end together
_BLOCK = 1 << 22  # scores held at a time when the batch size is not given


class Lists(NamedTuple):
    """Distinct items of each user, on the CPU."""

    indptr: Tensor  # (num_users + 1,) int64
    items: Tensor  # (num_pairs,) int64
    ascending: Tensor  # (num_pairs,) int64, the same with each user's in ascending order

    @property
    def num_users(self) -> int:
        return self.indptr.numel() - 1

    @property
    def num_items(self) -> int:
        """The smallest possible number of items."""
        return int(self.items.max()) + 1 if self.items.numel() else 0

    def keys(self, num_items: int) -> Tensor:
        """Return one integer for each pair."""
        return rows_of(self.indptr) * num_items + self.items

    def pairs(self, users: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Return, for each pair of ``users``, the place of its user among them, its item, and its place in the lists."""
        starts, counts = self.indptr[users], self.indptr[users + 1] - self.indptr[users]
        rows = torch.repeat_interleave(torch.arange(users.numel()), counts)
        slots = torch.arange(rows.numel()) + (starts - torch.cumsum(counts, 0) + counts)[rows]
        return rows, self.items[slots], slots


def item_lists(name: str, lists: ItemLists) -> Lists:
    """Return checked lists, or raise."""
    if not isinstance(lists, tuple) or len(lists) != 2:
        raise TypeError(f"{name} must be a pair (indptr, items), got {type(lists).__name__}")
    try:
        items = integers("items", lists[1]).cpu()
        checked = Lists(check_indptr(lists[0], items).cpu(), items, items)
    except (TypeError, ValueError) as error:
        raise type(error)(f"{name}: {error}") from None
    if items.numel() and int(items.min()) < 0:
        raise ValueError(f"{name}: items must be >= 0, got {int(items.min())}")
    if checked.num_users * checked.num_items >= 2**63:
        raise ValueError(f"{name}: items must be below 2**63 / num_users, got {checked.num_items - 1}")
    keys = torch.sort(checked.keys(checked.num_items)).values
    twice = torch.nonzero(keys[1:] == keys[:-1]).flatten()
    if twice.numel():
        user, item = divmod(int(keys[twice[0]]), checked.num_items)
        raise ValueError(f"{name}: items must be distinct for each user, got item {item} twice for user {user}")
    return checked._replace(ascending=keys % max(checked.num_items, 1))


def excluded_lists(lists: ItemLists | None, num_users: int | None = None) -> Lists | None:
    """Return the checked lists of ``exclude``, which must have the given number of users, if known."""
    if lists is None:
        return None
    checked = item_lists("exclude", lists)
    if num_users is not None and checked.num_users != num_users:
        raise ValueError(f"exclude must be of the {num_users} users of relevant, got {checked.num_users} users")
    return checked


def score_blocks(
    score: ItemScorer, users: Tensor, batch_size: int | None, least_items: int, block: int = _BLOCK
) -> Iterator[tuple[Tensor, Tensor]]:
    """Yield users, some at a time, and their scores, (len(users), num_items), at least float32 and without NaN."""
    check_integer("batch_size", batch_size, 1, none=True)
    if not callable(score):
        raise TypeError(f"score must be callable, got {type(score).__name__}")
    num_items: int | None = None
    start = 0
    while start < users.numel():
        # The first user alone, where nothing says how many items there are.
        size = int(batch_size) if batch_size else 1 if num_items is None else max(1, block // max(num_items, 1))
        some = users[start : start + size]
        scores = score(some)
        if not isinstance(scores, Tensor) or not scores.is_floating_point():
            kind = f"dtype {scores.dtype}" if isinstance(scores, Tensor) else type(scores).__name__
            raise TypeError(f"score must return a floating-point Tensor, got {kind}")
        if scores.dim() != 2 or scores.shape[0] != some.numel() or num_items not in (None, scores.shape[1]):
            wanted = "num_items" if num_items is None else num_items
            raise ValueError(f"score must return scores of shape ({some.numel()}, {wanted}), got {tuple(scores.shape)}")
        num_items = scores.shape[1]
        if num_items < least_items:
            raise ValueError(f"items must be in [0, {num_items}), the items scored, got {least_items - 1}")
        yield some, scores.detach().to(torch.promote_types(scores.dtype, torch.float32))
        start += size


def refuse_nan(scores: Tensor, users: Tensor) -> None:
    """Raise if a score is NaN."""
    bad = torch.nonzero(torch.isnan(scores))
    if bad.numel():
        row, item = bad[0].tolist()
        raise ValueError(f"scores must not be NaN, got NaN for user {int(users[row])}, item {item}")


def in_threads(run: Callable[[slice], int], num_rows: int) -> list[int]:
    """Return the results of ``run`` on parts of the rows, on PyTorch's number of threads."""
    num_threads = torch.get_num_threads()
    step = -(-num_rows // (_TASKS * num_threads)) if num_threads > 1 else num_rows
    parts = [slice(start, start + step) for start in range(0, num_rows, max(step, 1))]
    if len(parts) <= 1:
        return [run(part) for part in parts]
    with ThreadPoolExecutor(num_threads) as pool:
        return list(pool.map(run, parts))
