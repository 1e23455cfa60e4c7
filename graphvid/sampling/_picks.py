"""Picks of in-edges for a batch by tensor operations, on the device of the graph; they check only weights.

Entries are looked up with ``index_select``, which takes a fifth of the time of ``tensor[ids]`` on the CPU.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from graphvid.ops import Adjacency
from graphvid.sampling._search import first_slot
from graphvid.sampling._stream import below_tensor, bits_tensor, unit_tensor

_MAX_DEGREE = 2**31 - 1  # of `below_tensor`


class NeighborPicks(NamedTuple):
    """In-edges picked for a batch of destinations, grouped by destination in the order of the batch.

    Parameters
    ----------
    edge_ids : Tensor, shape (num_picks,), int64
        Place of each edge in the given order of the adjacency.
    src : Tensor, shape (num_picks,), int64
        Source of each edge.
    dst_index : Tensor, shape (num_picks,), int64
        Row of the batch for which each edge was picked, ascending.
    dst_ids : Tensor, shape (batch,), int64
        The batch.
    counts : Tensor, shape (batch,), int64
        Number of picks of each row; 0 for a destination without a pickable in-edge.
    """

    edge_ids: Tensor
    src: Tensor
    dst_index: Tensor
    dst_ids: Tensor
    counts: Tensor


class InEdges(NamedTuple):
    """In-edges that can be picked, grouped by destination."""

    indptr: Tensor
    src: Tensor
    edge_ids: Tensor | None  # None: the slots are the ids
    weight: Tensor | None  # float64, if weighted: sums up to each edge of a row to replace, else logarithms


def in_edges(adjacency: Adjacency, weighted: bool, replace: bool) -> InEdges:
    """Return the edges that can be picked: those of the adjacency, without edges of weight 0."""
    rows = adjacency.rows("dst")
    check_degrees(rows.indptr)
    if not weighted:
        return InEdges(rows.indptr, rows.indices, rows.edge_ids, None)
    if adjacency.weight is None or adjacency.weight.dim() != 1:
        shape = None if adjacency.weight is None else tuple(adjacency.weight.shape)
        raise ValueError(f"weighted=True needs adjacency.weight of shape (num_edges,), got {shape}")
    weight = rows.take(adjacency.weight.detach()).double()
    bad = ~(torch.isfinite(weight) & (weight >= 0))
    if bad.any():
        raise ValueError(
            f"adjacency.weight must be finite and >= 0 for weighted=True, got {int(bad.sum())} of {len(weight)} that "
            f"are not, such as {float(weight[bad][0])}"
        )
    indptr, src, edge_ids = rows.indptr, rows.indices, rows.edge_ids
    if not weight.all():
        kept = weight.nonzero().squeeze(1)
        indptr = torch.searchsorted(kept, indptr.long())
        src, weight = src.index_select(0, kept), weight.index_select(0, kept)
        edge_ids = kept if edge_ids is None else edge_ids.index_select(0, kept)
    if not replace:
        return InEdges(indptr, src, edge_ids, weight.log())
    weight = prefix_sums(weight, indptr)
    if not torch.isfinite(weight).all():
        raise ValueError("adjacency.weight must have a finite sum over the in-edges of each destination, got inf")
    return InEdges(indptr, src, edge_ids, weight)


def check_degrees(indptr: Tensor) -> None:
    """Raise if a row has 2**31 entries or more, too many for the random draw of a place."""
    if indptr.dtype == torch.int64 and len(indptr) > 1 and int(indptr.diff().max()) > _MAX_DEGREE:
        raise ValueError(f"adjacency must have in-degrees below 2**31, got {int(indptr.diff().max())}")


def prefix_sums(values: Tensor, indptr: Tensor) -> Tensor:
    """Return the prefix sums of each row, by doubling steps, so that every device gives the same bits."""
    degrees = indptr.diff()
    place = torch.arange(len(values), device=values.device)
    place -= torch.repeat_interleave(indptr[:-1], degrees, output_size=len(values))
    reach, longest = 1, int(degrees.max()) if len(degrees) else 0
    while reach < longest:
        before = torch.where(place[reach:] >= reach, values[:-reach], 0.0)
        values = torch.cat([values[:reach], values[reach:] + before])
        reach *= 2
    return values


def pick(table: InEdges, dst_ids: Tensor, fanout: int, replace: bool, key: int) -> NeighborPicks:
    """Return the picks of a batch of valid int64 ids; without replacement, small rows use no random number."""
    starts = table.indptr.index_select(0, dst_ids).long()
    degrees = table.indptr.index_select(0, dst_ids + 1).long() - starts
    if replace and fanout != -1:
        rows = (degrees > 0).nonzero().squeeze(1)
        slots = _draw_replaced(table.weight, rows, starts, degrees, fanout, key)
        counts, owner = torch.where(degrees > 0, fanout, 0), rows.repeat_interleave(fanout)
    else:
        counts = degrees if fanout == -1 else degrees.clamp(max=fanout)
        slots, owner = _ranges(starts, counts)
        rows = (degrees > counts).nonzero().squeeze(1)
        if len(rows):
            drawn = _draw(table.weight, rows, starts, degrees, fanout, key)
            first = (torch.cumsum(counts, dim=0) - counts).index_select(0, rows)
            slots.index_copy_(0, (first[:, None] + torch.arange(fanout, device=rows.device)).flatten(), drawn)
    edge_ids = slots if table.edge_ids is None else table.edge_ids.index_select(0, slots).long()
    return NeighborPicks(edge_ids, table.src.index_select(0, slots).long(), owner, dst_ids, counts)


def _ranges(starts: Tensor, counts: Tensor) -> tuple[Tensor, Tensor]:
    """Concatenate the ranges ``[starts[i], starts[i] + counts[i])``; return their elements and the owning ``i``."""
    owner = torch.repeat_interleave(counts)
    shift = starts - (torch.cumsum(counts, dim=0) - counts)
    return torch.arange(len(owner), device=counts.device) + shift.index_select(0, owner), owner


def _draw_replaced(sums: Tensor | None, rows: Tensor, starts: Tensor, degrees: Tensor, fanout: int, key: int) -> Tensor:
    """Return ``fanout`` slots of each of ``rows``, which have edges, one row after another."""
    starts, degrees = starts.index_select(0, rows)[:, None], degrees.index_select(0, rows)[:, None]
    bits = bits_tensor(key, rows[:, None] * fanout + torch.arange(fanout, device=rows.device))  # (rows, fanout)
    if sums is None:
        return (below_tensor(bits, degrees) + starts).flatten()
    return _draw_by_sums(sums, bits, starts, degrees)


def _draw(weight: Tensor | None, rows: Tensor, starts: Tensor, degrees: Tensor, fanout: int, key: int) -> Tensor:
    """Return ``fanout`` distinct slots of each of ``rows``, which have more edges, one row after another."""
    starts, degrees = starts.index_select(0, rows), degrees.index_select(0, rows)
    if weight is not None:
        return _draw_by_keys(weight, starts, degrees, fanout, key)
    columns = torch.arange(fanout, device=rows.device)
    bits = bits_tensor(key, rows * fanout + columns[:, None])  # (fanout, rows): the next steps go column by column
    return (_draw_distinct(bits, degrees) + starts).t().flatten()


def _draw_distinct(bits: Tensor, degrees: Tensor) -> Tensor:
    """Return as many distinct places below each degree as there are rows of ``bits``, each set equally likely.

    Floyd's algorithm: round j draws a place up to ``degree - fanout + j``; if the place is already taken, it takes that
    bound itself (Bentley and Floyd, Communications of the ACM 30(9), 1987).
    """
    fanout = len(bits)
    bound = degrees + torch.arange(-fanout, 0, device=bits.device)[:, None]  # (fanout, rows)
    places = below_tensor(bits, bound + 1)
    for j in range(1, fanout):
        taken = (places[:j] == places[j]).any(dim=0)
        places[j] = torch.where(taken, bound[j], places[j])
    return places


def _draw_by_sums(sums: Tensor, bits: Tensor, starts: Tensor, degrees: Tensor) -> Tensor:
    """Return a slot for each random number in ``bits``, in proportion to the weights of the row."""
    stops = starts + degrees
    target = (unit_tensor(bits) * sums[stops - 1]).flatten()
    lo, hi = (x.expand_as(bits).flatten() for x in (starts, stops))
    slots = first_slot(lambda at: sums.index_select(0, at) > target, (lo, hi))
    return torch.minimum(slots, hi - 1)  # subnormal sums may round up


def _draw_by_keys(log_weight: Tensor, starts: Tensor, degrees: Tensor, fanout: int, key: int) -> Tensor:
    """Return the slots of each row's ``fanout`` smallest exponential variates, with the weights as rates.

    The entries in ascending order of these variates are a successive sample: entry i has the smallest variate with a
    probability in proportion to its rate, and the excess of the others over it is exponential again. The comparison uses
    logarithms of the variates, so that no weight is too small or too large.
    """
    slots, owner = _ranges(starts, degrees)
    uniform = unit_tensor(bits_tensor(key, torch.arange(len(slots), device=slots.device)))
    variates = torch.log(-torch.log1p(-uniform)) - log_weight.index_select(0, slots)
    order = torch.sort(_ordered_bits(variates), stable=True).indices
    order = order.index_select(0, torch.sort(owner.index_select(0, order), stable=True).indices)
    first = torch.cumsum(degrees, dim=0) - degrees
    kept = (first[:, None] + torch.arange(fanout, device=slots.device)).flatten()
    return slots.index_select(0, order.index_select(0, kept))


def _ordered_bits(x: Tensor) -> Tensor:
    """Return int64 in the order of float64 without NaN: PyTorch sorts integers five times as fast on the CPU."""
    bits = x.view(torch.int64)
    return bits ^ ((bits >> 63) & (2**63 - 1))
