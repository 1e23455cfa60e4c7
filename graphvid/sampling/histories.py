"""Histories of the users of a batch, as a relation for a network layer."""

from __future__ import annotations

import torch
from torch import Tensor

from graphvid._checks import check_ids, check_tensor
from graphvid.ops import Adjacency
from graphvid.ops.distinct import distinct
from graphvid.ops.neighbors import NeighborTable, check_table, expand_ranges
from graphvid.sampling._history_kernels import list_histories
from graphvid.sampling.blocks import Block


def history_block(
    histories: NeighborTable, users: Tensor, left_out: Tensor | None = None, also: Tensor | None = None
) -> Block:
    """Return the relation from items to the users of a batch, each row without the item to predict.

    A row that predicts an item must not read it from the user's history, so each row leaves out this edge; the graph does
    not change.

    Parameters
    ----------
    histories : NeighborTable
        Items of all users.
    users : Tensor of int64, shape (num_rows,)
        May repeat.
    left_out : Tensor of int64, shape (num_rows,), optional
        The item to leave out of each row; an item outside the row's history has no effect.
    also : Tensor of int64, shape (num_others,), optional
        Further items of ``src_ids``, without an edge, so that one look-up in a table serves histories and scores.

    Returns
    -------
    Block
        ``src_ids`` are the items, ascending; ``dst_ids`` are ``users``, one destination for each row; ``edge_ids`` are places
        in ``histories.indices``.

    Raises
    ------
    ValueError
        When ``left_out`` has another shape than ``users``, or a user is out of range.

    Notes
    -----
    One pass over the n edges of the batch, and a mark for each possible item or, if these are many more than n, a sort of the
    items: O(n log n) time at most and about 40 bytes an edge.

    Examples
    --------
    >>> histories = NeighborTable(torch.tensor([0, 2, 3]), torch.tensor([4, 7, 4]))
    >>> block = history_block(histories, torch.tensor([0, 0, 1]), left_out=torch.tensor([4, 7, 4]))
    >>> block.src_ids.tolist(), block.adjacency.ends("src").tolist(), block.adjacency.ends("dst").tolist()
    ([4, 7], [1, 0], [0, 1])
    """
    check_table("histories", histories)
    check_tensor("users", users)
    if users.dim() != 1:
        raise ValueError(f"users must be 1-D, got shape {tuple(users.shape)}")
    if left_out is not None:
        check_ids("left_out", left_out, None)
    if also is not None:
        check_ids("also", also, None)
        if also.dim() != 1 or (also.numel() and int(also.min()) < 0):
            raise ValueError(f"also must be 1-D with ids >= 0, got shape {tuple(also.shape)} from {int(also.min())}")
    if left_out is not None and left_out.shape != users.shape:
        raise ValueError(f"left_out must have the shape of users, {tuple(users.shape)}, got {tuple(left_out.shape)}")
    check_ids("users", users, histories.num_nodes)
    listed = _list_fused if users.device.type == "cpu" else _list_tensors
    slots, items, indptr = listed(histories, users, left_out)
    src_ids, place = distinct(items if also is None else torch.cat([items, also]))
    place = place[: len(items)]
    return Block(Adjacency.from_rows(indptr, place, num_src=len(src_ids), trusted=True), src_ids, users, slots)


def _list_fused(histories: NeighborTable, users: Tensor, left_out: Tensor | None) -> tuple[Tensor, Tensor, Tensor]:
    """Return the result of `_list_tensors` on the CPU in one pass."""
    left_out = torch.full_like(users, -1) if left_out is None else left_out
    arrays = (x.numpy() for x in (histories.indptr, histories.indices, users, left_out))
    slots, items, indptr = (torch.from_numpy(x) for x in list_histories(*arrays))
    return slots, items, indptr


def _list_tensors(histories: NeighborTable, users: Tensor, left_out: Tensor | None) -> tuple[Tensor, Tensor, Tensor]:
    """Return the slots of all histories, row after row, their items, and the starts of the rows."""
    starts = histories.indptr[users]
    counts = histories.indptr[users + 1] - starts
    slots, owner = expand_ranges(starts, counts)
    items = histories.indices[slots]
    if left_out is not None:
        stays = items != left_out[owner]
        slots, owner, items = slots[stays], owner[stays], items[stays]
        counts = torch.bincount(owner, minlength=len(users))
    return slots, items, torch.nn.functional.pad(torch.cumsum(counts, dim=0), (1, 0))
