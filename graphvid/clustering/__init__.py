"""Graphs of similarities to hierarchies of clusters: affinity clustering in Numba."""

from __future__ import annotations

from graphvid.clustering.affinity import AffinityClustering, affinity_clustering
from graphvid.clustering.tree import ClusterTree
from graphvid.clustering.undirected import UndirectedGraph

__all__ = ["AffinityClustering", "ClusterTree", "UndirectedGraph", "affinity_clustering"]
