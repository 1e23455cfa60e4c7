"""A sampler of triplets of videos: an anchor, a neighbour of it, and a video of a sibling cluster that is no neighbour."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple, get_args

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from graphvid._checks import check_choice, check_count, check_mapping, check_seed
from graphvid._dgl import DGLGraph
from graphvid.ops.backends import as_device
from graphvid.sampling import _kernels, _tensor
from graphvid.sampling._stream import stream_key
from graphvid.sampling.triplet_tables import By, OnShortfall, Pool, Positive, level_cdf, triplet_tables, with_tensors

if TYPE_CHECKING:
    from graphvid.clustering import ClusterTree


_MOST_STEPS = 2**63 - 1


class TripletBatch(NamedTuple):
    """Video ids of a batch of triplets.

    Parameters
    ----------
    anchor, positive, negative : Tensor, shape (batch,), int64
    """

    anchor: Tensor
    positive: Tensor
    negative: Tensor


class TripletSampler(Iterator[TripletBatch]):
    r"""Draw triplets with negatives from the cluster hierarchy of the graph.

    The anchor is uniform over the videos with a neighbour, the positive is one of its neighbours, and the negative is uniform
    over the videos of a pool around the anchor. Write :math:`c_k(a)` for the cluster of ``a`` after k levels,
    :math:`c_0(a) = \{a\}`, and :math:`c_{K+1}(a)` for all videos, with K = ``tree.num_levels``. The pool of level
    :math:`\ell < K` is

    .. math:: c_{\ell+2}(a) \setminus c_{\ell+1}(a) \; \text{(sibling)} \qquad
        c_{\ell+1}(a) \setminus \{a\} \; \text{(inclusive)}

    without the positive and the true neighbours of ``a``. The last entry of ``level_probs`` is the probability of a pool of
    all videos except these. If a pool is empty, the sampler uses that of the next level, and counts this in `counters`.

    Parameters
    ----------
    graph : DGLGraph
        Training graph, one relation that stores both directions of every edge once.
    tree : ClusterTree or None
        Hierarchy of the same videos; ``None`` if all negatives come from all videos.
    batch_size : int
        Triplets a batch; 9,600 in the paper.
    level_probs : sequence of float, length num_levels + 1, default (1, 0, 0, 0)
        Probability of level 0, 1, ... and, last, of drawing from all videos; they sum to 1. The paper tried each level
        alone and found level 0 best.
    final_level_probs : sequence of float, optional
        As ``level_probs``, from step ``anneal_steps - 1`` on. Before it, the probabilities change linearly from
        ``level_probs`` at step 0, for example from easy negatives to hard ones. Default: ``level_probs`` in all steps.
    anneal_steps : int, optional
        Steps of this change, at least 1; only with ``final_level_probs``.
    pool : {"sibling", "inclusive"}, default "sibling"
        The two interpretations above. The inclusive pool of level 0 is mostly the anchor's own neighbours and often empty.
    by : {"video", "cluster"}, default "video"
        ``"video"``: every eligible video of the pool has the same probability. ``"cluster"``: every child cluster with
        an eligible video has the same probability (clusters of level l + 1 in the sibling pool of level l, of level l
        in the inclusive one), and in it every eligible video. Draws from all videos are always by video.
    positive : {"uniform", "weight", "cluster"}, default "uniform"
        All neighbours with equal probability; in proportion to ``graph.edata["weight"]``; or with equal probability the
        neighbours in the anchor's cluster of level 1, or all if none is there (counted).
    exclude_neighbors : bool, default True
        Never draw a neighbour of the anchor as its negative. With False only anchor and positive are excluded.
    on_shortfall : {"raise", "skip"}, default "raise"
        For videos with a neighbour but no possible negative, because all others are their neighbours: an error, or they
        never become anchors (counted).
    seed : int, default 0
        Key of the random stream, in [0, 2**64).
    device : torch.device or str, default "cpu"
        Device of the batches. Numba kernels draw on the CPU; elsewhere tensor operations draw the same triplets.

    Attributes
    ----------
    step : int
        Number of the next batch of `next`.
    counters : dict of str to int
        Over the batches taken by iteration: ``triplets``; ``L0``, ``L1``, ..., ``random``: negatives by their level;
        ``climbed``: negatives from a level above the drawn one; ``positive_outside_cluster``: see
        ``positive="cluster"``. And ``skipped_anchors``, the number of videos under ``on_shortfall="skip"``.

    Raises
    ------
    TypeError
        When ``graph`` is not a DGLGraph.
    ValueError
        An option is unknown or out of range, ``level_probs`` or ``final_level_probs`` has a wrong length, sum or sign,
        ``final_level_probs`` or ``anneal_steps`` is given without the other, graph and tree differ in size, the graph has no
        edges or is not stored in both directions, a weight is negative or not finite, or a video has no possible negative.

    Notes
    -----
    Draw ``d`` of row ``i`` of step ``t`` is a hash of (seed, t, i, d), so a batch does not depend on earlier batches, threads
    or workers. DGL's ``sample_neighbors`` cannot do this: it has one generator per OpenMP thread, and with the same seed it
    gives other neighbours with another number of threads or after another call. So this sampler draws positives itself, from
    the same rows and with the same distribution (a test compares the two).

    Exclusion is exact and without rejection. The neighbours are sorted by their place in the tree order, in which a pool is
    two ranges, and binary search finds the number of eligible videos and the r-th of them: O(log degree) time a triplet.
    Memory: 4 bytes a directed edge (12 with ``positive="weight"``) and ``37 + 8 * num_levels`` bytes a video (with
    ``by="cluster"`` up to ``8 * num_levels + 8`` more); during construction about 60 bytes a directed edge.

    References
    ----------
    Lee et al., Large Scale Video Representation Learning via Relational Graph Clustering, CVPR 2020. The paper does not
    publish the details of the pools; its summaries allow the two interpretations. Random stream: Steele, Lea and Flood,
    Fast splittable pseudorandom number generators, OOPSLA 2014.

    Examples
    --------
    >>> from graphvid._dgl import dgl
    >>> from graphvid.clustering import affinity_clustering
    >>> ring = torch.arange(12)
    >>> graph = dgl.to_bidirected(dgl.graph((ring, (ring + 1) % 12)))
    >>> graph.edata["weight"] = torch.ones(graph.num_edges())
    >>> sampler = TripletSampler(graph, affinity_clustering(graph, num_levels=3), batch_size=4)
    >>> batch = sampler.sample(step=7)
    >>> torch.equal((batch.anchor - batch.positive).abs() % 10, torch.ones(4, dtype=torch.int64))
    True
    >>> _ = next(sampler)
    >>> sampler.step, sampler.counters["triplets"]
    (1, 4)
    """

    def __init__(
        self,
        graph: DGLGraph,
        tree: ClusterTree | None,
        *,
        batch_size: int,
        level_probs: Sequence[float] = (1.0, 0.0, 0.0, 0.0),
        final_level_probs: Sequence[float] | None = None,
        anneal_steps: int | None = None,
        pool: Pool = "sibling",
        by: By = "video",
        positive: Positive = "uniform",
        exclude_neighbors: bool = True,
        on_shortfall: OnShortfall = "raise",
        seed: int = 0,
        device: torch.device | str = "cpu",
    ) -> None:
        for name, value, accepted in (
            ("pool", pool, get_args(Pool)),
            ("by", by, get_args(By)),
            ("positive", positive, get_args(Positive)),
            ("on_shortfall", on_shortfall, get_args(OnShortfall)),
        ):
            check_choice(name, value, accepted)
        self.batch_size = check_count("batch_size", batch_size, 1, 2**31 - 1)
        self.seed = check_seed(seed)
        self.exclude_neighbors = bool(exclude_neighbors)
        self.step = 0
        if (final_level_probs is None) != (anneal_steps is None):
            raise ValueError(
                "final_level_probs and anneal_steps must be given together or not at all, "
                f"got {final_level_probs} and {anneal_steps}"
            )
        self.anneal_steps = None if anneal_steps is None else check_count("anneal_steps", anneal_steps, 1, _MOST_STEPS)
        self._final_cdf = None if final_level_probs is None else level_cdf("final_level_probs", final_level_probs, tree)
        self._tables, skipped = triplet_tables(
            graph, tree, level_probs, pool, by, positive, self.exclude_neighbors, on_shortfall
        )
        device = as_device(device)
        self._on_device = None if device.type == "cpu" else with_tensors(self._tables, device)
        self._levels = [*(f"L{k}" for k in range(len(self._tables.level_cdf) - 1)), "random"]
        names = ("triplets", *self._levels, "climbed", "positive_outside_cluster")
        self.counters = {**dict.fromkeys(names, 0), "skipped_anchors": skipped}

    def sample(self, step: int) -> TripletBatch:
        """Return the batch of ``step``; it depends only on seed and step. `step` and `counters` do not change.

        Parameters
        ----------
        step : int
            Number of the batch, from 0.

        Returns
        -------
        TripletBatch

        Raises
        ------
        ValueError
            When ``step`` is negative.
        """
        return self._draw(step)[0]

    def __next__(self) -> TripletBatch:
        """Return the batch of `step`, update `counters`, and increase `step` by one; the iteration does not end."""
        batch, drawn, used = self._draw(self.step)
        self.step += 1
        self.counters["triplets"] += len(drawn)
        for name, number in zip(self._levels, torch.bincount(used, minlength=len(self._levels)).tolist(), strict=True):
            self.counters[name] += number
        self.counters["climbed"] += int((used > drawn).sum())
        self.counters["positive_outside_cluster"] += int(self._tables.outside[batch.anchor.cpu().numpy()].sum())
        return batch

    def _draw(self, step: int) -> tuple[TripletBatch, Tensor, Tensor]:
        """Return the batch of a step and, for each row, the level drawn and the level used."""
        key = stream_key(self.seed, check_count("step", step, 0, _MOST_STEPS))
        arguments = key, self.batch_size, self.exclude_neighbors
        cdf = self._level_cdf(step)
        if self._on_device is None:
            drawn_by_kernel = _kernels.draw(self._tables._replace(level_cdf=cdf), *arguments)
            anchor, positive, negative, drawn, used = map(torch.from_numpy, drawn_by_kernel)
        else:
            there = torch.from_numpy(cdf).to(self._on_device.level_cdf)
            tables = self._on_device._replace(level_cdf=there)
            anchor, positive, negative, drawn, used = _tensor.draw(tables, *arguments)
        return TripletBatch(anchor, positive, negative), drawn, used

    def _level_cdf(self, step: int) -> NDArray[np.float64]:
        """Return the running sum of the probabilities of the levels at a step; exactly 1 wherever it is 1 at both ends."""
        if self.anneal_steps is None or self._final_cdf is None:
            return self._tables.level_cdf
        share = min(step / max(self.anneal_steps - 1, 1), 1.0)
        return (1 - share) * self._tables.level_cdf + share * self._final_cdf

    def state_dict(self) -> dict[str, Any]:  # Any: a JSON object
        """Return the state for a resumed run: step and counters, and seed and batch size for a check."""
        return {"step": self.step, "counters": dict(self.counters), "seed": self.seed, "batch_size": self.batch_size}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Continue from ``state``.

        Raises
        ------
        ValueError
            Something is missing, ``step`` or a counter is no number >= 0, or ``state`` comes from a sampler with
            another seed, batch size, number of levels or set of usable anchors.
        """
        own = self.state_dict()
        check_mapping("state", state)
        if set(state) != set(own):
            raise ValueError(f"state must have the entries {sorted(own)}, got {sorted(state)}")
        for name in ("seed", "batch_size"):
            if state[name] != own[name]:
                raise ValueError(f"state must come from a sampler with {name}={own[name]}, got {name}={state[name]}")
        counters = state["counters"]
        check_mapping("state['counters']", counters)
        if set(counters) != set(self.counters):
            raise ValueError(f"state['counters'] must have the entries {sorted(self.counters)}, got {sorted(counters)}")
        if counters["skipped_anchors"] != self.counters["skipped_anchors"]:
            raise ValueError(
                f"state must come from a sampler of a graph with {self.counters['skipped_anchors']} videos without a "
                f"possible negative, got {counters['skipped_anchors']}"
            )
        step = check_count("state['step']", state["step"], 0, _MOST_STEPS)
        self.counters = {
            k: check_count(f"state['counters'][{k!r}]", counters[k], 0, _MOST_STEPS) for k in self.counters
        }
        self.step = step
