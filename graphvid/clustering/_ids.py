"""Nodes in the order of their own ids, so that how they are numbered does not matter, and back."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from graphvid.clustering.tree import ClusterTree


def id_keys(ids: ArrayLike, num_nodes: int) -> tuple[NDArray[np.int64], NDArray[np.uint64]]:
    """Return the place of each node among the ascending ids, (num_nodes,), and a hash of each id in that order."""
    given = np.asarray(ids)
    if given.dtype.kind == "O" and all(isinstance(value, str) for value in given.flat):
        given = given.astype(np.str_)
    if given.size and given.dtype.kind not in "iuU":
        raise TypeError(f"ids must hold integers or strings, got dtype {given.dtype}")
    if given.shape != (num_nodes,):
        raise ValueError(f"ids must have shape ({num_nodes},), one per node, got {given.shape}")
    distinct, rank, counts = np.unique(given, return_inverse=True, return_counts=True)
    if len(distinct) < num_nodes:
        raise ValueError(f"ids must be distinct, got {distinct[counts.argmax()]!r} {counts.max()} times")
    values = distinct if distinct.dtype.kind in "iu" else distinct.astype(object)
    return rank.astype(np.int64), np.asarray(pd.util.hash_array(values), np.uint64)


def ordered_weights(node_weight: ArrayLike, rank: NDArray[np.int64]) -> NDArray[Any]:
    """Return node weights in the order of the ids; those of another length as they are, for the check that follows."""
    weights = np.asarray(node_weight)
    if weights.shape != rank.shape:
        return weights
    ordered = np.empty_like(weights)
    ordered[rank] = weights
    return ordered


def renumber_tree(tree: ClusterTree, rank: NDArray[np.int64]) -> ClusterTree:
    """Return the tree of the nodes as they were numbered, from that of the nodes in the order of their ids."""
    return ClusterTree(
        tree.num_nodes, parents_of_labels([labels[rank] for labels in tree.labels[1:]]), tree.num_effective_levels
    )


def parents_of_labels(labels: Sequence[NDArray[Any]]) -> list[NDArray[np.int64]]:
    """Return the parents of the clusters of every level, numbered by their smallest members, from any label of each node.

    Raises ValueError with the level, from 1, at which nodes of one cluster below have several labels.
    """
    parents: list[NDArray[np.int64]] = []
    below = np.arange(len(labels[0]) if labels else 0)
    for level, given in enumerate(labels, start=1):
        _, first, place = np.unique(given, return_index=True, return_inverse=True)
        number = np.empty(len(first), np.int64)
        number[np.argsort(first)] = np.arange(len(first))  # by the smallest member
        above = number[place]
        parent = np.empty(int(below.max()) + 1 if len(below) else 0, np.int64)
        parent[below] = above
        if (parent[below] != above).any():
            raise ValueError(f"level {level} must keep the clusters of the level below together")
        parents.append(parent)
        below = above
    return parents
