"""Masks of candidates that must not be negatives of a row: its own item, and the known items of its user."""

from __future__ import annotations

import torch
from torch import Tensor

from graphvid._checks import check_ids, check_tensor
from graphvid.losses import _kernels
from graphvid.losses.candidates import CandidateLookup, listed_neighbors
from graphvid.ops.neighbors import NeighborTable, check_table

_MARKS = 2**22  # bytes of marks at a time, small enough for a cache


def known_positive_mask(users: Tensor, candidates: Tensor, table: NeighborTable) -> Tensor:
    """Return a mask of the candidates that are known items of each row's user.

    Parameters
    ----------
    users : Tensor, shape (batch,), integer
        User of each row, in ``[0, table.num_nodes)``.
    candidates : Tensor, shape (num_candidates,) or (batch, num_candidates), integer >= 0
        Items shared by all rows, or drawn for each row.
    table : NeighborTable
        Items of each user, ascending and distinct, on the same device. For the `Interactions` ``train`` it is
        ``NeighborTable(torch.from_numpy(train.indptr), torch.from_numpy(train.items))``.

    Returns
    -------
    Tensor of bool, shape (batch, num_candidates)
        True for a known item. The losses take the opposite, ``mask=~known_positive_mask(...)``.

    Raises
    ------
    ValueError
        Shapes do not fit together, or an id is out of range.
    TypeError
        Ids are not integers.

    Notes
    -----
    Let ``d`` be the number of known items of all users of the batch. Shared candidates are hashed on the CPU and sorted
    elsewhere, and the known items are looked up among them: O(num_candidates + d) time, with a logarithm for the sort,
    beside the mask. Candidates drawn for each row are looked up among the marked items of a few users at a time:
    O(batch * num_candidates + d) time, and 4 MB or one byte an item, beside the mask.

    Examples
    --------
    >>> table = NeighborTable(torch.tensor([0, 2, 3]), torch.tensor([1, 4, 0]))  # user 0: 1 and 4, user 1: 0
    >>> known_positive_mask(torch.tensor([1, 0]), torch.tensor([4, 0, 4]), table).int()
    tensor([[0, 1, 0],
            [1, 0, 1]], dtype=torch.int32)
    """
    check_table("table", table)
    _check_rows("users", users, candidates)
    check_ids("users", users, table.num_nodes)
    users, candidates = users.long(), candidates.long()
    if candidates.dim() == 2:
        return _mask_of_rows(*listed_neighbors(users, table), candidates)
    mask = torch.zeros(len(users), len(candidates), dtype=torch.bool, device=candidates.device)
    mark = _mark_fused if mask.device.type == "cpu" else _mark_tensors
    mark(mask, users, candidates, table)
    return mask


def own_item_mask(items: Tensor, candidates: Tensor) -> Tensor:
    """Return a mask of the candidates that are the row's positive, at every place where it occurs.

    Parameters
    ----------
    items : Tensor, shape (batch,), integer
        Positive item of each row.
    candidates : Tensor, shape (num_candidates,) or (batch, num_candidates), integer >= 0
        Items shared by all rows (for in-batch negatives with those of the batch), or drawn for each row.

    Returns
    -------
    Tensor of bool, shape (batch, num_candidates)
        True for the row's own item. The losses take the opposite.

    Raises
    ------
    TypeError, ValueError
        As `known_positive_mask` raises.

    Examples
    --------
    >>> items = torch.tensor([7, 4])
    >>> memory = torch.tensor([7, 9])
    >>> own_item_mask(items, torch.cat([items, memory])).int()
    tensor([[1, 0, 1, 0],
            [0, 1, 0, 0]], dtype=torch.int32)
    """
    _check_rows("items", items, candidates)
    return items[:, None] == candidates


def _mark_fused(mask: Tensor, users: Tensor, candidates: Tensor, table: NeighborTable) -> None:
    """Set the entries of `_mark_tensors` on the CPU: look up each known item in a hash table of the candidates."""
    arrays = (x.numpy() for x in (mask, users, table.indptr, table.indices, candidates))
    _kernels.mark_listed(*arrays, max(4 * len(candidates), 2).bit_length())


def _mark_tensors(mask: Tensor, users: Tensor, candidates: Tensor, table: NeighborTable) -> None:
    """Set the entries of shared candidates that are known items of the row's user."""
    mask[CandidateLookup(candidates, None).holding(*listed_neighbors(users, table))] = True


def _mask_of_rows(rows: Tensor, known: Tensor, candidates: Tensor) -> Tensor:
    """Return a mask of the candidates of a row that are its known items; ``rows``, the row of each known item, ascends."""
    mask = torch.zeros_like(candidates, dtype=torch.bool)
    if not known.numel() or not candidates.numel():
        return mask
    width = int(known.max()) + 1
    beyond = candidates >= width  # an item of no user of the batch, for any large id
    candidates = candidates.masked_fill(beyond, 0)
    block = max(1, _MARKS // width)
    starts = range(0, len(candidates), block)
    bounds = torch.searchsorted(rows, torch.tensor([*starts, len(candidates)], device=rows.device)).tolist()
    marks = mask.new_zeros(min(block, len(candidates)), width)
    for start, lo, hi in zip(starts, bounds, bounds[1:]):
        part, marked = candidates[start : start + block], (rows[lo:hi] - start, known[lo:hi])
        marks[marked] = True
        torch.gather(marks[: len(part)], 1, part, out=mask[start : start + block])
        marks[marked] = False
    return mask.masked_fill_(beyond, False)


def _check_rows(name: str, rows: Tensor, candidates: Tensor) -> None:
    """Raise unless ``rows`` are ids, one for each row, and ``candidates`` are ids for each row or for all rows."""
    check_tensor(name, rows)
    check_tensor("candidates", candidates)
    shared = candidates.dim() == 1
    if rows.dim() != 1 or candidates.dim() not in (1, 2) or not (shared or len(candidates) == len(rows)):
        raise ValueError(
            f"{name} and candidates must have shapes (batch,) and (num_candidates,) or (batch, num_candidates), got "
            f"{tuple(rows.shape)} and {tuple(candidates.shape)}"
        )
    for label, ids in ((name, rows), ("candidates", candidates)):
        check_ids(label, ids, None)
        if ids.numel() and int(ids.min()) < 0:
            raise ValueError(f"{label} must be >= 0, got {int(ids.min())}")
