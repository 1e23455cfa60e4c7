"""An order of pairs of videos in which consecutive pairs share their videos."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from graphvid._checks import check_integer, node_ids
from graphvid.sampling._pair_kernels import _local_order


def local_pair_order(query: ArrayLike, candidate: ArrayLike, patch_size: int, *, seed: int = 0) -> NDArray[np.int64]:
    """Return the pairs in an order in which each slice of ``patch_size`` has few distinct videos.

    A patch grows over the graph of pairs from a random video. In each step it takes the border video with the fewest
    neighbours outside: these neighbours join the patch, and each adds all its pairs into the patch. A batch of several
    patches covers several regions of the graph.

    Parameters
    ----------
    query, candidate : array_like of int, shape (num_pairs,)
        Ends of the pairs, >= 0.
    patch_size : int
        Pairs of a patch, at least 1.
    seed : int, default 0
        Seed of the starts and of ties.

    Returns
    -------
    ndarray of int64, shape (num_pairs,)
        Full patches in random order, then the last, which may be smaller.

    Notes
    -----
    O(num_pairs * patch_size * degree) time at worst, O(num_pairs) memory.

    References
    ----------
    Zhang et al., "Graph Edge Partitioning via Neighborhood Heuristic", KDD 2017, algorithm 1.

    Examples
    --------
    >>> order = local_pair_order([0, 5, 1, 6, 0, 5], [1, 6, 2, 7, 2, 7], 3)  # two triangles
    >>> sorted(order[:3].tolist()) in ([0, 2, 4], [1, 3, 5])
    True
    """
    check_integer("patch_size", patch_size, 1)
    check_integer("seed", seed, 0)
    ends = [node_ids(name, x, 2**31, "(num_pairs,)") for name, x in (("query", query), ("candidate", candidate))]
    if len(ends[0]) != len(ends[1]):
        raise ValueError(f"query and candidate must have equal lengths, got {len(ends[0])} and {len(ends[1])}")
    num_pairs = len(ends[0])
    rng = np.random.default_rng(seed)
    nodes, both = np.unique(np.concatenate(ends), return_inverse=True)
    other = np.concatenate([both[num_pairs:], both[:num_pairs]])
    shuffled = rng.permutation(len(both))
    slots = shuffled[np.argsort(both[shuffled], kind="stable")]  # by node, the pairs of each in random order
    indptr = np.concatenate([[0], np.cumsum(np.bincount(both, minlength=len(nodes)))])
    order = np.empty(num_pairs, dtype=np.int64)
    _local_order(indptr, other[slots], slots % max(num_pairs, 1), rng.permutation(len(nodes)), order, patch_size)
    full = num_pairs // patch_size * patch_size
    patches = rng.permutation(order[:full].reshape(-1, patch_size), axis=0)
    return np.concatenate([patches.ravel(), order[full:]])
