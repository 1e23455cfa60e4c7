"""Neighbours of a batch of nodes, picked by tensor operations on the device where the graph lies."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from graphvid.ops import Adjacency
from graphvid.ops._rows import Rows
from graphvid.ops.neighbors import check_ids, expand_ranges
from graphvid.sampling._stream import below_tensor, bits_tensor, stream_key, unit_tensor
from graphvid.sampling._tensor import _first_slot


class NeighborPicks(NamedTuple):
    """In-edges picked for a batch of destinations, grouped by destination in the order of the batch.

    Parameters
    ----------
    edge_ids : Tensor, shape (num_picks,), int64
        Place of each edge in the order in which the adjacency was given.
    src : Tensor, shape (num_picks,), int64
        Source of each edge.
    dst_index : Tensor, shape (num_picks,), int64
        Row of the batch that each edge was picked for, ascending.
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


class Block(NamedTuple):
    """A relation among the nodes of a batch alone, numbered anew on both sides.

    Parameters
    ----------
    adjacency : Adjacency
        From ``src_ids`` to ``dst_ids``, with the weights of the picked edges if there are weights.
    src_ids : Tensor, shape (num_src,), int64
        Node of each source row: the rows of the features that the block reads.
    dst_ids : Tensor, shape (num_dst,), int64
        Node of each destination row.
    edge_ids : Tensor, shape (num_edges,), int64
        Edge of the full adjacency that each edge of the block is.
    """

    adjacency: Adjacency
    src_ids: Tensor
    dst_ids: Tensor
    edge_ids: Tensor


class _Table(NamedTuple):
    """In-edges that can be picked, grouped by destination."""

    indptr: Tensor
    src: Tensor
    edge_ids: Tensor
    weight: Tensor | None  # float64: weights above 0, or, to pick with replacement, their sums up to each edge of a row


class NeighborSampler:
    """Sample the blocks of a batch, hop by hop, from the in-edges of one relation.

    For each destination of a hop with fanout ``k`` and in-degree ``d``, counting only the edges that can be picked:

    ============  ===========  ================================================================================
    ``weighted``  ``replace``  picks
    ============  ===========  ================================================================================
    False         False        ``min(k, d)`` distinct edges, every set of that size equally likely
    False         True         ``k`` edges if ``d > 0``, each uniform, independent of the others
    True          False        ``min(k, d)`` distinct edges, one after another, each in proportion to its weight among
                               those left
    True          True         ``k`` edges if ``d > 0``, each in proportion to its weight, independent of the others
    ============  ===========  ================================================================================

    Parallel edges are edges of their own. An edge of weight 0 is never picked when ``weighted``. The distribution is
    that of `dgl.sampling.sample_neighbors`.

    Parameters
    ----------
    adjacency : Adjacency
        The relation, on the device where the blocks are wanted. It needs ``num_src == num_dst`` for several hops.
    fanouts : sequence of int
        Picks per destination of each layer of the model, the layer that reads the features first, as in DGL; -1 takes
        all in-edges once, with or without ``replace``.
    include_dst_in_src : bool
        True: the destinations are the first sources of each block, as in DGL's blocks, so that a layer can read a
        node's own features. It needs one node type, ``num_src == num_dst``, and a batch of distinct ids. False: a
        block has only the sources that were picked.
    replace : bool, default False
        Whether an edge can be picked twice for a destination.
    weighted : bool, default False
        Pick in proportion to ``adjacency.weight``, which must be 1-D, finite and >= 0.
    seed : int, default 0
        Key of the random stream, in [0, 2**64).

    Attributes
    ----------
    step : int
        Number of the call that comes next.

    Raises
    ------
    TypeError, ValueError
        When an argument is out of its range or the adjacency lacks what is asked of it.

    Notes
    -----
    Random number ``c`` of hop ``h`` of step ``t`` is a hash of (seed, t, h, c), so the result is a function of seed,
    step and batch. Uniform picks and weighted picks with replacement are also the same on every device; weighted
    picks without replacement compare logarithms, which devices may round differently.

    Uniform picks take O(batch * fanout) memory, however many in-edges there are, and, with replacement, as much time;
    without, Floyd's algorithm takes ``fanout`` rounds over the batch, O(batch * fanout**2) time in all. Weighted picks
    with replacement search prefix sums: O(batch * fanout * log degree) time. Weighted picks without replacement draw a
    key for every in-edge of the batch and sort them: O(d log d) time and O(d) memory for ``d`` in-edges in all.
    ``weighted`` also holds 16 bytes an edge (24 with int64 ids), made in O(num_edges * log(max degree)) time.

    The host waits for the device only to check the batch and to learn the sizes of results. In-degrees must be below
    2**31.

    Examples
    --------
    >>> ring = torch.arange(6)
    >>> adjacency = Adjacency.from_coo((ring + 1) % 6, ring, num_src=6, num_dst=6)
    >>> sampler = NeighborSampler(adjacency, [-1, 1], include_dst_in_src=True)
    >>> first, last = sampler(torch.tensor([4, 1]))
    >>> first.src_ids.tolist(), last.src_ids.tolist(), last.dst_ids.tolist()
    ([4, 1, 2, 5, 0, 3], [4, 1, 2, 5], [4, 1])
    >>> x = first.src_ids[:, None].float()
    >>> last.adjacency.spmm(first.adjacency.spmm(x)).squeeze(1).tolist()
    [0.0, 3.0]
    """

    def __init__(
        self,
        adjacency: Adjacency,
        fanouts: Sequence[int],
        *,
        include_dst_in_src: bool,
        replace: bool = False,
        weighted: bool = False,
        seed: int = 0,
    ) -> None:
        self.fanouts = [_check_fanout(f"fanouts[{k}]", fanout) for k, fanout in enumerate(fanouts)]
        if not self.fanouts:
            raise ValueError("fanouts must have an entry for each layer, got none")
        if adjacency.num_src != adjacency.num_dst and len(self.fanouts) > 1:
            raise ValueError(
                f"fanouts must have one entry unless num_src equals num_dst, got {len(self.fanouts)} entries and "
                f"{adjacency!r}"
            )
        _check_sides(adjacency, include_dst_in_src)
        self.adjacency, self.include_dst_in_src, self.replace = adjacency, include_dst_in_src, replace
        self.seed, self.step = _check_seed(seed), 0
        self._table = _make_table(adjacency, weighted, replace)

    def sample(self, dst_ids: Tensor, step: int) -> list[Block]:
        """Return the blocks of ``step``, a function of seed, step and batch alone; the sampler's `step` stays.

        Parameters
        ----------
        dst_ids : Tensor, shape (batch,), integer
            The nodes whose representations are wanted, in [0, num_dst), on the device of the adjacency.
        step : int
            Number of the call, from 0.

        Returns
        -------
        list of Block
            One for each fanout, in the same order: the first reads the features of its ``src_ids``, and the last has
            ``dst_ids`` as its destinations.

        Raises
        ------
        TypeError, ValueError
            When ``dst_ids`` has a wrong shape, dtype or device or an id is out of range, repeated ids meet
            ``include_dst_in_src=True``, or ``step`` is negative.
        """
        child = stream_key(self.seed, _check_int("step", step, at_least=0))
        blocks: list[Block] = []
        for hop, fanout in enumerate(reversed(self.fanouts)):
            picks = _pick(
                self._table, _check_batch(self.adjacency, dst_ids), fanout, self.replace, stream_key(child, hop)
            )
            blocks.append(to_block(self.adjacency, picks, include_dst_in_src=self.include_dst_in_src))
            dst_ids = blocks[-1].src_ids
        return blocks[::-1]

    def __call__(self, dst_ids: Tensor) -> list[Block]:
        """Return `sample` of the batch at `step`, and go to the next step."""
        blocks = self.sample(dst_ids, self.step)
        self.step += 1
        return blocks

    def state_dict(self) -> dict[str, Any]:  # Any: a JSON object
        """Return what a resumed run needs: the step, and the seed and fanouts to check them by."""
        return {"step": self.step, "seed": self.seed, "fanouts": list(self.fanouts)}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on where ``state`` was taken.

        Raises
        ------
        ValueError
            When an entry is missing, ``step`` is no integer >= 0, or ``state`` comes from another seed or fanouts.
        """
        own = self.state_dict()
        if set(state) != set(own):
            raise ValueError(f"state must have the entries {sorted(own)}, got {sorted(state)}")
        for name in ("seed", "fanouts"):
            if state[name] != own[name]:
                raise ValueError(f"state must come from a sampler with {name}={own[name]}, got {name}={state[name]}")
        self.step = _check_int("state['step']", state["step"], at_least=0)


def sample_neighbors(
    adjacency: Adjacency,
    dst_ids: Tensor,
    fanout: int,
    *,
    replace: bool = False,
    weighted: bool = False,
    seed: int = 0,
    step: int = 0,
) -> NeighborPicks:
    """Pick up to ``fanout`` in-edges of every destination of a batch; see `NeighborSampler` for the distributions.

    Parameters
    ----------
    adjacency : Adjacency
        The relation, on the device where the picks are made.
    dst_ids : Tensor, shape (batch,), integer
        Destinations in [0, num_dst), on the device of the adjacency. Each row picks on its own, also for an id that
        comes several times.
    fanout : int
        Picks per destination, at least 1; -1 takes all in-edges once, with or without ``replace``.
    replace, weighted : bool, default False
        See `NeighborSampler`.
    seed : int, default 0
        Key of the random stream, in [0, 2**64).
    step : int, default 0
        Number of the call; each value gives picks of their own.

    Returns
    -------
    NeighborPicks
        The order of the picks of one row has no meaning.

    Raises
    ------
    TypeError, ValueError
        When an argument is out of its range, on another device, or ``weighted`` meets weights that are missing,
        negative, not finite or not 1-D.

    Notes
    -----
    As for `NeighborSampler`, but ``weighted`` makes the tables of all edges in every call, where the sampler makes
    them once.

    Examples
    --------
    >>> adjacency = Adjacency.from_coo(torch.arange(5), torch.tensor([0, 0, 0, 2, 2]), num_src=5, num_dst=3)
    >>> picks = sample_neighbors(adjacency, torch.tensor([2, 1, 0]), 2)
    >>> picks.counts.tolist(), picks.dst_index.tolist(), picks.src[:2].tolist()
    ([2, 0, 2], [0, 0, 2, 2], [3, 4])
    """
    fanout = _check_fanout("fanout", fanout)
    key = stream_key(_check_seed(seed), _check_int("step", step, at_least=0))
    dst_ids = _check_batch(adjacency, dst_ids)
    return _pick(_make_table(adjacency, weighted, replace), dst_ids, fanout, replace, key)


def to_block(adjacency: Adjacency, picks: NeighborPicks, *, include_dst_in_src: bool) -> Block:
    """Number the nodes of the picks anew and return the relation among them.

    Parameters
    ----------
    adjacency : Adjacency
        What the picks were made from. Its weights go along, with their gradient, and so does its norm, which counts
        the edges of the block, as a layer of DGL does on a block.
    picks : NeighborPicks
        From `sample_neighbors`.
    include_dst_in_src : bool
        True: the sources are the destinations, in their order, then the other sources by ascending id; it needs
        ``num_src == num_dst`` and distinct ``picks.dst_ids``. False: the picked sources alone, by ascending id.

    Returns
    -------
    Block

    Raises
    ------
    ValueError
        When ``include_dst_in_src=True`` meets two node types or a repeated destination.

    Notes
    -----
    One sort of the sources: O(n log n) time and O(n) memory for ``n`` picks and destinations.

    Examples
    --------
    >>> adjacency = Adjacency.from_coo(torch.tensor([3, 0, 4]), torch.tensor([2, 2, 3]), num_src=5, num_dst=5)
    >>> picks = sample_neighbors(adjacency, torch.tensor([3, 2]), -1)
    >>> block = to_block(adjacency, picks, include_dst_in_src=True)
    >>> block.src_ids.tolist(), block.adjacency.ends("src").tolist(), block.adjacency.ends("dst").tolist()
    ([3, 2, 0, 4], [3, 0, 2], [0, 1, 1])
    """
    _check_sides(adjacency, include_dst_in_src)
    if include_dst_in_src:
        src_ids, src = _number_after(picks.dst_ids, picks.src)
    else:
        src_ids, src = torch.unique(picks.src, return_inverse=True)
    sizes = (len(src_ids), len(picks.dst_ids))
    ids = torch.int32 if max(len(src), *sizes) < 2**31 else torch.int64
    ends = (src.to(ids), picks.dst_index.to(ids))
    weight = None if adjacency.weight is None else adjacency.weight.index_select(0, picks.edge_ids)
    indptr = torch.nn.functional.pad(torch.cumsum(picks.counts, dim=0), (1, 0)).to(ids)
    grouped = {("rows", 1): Rows(indptr, ends[0], None)}
    return Block(Adjacency(ends, sizes, weight, adjacency._powers, grouped), src_ids, picks.dst_ids, picks.edge_ids)


def _number_after(dst_ids: Tensor, src: Tensor) -> tuple[Tensor, Tensor]:
    """Return the destinations followed by the other sources, and the place there of every source."""
    nodes, inverse = torch.unique(torch.cat([dst_ids, src]), return_inverse=True)
    num_dst = len(dst_ids)
    own, rows = inverse[:num_dst], torch.arange(num_dst, device=src.device)
    place = torch.full_like(nodes, -1).index_put((own,), rows)
    if not torch.equal(place[own], rows):
        repeated = dst_ids[place[own] != rows]
        raise ValueError(
            f"dst_ids must be distinct with include_dst_in_src=True, got {int(repeated[0])} more than once"
        )
    other = place < 0
    place = torch.where(other, num_dst - 1 + torch.cumsum(other, dim=0), place)
    return torch.empty_like(nodes).index_put((place,), nodes), place[inverse[num_dst:]]


def _make_table(adjacency: Adjacency, weighted: bool, replace: bool) -> _Table:
    """Return the edges that can be picked; for uniform picks, the adjacency's own grouping."""
    rows = adjacency.rows("dst")
    if not weighted:
        return _Table(rows.indptr, rows.indices, rows.ids(), None)
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
    kept = (weight > 0).nonzero().squeeze(1)
    indptr = torch.searchsorted(kept, rows.indptr.long())
    weight = weight[kept]
    if replace:
        weight = _prefix_sums(weight, indptr)
        if not torch.isfinite(weight).all():
            raise ValueError("adjacency.weight must have a finite sum over the in-edges of each destination, got inf")
    return _Table(indptr, rows.indices[kept], rows.ids()[kept], weight)


def _prefix_sums(values: Tensor, indptr: Tensor) -> Tensor:
    """Return the sum of each row up to each of its entries, by doubling the reach: the same bits on every device."""
    degrees = indptr.diff()
    place = torch.arange(len(values), device=values.device) - torch.repeat_interleave(indptr[:-1], degrees)
    reach, longest = 1, int(degrees.max()) if len(degrees) else 0
    while reach < longest:
        before = torch.where(place[reach:] >= reach, values[:-reach], 0.0)
        values = torch.cat([values[:reach], values[reach:] + before])
        reach *= 2
    return values


def _pick(table: _Table, dst_ids: Tensor, fanout: int, replace: bool, key: int) -> NeighborPicks:
    """Return the picks of a checked batch."""
    starts = table.indptr[dst_ids].long()
    degrees = table.indptr[dst_ids + 1].long() - starts
    take_all = fanout == -1 or not (replace or (degrees > fanout).any())
    counts = degrees if take_all else torch.where(degrees > 0, fanout, 0) if replace else degrees.clamp(max=fanout)
    if take_all:
        slots, owner = expand_ranges(starts, degrees)
    elif not replace and table.weight is not None:
        slots, owner = _pick_by_keys(table.weight, starts, degrees, fanout, key)
    else:
        column = torch.arange(fanout, device=dst_ids.device)
        rows = torch.arange(len(dst_ids), device=dst_ids.device)
        bits = bits_tensor(key, rows[:, None] * fanout + column)  # (batch, fanout)
        if not replace:
            places = _pick_distinct(bits, degrees)
        elif table.weight is None:
            places = below_tensor(bits, degrees[:, None])
        else:
            places = _pick_by_sums(table.weight, bits, starts, degrees)
        owner, column = (column < counts[:, None]).nonzero(as_tuple=True)
        slots = starts[owner] + places[owner, column]
    return NeighborPicks(table.edge_ids[slots].long(), table.src[slots].long(), owner, dst_ids, counts)


def _pick_distinct(bits: Tensor, degrees: Tensor) -> Tensor:
    """Return ``fanout`` distinct places below each degree, each set equally likely, or all of a degree up to ``fanout``.

    Floyd's algorithm: round j draws a place up to ``degree - fanout + j`` and takes that bound itself if the place is
    taken already (Bentley and Floyd, Communications of the ACM 30(9), 1987).
    """
    fanout = bits.shape[1]
    rounds = torch.arange(fanout, device=bits.device)
    bound = (degrees[:, None] - fanout + rounds).clamp(min=0)  # (batch, fanout)
    places = below_tensor(bits, bound + 1)
    for j in range(1, fanout):
        taken = (places[:, :j] == places[:, j : j + 1]).any(dim=1)
        places[:, j] = torch.where(taken, bound[:, j], places[:, j])
    return torch.where(degrees[:, None] > fanout, places, rounds)


def _pick_by_sums(sums: Tensor, bits: Tensor, starts: Tensor, degrees: Tensor) -> Tensor:
    """Return a place for each of the bits, in proportion to the weights of the row; rows without an edge hold no meaning."""
    if not len(sums):
        return torch.zeros_like(bits)
    target = (unit_tensor(bits) * sums[starts + degrees - 1][:, None]).flatten()
    lo, hi = (x.repeat_interleave(bits.shape[1]) for x in (starts, starts + degrees))
    slots = _first_slot(lambda at: sums[at] > target, (lo, hi))
    return torch.minimum(slots, hi - 1).view_as(bits) - starts[:, None]  # subnormal sums may round up


def _pick_by_keys(
    weight: Tensor, starts: Tensor, degrees: Tensor, fanout: int, key: int
) -> tuple[Tensor, Tensor]:  # fmt: skip
    """Return the slots of the ``fanout`` smallest exponential variates of rate ``weight`` in each row, and their rows.

    In ascending order of such variates the entries are a successive sample: the smallest of several is that of entry i
    with a probability in proportion to its rate, and the excess of the others over it is exponential again. The
    logarithms of the variates are compared, so that no weight is too small or too large.
    """
    slots, owner = expand_ranges(starts, degrees)
    uniform = unit_tensor(bits_tensor(key, torch.arange(len(slots), device=slots.device)))
    order = torch.sort(torch.log(-torch.log1p(-uniform)) - torch.log(weight[slots]), stable=True).indices
    order = order[torch.sort(owner[order], stable=True).indices]
    before = torch.cumsum(degrees, dim=0) - degrees
    kept = torch.arange(len(slots), device=slots.device) - before[owner] < fanout
    return slots[order[kept]], owner[kept]


def _check_batch(adjacency: Adjacency, dst_ids: Tensor) -> Tensor:
    """Return ``dst_ids`` as int64; raise unless they are destinations on the device of the adjacency."""
    if dst_ids.dim() != 1:
        raise ValueError(f"dst_ids must be 1-D, got shape {tuple(dst_ids.shape)}")
    if dst_ids.device != adjacency.device:
        raise ValueError(f"dst_ids must be on {adjacency.device} like the adjacency, got {dst_ids.device}")
    check_ids("dst_ids", dst_ids, adjacency.num_dst)
    return dst_ids.long()


def _check_sides(adjacency: Adjacency, include_dst_in_src: bool) -> None:
    """Raise when sources and destinations of two types are to be one list."""
    if include_dst_in_src and adjacency.num_src != adjacency.num_dst:
        raise ValueError(f"include_dst_in_src=True needs num_src equal to num_dst, one node type, got {adjacency!r}")


def _check_fanout(name: str, fanout: object) -> int:
    """Return ``fanout``; raise unless it is an integer >= 1 or -1."""
    if isinstance(fanout, bool) or not isinstance(fanout, (int, np.integer)) or (fanout < 1 and fanout != -1):
        raise ValueError(f"{name} must be an integer >= 1, or -1 for all in-edges, got {fanout!r}")
    return int(fanout)


def _check_seed(seed: int) -> int:
    """Return ``seed``; raise unless it is an integer in [0, 2**64)."""
    if _check_int("seed", seed, at_least=0) >> 64:
        raise ValueError(f"seed must be below 2**64, got {seed}")
    return int(seed)


def _check_int(name: str, value: object, *, at_least: int) -> int:
    """Return ``value``; raise unless it is an integer of at least ``at_least``."""
    if isinstance(value, bool) or not isinstance(value, (int, np.integer)) or value < at_least:
        raise ValueError(f"{name} must be an integer >= {at_least}, got {value!r}")
    return int(value)
