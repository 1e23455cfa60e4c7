"""Tables of a triplet sampler, computed once from graph and tree."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from graphvid._checks import shown
from graphvid._dgl import DGLGraph
from graphvid._numba import njit
from graphvid.ops import NeighborTable
from graphvid.sampling.neighbors import sorted_edges

if TYPE_CHECKING:
    from graphvid.clustering import ClusterTree

Pool = Literal["sibling", "inclusive"]
By = Literal["video", "cluster"]
Positive = Literal["uniform", "weight", "cluster"]
OnShortfall = Literal["raise", "skip"]
Ids = NDArray[np.int32]
Slots = NDArray[np.int64]


class Tables(NamedTuple):
    """Arrays of the kernels; ids and positions int32, slots int64.

    A *position* is a place in the tree order, in which every cluster is a slice. Slice 0 of a video is its own
    position, slice k its cluster after k levels, slice num_levels + 1 all videos. The pool of level l of a video is its
    slice ``outer[l]`` without its slice ``inner[l]`` and without the excluded positions; the last level draws from all
    videos.
    """

    anchors: Ids  # (num_anchors,) videos that may be anchors
    indptr: Slots  # (num_nodes + 1,)
    neighbors: Ids  # (num_edges,) positions of the neighbours, ascending in each row
    positive_lo: Slots  # (num_nodes,) first slot of the neighbours that may be positives
    positive_hi: Slots  # (num_nodes,) and the slot after the last one
    outside: NDArray[
        np.bool_
    ]  # (num_nodes,) whether the own cluster has no neighbour although positives should come from it
    cumulative: NDArray[np.float64]  # (num_edges,) running weight of each row, or empty for uniform positives
    order: Ids  # (num_nodes,) video at each position
    position: Ids  # (num_nodes,) position of each video
    bounds: Ids  # (num_nodes, num_levels + 2, 2) start and stop of each slice
    outer: Slots  # (num_levels + 1,)
    inner: Slots  # (num_levels + 1,)
    child: Slots  # (num_levels + 1,) level of the clusters to draw from, 0 to draw videos
    ranks: Ids  # (num_levels + 1, num_nodes) number of the cluster at each position, in tree order; if any child
    starts: Ids  # (num_levels + 1, most clusters + 1) start of each cluster by its number; if any child
    level_cdf: NDArray[np.float64]  # (num_levels + 1,)


def triplet_tables(
    graph: DGLGraph,
    tree: ClusterTree | None,
    level_probs: Sequence[float],
    pool: Pool,
    by: By,
    positive: Positive,
    exclude_neighbors: bool,
    on_shortfall: OnShortfall,
) -> tuple[Tables, int]:
    """Return the tables and the number of skipped anchors; arguments as in `TripletSampler`."""
    if tree is not None and not (hasattr(tree, "num_levels") and hasattr(tree, "starts")):
        raise TypeError(f"tree must be None or a ClusterTree, got {type(tree).__name__}")
    cdf = level_cdf("level_probs", level_probs, tree)
    if tree is None and (pool, by) != ("sibling", "video"):
        raise ValueError(f"pool and by need a tree, got tree=None with pool={pool!r}, by={by!r}")
    neighbors, edge_ids = sorted_edges(graph)
    neighbors = neighbors.to("cpu")
    num_nodes = neighbors.num_nodes
    if num_nodes >= 2**31:
        raise ValueError(f"graph must have fewer than 2**31 nodes, got {num_nodes}")
    if tree is not None and tree.num_nodes != num_nodes:
        raise ValueError(f"tree must have the {num_nodes} nodes of graph, got {tree.num_nodes}")
    if not len(neighbors.indices):
        raise ValueError(f"graph must have edges, got none between its {num_nodes} nodes")
    anchors, skipped = _anchors(neighbors, exclude_neighbors, on_shortfall)
    outer, inner, child = _pool_slices(0 if tree is None else tree.num_levels, pool, by)
    order, position, bounds, ranks, starts = _tree_slices(tree, num_nodes, with_clusters=bool(child.any()))
    indptr, places = neighbors.indptr.numpy(), position[neighbors.indices.numpy()]
    cumulative = np.empty(0)
    if positive == "weight":
        by_place = np.argsort(np.repeat(np.arange(num_nodes), np.diff(indptr)) * num_nodes + places)
        cumulative = _cumulative_weights(graph, edge_ids[torch.from_numpy(by_place)], indptr)
    _sort_rows(indptr, places)
    positives = _positive_slots(indptr, places, bounds, tree, positive)
    pools: tuple[Any, ...] = (order, position, bounds, outer, inner, child, ranks, starts, cdf)
    return Tables(anchors, indptr, places, *positives, cumulative, *pools), skipped


def with_tensors(tables: Tables, device: torch.device | str) -> Any:
    """Return the tables with each array as a tensor on ``device``."""
    return Tables._make(torch.from_numpy(x).to(device) for x in tables)


def level_cdf(name: str, level_probs: Sequence[float], tree: ClusterTree | None) -> NDArray[np.float64]:
    """Return the running sum of the probabilities, exactly 1 from the last level with a probability above 0 on."""
    try:
        probs = np.asarray(level_probs, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise TypeError(f"{name} must be a sequence of floats, got {shown(level_probs)}") from error
    if tree is not None and probs.shape != (tree.num_levels + 1,):
        raise ValueError(
            f"{name} must have one entry for each of the {tree.num_levels} levels of tree and one for all videos, "
            f"got {list(level_probs)}"
        )
    if probs.ndim != 1 or not probs.size or not (probs >= 0).all() or not abs(probs.sum() - 1) <= 1e-6:
        raise ValueError(f"{name} must be at least 0 and sum to 1, got {list(level_probs)}")
    if tree is None:
        if probs[-1] != 1:
            raise ValueError(f"{name} must be 1 in the last entry without a tree, got {list(level_probs)}")
        probs = probs[-1:]
    cdf = np.cumsum(probs)
    cdf[np.flatnonzero(probs)[-1] :] = 1.0
    return cdf


def _anchors(neighbors: NeighborTable, exclude_neighbors: bool, on_shortfall: OnShortfall) -> tuple[Ids, int]:
    """Return the videos with a neighbour and a possible negative, and the number of videos without a possible negative."""
    degree = np.diff(neighbors.indptr.numpy())
    barred = degree if exclude_neighbors else np.minimum(degree, 1)  # besides the anchor itself
    short = np.flatnonzero((degree > 0) & (barred >= neighbors.num_nodes - 1))
    anchors = np.flatnonzero((degree > 0) & (barred < neighbors.num_nodes - 1))
    if len(short) and (on_shortfall == "raise" or not len(anchors)):
        raise ValueError(
            f"graph must leave every anchor a video that is not excluded, got {len(short)} anchors without, "
            f"such as {short[0]} (on_shortfall='skip' leaves them out if there are others)"
        )
    return anchors.astype(np.int32), len(short)


def _positive_slots(
    indptr: Slots, places: Ids, bounds: Ids, tree: ClusterTree | None, positive: Positive
) -> tuple[Slots, Slots, NDArray[np.bool_]]:
    """Return ``positive_lo``, ``positive_hi`` and ``outside`` of `Tables`."""
    lo, hi, num_nodes = indptr[:-1], indptr[1:], len(indptr) - 1
    if positive != "cluster":
        return lo, hi, np.zeros(num_nodes, dtype=np.bool_)
    if tree is None or not tree.num_levels:
        raise ValueError(f"positive='cluster' needs a tree with at least one level, got {tree}")
    owner = np.repeat(np.arange(num_nodes), hi - lo)
    before = places < bounds[owner, 1, 0]
    inside = ~before & (places < bounds[owner, 1, 1])
    number = np.bincount(owner[inside], minlength=num_nodes)
    first = lo + np.bincount(owner[before], minlength=num_nodes)
    outside = number == 0
    return np.where(outside, lo, first), np.where(outside, hi, first + number), outside


def _cumulative_weights(graph: DGLGraph, edge_ids: Tensor, indptr: Slots) -> NDArray[np.float64]:
    """Return the running sum of each row's edge weights."""
    if "weight" not in graph.edata:
        raise ValueError(f"graph must have edata['weight'] for positive='weight', got edata {list(graph.edata)}")
    weight = graph.edata["weight"][edge_ids].cpu().to(torch.float64)
    if weight.dim() != 1 or not (torch.isfinite(weight) & (weight >= 0)).all():
        raise ValueError(f"graph.edata['weight'] must be 1-D, finite and >= 0, got {weight.min()} to {weight.max()}")
    cumulative = np.empty(len(weight))
    _cumulate_rows(indptr, weight.numpy(), cumulative)
    ends = indptr[1:][np.diff(indptr) > 0] - 1
    if not (cumulative[ends] > 0).all():
        video = np.flatnonzero(np.diff(indptr))[np.argmin(cumulative[ends])]
        raise ValueError(f"graph.edata['weight'] must be above 0 on an edge of each video, got zeros at video {video}")
    return cumulative


def _pool_slices(num_levels: int, pool: Pool, by: By) -> tuple[Slots, Slots, Slots]:
    """Return ``outer``, ``inner`` and ``child`` of `Tables`."""
    levels = np.arange(num_levels + 1, dtype=np.int64)
    if pool == "sibling":
        outer, inner, child = np.minimum(levels + 2, num_levels + 1), levels + 1, levels + 1
    else:
        outer, inner, child = levels + 1, np.zeros_like(levels), levels.copy()
    inner[-1] = child[-1] = 0
    return outer, inner, child if by == "cluster" else np.zeros_like(levels)


def _tree_slices(tree: ClusterTree | None, num_nodes: int, *, with_clusters: bool) -> tuple[Any, ...]:
    """Return ``order``, ``position``, ``bounds``, ``ranks`` and ``starts`` of `Tables`."""
    own = np.arange(num_nodes, dtype=np.int32)
    num_levels = 0 if tree is None else tree.num_levels
    order, position = (own, own) if tree is None else (tree.order.astype(np.int32), tree.position.astype(np.int32))
    bounds = np.empty((num_nodes, num_levels + 2, 2), dtype=np.int32)
    bounds[:, 0, 0], bounds[:, 0, 1] = position, position + 1
    bounds[:, -1] = 0, num_nodes
    width = tree.num_clusters(1) + 1 if tree is not None and with_clusters else 0
    ranks = np.zeros((num_levels + 1, num_nodes if with_clusters else 0), dtype=np.int32)
    starts = np.full((num_levels + 1, width), num_nodes, dtype=np.int32)
    for k in range(1, num_levels + 1):
        assert tree is not None
        first, labels = tree.starts[k], tree.labels[k]
        bounds[:, k, 0] = first[labels]
        bounds[:, k, 1] = (first + tree.sizes[k])[labels]
        if with_clusters:
            by_place = np.argsort(first)
            starts[k, : len(first)] = first[by_place]
            ranks[k] = np.repeat(np.arange(len(first), dtype=np.int32), tree.sizes[k][by_place])
    return order, position, bounds, ranks, starts


@njit
def _sort_rows(indptr, values):  # type: ignore[no-untyped-def]
    """Sort each row in place."""
    for row in range(indptr.size - 1):
        values[indptr[row] : indptr[row + 1]].sort()


@njit
def _cumulate_rows(indptr, weight, cumulative):  # type: ignore[no-untyped-def]
    """Write the running sum of each row."""
    for row in range(indptr.size - 1):
        total = 0.0
        for slot in range(indptr[row], indptr[row + 1]):
            total += weight[slot]
            cumulative[slot] = total
