"""Blocks: the relation among only the nodes of a batch, as input of a network layer."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from graphvid._checks import check_ids
from graphvid.ops import Adjacency
from graphvid.sampling._picks import NeighborPicks


class Block(NamedTuple):
    """A relation among only the nodes of a batch, with new node numbers on both sides.

    Parameters
    ----------
    adjacency : Adjacency
        From ``src_ids`` to ``dst_ids``, with the weights of the picked edges if there are weights.
    src_ids : Tensor, shape (num_src,), int64
        Node of each source row: the rows of the features that the block reads.
    dst_ids : Tensor, shape (num_dst,), int64
        Node of each destination row.
    edge_ids : Tensor, shape (num_edges,), int64
        Number of each edge of the block in the full adjacency.
    """

    adjacency: Adjacency
    src_ids: Tensor
    dst_ids: Tensor
    edge_ids: Tensor


def to_block(adjacency: Adjacency, picks: NeighborPicks, *, include_dst_in_src: bool) -> Block:
    """Renumber the nodes of the picks and return the relation among them.

    Parameters
    ----------
    adjacency : Adjacency
        The relation of the picks. The block keeps its weights, with their gradient, and its norm, which then counts the
        edges of the block, as a layer of DGL does on a block.
    picks : NeighborPicks
        From `sample_neighbors`.
    include_dst_in_src : bool
        True: the sources are the destinations, in their order, then the other sources by ascending id; it needs
        ``num_src == num_dst`` and distinct ``picks.dst_ids``. False: only the picked sources, by ascending id.

    Returns
    -------
    Block

    Raises
    ------
    ValueError
        When ``include_dst_in_src=True`` comes with two node types or a repeated destination.

    Notes
    -----
    One sort of the sources: O(n log n) time and O(n) memory for ``n`` picks and destinations.

    Examples
    --------
    >>> from graphvid.sampling import sample_neighbors
    >>> adjacency = Adjacency.from_coo(torch.tensor([3, 0, 4]), torch.tensor([2, 2, 3]), num_src=5, num_dst=5)
    >>> picks = sample_neighbors(adjacency, torch.tensor([3, 2]), -1)
    >>> block = to_block(adjacency, picks, include_dst_in_src=True)
    >>> block.src_ids.tolist(), block.adjacency.ends("src").tolist(), block.adjacency.ends("dst").tolist()
    ([3, 2, 0, 4], [3, 0, 2], [0, 1, 1])
    """
    check_adjacency(adjacency)
    check_sides(adjacency, include_dst_in_src)
    _check_picks(adjacency, picks)
    return make_block(adjacency, picks, include_dst_in_src)


def make_block(adjacency: Adjacency, picks: NeighborPicks, include_dst_in_src: bool) -> Block:
    """Return `to_block` of picks from this adjacency, without checks."""
    dtype = torch.int32 if adjacency.num_src < 2**31 else torch.int64  # half the time to sort
    if include_dst_in_src:
        src_ids, src = _number_after(picks.dst_ids.to(dtype), picks.src.to(dtype))
    else:
        src_ids, src = torch.unique(picks.src.to(dtype), return_inverse=True)
    indptr = torch.nn.functional.pad(torch.cumsum(picks.counts, dim=0), (1, 0))
    weight = None if adjacency.weight is None else adjacency.weight.index_select(0, picks.edge_ids)
    inner = Adjacency.from_rows(indptr, src, num_src=len(src_ids), weight=weight, norm=adjacency.norm, trusted=True)
    return Block(inner, src_ids.long(), picks.dst_ids, picks.edge_ids)


def check_adjacency(adjacency: Adjacency) -> None:
    """Raise unless ``adjacency`` is an `Adjacency`."""
    if not isinstance(adjacency, Adjacency):
        raise TypeError(f"adjacency must be an Adjacency, got {type(adjacency).__name__}")


def _check_picks(adjacency: Adjacency, picks: NeighborPicks) -> None:
    """Raise unless the picks are in-edges of the adjacency, grouped by destination."""
    if not isinstance(picks, NeighborPicks):
        raise TypeError(f"picks must be a NeighborPicks, got {type(picks).__name__}")
    sizes = (adjacency.num_edges, adjacency.num_src, len(picks.dst_ids), adjacency.num_dst, None)
    for name, ids, size in zip(picks._fields, picks, sizes, strict=True):
        check_ids(f"picks.{name}", ids, size)
    shapes = [tuple(ids.shape) for ids in picks]
    if any(ids.dim() != 1 for ids in picks) or len(set(shapes[:3])) > 1 or shapes[3] != shapes[4]:
        raise ValueError(
            "picks must hold edge_ids, src and dst_index of one length, and dst_ids and counts of one length, got shapes "
            f"{shapes}"
        )
    counts = picks.counts
    if bool((counts < 0).any()) or int(counts.sum()) != len(picks.edge_ids):
        raise ValueError(
            f"picks.counts must be >= 0 and sum to the {len(picks.edge_ids)} picks, got {int(counts.sum())}"
        )
    if not torch.equal(picks.dst_index.long(), torch.repeat_interleave(counts)):
        raise ValueError("picks.dst_index must ascend with as many picks for each destination as picks.counts says")
    edges = picks.edge_ids.long()
    for name, mine, ends in (
        ("src", picks.src, adjacency.ends("src")),
        ("dst_ids", picks.dst_ids[picks.dst_index.long()], adjacency.ends("dst")),
    ):
        if not torch.equal(mine.long(), ends[edges].long()):
            raise ValueError(f"picks.{name} must be the ends of the edges in picks.edge_ids, got others")


def check_sides(adjacency: Adjacency, include_dst_in_src: bool) -> None:
    """Raise if sources and destinations of different types would form one list."""
    if include_dst_in_src and adjacency.num_src != adjacency.num_dst:
        raise ValueError(f"include_dst_in_src=True needs num_src equal to num_dst, one node type, got {adjacency!r}")


def _number_after(dst_ids: Tensor, src: Tensor) -> tuple[Tensor, Tensor]:
    """Return the destinations followed by the other sources, and the place of every source in this list."""
    nodes, inverse = torch.unique(torch.cat([dst_ids, src]), return_inverse=True)
    num_dst = len(dst_ids)
    own, rows = inverse[:num_dst], torch.arange(num_dst, dtype=nodes.dtype, device=src.device)
    place = torch.full_like(nodes, -1).index_copy_(0, own, rows)
    if not torch.equal(place.index_select(0, own), rows):
        repeated = dst_ids[place.index_select(0, own) != rows]
        raise ValueError(
            f"dst_ids must be distinct with include_dst_in_src=True, got {int(repeated[0])} more than once"
        )
    other = place < 0
    place = torch.where(other, num_dst - 1 + torch.cumsum(other, dim=0, dtype=place.dtype), place)
    return torch.empty_like(nodes).index_copy_(0, place.long(), nodes), place.index_select(0, inverse[num_dst:])
