"""Order of the nodes by their own ids, and back: it makes the result independent of the nodes' numbering."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from graphvid.clustering._nesting import parents_of_labels
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
    """Return node weights in the order of the ids; weights of another length unchanged, for the check that follows."""
    weights = np.asarray(node_weight)
    if weights.shape != rank.shape:
        return weights
    ordered = np.empty_like(weights)
    ordered[rank] = weights
    return ordered


def renumber_tree(tree: ClusterTree, rank: NDArray[np.int64]) -> ClusterTree:
    """Return the tree of the nodes in their given numbering, from the tree of the nodes in the order of their ids."""
    return ClusterTree(
        tree.num_nodes, parents_of_labels([labels[rank] for labels in tree.labels[1:]]), tree.num_effective_levels
    )
