"""Groups of items with equal scores: the place of each group in its ranking, and its number of relevant items."""

from __future__ import annotations

from typing import Literal, NamedTuple, get_args

import torch
from torch import Tensor

from graphvid._checks import check_choice
from graphvid.metrics._inputs import ArrayOrTensor, as_tensor, check_indptr, rows_of

Ties = Literal["expected", "optimistic", "pessimistic", "id"]


class Groups(NamedTuple):
    """The group of each relevant item, in the given order: the items of its query with the same score."""

    above: Tensor  # (num_relevant,) int64, items before the group
    size: Tensor  # items in the group
    relevant: Tensor  # relevant items in the group
    earlier: Tensor  # relevant items of the query before the group
    number: Tensor  # 0, 1, ... of the item among the relevant ones of the group
    rows: Tensor  # query of the item
    indptr: Tensor  # (num_queries + 1,)

    @property
    def tied(self) -> Tensor:
        """Whether the item shares its score with another, (num_relevant,)."""
        return self.size > 1

    def among(self, k: int) -> Tensor:
        """Return the number of places of the group among the first ``k``, (num_relevant,)."""
        return torch.minimum((k - self.above).clamp(min=0), self.size)


def check_ties(ties: Ties) -> None:
    """Raise unless the rule of ties is known."""
    check_choice("ties", ties, get_args(Ties))


def groups(ranks: ArrayOrTensor, indptr: ArrayOrTensor) -> Groups:
    """Return the groups of ranks (num_relevant,), or of the bounds (num_relevant, 2) of tied ones; raise if they clash."""
    given = as_tensor(ranks)
    if given.numel() and (given.is_floating_point() or given.is_complex() or given.dtype == torch.bool):
        raise TypeError(f"ranks must hold integers, got dtype {given.dtype}")
    if given.dim() != 1 and (given.dim() != 2 or given.shape[1] != 2):
        raise ValueError(
            "ranks must be one-dimensional, or have shape (num_relevant, 2) for the bounds of tied ranks, got shape "
            f"{tuple(given.shape)}"
        )
    first, last = (given.long(),) * 2 if given.dim() == 1 else given.long().unbind(1)
    starts = check_indptr(indptr, first)
    if first.numel() and int(first.min()) < 1:
        raise ValueError(f"ranks must be >= 1, got {int(first.min())}")
    if bool((last < first).any()):
        raise ValueError("ranks must be bounds (first, last) with first <= last, got a last below its first")
    rows = rows_of(starts)
    order = torch.argsort(first, stable=True)
    order = order[torch.argsort(rows[order], stable=True)]
    row, low, high = rows[order], first[order], last[order]
    follows = row[1:] == row[:-1]
    same = follows & (low[1:] == low[:-1]) & (high[1:] == high[:-1])
    group = torch.nn.functional.pad(torch.cumsum(~same, 0), (1, 0)) if len(order) else order
    relevant = torch.bincount(group)
    begin = torch.cumsum(relevant, 0) - relevant
    clash = torch.zeros(len(order), dtype=torch.bool, device=first.device)
    clash[1:] = follows & ~same & (low[1:] <= high[:-1])
    clash |= relevant[group] > high - low + 1
    if bool(clash.any()):
        at = int(clash.nonzero()[0])
        raise ValueError(
            f"ranks must be distinct within a query, or equal bounds (first, last) of as many places at least, got "
            f"{int(low[at])} to {int(high[at])} in query {int(row[at])} beside another"
        )
    back = torch.empty_like(order)
    back[order] = torch.arange(len(order), device=order.device)
    number = torch.arange(len(order), device=order.device) - begin[group]
    earlier = begin[group] - starts[row]
    of_group = relevant[group]
    return Groups(first - 1, last - first + 1, of_group[back], earlier[back], number[back], rows, starts)


def settle(bounds: Tensor, indptr: Tensor, ties: Ties) -> Tensor:
    """Return ranks under a rule other than ``"id"`` from the bounds (num_relevant, 2), which are those of "expected"."""
    if ties == "expected":
        return bounds
    found = groups(bounds, indptr)
    if ties == "optimistic":
        return found.above + 1 + found.number
    return found.above + 1 + found.size - found.relevant + found.number
