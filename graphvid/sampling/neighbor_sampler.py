"""A sampler of neighbours of a batch of nodes, hop by hop, on the device of the graph."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from torch import Tensor

from graphvid._checks import check_count, check_ids, check_mapping, check_seed, check_tensor, shown
from graphvid.ops import Adjacency
from graphvid.sampling._picks import NeighborPicks, in_edges, pick
from graphvid.sampling._stream import stream_key
from graphvid.sampling.blocks import Block, check_adjacency, check_sides, make_block


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

    Parallel edges count separately. With ``weighted`` an edge of weight 0 is never picked. The distribution is that of
    `dgl.sampling.sample_neighbors`.

    Parameters
    ----------
    adjacency : Adjacency
        The relation, on the device of the blocks. It needs ``num_src == num_dst`` for several hops.
    fanouts : sequence of int
        Picks per destination of each layer of the model, the layer that reads the features first, as in DGL; -1 takes
        all in-edges once, with or without ``replace``.
    include_dst_in_src : bool
        True: the destinations are the first sources of each block, as in DGL's blocks, so that a layer can read a
        node's own features. It needs one node type, ``num_src == num_dst``, and a batch of distinct ids. False: a block has
        only the picked sources.
    replace : bool, default False
        Whether a destination can get the same edge twice.
    weighted : bool, default False
        Pick in proportion to ``adjacency.weight``, which must be 1-D, finite and >= 0.
    seed : int, default 0
        Key of the random stream, in [0, 2**64).

    Attributes
    ----------
    step : int
        Number of the next call.

    Raises
    ------
    TypeError, ValueError
        An argument is out of its range, the adjacency does not have the required form, or it has an in-degree of 2**31 or
        more.

    Notes
    -----
    Random number ``c`` of hop ``h`` of step ``t`` is a hash of (seed, t, h, c), so the result is a function of seed,
    step and batch. Uniform picks and weighted picks with replacement are also the same on every device; weighted
    picks without replacement compare logarithms, which devices may round differently.

    Without replacement, a destination with no more edges than picks takes them all and uses no random number. For the others,
    uniform picks take O(batch * fanout) memory, for any number of in-edges. With replacement they take as much time; without,
    Floyd's algorithm takes ``fanout`` rounds over the batch, O(batch * fanout**2) time. Weighted picks with replacement
    search prefix sums: O(batch * fanout * log degree) time. Weighted picks without replacement draw a key for every in-edge
    and sort the keys: O(d log d) time and O(d) memory for a total of ``d`` in-edges. ``weighted`` also stores 8 bytes an
    edge, or up to 24 with weights of 0, computed in O(num_edges * log(max degree)) time.

    The host waits for the device only to check the batch and to learn the sizes of results.

    Examples
    --------
    >>> import torch
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
        check_adjacency(adjacency)
        if not isinstance(fanouts, Sequence):
            raise TypeError(f"fanouts must be a sequence of integers, got {type(fanouts).__name__}")
        self.fanouts = [_check_fanout(f"fanouts[{k}]", fanout) for k, fanout in enumerate(fanouts)]
        if not self.fanouts:
            raise ValueError("fanouts must have an entry for each layer, got none")
        if adjacency.num_src != adjacency.num_dst and len(self.fanouts) > 1:
            raise ValueError(
                f"fanouts must have one entry unless num_src equals num_dst, got {len(self.fanouts)} entries and "
                f"{adjacency!r}"
            )
        check_sides(adjacency, include_dst_in_src)
        self.adjacency, self.include_dst_in_src, self.replace = adjacency, include_dst_in_src, replace
        self.seed, self.step = check_seed(seed), 0
        self._in_edges = in_edges(adjacency, weighted, replace)

    def sample(self, dst_ids: Tensor, step: int) -> list[Block]:
        """Return the blocks of ``step``; they depend only on seed, step and batch. The attribute `step` does not change.

        Parameters
        ----------
        dst_ids : Tensor, shape (batch,), integer
            The nodes to compute, in [0, num_dst), on the device of the adjacency.
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
        child = stream_key(self.seed, check_count("step", step, 0))
        dst_ids = _check_batch(self.adjacency, dst_ids)
        blocks: list[Block] = []
        for hop, fanout in enumerate(reversed(self.fanouts)):
            picks = pick(self._in_edges, dst_ids, fanout, self.replace, stream_key(child, hop))
            blocks.append(make_block(self.adjacency, picks, self.include_dst_in_src))
            dst_ids = blocks[-1].src_ids
        return blocks[::-1]

    def __call__(self, dst_ids: Tensor) -> list[Block]:
        """Return `sample` of the batch at `step`, and increase `step` by one."""
        blocks = self.sample(dst_ids, self.step)
        self.step += 1
        return blocks

    def state_dict(self) -> dict[str, Any]:  # Any: a JSON object
        """Return the state for a resumed run: the step, and seed and fanouts for a check."""
        return {"step": self.step, "seed": self.seed, "fanouts": list(self.fanouts)}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Continue from ``state``.

        Raises
        ------
        ValueError
            An entry is missing, ``step`` is no integer >= 0, or ``state`` comes from another seed or fanouts.
        """
        own = self.state_dict()
        check_mapping("state", state)
        if set(state) != set(own):
            raise ValueError(f"state must have the entries {sorted(own)}, got {sorted(state)}")
        for name in ("seed", "fanouts"):
            if state[name] != own[name]:
                raise ValueError(f"state must come from a sampler with {name}={own[name]}, got {name}={state[name]}")
        self.step = check_count("state['step']", state["step"], 0)


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
        The relation, on the device of the picks.
    dst_ids : Tensor, shape (batch,), integer
        Destinations in [0, num_dst), on the device of the adjacency. Rows pick independently, also rows of the same id.
    fanout : int
        Picks per destination, at least 1; -1 takes all in-edges once, with or without ``replace``.
    replace, weighted : bool, default False
        See `NeighborSampler`.
    seed : int, default 0
        Key of the random stream, in [0, 2**64).
    step : int, default 0
        Number of the call; each value gives other picks.

    Returns
    -------
    NeighborPicks
        The order of the picks of one row has no meaning.

    Raises
    ------
    TypeError, ValueError
        An argument is out of its range or on another device, or with ``weighted`` the weights are missing, negative, not
        finite or not 1-D.

    Notes
    -----
    As for `NeighborSampler`, but ``weighted`` computes the tables of all edges in every call; the sampler computes them
    once.

    Examples
    --------
    >>> import torch
    >>> adjacency = Adjacency.from_coo(torch.arange(5), torch.tensor([0, 0, 0, 2, 2]), num_src=5, num_dst=3)
    >>> picks = sample_neighbors(adjacency, torch.tensor([2, 1, 0]), 2)
    >>> picks.counts.tolist(), picks.dst_index.tolist(), picks.src[:2].tolist()
    ([2, 0, 2], [0, 0, 2, 2], [3, 4])
    """
    check_adjacency(adjacency)
    fanout = _check_fanout("fanout", fanout)
    key = stream_key(check_seed(seed), check_count("step", step, 0))
    dst_ids = _check_batch(adjacency, dst_ids)
    return pick(in_edges(adjacency, weighted, replace), dst_ids, fanout, replace, key)


def _check_batch(adjacency: Adjacency, dst_ids: Tensor) -> Tensor:
    """Return ``dst_ids`` as int64; raise unless they are destinations on the device of the adjacency."""
    check_tensor("dst_ids", dst_ids)
    if dst_ids.dim() != 1:
        raise ValueError(f"dst_ids must be 1-D, got shape {tuple(dst_ids.shape)}")
    if dst_ids.device != adjacency.device:
        raise ValueError(f"dst_ids must be on {adjacency.device} like the adjacency, got {dst_ids.device}")
    check_ids("dst_ids", dst_ids, adjacency.num_dst)
    return dst_ids.long()


def _check_fanout(name: str, fanout: object) -> int:
    """Return ``fanout``; raise unless it is an integer >= 1 or -1."""
    try:
        number = check_count(name, fanout, -1, 2**31 - 1)
    except ValueError:
        number = 0
    if not number:
        raise ValueError(f"{name} must be an integer >= 1, or -1 for all in-edges, got {shown(fanout)}")
    return number
