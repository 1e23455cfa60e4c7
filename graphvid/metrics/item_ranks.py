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

    It ranks the whole catalogue, without sampling. Pass the ranks with the ``indptr`` of ``relevant`` to `ranking_scores`,
    `ndcg`, `recall` or the others.

    Parameters
    ----------
    score : callable
        Takes users, a Tensor of int64 on the CPU, and returns their scores of all items: a floating-point Tensor of shape
        (len(users), num_items) on any device, without NaN. The largest score has rank 1. The function does not change the
        scores. `dot_product_scorer` makes such a callable from vectors.
    relevant : (indptr, items)
        Arrays or tensors of integers, shapes (num_users + 1,) and (num_relevant,). The relevant items of user u, such as those
        of a test split, are ``items[indptr[u] : indptr[u + 1]]``, distinct, in any order. A user without items is not scored
        and has no ranks.
    exclude : (indptr, items), optional
        Items to leave out of the ranking, such as those of training, in the same form for the same users.
    ties : {"expected", "optimistic", "pessimistic", "id"}, default "expected"
        Rank of items of equal score. ``"expected"``: the first and the last of their places, and the metrics take the mean
        over all orders. ``"optimistic"``: relevant items first. ``"pessimistic"``: relevant items last. ``"id"``: by ascending
        id.
    overlap : {"raise", "drop", "keep"}, default "raise"
        What to do with an item that is both relevant to a user and excluded for that user. ``"raise"``: refuse it. ``"drop"``:
        it is not relevant; the ranks are those of the result of `drop_excluded`. ``"keep"``: it is not excluded.
    batch_size : int, optional
        Users scored at a time, >= 1. Default: one user first, which shows ``num_items``, then the number that gives 2**22
        scores (16 MiB in float32).
    progress : bool, default False
        Show a progress bar over the users.

    Returns
    -------
    Tensor of int64, shape (num_relevant, 2) for "expected", else (num_relevant,)
        Rank of each item of ``relevant``, in their order, counted from 1, on the CPU; with two columns its first and last
        possible rank.

    Raises
    ------
    TypeError
        Items are not integers, or the scores are not a floating-point Tensor.
    ValueError
        The lists do not match, an item is out of range or occurs twice, an item of a user is both relevant and excluded under
        ``overlap="raise"``, the scores have another shape, a score is NaN, or ``batch_size`` is below 1. The message has the
        user and the item.

    Notes
    -----
    Beyond the scores, O(num_items + number of excluded items of the user) time for each relevant item, and a block of scores
    in memory. On the CPU compiled code reads the block, with as many threads as PyTorch uses. On other devices tensor
    operations count, with a few more blocks in memory. Ranks do not depend on the number of threads. Rounding in a matrix
    product can depend on its number of rows, so items whose scores differ by less than about 1e-7 of their size (float32) may
    swap when ``batch_size`` changes.

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
    """Write the first and last possible rank of the relevant items of ``users`` into ``ranks``, from scores on the CPU.

    ``ranks`` has shape (num_relevant, 2); with shape (num_relevant, 1) items of equal score are ranked by id.
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
    # No comparison with NaN is true, so an excluded item counts before no other.
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
        The lists do not match; see `rank_items`.

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
