"""Ranks of the relevant items of each user in a ranking of the whole catalogue."""

from __future__ import annotations

from typing import Literal, get_args

import torch
from torch import Tensor
from tqdm import tqdm

from graphvid._checks import check_choice
from graphvid.metrics import _item_kernels
from graphvid.metrics._item_scores import (
    ItemLists,
    ItemScorer,
    Lists,
    excluded_lists,
    in_threads,
    item_lists,
    refuse_nan,
    score_blocks,
)
from graphvid.metrics._ties import Ties, check_ties, settle

Overlap = Literal["raise", "drop", "keep"]


@torch.no_grad()
def rank_items(
    score: ItemScorer,
    relevant: ItemLists,
    *,
    exclude: ItemLists | None = None,
    ties: Ties = "expected",
    overlap: Overlap = "raise",
    batch_size: int | None = None,
    progress: bool = False,
) -> Tensor:
    """Return the rank of every relevant item among all items that are not excluded, by the scores of its user.

    The whole catalogue is ranked, nothing is sampled. The ranks go, with the ``indptr`` of ``relevant``, into
    `ranking_scores`, or `ndcg`, `recall` and the others.

    Parameters
    ----------
    score : callable
        From users, a Tensor of int64 on the CPU, to their scores of all items: a floating-point Tensor of shape
        (len(users), num_items) on any device, without NaN; larger is ranked first. It is only read.
        `dot_product_scorer` makes one of vectors.
    relevant : (indptr, items)
        Arrays or tensors of integers, shapes (num_users + 1,) and (num_relevant,): the items to be found for user u,
        such as those of a test split, are ``items[indptr[u] : indptr[u + 1]]``, distinct, in any order. A user without
        items is not scored and has no ranks.
    exclude : (indptr, items), optional
        Items that are no candidates, such as those of training, in the same form for the same users.
    ties : {"expected", "optimistic", "pessimistic", "id"}, default "expected"
        The rank of items of equal score: the first and the last of their places, so that the metrics take the mean over
        all orders of them; the best places for the relevant ones; the worst places for them; or by ascending id.
    overlap : {"raise", "drop", "keep"}, default "raise"
        What to do with an item that is both relevant to a user and excluded for that user: refuse it; leave it out of what
        is to be found, as `drop_excluded` does, so that the ranks are those of its result; or leave it a candidate that is
        to be found.
    batch_size : int, optional
        Users scored at a time, >= 1. Default: one at first, to learn ``num_items``, then as many as keep the block of
        scores at 2**22 (16 MiB in float32).
    progress : bool, default False
        Show a progress bar over the users.

    Returns
    -------
    Tensor of int64, shape (num_relevant, 2) for "expected", else (num_relevant,)
        Rank, counted from 1, of each of the items of ``relevant``, or its bounds, in their order, on the CPU.

    Raises
    ------
    TypeError
        Items that are not integers, scores that are not a floating-point Tensor.
    ValueError
        Lists that do not fit, an item out of range or given twice, an item of a user that is both relevant and
        excluded (named; unless ``overlap`` says otherwise), scores of another shape, a NaN (named by user and item),
        ``batch_size`` below 1.

    Notes
    -----
    Beyond the scores, O(num_items + number of excluded items of the user) time for each relevant item, and a block of
    scores in memory. On the CPU compiled code reads the block, its rows shared out among as many threads as PyTorch
    uses; on other devices tensor operations count, with a few more blocks in memory. Ranks do not depend on the number
    of threads. Rounding in a matrix product can depend on its number of rows, so items whose scores differ by less than
    about 1e-7 of their size (float32) may swap when ``batch_size`` changes.

    Examples
    --------
    >>> scores = torch.tensor([[0.3, 0.9, 0.5, 0.5], [0.1, 0.2, 0.3, 0.4]])
    >>> rank_items(lambda users: scores[users], ([0, 2, 3], [3, 0, 1]), exclude=([0, 1, 1], [1]))
    tensor([[1, 2],
            [3, 3],
            [3, 3]])
    """
    check_ties(ties)
    wanted = item_lists("relevant", relevant)
    barred = excluded_lists(exclude, wanted.num_users)
    if barred is None:
        barred = Lists(torch.zeros_like(wanted.indptr), wanted.items[:0], wanted.items[:0])
    check_choice("overlap", overlap, get_args(Overlap))
    num_items = max(wanted.num_items, barred.num_items)
    if overlap == "raise":
        _refuse_shared(wanted, barred, num_items)
    elif overlap == "drop":
        wanted = _without(wanted, barred, num_items)
    else:
        barred = _without(barred, wanted, num_items)
    asked = torch.nonzero(torch.diff(wanted.indptr)).flatten()
    ranks = wanted.items.new_empty(len(wanted.items), 1 if ties == "id" else 2)
    with tqdm(total=asked.numel(), desc="ranking", unit="user", disable=not progress) as bar:
        for users, scores in score_blocks(score, asked, batch_size, num_items):
            rank = rank_compiled if scores.device.type == "cpu" else rank_tensors
            rank(scores, users, wanted, barred, ranks)
            bar.update(users.numel())
    return ranks[:, 0].contiguous() if ties == "id" else settle(ranks, wanted.indptr, ties)


def rank_compiled(scores: Tensor, users: Tensor, wanted: Lists, barred: Lists, ranks: Tensor) -> None:
    """Write the bounds of the ranks of the items of ``users`` into ``ranks``, from scores on the CPU.

    ``ranks`` is (num_relevant, 2), or (num_relevant, 1) for ranks in which equal scores go by id.
    """
    rows, ids = scores.contiguous().numpy(), users.numpy()
    arguments = [array.numpy() for array in (*wanted[:2], *barred[:2], ranks)]

    def run(part: slice) -> int:
        return int(_item_kernels.rank_rows(rows[part], ids[part], *arguments))

    if max(in_threads(run, len(ids))) >= 0:
        refuse_nan(scores, users)


def rank_tensors(scores: Tensor, users: Tensor, wanted: Lists, barred: Lists, ranks: Tensor) -> None:
    """Do what `rank_compiled` does by tensor operations, on the device of the scores."""
    refuse_nan(scores, users)
    rows, items, slots = (x.to(scores.device) for x in wanted.pairs(users))
    barred_rows, barred_items, _ = (x.to(scores.device) for x in barred.pairs(users))
    # No comparison with NaN is true, so what is excluded stands before nothing.
    scores = scores.index_put((barred_rows, barred_items), scores.new_tensor(torch.nan))
    ids = torch.arange(scores.shape[1], device=scores.device)
    for part in torch.split(torch.arange(rows.numel(), device=scores.device), len(scores)):
        column, others = items[part, None], scores[rows[part]]  # (part, 1), (part, num_items)
        own = others.gather(1, column)
        above, equal = (others > own).sum(dim=1), others == own
        if ranks.shape[1] == 1:
            found = [above + (equal & (ids < column)).sum(dim=1) + 1]
        else:
            found = [above + 1, above + equal.sum(dim=1)]
        ranks[slots[part].cpu()] = torch.stack(found, dim=1).cpu()


def drop_excluded(relevant: ItemLists, exclude: ItemLists) -> tuple[Tensor, Tensor]:
    """Return the items of each user that are not excluded for that user.

    Parameters
    ----------
    relevant, exclude : (indptr, items)
        As in `rank_items`, which does the same with ``overlap="drop"``: the ``indptr`` of the result goes with its ranks.

    Returns
    -------
    tuple of Tensor of int64
        ``(indptr, items)``, in the order of ``relevant``, on the CPU.

    Raises
    ------
    TypeError, ValueError
        Lists that do not fit; see `rank_items`.

    Notes
    -----
    O(n log n) time for n pairs in both.

    Examples
    --------
    >>> drop_excluded(([0, 2, 3], [3, 0, 1]), ([0, 1, 1], [3]))
    (tensor([0, 1, 2]), tensor([0, 1]))
    """
    wanted = item_lists("relevant", relevant)
    barred = excluded_lists(exclude, wanted.num_users)
    assert barred is not None
    left = _without(wanted, barred, max(wanted.num_items, barred.num_items))
    return left.indptr, left.items


def _refuse_shared(wanted: Lists, barred: Lists, num_items: int) -> None:
    """Raise if an item is relevant to a user and excluded for that user."""
    shared = _shared(wanted, barred, num_items)
    if shared.any():
        user, item = divmod(int(wanted.keys(num_items)[shared][0]), num_items)
        raise ValueError(
            f"relevant and exclude must have no pair in common, got item {item} of user {user} and "
            f"{int(shared.sum()) - 1} more such pairs (overlap='drop' or 'keep' accepts them)"
        )


def _shared(lists: Lists, others: Lists, num_items: int) -> Tensor:
    """Return which pairs of ``lists`` are in ``others`` too."""
    return torch.isin(lists.keys(num_items), others.keys(num_items), assume_unique=True)


def _without(lists: Lists, others: Lists, num_items: int) -> Lists:
    """Return the pairs of ``lists`` that are not in ``others``."""
    kept = ~_shared(lists, others, num_items)
    if bool(kept.all()):
        return lists
    indptr = torch.cat([kept.new_zeros(1, dtype=torch.int64), torch.cumsum(kept, 0)])[lists.indptr]
    return item_lists("items", (indptr, lists.items[kept]))
