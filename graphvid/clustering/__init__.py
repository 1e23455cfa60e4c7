"""Graphs of similarities to hierarchies of clusters: affinity clustering in Numba."""

from __future__ import annotations

from graphvid.clustering.affinity import AffinityClustering, affinity_clustering
from graphvid.clustering.contracted import continue_clustering
from graphvid.clustering.limits import Freeze
from graphvid.clustering.linkage import AverageMaxDegreeBounded, Percentile
from graphvid.clustering.plots import plot_dendrogram, plot_sizes
from graphvid.clustering.spanning import SpanningForest, maximum_spanning_forest
from graphvid.clustering.threshold import ThresholdSchedule
from graphvid.clustering.tree import ClusterTree
from graphvid.clustering.undirected import UndirectedGraph

__all__ = [
    "AffinityClustering",
    "AverageMaxDegreeBounded",
    "ClusterTree",
    "Freeze",
    "Percentile",
    "SpanningForest",
    "ThresholdSchedule",
    "UndirectedGraph",
    "affinity_clustering",
    "continue_clustering",
    "maximum_spanning_forest",
    "plot_dendrogram",
    "plot_sizes",
]
