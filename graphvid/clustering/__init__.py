"""Affinity clustering in Numba: turns graphs of similarities into hierarchies of clusters.

Names load on first use, because `graphvid.duckdb` and `graphvid.spark` take the grid and the thresholds from here without
DGL or Numba.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from graphvid._lazy import lazy_names

if TYPE_CHECKING:
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

_FILES = {
    "AffinityClustering": "affinity",
    "AverageMaxDegreeBounded": "linkage",
    "ClusterTree": "tree",
    "Freeze": "limits",
    "Percentile": "linkage",
    "SpanningForest": "spanning",
    "ThresholdSchedule": "threshold",
    "UndirectedGraph": "undirected",
    "affinity_clustering": "affinity",
    "continue_clustering": "contracted",
    "maximum_spanning_forest": "spanning",
    "plot_dendrogram": "plots",
    "plot_sizes": "plots",
}

__getattr__, __dir__ = lazy_names(__name__, _FILES)
