"""Queries shared by the tests of the metrics."""

from __future__ import annotations

import numpy as np
import pytest


@pytest.fixture
def make_neighbors():
    """Return (indptr, indices) of a random undirected graph; some videos may have no edge."""

    def make(num_videos: int, num_edges: int, seed: int = 0):
        rng = np.random.default_rng(seed)
        adjacency = np.zeros((num_videos, num_videos), bool)
        ends = rng.integers(0, num_videos, (num_edges, 2))
        adjacency[ends[:, 0], ends[:, 1]] = adjacency[ends[:, 1], ends[:, 0]] = True
        np.fill_diagonal(adjacency, False)
        indptr = np.concatenate([[0], np.cumsum(adjacency.sum(axis=1))])
        return indptr, np.nonzero(adjacency)[1]

    return make
