"""Affinity clustering that continues from a graph of clusters, which another engine has contracted."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from graphvid._checks import check_count, check_integer
from graphvid.clustering._input_checks import id_type
from graphvid.clustering._kernels import EXPLICIT_AVERAGE, HalfEdges
from graphvid.clustering._levels import Rules, continue_levels
from graphvid.clustering._threads import Threads
from graphvid.clustering.limits import size_rule
from graphvid.clustering.linkage import LinkageName, linkage_rule
from graphvid.clustering.threshold import threshold_list
from graphvid.clustering.tree import ClusterTree


def continue_clustering(
    low: ArrayLike,
    high: ArrayLike,
    sums: ArrayLike,
    counts: ArrayLike,
    *,
    sizes: ArrayLike,
    members: ArrayLike,
    num_levels: int | None,
    linkage: LinkageName = "average",
    threshold: float | Sequence[float] | None = None,
    seed: int = 0,
    num_threads: int | None = None,
) -> ClusterTree:
    """Return the levels of affinity clustering above given clusters with combined edges.

    Parameters
    ----------
    low, high : int64 (num_edges,)
        The two clusters of an edge, ``0 <= low < high < num_clusters``; each pair once, in any order.
    sums : float64 or int64 (num_edges,)
        Sum of the original weights between the two clusters; for ``linkage="max"`` the largest.
    counts : int64 (num_edges,)
        Number of original edges between them; read by ``"explicit_average"`` alone.
    sizes : float64 (num_clusters,)
        Number of nodes of each cluster.
    members : int64 (num_clusters,)
        Smallest node of each cluster, ascending; it represents the cluster in ties.
    num_levels, linkage, threshold, seed, num_threads
        As in `affinity_clustering`, for the remaining levels; thresholds in the unit of the sums.

    Returns
    -------
    ClusterTree
        Its nodes are the given clusters.

    Raises
    ------
    ValueError
        Arrays of unequal length, an edge of other clusters, a pair given twice, members that do not ascend.

    Examples
    --------
    >>> clusters = {"sizes": [1, 2, 1], "members": [0, 1, 4]}
    >>> tree = continue_clustering([0, 1], [1, 2], [3.0, 9.0], [1, 2], **clusters, num_levels=1, threshold=2.0)
    >>> tree.labels[1]
    array([0, 1, 1], dtype=int32)
    """
    check_integer("num_levels", num_levels, 0, none=True)
    a, b = np.asarray(low, np.int64), np.asarray(high, np.int64)
    values, number = np.asarray(sums), np.asarray(counts, np.int64)
    size, smallest = np.asarray(sizes, np.float64), np.asarray(members, np.int64)
    if not a.shape == b.shape == values.shape == number.shape == (len(a),):
        raise ValueError(
            f"low, high, sums and counts must have one length, got {a.shape}, {b.shape}, {values.shape} and {number.shape}"
        )
    if size.shape != (len(smallest),) or (np.diff(smallest) <= 0).any():
        raise ValueError(f"members must ascend, one per size, got {size.shape} sizes for {smallest.shape} members")
    outside = np.flatnonzero((a < 0) | (a >= b) | (b >= len(size)))
    if len(outside):
        e = outside[0]
        raise ValueError(f"edges must have 0 <= low < high < {len(size)}, got ({a[e]}, {b[e]}) in edge {e}")
    rule = linkage_rule(linkage)
    rules = Rules(
        rule,
        threshold_list(threshold, num_levels),
        True,
        np.uint64(check_count("seed", seed, -(2**63), 2**64 - 1) % 2**64),
        size_rule(None, None, False, None),
        [],
    )
    rows = _rows(a, b, values, number if rule.code == EXPLICIT_AVERAGE else np.empty(0, np.int64), len(size))
    return continue_levels(rows, size, smallest, num_levels, rules, Threads(num_threads))


def _rows(
    low: NDArray[np.int64], high: NDArray[np.int64], values: NDArray[Any], counts: NDArray[np.int64], num_clusters: int
) -> HalfEdges:
    """Return the edges in the kernels' form."""
    order = np.lexsort((high, low))
    low, high = low[order], high[order]
    again = np.flatnonzero((np.diff(low) == 0) & (np.diff(high) == 0))
    if len(again):
        raise ValueError(f"each pair of clusters must be given once, got ({low[again[0]]}, {high[again[0]]}) twice")
    bounds = np.searchsorted(low, np.arange(num_clusters + 1))
    neighbors = high.astype(id_type(num_clusters))
    return HalfEdges(bounds[:-1], bounds[1:], neighbors, values[order], counts[order] if len(counts) else counts)
