"""The items with the highest scores for each user, and a scorer of all items by vectors."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from graphvid._checks import check_count, check_ids
from graphvid.metrics import _item_kernels
from graphvid.metrics._inputs import ArrayOrTensor, as_tensor, integers
from graphvid.metrics._item_scores import (
    ItemLists,
    ItemScorer,
    Lists,
    excluded_lists,
    in_threads,
    refuse_nan,
    score_blocks,
)

_BLOCK = 1 << 20  # scores in memory at once without a given batch size: a second-level cache


class TopItems(NamedTuple):
    """The best items of some users.

    Parameters
    ----------
    items : Tensor of int64, shape (num_asked, k)
        Item ids, the highest score first, equal scores by ascending id.
    scores : Tensor of float, shape (num_asked, k)
        Their scores, in at least float32.
    """

    items: Tensor
    scores: Tensor


def dot_product_scorer(user_vectors: ArrayOrTensor, item_vectors: ArrayOrTensor) -> ItemScorer:
    """Return the function from users to the dot products of their vectors with those of all items.

    Parameters
    ----------
    user_vectors : array_like or Tensor of float, shape (num_users, dim)
        For cosines, give both kinds of vectors at length 1.
    item_vectors : array_like or Tensor of float, shape (num_items, dim)
        On the device of ``user_vectors``.

    Returns
    -------
    callable
        For `rank_items` and `top_items`: one matrix product a call, on the device of the vectors, in their dtype but at
        least float32.

    Raises
    ------
    TypeError
        Vectors that are not floating point.
    ValueError
        Shapes or devices that do not fit.

    Examples
    --------
    >>> score = dot_product_scorer([[1.0, 0.0], [0.0, 2.0]], [[1.0, 1.0], [3.0, 0.5]])
    >>> score(torch.tensor([1, 0]))
    tensor([[2., 1.],
            [1., 3.]], dtype=torch.float64)
    """
    users, items = (_vectors(name, x) for name, x in (("user_vectors", user_vectors), ("item_vectors", item_vectors)))
    if users.shape[1] != items.shape[1] or users.device != items.device:
        raise ValueError(
            "user_vectors and item_vectors must have equal dimensions and one device, got "
            f"{tuple(users.shape)} on {users.device} and {tuple(items.shape)} on {items.device}"
        )
    dtype = torch.promote_types(torch.promote_types(users.dtype, items.dtype), torch.float32)
    users, items = users.to(dtype), items.to(dtype)

    def score(ids: Tensor) -> Tensor:
        check_ids("users", ids, len(users))
        return users[ids.to(users.device)] @ items.T

    return score


@torch.no_grad()
def top_items(
    score: ItemScorer,
    users: ArrayOrTensor,
    k: int,
    exclude: ItemLists | None = None,
    *,
    batch_size: int | None = None,
) -> TopItems:
    """Return the ``k`` items of the highest scores of each user, without the excluded ones, as recommendations.

    Parameters
    ----------
    score : callable
        See `rank_items`.
    users : array_like or Tensor of integers, shape (num_asked,)
        Users of the recommendations, >= 0, in any order.
    k : int
        Items for each user, >= 1.
    exclude : (indptr, items), optional
        Items never recommended, such as those of training: ``items[indptr[u] : indptr[u + 1]]`` for user u.
    batch_size : int, optional
        Users scored at a time, >= 1. Default: one at first, to learn ``num_items``, then as many as keep the block of
        scores at 2**20 (4 MiB in float32).

    Returns
    -------
    TopItems
        Rows in the order of ``users``, on the device of the scores. Item ``items[r, j]`` has rank j + 1 in `rank_items`.

    Raises
    ------
    TypeError
        Users or items that are not integers, scores that are not a floating-point Tensor.
    ValueError
        Arguments out of range, scores of another shape, a NaN, a user with fewer than ``k`` items left (named).

    Notes
    -----
    O(num_items) expected time a user beyond the scores. On the CPU compiled code reads each score once, from a block that is
    still in the cache; PyTorch's number of threads share the rows.

    Examples
    --------
    >>> scores = torch.tensor([[0.3, 0.9, 0.5, 0.5], [0.1, 0.2, 0.3, 0.4]])
    >>> top_items(lambda users: scores[users], [1, 0], k=2, exclude=([0, 1, 1], [1])).items
    tensor([[3, 2],
            [2, 3]])
    """
    k = check_count("k", k, 1)
    asked = integers("users", users).cpu()
    barred = excluded_lists(exclude)
    _check_users(asked, None if barred is None else barred.num_users)
    items, values = [torch.empty(0, k, dtype=torch.int64)], [torch.empty(0, k)]
    for some, scores in score_blocks(score, asked, batch_size, 0 if barred is None else barred.num_items, _BLOCK):
        _refuse_short(scores.shape[1], some, barred, k)
        find = top_compiled if scores.device.type == "cpu" else top_tensors
        found, best = find(scores, some, barred, k)
        items.append(found)
        values.append(best)
    return TopItems(torch.cat(items[1:] or items), torch.cat(values[1:] or values))


def top_compiled(scores: Tensor, users: Tensor, barred: Lists | None, k: int) -> tuple[Tensor, Tensor]:
    """Return the items of the ``k`` highest scores that are not excluded, and the scores, from scores on the CPU."""
    rows, ids = scores.contiguous().numpy(), users.numpy()
    found, best = np.empty((len(ids), k), np.int64), np.empty((len(ids), k), rows.dtype)
    none = np.empty(0, np.int64)
    lists = (none, none) if barred is None else (barred.indptr.numpy(), barred.ascending.numpy())

    def run(part: slice) -> int:
        return int(_item_kernels.top_rows(rows[part], ids[part], *lists, found[part], best[part]))

    if max(in_threads(run, len(ids))) >= 0:
        refuse_nan(scores, users)
    return torch.from_numpy(found), torch.from_numpy(best)


def top_tensors(scores: Tensor, users: Tensor, barred: Lists | None, k: int) -> tuple[Tensor, Tensor]:
    """Return the result of `top_compiled` by tensor operations, on the device of the scores.

    `torch.topk` takes any of equal scores, so `_top` selects again in rows whose last place may be tied.
    """
    refuse_nan(scores, users)
    allowed = torch.ones_like(scores, dtype=torch.bool)
    if barred is not None:
        row, column, _ = (x.to(scores.device) for x in barred.pairs(users))
        allowed[row, column] = False
        scores = scores.masked_fill(~allowed, -torch.inf)
    best, found = torch.topk(scores, min(k + 1, scores.shape[1]))
    unsure = (best[:, k - 1] == best[:, -1]) & (found.shape[1] > k) | (best[:, k - 1] == -torch.inf)
    order = torch.argsort(found[:, :k], dim=1)
    order = order.gather(1, torch.argsort(best.gather(1, order), dim=1, descending=True, stable=True))
    found, best = found.gather(1, order), best.gather(1, order)
    again = torch.nonzero(unsure).flatten()
    if again.numel():
        found[again] = _top(scores[again], allowed[again], k)
        best[again] = scores[again].gather(1, found[again])
    return found, best


def _top(scores: Tensor, allowed: Tensor, k: int) -> Tensor:
    """Return the items of the ``k`` highest allowed scores, equal ones by id; a score that is not allowed is -inf."""
    least = torch.topk(scores, k).values[:, -1:]
    above, tied = scores > least, (scores == least) & allowed
    chosen = above | (tied & (torch.cumsum(tied, 1, dtype=torch.int32) <= k - above.sum(dim=1, keepdim=True)))
    items = torch.nonzero(chosen)[:, 1].view(-1, k)
    order = torch.argsort(scores.gather(1, items), dim=1, descending=True, stable=True)
    return items.gather(1, order)


def _vectors(name: str, values: ArrayOrTensor) -> Tensor:
    vectors = as_tensor(values).detach()
    if not vectors.is_floating_point():
        raise TypeError(f"{name} must be floating point, got dtype {vectors.dtype}")
    if vectors.dim() != 2:
        raise ValueError(f"{name} must have two dimensions, got shape {tuple(vectors.shape)}")
    return vectors


def _check_users(users: Tensor, num_users: int | None) -> None:
    if users.numel() and (int(users.min()) < 0 or (num_users is not None and int(users.max()) >= num_users)):
        allowed = ">= 0" if num_users is None else f"in [0, {num_users}), the users of exclude"
        raise ValueError(f"users must be {allowed}, got {int(users.min())} to {int(users.max())}")


def _refuse_short(num_items: int, users: Tensor, barred: Lists | None, k: int) -> None:
    """Raise if a user has fewer than ``k`` items to choose from."""
    taken = torch.zeros_like(users) if barred is None else barred.indptr[users + 1] - barred.indptr[users]
    left = num_items - taken
    short = torch.nonzero(left < k).flatten()
    if short.numel():
        row = int(short[0])
        raise ValueError(
            f"k must be at most the number of items that are not excluded, got {k} with {int(left[row])} left for user "
            f"{int(users[row])}"
        )
