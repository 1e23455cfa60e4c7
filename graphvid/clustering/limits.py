"""Rules that stop clusters from merging: size limits, and freezing by density or conductance."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from graphvid._checks import check_number
from graphvid.clustering._contract_kernels import cluster_weights
from graphvid.clustering._kernels import HalfEdges


@dataclass(frozen=True)
class Freeze:
    """A rule that freezes a cluster below either bound after a level: its edges leave the graph and it merges no more.

    Parameters
    ----------
    density : float, optional
        Bound on ``(sum of weights inside) / (number of node pairs)``; 0 for a single node.
    conductance : float, optional
        Bound on ``(sum of weights going out) / min(volume, rest of the graph's volume)``, where the volume is the sum
        of the weighted degrees; 1 where the denominator is not positive.

    Notes
    -----
    Both are computed on the original graph, with the edges to frozen clusters, and count nodes, not node weights.

    Examples
    --------
    >>> Freeze(density=0.1)
    Freeze(density=0.1, conductance=None)
    """

    density: float | None = None
    conductance: float | None = None

    def __post_init__(self) -> None:
        if self.density is None and self.conductance is None:
            raise ValueError("Freeze must have a bound on density or conductance, got neither")
        for name in ("density", "conductance"):
            bound = getattr(self, name)
            if bound is not None:
                check_number(name, bound, "None or a finite number")


class SizeRule(NamedTuple):
    """Size limits as the kernels take them; sizes are summed node weights."""

    smallest: float = math.inf  # clusters larger than this start no merge
    largest: float = math.inf
    prefer_smallest: bool = False  # a merge needs an end below `smallest` at the time

    @property
    def needs_order(self) -> bool:
        """Whether the selected edges must merge one after another."""
        return self.largest < math.inf or self.prefer_smallest


def size_rule(
    min_cluster_size: float | None,
    max_cluster_size: float | None,
    prefer_min_cluster_size: bool,
    target_cluster_size: float | None,
) -> SizeRule:
    """Return the checked size limits."""
    if target_cluster_size is not None:
        if min_cluster_size is not None or prefer_min_cluster_size:
            raise ValueError(
                "target_cluster_size must be None with min_cluster_size or prefer_min_cluster_size, which it stands for, "
                f"got {target_cluster_size!r}"
            )
        check_number("target_cluster_size", target_cluster_size, "None or a finite number >= 1", least=1)
        min_cluster_size, prefer_min_cluster_size = target_cluster_size, True
    for name, size in (("min_cluster_size", min_cluster_size), ("max_cluster_size", max_cluster_size)):
        if size is not None:
            check_number(name, size, "None or a finite number >= 1", least=1)
    if min_cluster_size is not None and max_cluster_size is not None and min_cluster_size > max_cluster_size:
        raise ValueError(f"min_cluster_size must be <= max_cluster_size, got {min_cluster_size} and {max_cluster_size}")
    if prefer_min_cluster_size and min_cluster_size is None:
        raise ValueError("prefer_min_cluster_size needs a min_cluster_size, got None")
    return SizeRule(
        math.inf if min_cluster_size is None else float(min_cluster_size),
        math.inf if max_cluster_size is None else float(max_cluster_size),
        bool(prefer_min_cluster_size),
    )


def freeze_list(freeze: Freeze | Sequence[Freeze] | None) -> list[Freeze]:
    """Return the checked freezing rules; a cluster is frozen when all of them hold."""
    if freeze is None:
        return []
    rules = list(freeze) if isinstance(freeze, Sequence) else [freeze]
    if not rules or any(not isinstance(rule, Freeze) for rule in rules):
        raise TypeError(f"freeze must be None, a Freeze or a non-empty sequence of Freeze, got {freeze!r}")
    return rules


def checked_node_weight(node_weight: ArrayLike, rows: HalfEdges, max_size: float) -> NDArray[np.float64]:
    """Return the checked node weights of a graph."""
    num_nodes = len(rows.starts)
    given = np.asarray(node_weight)
    if given.size and given.dtype.kind not in "iuf":
        raise TypeError(f"node_weight must hold real numbers, got dtype {given.dtype}")
    weights = np.ascontiguousarray(given, dtype=np.float64)
    if weights.shape != (num_nodes,):
        raise ValueError(f"node_weight must have shape ({num_nodes},), one per node, got {weights.shape}")
    bad = np.flatnonzero(~((weights > 0) & (weights < np.inf)))
    if len(bad):
        raise ValueError(f"node_weight must be positive and finite, got {weights[bad[0]]} for node {bad[0]}")
    heavy = np.flatnonzero(weights > max_size)
    if len(heavy):
        raise ValueError(
            f"node_weight must not exceed max_cluster_size={max_size}, got {weights[heavy[0]]} for node {heavy[0]}"
        )
    with np.errstate(over="ignore", under="ignore"):
        smallest = weights.min(initial=1.0) ** 2
        largest = weights.sum() ** 2 * np.abs(rows.values).sum()
    if smallest < np.finfo(np.float64).tiny or largest == np.inf:
        raise ValueError(
            "node_weight must be such that products of two, and of all with the edges' weights, are within float64, "
            f"got {weights.min()} to {weights.max()}"
        )
    return weights


def frozen_clusters(
    rules: list[Freeze], original: HalfEdges, labels: NDArray[np.int32], num_clusters: int
) -> NDArray[np.bool_]:
    """Return which clusters of the original graph are frozen.

    Parameters
    ----------
    original : HalfEdges
        The input graph.
    labels : int (num_nodes,)
        Cluster of each node.
    """
    inside, volume, num_members = cluster_weights(original, labels, num_clusters)
    pairs = num_members * (num_members - 1) / 2
    density = np.divide(inside, pairs, out=np.zeros(num_clusters), where=pairs > 0)
    denominator = np.minimum(volume, volume.sum() - volume)
    conductance = np.divide(volume - 2 * inside, denominator, out=np.ones(num_clusters), where=denominator > 0)
    frozen = np.ones(num_clusters, np.bool_)
    for rule in rules:
        below = np.zeros(num_clusters, np.bool_)
        if rule.density is not None:
            below |= density < rule.density
        if rule.conductance is not None:
            below |= conductance < rule.conductance
        frozen &= below
    return frozen
