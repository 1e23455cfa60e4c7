"""Graphs of four kinds with distinct weights, for the clustering benchmark: (low, high, weight), each edge once."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

EdgeArrays = tuple[int, NDArray[np.int32], NDArray[np.int32], NDArray[np.float64]]


def random_graph(num_edges: int, rng: np.random.Generator) -> EdgeArrays:
    """Uniform pairs, ten edges a node."""
    num_nodes = num_edges // 10
    return _simple(num_nodes, rng.integers(0, num_nodes, num_edges), rng.integers(0, num_nodes, num_edges), rng)


def planted(num_edges: int, rng: np.random.Generator) -> EdgeArrays:
    """Communities of 40 nodes with seven of ten edges inside; those weigh twice as much on average."""
    num_nodes = num_edges // 10 // 40 * 40
    src = rng.integers(0, num_nodes, num_edges)
    inside = rng.random(num_edges) < 0.7
    dst = np.where(inside, src // 40 * 40 + rng.integers(0, 40, num_edges), rng.integers(0, num_nodes, num_edges))
    num_nodes, low, high, weight = _simple(num_nodes, src, dst, rng)
    return num_nodes, low, high, weight * np.where(low // 40 == high // 40, 2.0, 1.0)


def power_law(num_edges: int, rng: np.random.Generator) -> EdgeArrays:
    """Ends drawn with probability falling as rank ** -0.5, the rank of a node random: a few nodes have most edges."""
    num_nodes = num_edges // 10
    ends = rng.permutation(num_nodes)[(num_nodes * rng.random((2, num_edges)) ** 2).astype(np.int64)]
    return _simple(num_nodes, ends[0], ends[1], rng)


def knn(num_edges: int, rng: np.random.Generator) -> EdgeArrays:
    """Ten nearest neighbours of points in a cube, kept if one end has the other; about 6.6 edges a node."""
    num_nodes = int(num_edges / 6.6)
    points = rng.random((num_nodes, 3))
    distance, near = cKDTree(points).query(points, 11, workers=-1)
    src, dst = np.repeat(np.arange(num_nodes), 10), near[:, 1:].ravel()
    key, first = np.unique(np.minimum(src, dst) * num_nodes + np.maximum(src, dst), return_index=True)
    weight = np.exp(-distance[:, 1:].ravel()[first] * num_nodes ** (1 / 3))
    return num_nodes, (key // num_nodes).astype(np.int32), (key % num_nodes).astype(np.int32), weight


def _simple(num_nodes: int, src: NDArray[np.int64], dst: NDArray[np.int64], rng: np.random.Generator) -> EdgeArrays:
    """Return the edges once each, sorted, without self-loops, with random weights."""
    key = np.minimum(src, dst) * num_nodes + np.maximum(src, dst)
    key.sort()
    key = key[np.flatnonzero(np.diff(key, prepend=-1))]  # np.unique takes minutes for 100,000,000
    low, high = key // num_nodes, key % num_nodes
    proper = low != high
    low, high = low[proper].astype(np.int32), high[proper].astype(np.int32)
    return num_nodes, low, high, 1.0 - rng.random(len(low))


GRAPHS: dict[str, Callable[[int, np.random.Generator], EdgeArrays]] = {
    "random": random_graph,
    "planted": planted,
    "power_law": power_law,
    "knn": knn,
}
