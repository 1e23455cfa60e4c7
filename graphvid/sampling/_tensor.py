"""Triplet sampling by tensor operations on any device; the same key gives the triplets of `graphvid.sampling._kernels`."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from graphvid.sampling._kernels import ANCHOR, CLUSTER, DRAWS, LEVEL, MEMBER, POSITIVE, TRIES
from graphvid.sampling._search import Range, first_slot
from graphvid.sampling._stream import below_tensor, bits_tensor, unit_tensor


def draw(tables: Any, key: int, batch_size: int, exclude_neighbors: bool) -> tuple[Tensor, ...]:
    """Return anchors, positives, negatives, levels drawn and levels used; see `graphvid.sampling._kernels.draw`."""
    anchor, positive = _draw_pairs(tables, key, batch_size)
    if exclude_neighbors:
        excluded, row = tables.neighbors, (tables.indptr[anchor], tables.indptr[anchor + 1])
    else:
        rows = torch.arange(batch_size, device=anchor.device)
        excluded, row = tables.position[positive], (rows, rows + 1)
    return anchor, positive, *_draw_negatives(tables, key, excluded, row, anchor)


def _draw_pairs(tables: Any, key: int, batch_size: int) -> tuple[Tensor, Tensor]:
    """Return anchors and positives; ``tables`` is a `graphvid.sampling.triplet_tables.Tables` of tensors."""
    counter = torch.arange(batch_size, device=tables.anchors.device) * DRAWS
    anchor = tables.anchors[below_tensor(bits_tensor(key, counter + ANCHOR), len(tables.anchors))].long()
    lo, hi = tables.positive_lo[anchor], tables.positive_hi[anchor]
    bits = bits_tensor(key, counter + POSITIVE)
    if len(tables.cumulative):
        target = unit_tensor(bits) * tables.cumulative[hi - 1]
        slot = first_slot(lambda slots: tables.cumulative[slots] > target, (lo, hi))
    else:
        slot = lo + below_tensor(bits, hi - lo)
    return anchor, tables.order[tables.neighbors[slot]].long()


def _draw_negatives(
    tables: Any, key: int, excluded: Tensor, row: Range, anchor: Tensor
) -> tuple[Tensor, Tensor, Tensor]:
    """Return negatives, the levels drawn and the levels used.

    ``excluded[row[0][i] : row[1][i]]`` are the positions, ascending, that row i must not draw.
    """
    counter = torch.arange(len(anchor), device=anchor.device) * DRAWS
    drawn = torch.searchsorted(tables.level_cdf, unit_tensor(bits_tensor(key, counter + LEVEL)), right=True)
    used, last = drawn, len(tables.level_cdf) - 1
    while True:
        outer, inner = _bounds(tables, anchor, tables.outer[used]), _bounds(tables, anchor, tables.inner[used])
        left, right = (outer[0], inner[0]), (inner[1], outer[1])
        slots = _slots(excluded, row, left), _slots(excluded, row, right)
        empty = (_size(left, slots[0]) + _size(right, slots[1]) == 0) & (used < last)
        if not empty.any():
            break
        used = used + empty.long()
    if tables.child.any():
        start, stop = outer
        chosen = tables.child[used] > 0
        rows = chosen.nonzero().squeeze(1)
        cluster = _draw_clusters(
            tables, key, counter[rows], anchor[rows], used[rows], excluded, (row[0][rows], row[1][rows])
        )
        start, stop = start.index_put((rows,), cluster[0]), stop.index_put((rows,), cluster[1])
        own = tables.position[anchor].long()
        inside = (start <= own) & (own < stop)
        hole = torch.where(inside, own, start)
        left = start, torch.where(chosen, hole, left[1])
        right = torch.where(chosen, hole + inside, right[0]), stop
        slots = _slots(excluded, row, left), _slots(excluded, row, right)
    size = _size(left, slots[0])
    rank = below_tensor(bits_tensor(key, counter + MEMBER), size + _size(right, slots[1]))
    in_right = rank >= size
    start = torch.where(in_right, right[0], left[0])
    lo, hi = (torch.where(in_right, slots[1][k], slots[0][k]) for k in (0, 1))
    rank = torch.where(in_right, rank - size, rank)
    slot = first_slot(lambda at: excluded[at] - start - (at - lo) > rank, (lo, hi))
    return tables.order[start + rank + (slot - lo)].long(), drawn, used


def _draw_clusters(
    tables: Any, key: int, counter: Tensor, anchor: Tensor, level: Tensor, excluded: Tensor, row: Range
) -> Range:
    """Return the slice of a child cluster with an eligible video for each row, uniform among those of its pool."""
    child, own = tables.child[level], tables.position[anchor].long()
    outer = _bounds(tables, anchor, tables.outer[level])
    around = tables.inner[level] == child
    first = tables.ranks[child, outer[0]].long()
    number = tables.ranks[child, outer[1] - 1] + 1 - first - around.long()
    skip = torch.where(around, tables.ranks[child, own].long(), tables.starts.numel())

    def members(rows: Tensor, pick: Tensor) -> Tensor:
        start, stop = tables.starts[child[rows], pick].long(), tables.starts[child[rows], pick + 1].long()
        size: Tensor = _size((start, stop), _slots(excluded, (row[0][rows], row[1][rows]), (start, stop)))
        own_inside: Tensor = (start <= own[rows]) & (own[rows] < stop)
        return size - own_inside.long()

    chosen, rows = torch.zeros_like(own), torch.arange(len(own), device=own.device)
    for attempt in range(TRIES):
        pick = first[rows] + below_tensor(bits_tensor(key, counter[rows] + CLUSTER + attempt), number[rows])
        pick += (pick >= skip[rows]).long()
        chosen[rows] = pick
        rows = rows[members(rows, pick) == 0]
        if not len(rows):
            break
    for one in rows:  # rows left after the tries, very rare: enumerate
        pick = first[one] + torch.arange(int(number[one]), device=own.device)
        pick += (pick >= skip[one]).long()
        alive = pick[members(one.expand(len(pick)), pick) > 0]
        chosen[one] = alive[below_tensor(bits_tensor(key, counter[one] + CLUSTER + TRIES), len(alive))]
    return tables.starts[child, chosen].long(), tables.starts[child, chosen + 1].long()


def _bounds(tables: Any, anchor: Tensor, which: Tensor) -> Range:
    """Return start and stop of a slice of each anchor."""
    slices = tables.bounds[anchor, which].long()
    return slices[:, 0], slices[:, 1]


def _slots(excluded: Tensor, row: Range, positions: Range) -> Range:
    """Return the slots of the excluded positions in a range of positions."""
    first = first_slot(lambda slots: excluded[slots] >= positions[0], row)
    return first, first_slot(lambda slots: excluded[slots] >= positions[1], (first, row[1]))


def _size(positions: Range, slots: Range) -> Tensor:
    """Return the number of positions in a range that are not excluded."""
    return positions[1] - positions[0] - (slots[1] - slots[0])
