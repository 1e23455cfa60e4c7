from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import pytest
import torch

from graphvid._dgl import DGLGraph, dgl
from graphvid.clustering import ClusterTree


def _graph(pairs: Sequence[tuple[int, int]], num_nodes: int, weights: Sequence[float] | None = None) -> DGLGraph:
    src, dst = (torch.tensor([p[k] for p in pairs], dtype=torch.int64) for k in (0, 1))
    graph = dgl.graph((torch.cat([src, dst]), torch.cat([dst, src])), num_nodes=num_nodes)
    weight = torch.tensor([1.0] * len(pairs) if weights is None else list(weights))
    graph.edata["weight"] = torch.cat([weight, weight])
    return graph


def _tree(*levels: Sequence[int]) -> ClusterTree:
    """The tree with these labels at levels 1, 2, ...; numbers are only names."""
    num_nodes, parents = len(levels[0]), []
    below = np.arange(num_nodes)
    for labels in levels:
        _, first, inverse = np.unique(labels, return_index=True, return_inverse=True)
        rank = np.empty(len(first), dtype=np.int64)
        rank[np.argsort(first)] = np.arange(len(first))
        parent = np.empty(below.max() + 1, dtype=np.int64)
        parent[below] = rank[inverse]
        parents.append(parent)
        below = parent[below]
    return ClusterTree(num_nodes, parents)


@pytest.fixture
def make_graph() -> Callable[..., DGLGraph]:
    return _graph


@pytest.fixture
def make_tree() -> Callable[..., ClusterTree]:
    return _tree


@pytest.fixture
def world() -> tuple[DGLGraph, ClusterTree]:
    """48 videos in shuffled clusters of about 4, 12 and 24, with weighted edges mostly inside them; some isolated."""
    rng = np.random.default_rng(0)
    shuffled = rng.permutation(48)
    labels = np.arange(48)[:, None] // np.array([4, 12, 24])
    labels = labels[np.argsort(shuffled)]  # row v: clusters of video v
    pairs = set()
    for _ in range(400):
        reach = rng.choice([3, 8, 47])
        a = int(rng.integers(45))
        b = int(a + rng.integers(-reach, reach + 1))
        if 0 <= b < 45 and a != b and len(pairs) < 130:
            pairs.add((min(a, b), max(a, b)))
    pairs = [(int(shuffled[a]), int(shuffled[b])) for a, b in sorted(pairs)]
    weights = rng.integers(0, 5, len(pairs)) + 0.25
    return _graph(pairs, 48, weights), _tree(*labels.T)
